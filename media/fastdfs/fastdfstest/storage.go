package fastdfstest

import (
	"bytes"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

// storage is a storage server. Its content is guarded by the mutex of the cluster.
type storage struct {
	cluster  *Cluster
	server   *Server
	group    *group
	id       uint32
	ip       string
	port     int64
	joined   time.Time
	files    map[string]*file
	used     int64 // bytes of content
	trunkEnd int32
}

type storageSession struct{ *storage }

func (s *storageSession) buffer() int { return s.cluster.options.BufferSize }

func (s *storageSession) answer(r *requestIn) reply {
	switch r.command {
	case fastdfs.CommandUpload, fastdfs.CommandUploadAppender:
		return s.upload(r)
	case fastdfs.CommandUploadSlave:
		return s.uploadSlave(r)
	case fastdfs.CommandAppend, fastdfs.CommandModify:
		return s.write(r)
	}
	if r.length > int64(len(r.first)) { // only content may be larger than the buffer
		return refuse(invalid)
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	switch r.command {
	case fastdfs.CommandActiveTest:
		if r.length != 0 {
			return refuse(invalid)
		}
		return reply{}
	case fastdfs.CommandTruncate:
		return s.truncate(r)
	case fastdfs.CommandRegenerate:
		return s.regenerate(r)
	case fastdfs.CommandDelete:
		return s.remove(r)
	case fastdfs.CommandDownload:
		return s.download(r)
	case fastdfs.CommandSetMetadata:
		return s.setMetadata(r)
	case fastdfs.CommandGetMetadata:
		return s.getMetadata(r)
	case fastdfs.CommandFileInfo:
		return s.info(r)
	}
	return refuse(invalid)
}

// locked runs a decision that needs the content of the cluster.
func (s *storage) locked(decide func() byte) byte {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	return decide()
}

// content reads the rest of the body behind what is in the buffer.
func (r *requestIn) content(head []byte, size int64) []byte {
	content := bytes.NewBuffer(make([]byte, 0, min(size, 1<<20)))
	content.Write(head)
	_, err := io.Copy(content, r.rest)
	r.broken = err != nil || int64(content.Len()) != size
	return content.Bytes()
}

func goodExt(ext string) bool { return goodChars(ext) }

func (s *storage) upload(r *requestIn) reply {
	m := message{b: r.first}
	path, size, ext := m.byte(), m.int64(), m.text(6)
	if m.short || size < 0 || size != r.length-15 || path != 0 && path != 0xFF || !goodExt(ext) {
		return refuse(invalid)
	}
	if status := s.locked(func() byte { return s.room(size) }); status != ok {
		return refuse(status)
	}
	content := r.content(m.b, size)
	if r.broken {
		return reply{}
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	appender := r.command == fastdfs.CommandUploadAppender
	name := s.newName(content, ext, appender)
	s.put(name, &file{content: content, modified: s.cluster.options.Now(), appender: appender})
	return s.named(name)
}

func (s *storage) room(size int64) byte {
	if s.used+size > s.cluster.options.Capacity {
		return full
	}
	return ok
}

func (s *storage) named(name string) reply {
	return reply{body: append(answerOut{}.text(s.group.name, 16), name...)}
}

func (s *storage) uploadSlave(r *requestIn) reply {
	m := message{b: r.first}
	length, size := m.int64(), m.int64()
	prefix, ext := m.text(16), m.text(6)
	if m.short || length <= 0 || length > 127 || size < 0 || size != r.length-38-length {
		return refuse(invalid)
	}
	master := m.text(int(length))
	if m.short || prefix == "" || !goodExt(prefix) || !goodExt(ext) || prefix == "-m" && ext == "" || !goodName(master) {
		return refuse(invalid)
	}
	name := slaveName(master, prefix, ext)
	status := s.locked(func() byte {
		switch {
		case s.files[master] == nil:
			return notFound
		case s.files[name] != nil:
			return exists
		}
		return s.room(size)
	})
	if status != ok {
		return refuse(status)
	}
	content := r.content(m.b, size)
	if r.broken {
		return reply{}
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.put(name, &file{content: content, modified: s.cluster.options.Now()})
	return s.named(name)
}

func slaveName(master, prefix, ext string) string {
	stem, _, _ := strings.Cut(master[10:], ".")
	name := master[:10] + stem + prefix
	if ext != "" {
		name += "." + ext
	}
	return name
}

// write is append and modify.
func (s *storage) write(r *requestIn) reply {
	m := message{b: r.first}
	length := m.int64()
	offset := int64(-1) // the end
	fixed := int64(16)
	if r.command == fastdfs.CommandModify {
		fixed = 24
		if offset = m.int64(); offset < 0 {
			return refuse(invalid)
		}
	}
	size := m.int64()
	if m.short || length <= 0 || length > 127 || size < 0 || size != r.length-fixed-length {
		return refuse(invalid)
	}
	name := m.text(int(length))
	if m.short || !goodName(name) {
		return refuse(invalid)
	}
	status := s.locked(func() byte {
		f, status := s.appender(name)
		if status == ok && offset > int64(len(f.content)) {
			status = invalid
		}
		if status == ok {
			status = s.room(size)
		}
		return status
	})
	if status != ok {
		return refuse(status)
	}
	if size == 0 {
		return reply{body: r.first} // the buffer of the request comes back
	}
	content := r.content(m.b, size)
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	f, status := s.appender(name)
	if r.broken || status != ok {
		return refuse(status)
	}
	if offset < 0 {
		offset = int64(len(f.content))
	}
	changed := *f
	base := f.content[:offset:offset]
	if id, err := fastdfs.ParseFileID("g/" + name); err == nil && id.Source == s.source() && offset == int64(len(f.content)) {
		base = f.content // only the source adds to the end, so older versions stay as they are
	}
	changed.content = append(base, content...)
	if end := offset + size; end < int64(len(f.content)) {
		changed.content = append(changed.content, f.content[end:]...)
	}
	changed.modified = s.cluster.options.Now()
	s.put(name, &changed)
	return reply{}
}

// appender looks up a file to be changed. Files in trunks are not found where others are looked for.
func (s *storage) appender(name string) (*file, byte) {
	f := s.files[name]
	id, err := fastdfs.ParseFileID("g/" + name)
	if f == nil || err != nil || id.InTrunk() && !isSlave(name) {
		return nil, notFound
	}
	if !f.appender {
		return nil, invalid
	}
	return f, ok
}

func (s *storage) truncate(r *requestIn) reply {
	m := message{b: r.first}
	length, size := m.int64(), m.int64()
	name := string(m.b)
	if m.short || length != int64(len(name)) || size < 0 || !goodName(name) {
		return refuse(invalid)
	}
	f, status := s.appender(name)
	if status != ok {
		return refuse(status)
	}
	if size == int64(len(f.content)) {
		return reply{body: r.first}
	}
	if size > s.cluster.options.Capacity {
		return refuse(full)
	}
	changed := *f
	changed.content = make([]byte, size)
	copy(changed.content, f.content)
	changed.modified = s.cluster.options.Now()
	s.put(name, &changed)
	return reply{}
}

func (s *storage) regenerate(r *requestIn) reply {
	name := string(r.first)
	if !goodName(name) {
		return refuse(invalid)
	}
	f, status := s.appender(name)
	if status != ok {
		return refuse(status)
	}
	id, err := fastdfs.ParseFileID("g/" + name)
	if err != nil {
		return refuse(invalid)
	}
	id.CRC32, id.Created = crc32.ChecksumIEEE(f.content), s.cluster.options.Now()
	id.SizeField = uint64(len(f.content)) | smallMark | s.cluster.rand()&0x7FFFFF<<32
	renamed := id.Name()
	s.put(name, nil)
	s.put(renamed, &file{content: f.content, modified: f.modified})
	return s.named(renamed)
}

// existing reads the group and name at the end of a request, and finds the file.
func (s *storage) existing(m *message) (string, *file, byte) {
	group := m.text(16)
	name := string(m.b)
	if m.short || group != s.group.name || !goodName(name) {
		return name, nil, invalid
	}
	f := s.files[name]
	if f == nil {
		return name, nil, notFound
	}
	return name, f, ok
}

func (s *storage) remove(r *requestIn) reply {
	name, _, status := s.existing(&message{b: r.first})
	if status != ok {
		return refuse(status)
	}
	s.put(name, nil)
	return reply{}
}

func (s *storage) download(r *requestIn) reply {
	m := message{b: r.first}
	offset, length := m.int64(), m.int64()
	_, f, status := s.existing(&m)
	if status == ok && (offset < 0 || length < 0 || offset >= int64(len(f.content))) {
		status = invalid
	}
	if status != ok {
		return refuse(status)
	}
	content := f.content[offset:]
	if length > 0 && length < int64(len(content)) {
		content = content[:length]
	}
	return reply{body: content}
}

func (s *storage) info(r *requestIn) reply {
	name, f, status := s.existing(&message{b: r.first})
	if status != ok {
		return refuse(status)
	}
	id, err := fastdfs.ParseFileID("g/" + name)
	if err != nil {
		return refuse(invalid)
	}
	sum := id.CRC32
	if f.appender || isSlave(name) {
		sum = 0
		if r.status&1 == 0 {
			sum = crc32.ChecksumIEEE(f.content)
		}
	}
	width, ip := 16, ""
	if s.cluster.options.Wide {
		width = 46
	}
	for _, other := range s.group.members {
		if other.source() == id.Source {
			ip = other.ip
		}
	}
	return reply{body: answerOut{}.int64(int64(len(f.content))).int64(f.modified.Unix()).int64(int64(int32(sum))).text(ip, width)}
}

func (s *storage) setMetadata(r *requestIn) reply {
	m := message{b: r.first}
	nameLength, length, flag := m.int64(), m.int64(), m.byte()
	if m.short || nameLength <= 0 || nameLength > 127 || length < 0 || r.length != 33+nameLength+length || flag != 'O' && flag != 'M' {
		return refuse(invalid)
	}
	group := m.take(16)
	name, records := m.take(int(nameLength)), m.b
	if m.short {
		return refuse(invalid)
	}
	_, f, status := s.existing(&message{b: append(append([]byte(nil), group...), name...)})
	if status != ok {
		return refuse(status)
	}
	changed := *f
	switch {
	case flag == 'O' && length == 0:
		changed.metadata = nil
	case length == 0:
		return reply{}
	case flag == 'O' || f.metadata == nil:
		changed.metadata = sortedInPlace(records)
	default:
		changed.metadata = packRecords(mergeRecords(splitRecords(f.metadata), splitRecords(records)))
	}
	s.put(string(name), &changed)
	return reply{}
}

func (s *storage) getMetadata(r *requestIn) reply {
	_, f, status := s.existing(&message{b: r.first})
	if status == ok && f.metadata == nil {
		status = notFound
	}
	if status != ok {
		return refuse(status)
	}
	return reply{body: f.metadata}
}
