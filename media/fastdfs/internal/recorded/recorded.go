// Package recorded holds exchanges with real FastDFS 6.16.0 servers, for tests of both sides of the protocol.
//
// They were recorded on a cluster of one tracker, two storages in group1 and one in group2 (setup "default"), and on one with storage ids, trunk
// files and wide address fields ("ids-trunk-ip46"); a few come from storages without room or file descriptors.
package recorded

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Exchange is a request and its answer. Those of one setup were made one after the other.
type Exchange struct {
	Name    string `json:"name"`
	Setup   string `json:"setup"`
	Server  string `json:"server"` // "tracker" or "storage", and its address if it matters
	Request []byte `json:"request"`
	Answer  []byte `json:"answer"` // empty if the server only closed
	Closed  bool   `json:"closed"` // the server closed the connection afterwards

	// RequestSize is that of a request of which only the beginning is kept; it went on with its last byte. Else 0.
	RequestSize int `json:"request_size"`
}

// Storage reports whether the server was a storage.
func (e Exchange) Storage() bool { return strings.HasPrefix(e.Server, "storage") }

// Command is the command byte of the request.
func (e Exchange) Command() byte { return e.Request[8] }

// WholeRequest is the request at its full size.
func (e Exchange) WholeRequest() []byte {
	if e.RequestSize <= len(e.Request) {
		return e.Request
	}
	last := e.Request[len(e.Request)-1:]
	return append(bytes.Clone(e.Request), bytes.Repeat(last, e.RequestSize-len(e.Request))...)
}

//go:embed exchanges.ndjson.gz
var packed []byte

// Load returns all exchanges, in the order in which they were made.
func Load() ([]Exchange, error) {
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("recorded: %w", err)
	}
	var all []Exchange
	decoder := json.NewDecoder(unpacked)
	for {
		var e Exchange
		if err := decoder.Decode(&e); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("recorded: %w", err)
		}
		all = append(all, e)
	}
}
