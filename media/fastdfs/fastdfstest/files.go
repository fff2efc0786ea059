package fastdfstest

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

// file is a file on a storage. Its content is never changed in place, since storages share it.
type file struct {
	content  []byte
	modified time.Time
	appender bool
	metadata []byte // nil: none
}

// change is a change of a file, to be made on the other storages.
type change struct {
	source *storage
	name   string
	file   *file // nil: removed
}

func (ch change) apply(g *group) {
	for _, s := range g.members {
		if s == ch.source {
			continue
		}
		s.set(ch.name, ch.file)
	}
}

// put stores a version of a file, here and, now or later, on the others. nil removes it.
func (s *storage) put(name string, f *file) {
	s.set(name, f)
	ch := change{s, name, f}
	if s.cluster.options.ManualSync && len(s.group.members) > 1 {
		s.group.pending = append(s.group.pending, ch)
		return
	}
	ch.apply(s.group)
}

// synced reports whether all that was changed on s is on the others.
func (s *storage) synced() bool {
	for _, ch := range s.group.pending {
		if ch.source == s {
			return false
		}
	}
	return true
}

// set keeps the count of bytes with the files.
func (s *storage) set(name string, f *file) {
	if old := s.files[name]; old != nil {
		s.used -= int64(len(old.content))
		delete(s.files, name)
	}
	if f != nil {
		s.used += int64(len(f.content))
		s.files[name] = f
	}
}

// source is what names say of this storage.
func (s *storage) source() uint32 {
	if s.cluster.options.StorageIDs {
		return bits.ReverseBytes32(s.id)
	}
	address, err := netip.ParseAddr(s.ip)
	if err != nil || !address.Is4() {
		return bits.ReverseBytes32(s.id)
	}
	four := address.As4()
	return binary.BigEndian.Uint32(four[:])
}

const (
	appenderMark = 1 << 58
	trunkMark    = 1 << 59
	smallMark    = 1 << 63
	slotMax      = 1 << 20
	slotMin      = 256
)

// newName makes the name of a new file. Its random parts come from the cluster's generator.
func (s *storage) newName(content []byte, ext string, appender bool) string {
	id := fastdfs.FileID{Source: s.source(), Created: s.cluster.options.Now(), CRC32: crc32.ChecksumIEEE(content)}
	size := uint64(len(content))
	if appender {
		size = appenderMark
	}
	if size < 1<<32 || appender {
		size |= smallMark | s.cluster.rand()&0x7FFFFF<<32
	}
	if s.cluster.options.Trunk && !appender && len(content) <= slotMax {
		size |= trunkMark
		slot := int32((max(len(content), slotMin) + slotMin - 1) / slotMin * slotMin)
		id.Trunk = fastdfs.TrunkPosition{File: 1, Offset: s.trunkEnd, Size: slot}
		s.trunkEnd += slot
	}
	id.SizeField = size
	id.Tail = s.tail(ext)
	return id.Name()
}

// tail fills up to seven characters with digits.
func (s *storage) tail(ext string) string {
	if ext != "" {
		ext = "." + ext
	}
	digits := strconv.FormatUint(1e9+s.cluster.rand()%1e9, 10)
	return digits[len(digits)-7+len(ext):] + ext
}

// goodName reports whether a name is of the form that storages accept.
func goodName(name string) bool {
	return len(name) >= 10+27 && len(name) < 128 && name[0] == 'M' && name[1:3] == "00" && hex(name[4:6]) && hex(name[7:9]) &&
		name[3] == '/' && name[6] == '/' && name[9] == '/' && goodChars(name[10:])
}

func hex(s string) bool { return strings.Trim(s, "0123456789ABCDEF") == "" }

func goodChars(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// isSlave goes by the length, as the trackers do.
func isSlave(name string) bool {
	id, err := fastdfs.ParseFileID("g/" + name)
	if err == nil && id.InTrunk() {
		return len(name) > 60
	}
	return len(name) > 44
}
