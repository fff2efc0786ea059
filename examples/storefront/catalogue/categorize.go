package catalogue

import (
	"strings"
	"unicode"
)

// rules put a product whose file names no category into one, by words of its
// title and type: the first rule with a matching phrase decides, so that
// "printer cable" is a cable and "toner cartridge" no printer.
var rules = []struct {
	category string
	phrases  []string
}{
	{"services", []string{"warranty", "license", "licenses", "licence", "support", "on-site", "service", "software", "user(s)", "year(s)"}},
	{"printing/toner", []string{"toner", "drum", "developer", "fuser", "imaging unit", "transfer belt", "waste toner", "transfer roller"}},
	{"printing/ink", []string{"ink", "cartridge", "printhead", "print head", "ribbon", "singlepack", "multipack"}},
	{"office/labels", []string{"labels", "label", "label-making tape", "label-maker", "printing film", "self-adhesive"}},
	{"computers/bags", []string{"notebook case", "backpack", "sleeve", "briefcase", "camera case", "trolley", "equipment case", "carrying case", "messenger"}},
	{"cables/network", []string{"networking cable", "patch cable", "crossover", "cat5e", "cat6", "cat5", "fiber optic cable", "fibre optic cable", "utp", "stp", "ftp"}},
	{"cables/power", []string{"power cable", "power cord", "power extension", "extension cord", "power adapter cable"}},
	{"cables/video", []string{"vga cable", "hdmi cable", "dvi cable", "displayport cable", "coaxial cable", "coax cable", "coax", "s-video cable", "video cable", "hdmi", "displayport", "vga"}},
	{"cables/audio", []string{"audio cable", "speaker cable", "rca"}},
	{"cables/data", []string{"cable", "cables", "cord", "gender changer", "cable interface/gender adapter", "adapter card", "connector", "coupler"}},
	{"power/ups", []string{"ups", "uninterruptible", "inverter", "inverters"}},
	{"power/distribution", []string{"pdu", "power distribution", "surge protector", "outlet", "outlets", "power extension"}},
	{"power/batteries", []string{"battery", "batteries", "charger", "power supply", "power adapter", "power adapter/inverter", "ac adapter", "power supplies"}},
	{"office/racks", []string{"rack", "mount", "bracket", "stand", "cabinet", "patch panel", "cable management", "shelf"}},
	{"printing/paper", []string{"photo paper", "paper", "film", "transparency", "canvas", "large format media"}},
	{"printing/parts", []string{"printer spare part", "paper tray", "feeder", "tray", "roller", "maintenance kit", "printing equipment spare part"}},
	{"printing/printers", []string{"printer", "laserjet", "inkjet", "mfp", "multifunctional", "deskjet", "plotter", "scanner", "fax", "copier", "dpi", "ppm"}},
	{"computers/processors", []string{"processor", "xeon", "pentium", "celeron"}},
	{"computers/graphics", []string{"geforce", "radeon", "nvidia", "graphics card", "motherboard", "(socket", "quadro", "tv tuner"}},
	{"computers/notebooks", []string{"notebook", "laptop", "netbook", "chromebook", "tablet", "hybrid"}},
	{"computers/desktops", []string{"pc", "workstation", "desktop", "server", "thin client", "barebone", "all-in-one"}},
	{"computers/memory", []string{"memory module", "memory", "sdram", "ddr", "ddr2", "ddr3", "ddr4"}},
	{"computers/storage", []string{"hard drive", "hard disk", "hdd", "ssd", "solid", "flash", "optical disc", "dvd-r", "dvd+r", "dvd-rw", "dvd+rw", "dvd-ram", "cd-r", "cd-rw", "blu-ray", "disk array", "tape", "blank data tape", "nas", "card reader", "usb flash"}},
	{"audio-video/projectors", []string{"projector", "projection", "projector lamp", "lamp", "projection screen"}},
	{"computers/monitors", []string{"monitor", "lcd", "display", "privacy filter", "display privacy filters", "touch screen"}},
	{"audio-video/televisions", []string{"tv", "television", "signage"}},
	{"audio-video/headphones", []string{"headphones", "headphone", "headset", "earphones", "in-ear"}},
	{"audio-video/cameras", []string{"camera", "cameras", "lens", "camcorder", "webcam", "camera filter", "tripod", "binocular"}},
	{"audio-video/players", []string{"player", "mp3", "radio", "speaker", "speakers", "loudspeaker", "loudspeakers", "audio system", "micro system", "home cinema", "receiver", "microphone", "turntable", "recorder"}},
	{"computers/input", []string{"keyboard", "mouse", "trackball", "presenter", "joystick", "numeric keypad", "game controller", "gamepad", "wrist rest", "mouse pad"}},
	{"network/switches", []string{"switch", "hub", "router", "kvm", "access point", "network", "ethernet", "gateway", "firewall", "wireless", "media converter", "transceiver", "extender", "splitter", "modem", "wlan", "powerline", "antenna", "antennas", "console"}},
	{"computers/parts", []string{"interface cards/adapter", "fan", "cooler", "cooling", "heat sink", "heatsink", "bezel", "sata", "pci", "slot", "chassis", "computer case", "docking", "port replicator", "enclosure"}},
	{"electronics/accessories", []string{"mobile phone case", "holster", "headphone/headset accessory", "screen protector"}},
	{"electronics/phones", []string{"phone", "smartphone", "telephone", "dect", "mobile phone", "handset"}},
	{"office/supplies", []string{"calculator", "calculators", "pen", "pens", "marker", "markers", "pencil", "stapler", "staples", "binder", "laminator", "shredder", "laminator pouch", "whiteboard", "envelope", "folder", "crayola", "clock"}},
	{"appliances", []string{"washing machine", "refrigerator", "freezer", "fridge", "oven", "hob", "dishwasher", "vacuum", "iron", "kettle", "coffee", "toaster", "blender", "mixer", "hair", "shaver", "toothbrush", "cooker", "juicer", "fryer", "steam", "microwave", "air conditioner", "epilator", "trimmer"}},
	{"toys", []string{"toy", "toys", "doll", "puzzle", "pieces", "game", "figure", "playset", "plush", "barbie", "lego", "family", "board game", "video game", "doll accessory"}},
	{"office/racks", []string{"mounting kit", "netshelter", "rail kit", "faceplate"}},
	{"cables/data", []string{"adapter", "adapters", "adaptor", "converter"}},
	{"computers/parts", []string{"controller", "raid", "networking card", "docking system"}},
	{"printing/ink", []string{"original", "compatible"}},
}

// uncategorized holds what no rule knows.
const uncategorized = "other"

func categorize(p *Product) string {
	// What the title does not tell, the description may.
	for _, text := range []string{p.Title.EN + " " + p.Attributes["type"], p.Description.EN} {
		text = words(text)
		for _, rule := range rules {
			for _, phrase := range rule.phrases {
				if strings.Contains(text, " "+phrase+" ") {
					return rule.category
				}
			}
		}
	}
	return uncategorized
}

// words returns s as lower-case words with a space on either side of each.
func words(s string) string {
	fields := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:\"|", r)
	})
	return " " + strings.Join(fields, " ") + " "
}
