package session

import (
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The bytes in Record.Data, version 1:
//
//	1 byte   version
//	1 byte   flags (remember, previous secret sees the session, auth hash set)
//	32 bytes SHA-256 of the secret
//	32 bytes SHA-256 of the secret before, zero if none
//	32 bytes digest of the auth hash, zero if none
//	varint   previous secret valid until  } microseconds since 1970,
//	varint   created                      } 0 for the zero time
//	varint   authenticated                }
//	string   device                       } uvarint length, bytes
//	string   IP address                   }
//	uvarint  number of values, then key and JSON of each as strings, in key order
//	4 bytes  CRC-32C of everything before, big endian
//
// Equal content has equal bytes.
const codecVersion = 1

const (
	flagRemember = 1 << iota
	flagPreviousSees
	flagAuthHash
	flagsKnown = flagRemember | flagPreviousSees | flagAuthHash
)

// content is what a record's data says.
type content struct {
	secret        digest
	previous      digest // the secret before the last renewal, zero if none
	previousUntil time.Time
	previousSees  bool // the secret before may read the session; false after a login
	authHash      digest
	hasAuthHash   bool
	remember      bool
	created       time.Time
	authenticated time.Time // zero while nobody is logged in
	device, ip    string
	values        map[string][]byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *content) encode() []byte {
	b := make([]byte, 0, 160+len(c.device)+len(c.ip)+c.valueBytes())
	var flags byte
	if c.remember {
		flags |= flagRemember
	}
	if c.previousSees {
		flags |= flagPreviousSees
	}
	if c.hasAuthHash {
		flags |= flagAuthHash
	}
	b = append(b, codecVersion, flags)
	b = append(b, c.secret[:]...)
	b = append(b, c.previous[:]...)
	b = append(b, c.authHash[:]...)
	b = appendTime(b, c.previousUntil)
	b = appendTime(b, c.created)
	b = appendTime(b, c.authenticated)
	b = appendString(b, c.device)
	b = appendString(b, c.ip)
	b = binary.AppendUvarint(b, uint64(len(c.values)))
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		b = appendString(b, key)
		b = appendString(b, c.values[key])
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// valueBytes is the size that Options.MaxBytes limits.
func (c *content) valueBytes() int {
	n := 0
	for key, raw := range c.values {
		n += len(key) + len(raw) + 4
	}
	return n
}

func decodeContent(data []byte) (*content, error) {
	if len(data) == 0 {
		return nil, &CorruptError{Reason: "is empty"}
	}
	if data[0] != codecVersion {
		return nil, &CorruptError{Reason: "unknown version " + strconv.Itoa(int(data[0]))}
	}
	if len(data) < 6 {
		return nil, &CorruptError{Reason: "is cut short"}
	}
	body, sum := data[:len(data)-4], data[len(data)-4:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(sum) {
		return nil, &CorruptError{Reason: "checksum does not match"}
	}
	d := decoder{rest: body[2:]}
	flags := body[1]
	c := &content{
		remember:     flags&flagRemember != 0,
		previousSees: flags&flagPreviousSees != 0,
		hasAuthHash:  flags&flagAuthHash != 0,
	}
	copy(c.secret[:], d.take(len(c.secret)))
	copy(c.previous[:], d.take(len(c.previous)))
	copy(c.authHash[:], d.take(len(c.authHash)))
	c.previousUntil, c.created, c.authenticated = d.time(), d.time(), d.time()
	c.device, c.ip = string(d.bytes()), string(d.bytes())
	n := d.uvarint()
	c.values = make(map[string][]byte, min(n, uint64(len(d.rest)/2)))
	for range n {
		if d.failed {
			break
		}
		key := string(d.bytes())
		c.values[key] = slices.Clone(d.bytes())
	}
	if d.failed || len(d.rest) > 0 || flags&^flagsKnown != 0 || uint64(len(c.values)) != n {
		return nil, &CorruptError{Reason: "fields do not add up"}
	}
	return c, nil
}

// decoder reads fields one by one and remembers the first failure.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if d.failed || n > len(d.rest) {
		d.failed = true
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.failed = true
		return 0
	}
	d.take(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.failed = true
		return 0
	}
	d.take(n)
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.failed = true
		return nil
	}
	return d.take(int(n))
}

func (d *decoder) time() time.Time { return fromMicros(d.varint()) }

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, toMicros(t)) }

func appendString[S string | []byte](b []byte, s S) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func toMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}
