package notify

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
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
	_, _ = rand.Read(b[9:]) // never fails
	var text [26]byte
	sortable.Encode(text[:], b[:])
	return string(text[:])
}
