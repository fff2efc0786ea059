package redisstore

import (
	"bytes"
	"strconv"
)

// values reads the reply to an MGET of n keys as it came over the line (RESP2 or
// RESP3): "*<n>" and for each key "$<length>" with the bytes, or a null. A value is
// nil where there is none, and a copy of its own otherwise. ok is false for anything
// else, such as an error.
func values(reply []byte, n int) (all [][]byte, ok bool) {
	count, rest, ok := header(reply, '*')
	if !ok || count != n {
		return nil, false
	}
	all = make([][]byte, n)
	for i := range all {
		if null, found := bytes.CutPrefix(rest, []byte("_\r\n")); found {
			rest = null
			continue
		}
		length, after, ok := header(rest, '$')
		switch {
		case !ok:
			return nil, false
		case length < 0:
			rest = after
		case length > len(after)-2 || string(after[length:length+2]) != "\r\n":
			return nil, false
		default:
			all[i] = append(make([]byte, 0, length), after[:length]...)
			rest = after[length+2:]
		}
	}
	return all, len(rest) == 0
}

// header reads a line "<kind><number>\r\n". The number is -1 or more.
func header(reply []byte, kind byte) (number int, rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(reply, []byte("\r\n"))
	if !ok || len(line) < 2 || line[0] != kind {
		return 0, nil, false
	}
	number, err := strconv.Atoi(string(line[1:]))
	return number, rest, err == nil && number >= -1
}

// refusesMany reports whether a reply says that this server, or a proxy before it,
// takes no MGET from us at all: the keys lie on different nodes, or the user may not.
func refusesMany(reply []byte) bool {
	for _, code := range []string{"-CROSSSLOT", "-NOPERM", "-ERR"} {
		if bytes.HasPrefix(reply, []byte(code)) {
			return true
		}
	}
	return false
}
