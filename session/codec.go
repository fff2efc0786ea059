package session

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"time"
)

// The bytes in Record.Data:
//
//	1 byte   version: 1, or 2 while somebody acts as the user
//	1 byte   flags (remember, previous secret sees the session, auth hash set)
//	32 bytes SHA-256 of the secret
//	32 bytes SHA-256 of the secret before, zero if none
//	32 bytes digest of the auth hash, zero if none
//	varint   previous secret valid until  } microseconds since 1970,
//	varint   created                      } 0 for the zero time
//	varint   authenticated                }
//	string   device                       } uvarint length, bytes
//	string   IP address                   }
//	acting   in version 2 only: string operator; 32 bytes digest of the operator's auth
//	         hash, zero if none; varint the operator's idle limit in microseconds,
//	         varint the operator's deadline; 1 byte, 1 if the operator's is remembered
//	uvarint  number of values, then key and JSON of each as strings, in key order
//	4 bytes  CRC-32C of everything before, big endian
//
// Equal content has equal bytes.
//
// What an older program wrote has version 1, and is read as ever: testdata has some.
const (
	codecVersion = 1
	codecActing  = 2
	secretOffset = 2
)

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
	authenticated time.Time         // zero while nobody is logged in
	device, ip    []byte            // part of the record, not to be changed
	acting        *acting           // nil unless somebody acts as the user
	values        map[string][]byte // nil while they are only stored
	stored        []byte            // the values as encoded, without their number
}

// all returns the values by key, not to be changed unless they are c.values.
func (c *content) all() map[string][]byte {
	if c.values != nil {
		return c.values
	}
	values := make(map[string][]byte)
	for d := (decoder{rest: c.stored}); len(d.rest) > 0 && !d.failed; {
		key := string(d.bytes())
		values[key] = d.bytes()
	}
	return values
}

// value finds one value; most requests that read want few.
func (c *content) value(key string) (raw []byte, ok bool) {
	if c.values != nil {
		raw, ok = c.values[key]
		return raw, ok
	}
	for d := (decoder{rest: c.stored}); len(d.rest) > 0 && !d.failed; {
		found := string(d.bytes()) == key
		if raw := d.bytes(); found {
			return raw, true
		}
	}
	return nil, false
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *content) encode() []byte {
	b := make([]byte, 0, 160+len(c.device)+len(c.ip)+c.valueBytes())
	version := byte(codecVersion)
	if c.acting != nil {
		version = codecActing
	}
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
	b = append(b, version, flags)
	b = append(b, c.secret[:]...)
	b = append(b, c.previous[:]...)
	b = append(b, c.authHash[:]...)
	b = appendTime(b, c.previousUntil)
	b = appendTime(b, c.created)
	b = appendTime(b, c.authenticated)
	b = appendString(b, c.device)
	b = appendString(b, c.ip)
	if c.acting != nil {
		b = c.acting.append(b)
	}
	values := c.all()
	b = binary.AppendUvarint(b, uint64(len(values)))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		b = appendString(b, key)
		b = appendString(b, values[key])
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// valueBytes is the size that Options.MaxBytes limits.
func (c *content) valueBytes() int {
	n := 0
	for key, raw := range c.all() {
		n += len(key) + len(raw) + 4
	}
	return n
}

// decodeContent reads data; the values stay part of it, and never change.
func decodeContent(data []byte) (content, error) {
	if len(data) == 0 {
		return content{}, &CorruptError{Reason: "is empty"}
	}
	if data[0] == '{' {
		return decodeJSON(data)
	}
	if data[0] != codecVersion && data[0] != codecActing {
		return content{}, &CorruptError{Reason: "unknown version " + strconv.Itoa(int(data[0]))}
	}
	if len(data) < 6 {
		return content{}, &CorruptError{Reason: "is cut short"}
	}
	body, sum := data[:len(data)-4], data[len(data)-4:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(sum) {
		return content{}, &CorruptError{Reason: "checksum does not match"}
	}
	d := decoder{rest: body[2:]}
	flags := body[1]
	c := content{
		remember:     flags&flagRemember != 0,
		previousSees: flags&flagPreviousSees != 0,
		hasAuthHash:  flags&flagAuthHash != 0,
	}
	copy(c.secret[:], d.take(len(c.secret)))
	copy(c.previous[:], d.take(len(c.previous)))
	copy(c.authHash[:], d.take(len(c.authHash)))
	c.previousUntil, c.created, c.authenticated = d.time(), d.time(), d.time()
	c.device, c.ip = d.bytes(), d.bytes()
	if data[0] == codecActing {
		c.acting = d.acting()
	}
	n := d.uvarint()
	c.stored = d.rest
	ascending := true
	var last []byte
	for i := range n {
		key := d.bytes()
		d.bytes()
		if d.failed {
			break
		}
		ascending = ascending && (i == 0 || bytes.Compare(last, key) < 0)
		last = key
	}
	if d.failed || len(d.rest) > 0 || flags&^flagsKnown != 0 || !ascending {
		return content{}, &CorruptError{Reason: "fields do not add up"}
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
