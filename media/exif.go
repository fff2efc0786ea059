package media

import "encoding/binary"

// The orientations of EXIF 2.32, tag 0x0112: how the stored picture must be
// turned to be seen upright.
const (
	upright       = 1
	mirrored      = 2 // left and right exchanged
	halfTurn      = 3
	flipped       = 4 // top and bottom exchanged
	transposed    = 5 // mirrored along the diagonal from top left
	quarterRight  = 6 // to be turned clockwise
	transverse    = 7 // mirrored along the other diagonal
	quarterLeft   = 8 // to be turned counter-clockwise
	exifShortType = 3
	exifOrientTag = 0x0112
)

// exifOrientation reads the orientation out of a TIFF structure (the EXIF of an
// image, without its "Exif\0\0"). It looks at the first directory only,
// never beyond the bytes it has, and takes whatever it does not understand as upright.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return upright
	}
	entries := int(order.Uint16(tiff[at:]))
	directory := tiff[at+2:]
	for range entries {
		if len(directory) < 12 {
			return upright
		}
		entry := directory[:12]
		directory = directory[12:]
		if order.Uint16(entry) != exifOrientTag {
			continue
		}
		value := int(order.Uint16(entry[8:]))
		if order.Uint16(entry[2:]) != exifShortType || order.Uint32(entry[4:]) != 1 || value < upright || value > quarterLeft {
			return upright
		}
		return value
	}
	return upright
}

// orientationOnly is an EXIF that says nothing else.
func orientationOnly(orientation int) []byte {
	b := []byte("MM\x00*")
	b = binary.BigEndian.AppendUint32(b, 8) // offset of the directory
	b = binary.BigEndian.AppendUint16(b, 1) // entries
	b = binary.BigEndian.AppendUint16(b, exifOrientTag)
	b = binary.BigEndian.AppendUint16(b, exifShortType)
	b = binary.BigEndian.AppendUint32(b, 1) // values
	b = binary.BigEndian.AppendUint16(b, uint16(orientation))
	b = append(b, 0, 0)
	return binary.BigEndian.AppendUint32(b, 0) // no further directory
}
