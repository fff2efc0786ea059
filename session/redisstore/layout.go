package redisstore

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/session"
)

// The value of a record's key, numbers big endian:
//
//	offset  bytes
//	 0       1     layout, 1
//	 1       8     version
//	 9       8     seen      } microseconds since 1970
//	17       8     idle      } microseconds
//	25       8     deadline  } microseconds since 1970
//	33      16     nonce of the write
//	49       2     length of the user id
//	51             user id, then the data to the end
//
// The scripts know these offsets, counted from 1.
const (
	layout      = 1
	nonceLength = 16
	headLength  = 51
)

// newNonce tells a write from all others. It is no secret.
func newNonce() (nonce [nonceLength]byte) {
	binary.NativeEndian.PutUint64(nonce[:], rand.Uint64())
	binary.NativeEndian.PutUint64(nonce[8:], rand.Uint64())
	return nonce
}

// marshal makes the value of a record.
func marshal(r session.Record, nonce [nonceLength]byte) ([]byte, error) {
	if len(r.UserID) > math.MaxUint16 {
		return nil, &session.InvalidError{Field: "user id", Reason: "is longer than 65535 bytes"}
	}
	b := make([]byte, 0, headLength+len(r.UserID)+len(r.Data))
	b = append(b, layout)
	for _, n := range []int64{r.Version, r.Seen.UnixMicro(), r.Idle.Microseconds(), r.Deadline.UnixMicro()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = append(b, nonce[:]...)
	b = append(b, userField(r.UserID)...)
	return append(b, r.Data...), nil
}

// userField is the user id with its length before it, as it stands in a value.
func userField(userID string) string {
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(userID)))) + userID
}

// unmarshal reads the value of a record. The Data is part of value.
func unmarshal(id string, value []byte) (session.Record, error) {
	corrupt := func(reason string) (session.Record, error) {
		return session.Record{}, &session.CorruptError{ID: id, Reason: reason}
	}
	switch {
	case len(value) == 0:
		return corrupt("value is empty")
	case value[0] != layout:
		return corrupt("unknown layout of the value")
	case len(value) < headLength:
		return corrupt("value is cut short")
	}
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(value[at:])) }
	end := headLength + int(binary.BigEndian.Uint16(value[headLength-2:]))
	if end > len(value) {
		return corrupt("value is cut short")
	}
	idle := number(17)
	if number(1) < 1 || idle < 0 || idle > math.MaxInt64/int64(time.Microsecond) {
		return corrupt("a number is out of range")
	}
	return session.Record{
		ID: id, Version: number(1), UserID: string(value[headLength:end]), Seen: time.UnixMicro(number(9)),
		Idle: time.Duration(idle) * time.Microsecond, Deadline: time.UnixMicro(number(25)), Data: value[end:],
	}, nil
}

// versionField is a version as it stands in a value; 0, no record, is empty.
func versionField(version int64) string {
	if version == 0 {
		return ""
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(version)))
}

func timeField(t time.Time) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())))
}
