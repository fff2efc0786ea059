package notify

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Envelope is the stored form of a job.
type Envelope struct {
	ID       string
	Kind     string // the task's kind
	Queue    string
	Key      string // jobs of one key run one at a time, in order; empty: no order
	Priority int    // 0 to 9; higher first
	Payload  []byte // the arguments, encoded
	Headers  map[string]string

	EnqueuedAt time.Time
	RunAt      time.Time // not before this
	ExpiresAt  time.Time // dropped unrun after this; zero: never

	Attempt     int // attempts that have failed
	MaxAttempts int
	Failure     *Failure // the last one

	UniqueKey string        // empty: not unique
	UniqueFor time.Duration // the window in which UniqueKey is held, from publishing

	Version int    // of the payload; 0 and 1 are the first
	Secret  string // the key that Payload is encrypted with; empty: in clear
	Group   string // the group it belongs to; empty: none
	Member  int    // its number in the group
}

// Failure is why an attempt failed, or why a job is dead.
type Failure struct {
	At     time.Time
	Reason Reason
	Error  string // bounded to 4 KiB
	Stack  string // of a panic; bounded to 16 KiB
}

// Reason classifies a Failure.
type Reason string

// The reasons of failures.
const (
	Failed      Reason = "error"        // the handler returned an error
	Panicked    Reason = "panic"        // the handler panicked
	TimedOut    Reason = "timeout"      // the handler ran into the task's Timeout
	PermanentBy Reason = "permanent"    // the handler returned Permanent
	UnknownKind Reason = "unknown kind" // no handler for the kind
	Unreadable  Reason = "unreadable"   // stored form or arguments could not be decoded
	Crashed     Reason = "crashed"      // workers died or lost the lease too often
)

// The first byte of the binary form. What needs no field of the second is written
// in the first, so that older programs can read it.
const (
	envelopeVersion1 = 1
	envelopeVersion2 = 2 // with Version, Secret, Group and Member
)

// Limits of the binary form, so that a damaged or hostile one cannot make us allocate.
const (
	maxEnvelopeString = 64 << 10
	maxHeaders        = 64
)

// AppendBinary appends the binary form of e, for drivers that store jobs as
// one value: a version byte, then fields in order, strings and times with
// length or as varints.
func (e *Envelope) AppendBinary(b []byte) ([]byte, error) {
	version := byte(envelopeVersion1)
	if e.Version > 1 || e.Secret != "" || e.Group != "" {
		version = envelopeVersion2
	}
	b = append(b, version)
	for _, s := range []string{e.ID, e.Kind, e.Queue, e.Key, e.UniqueKey} {
		b = appendString(b, s)
	}
	b = binary.AppendVarint(b, int64(e.Priority))
	b = binary.AppendVarint(b, int64(e.Attempt))
	b = binary.AppendVarint(b, int64(e.MaxAttempts))
	b = binary.AppendVarint(b, int64(e.UniqueFor))
	for _, t := range []time.Time{e.EnqueuedAt, e.RunAt, e.ExpiresAt} {
		b = appendTime(b, t)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Headers)))
	for _, k := range slices.Sorted(maps.Keys(e.Headers)) {
		b = appendString(appendString(b, k), e.Headers[k])
	}
	if f := e.Failure; f == nil {
		b = append(b, 0)
	} else {
		b = appendTime(append(b, 1), f.At)
		b = appendString(appendString(appendString(b, string(f.Reason)), f.Error), f.Stack)
	}
	if version == envelopeVersion2 {
		b = appendString(appendString(b, e.Secret), e.Group)
		b = binary.AppendVarint(binary.AppendVarint(b, int64(e.Version)), int64(e.Member))
	}
	return append(b, e.Payload...), nil
}

// MarshalBinary is AppendBinary into a new slice.
func (e *Envelope) MarshalBinary() ([]byte, error) {
	return e.AppendBinary(make([]byte, 0, 192+len(e.Payload)))
}

// UnmarshalBinary reads what AppendBinary wrote. Payload aliases data.
func (e *Envelope) UnmarshalBinary(data []byte) error {
	if len(data) == 0 || data[0] != envelopeVersion1 && data[0] != envelopeVersion2 {
		return &InvalidError{"envelope", "unknown version"}
	}
	r := envelopeReader{rest: data[1:]}
	var v Envelope
	for _, s := range []*string{&v.ID, &v.Kind, &v.Queue, &v.Key, &v.UniqueKey} {
		*s = r.string()
	}
	v.Priority, v.Attempt, v.MaxAttempts = int(r.varint()), int(r.varint()), int(r.varint())
	v.UniqueFor = time.Duration(r.varint())
	v.EnqueuedAt, v.RunAt, v.ExpiresAt = r.time(), r.time(), r.time()
	n := r.uvarint()
	if n > maxHeaders {
		r.fail("too many headers")
	}
	for range n {
		if r.err != nil {
			break
		}
		if v.Headers == nil {
			v.Headers = make(map[string]string, n)
		}
		k := r.string()
		v.Headers[k] = r.string()
	}
	switch r.byte() {
	case 0:
	case 1:
		v.Failure = &Failure{At: r.time(), Reason: Reason(r.string()), Error: r.string(), Stack: r.string()}
	default:
		r.fail("unknown failure form")
	}
	if data[0] == envelopeVersion2 {
		v.Secret, v.Group = r.string(), r.string()
		v.Version, v.Member = int(r.varint()), int(r.varint())
	}
	if r.err != nil {
		return r.err
	}
	v.Payload = r.rest
	*e = v
	return nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime writes seconds and nanoseconds, so that every time survives, the zero one included.
func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(b, t.Unix()), uint64(t.Nanosecond()))
}

// envelopeReader reads fields until the first error, which it keeps.
type envelopeReader struct {
	rest []byte
	err  error
}

func (r *envelopeReader) fail(reason string) {
	if r.err == nil {
		r.err = &InvalidError{"envelope", reason}
		r.rest = nil
	}
}

func (r *envelopeReader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("too short")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *envelopeReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *envelopeReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *envelopeReader) string() string {
	n := r.uvarint()
	if n > maxEnvelopeString || n > uint64(len(r.rest)) {
		r.fail(fmt.Sprintf("string of %d bytes", n))
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *envelopeReader) time() time.Time {
	seconds, nanos := r.varint(), r.uvarint()
	if nanos >= uint64(time.Second) {
		r.fail("bad time")
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanos)).UTC()
}
