package fastdfs

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// FileID is what the name of a file says about it. A name such as
// "group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt" holds the fields below in base 64.
type FileID struct {
	Group     string
	StorePath uint8    // of the storage, counted from 0
	Dir       [2]uint8 // the two folders
	Source    uint32   // the storage that took the upload; see SourceAddr and StorageID
	Created   time.Time
	SizeField uint64 // the size and some marks; see Size, Appender and InTrunk
	CRC32     uint32 // IEEE, of the content; of a slave: of its master's; of an appender: of the first upload
	Trunk     TrunkPosition
	Tail      string // all after that: random digits, a slave's prefix, a dot and the extension
}

// TrunkPosition is where a small file lies within a trunk file.
type TrunkPosition struct {
	File, Offset, Size int32 // Size is that of the slot
}

const (
	fieldBytes   = 20
	fieldChars   = 27
	trunkBytes   = 12
	trunkChars   = 16
	tailSize     = 7
	pathPrefix   = len("M00/00/00/")
	plainName    = pathPrefix + fieldChars + tailSize
	trunkName    = plainName + trunkChars
	minName      = 22  // trackers refuse shorter ones
	maxName      = 127 // servers refuse longer ones
	appenderMark = 1 << 58
	trunkMark    = 1 << 59
	smallMark    = 1 << 63 // the low 32 bits are the size
)

var idEncoding = base64.RawURLEncoding

// ParseFileID takes a file id apart. It returns a *media.InvalidError for what FastDFS has not named since version 1.12.
func ParseFileID(id string) (FileID, error) {
	group, name, err := splitID(id)
	if err != nil {
		return FileID{}, err
	}
	f := FileID{Group: group}
	if len(name) < pathPrefix+fieldChars || name[0] != 'M' || name[3] != '/' || name[6] != '/' || name[9] != '/' {
		return FileID{}, invalid("file id", "is not of the form group/M00/00/00/name")
	}
	for i, target := range []*uint8{&f.StorePath, &f.Dir[0], &f.Dir[1]} {
		digits := name[1+3*i : 3+3*i]
		v, err := strconv.ParseUint(digits, 16, 8)
		if err != nil || strings.ToUpper(digits) != digits {
			return FileID{}, invalid("file id", "has %q where two upper-case hex digits belong", digits)
		}
		*target = uint8(v)
	}
	name = name[pathPrefix:]
	raw, err := decodeChars(name[:fieldChars], fieldBytes)
	if err != nil {
		return FileID{}, err
	}
	f.Source = binary.BigEndian.Uint32(raw)
	f.Created = time.Unix(int64(binary.BigEndian.Uint32(raw[4:])), 0).UTC()
	f.SizeField = binary.BigEndian.Uint64(raw[8:])
	f.CRC32 = binary.BigEndian.Uint32(raw[16:])
	name = name[fieldChars:]
	if f.InTrunk() {
		if len(name) < trunkChars {
			return FileID{}, invalid("file id", "is too short for a file in a trunk")
		}
		raw, err := decodeChars(name[:trunkChars], trunkBytes)
		if err != nil {
			return FileID{}, err
		}
		f.Trunk = TrunkPosition{int32(binary.BigEndian.Uint32(raw)), int32(binary.BigEndian.Uint32(raw[4:])), int32(binary.BigEndian.Uint32(raw[8:]))}
		name = name[trunkChars:]
	}
	f.Tail = name
	return f, nil
}

func decodeChars(chars string, n int) ([]byte, error) {
	raw, err := idEncoding.Strict().DecodeString(chars)
	if err != nil || len(raw) != n {
		return nil, invalid("file id", "holds characters that are not base 64")
	}
	return raw, nil
}

// Name is the id without the group.
func (f FileID) Name() string {
	raw := make([]byte, 0, fieldBytes)
	raw = binary.BigEndian.AppendUint32(raw, f.Source)
	raw = binary.BigEndian.AppendUint32(raw, uint32(f.Created.Unix()))
	raw = binary.BigEndian.AppendUint64(raw, f.SizeField)
	raw = binary.BigEndian.AppendUint32(raw, f.CRC32)
	var trunk string
	if f.InTrunk() {
		raw := make([]byte, 0, trunkBytes)
		for _, v := range []int32{f.Trunk.File, f.Trunk.Offset, f.Trunk.Size} {
			raw = binary.BigEndian.AppendUint32(raw, uint32(v))
		}
		trunk = idEncoding.EncodeToString(raw)
	}
	return fmt.Sprintf("M%02X/%02X/%02X/%s%s%s", f.StorePath, f.Dir[0], f.Dir[1], idEncoding.EncodeToString(raw), trunk, f.Tail)
}

// String is the id: the inverse of ParseFileID.
func (f FileID) String() string { return f.Group + "/" + f.Name() }

// StorageID is the number of the source storage, if the cluster names files by these.
func (f FileID) StorageID() (uint32, bool) {
	id := bits.ReverseBytes32(f.Source)
	return id, id >= 1 && id <= 0xFFFFFF
}

// SourceAddr is the address of the source storage, if the cluster names files by these. (An
// IPv4 address that ends in .0 cannot be told from a number; FastDFS takes it for one, too.)
func (f FileID) SourceAddr() (netip.Addr, bool) {
	if _, isID := f.StorageID(); isID {
		return netip.Addr{}, false
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], f.Source)
	return netip.AddrFrom4(b), true
}

// Appender reports whether the file can be appended to and changed.
func (f FileID) Appender() bool { return f.SizeField&appenderMark != 0 && f.SizeField&smallMark != 0 }

// InTrunk reports whether the file lies within a trunk file, as small ones may.
func (f FileID) InTrunk() bool { return f.SizeField&trunkMark != 0 && f.SizeField&smallMark != 0 }

// Slave reports whether the name is one of a slave file.
func (f FileID) Slave() bool { return !normalTail(f.Tail) }

// Size is the number of bytes, if the name says it: not for appenders and slaves.
func (f FileID) Size() (int64, bool) {
	if f.Appender() || f.Slave() {
		return 0, false
	}
	if f.SizeField&smallMark != 0 {
		return int64(f.SizeField & 0xFFFFFFFF), true
	}
	return int64(f.SizeField), true
}

// Ext is the extension without its dot.
func (f FileID) Ext() string {
	tail := strings.TrimLeft(f.Tail, "0123456789")
	_, ext, _ := strings.Cut(tail, ".")
	return ext
}

// normalTail: seven characters, digits up to the end or to the dot before the extension.
func normalTail(tail string) bool {
	if len(tail) != tailSize {
		return false
	}
	digits, _, _ := strings.Cut(tail, ".")
	return strings.Trim(digits, "0123456789") == ""
}

// slaveName is the name of a slave as the server makes it.
func slaveName(master, prefix, ext string) string {
	at := strings.LastIndexByte(master, '/')
	stem := master
	if dot := strings.IndexByte(master[at+1:], '.'); dot >= 0 {
		stem = master[:at+1+dot]
	}
	name := stem + prefix
	if ext != "" {
		name += "." + ext
	}
	return name
}

// splitID checks a file id as far as that is needed to send it.
func splitID(id string) (group, name string, err error) {
	group, name, ok := strings.Cut(id, "/")
	if !ok {
		return "", "", invalid("file id", "is not of the form group/name")
	}
	if err := checkGroup(group); err != nil {
		return "", "", err
	}
	if len(name) < minName || len(name) > maxName {
		return "", "", invalid("file id", "has a name of %d bytes, allowed are %d to %d", len(name), minName, maxName)
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "", "", invalid("file id", "has the segment %q", segment)
		}
		if err := checkChars("file id", segment); err != nil {
			return "", "", err
		}
	}
	return group, name, nil
}

func checkGroup(group string) error {
	if len(group) < 1 || len(group) > groupSize {
		return invalid("group", "has %d bytes, allowed are 1 to %d", len(group), groupSize)
	}
	return checkChars("group", group)
}

// checkChars holds text to what servers accept in names.
func checkChars(field, text string) error {
	for _, c := range []byte(text) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return invalid(field, "holds the byte %#02x; allowed are a-z A-Z 0-9 - _ .", c)
		}
	}
	return nil
}

func checkExt(ext string) error {
	if len(ext) > extSize {
		return invalid("extension", "has %d bytes, allowed are %d", len(ext), extSize)
	}
	if strings.HasPrefix(ext, ".") {
		return invalid("extension", "begins with a dot")
	}
	return checkChars("extension", ext)
}
