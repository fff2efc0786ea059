package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed82d84382/commerce/search"
)

// Error is a refusal of the server. It matches [search.ErrUnavailable] when the
// server is overloaded or lacks a shard or a master.
type Error struct {
	Status int    // of HTTP
	Type   string // as "index_not_found_exception"
	Reason string // shortened
}

func (e *Error) Error() string {
	return fmt.Sprintf("search: elasticsearch answered %d %s: %s", e.Status, e.Type, e.Reason)
}

// Is reports whether target is [search.ErrUnavailable] and trying again later may help.
func (e *Error) Is(target error) bool {
	return target == search.ErrUnavailable && temporary(e.Status)
}

func temporary(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// cause is how the server describes an error.
type cause struct {
	Type      string  `json:"type"`
	Reason    string  `json:"reason"`
	RootCause []cause `json:"root_cause"`
	CausedBy  *cause  `json:"caused_by"`
}

const maxReason = 300

func (c cause) error(status int) *Error {
	e := &Error{Status: status, Type: clip(c.Type, maxReason), Reason: clip(c.Reason, maxReason)}
	if len(c.RootCause) > 0 && c.RootCause[0].Reason != c.Reason {
		e.Reason = clip(e.Reason+": "+c.RootCause[0].Reason, maxReason)
	}
	return e
}

// decodeError reads the body of a response that is no success.
func decodeError(status int, body []byte) *Error {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var c cause
	if json.Unmarshal(body, &answer) == nil && json.Unmarshal(answer.Error, &c) == nil && c.Type != "" {
		return c.error(status)
	}
	return &Error{Status: status, Type: http.StatusText(status), Reason: clip(string(body), maxReason)}
}

// noIndex is the type of the refusal when an index or alias is not there.
const noIndex = "index_not_found_exception"

// isType says whether err is a refusal of one of these types.
func isType(err error, types ...string) bool {
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	for _, t := range types {
		if refusal.Type == t {
			return true
		}
	}
	return false
}

func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}

func isStatus(err error, status int) bool {
	refusal, ok := errors.AsType[*Error](err)
	return ok && refusal.Status == status
}

func asBatch(err error) (*search.BatchError, bool) { return errors.AsType[*search.BatchError](err) }
