package notify

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

// sortable is Crockford's base 32: its characters sort as their values do.
var sortable = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

var idCounter atomic.Uint32

// newID makes a job's ID of 26 characters: milliseconds, a counter, and 56 random
// bits. IDs of one process sort in the order they were made, also within a
// millisecond, and nobody can guess one.
func newID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	count := idCounter.Add(1)
	b[6], b[7], b[8] = byte(count>>16), byte(count>>8), byte(count)
	source := randoms.Get().(*randomBytes)
	source.read(b[9:])
	randoms.Put(source)
	return sortable.EncodeToString(b[:])
}

// randoms are asked for many IDs' bytes at once: a system call for each would cost more than the rest of it.
var randoms = sync.Pool{New: func() any { return new(randomBytes) }}

type randomBytes struct {
	ahead [512]byte
	left  int
}

// read fills b, which is shorter than what is read ahead. No byte is given out twice.
func (r *randomBytes) read(b []byte) {
	if r.left < len(b) {
		_, _ = rand.Read(r.ahead[:]) // never fails
		r.left = len(r.ahead)
	}
	r.left -= copy(b, r.ahead[len(r.ahead)-r.left:])
}
