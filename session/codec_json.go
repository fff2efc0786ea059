package session

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// jsonContent is the content of a record with Options.JSON, for other programs
// and for people to read. Bytes are base64. There is no checksum.
type jsonContent struct {
	Version       int                        `json:"v"`
	Secret        []byte                     `json:"secret"` // SHA-256
	Previous      []byte                     `json:"previous,omitempty"`
	PreviousUntil time.Time                  `json:"previous_until,omitzero"`
	PreviousSees  bool                       `json:"previous_sees,omitempty"`
	AuthHash      []byte                     `json:"auth_hash,omitempty"` // digest
	Remember      bool                       `json:"remember,omitempty"`
	Created       time.Time                  `json:"created,omitzero"`
	Authenticated time.Time                  `json:"authenticated,omitzero"`
	Device        string                     `json:"device,omitempty"`
	IP            string                     `json:"ip,omitempty"`
	Acting        *jsonActing                `json:"acting,omitempty"`
	Values        map[string]json.RawMessage `json:"values,omitempty"`
}

type jsonActing struct {
	Operator []byte        `json:"operator"` // any bytes
	AuthHash []byte        `json:"auth_hash,omitempty"`
	Idle     time.Duration `json:"idle,omitempty"` // nanoseconds
	Deadline time.Time     `json:"deadline"`
	Remember bool          `json:"remember,omitempty"`
}

// jsonSecretPrefix comes before the secret in every such record.
const jsonSecretPrefix = `{"v":1,"secret":"`

// jsonSecret is a digest as it stands there.
func jsonSecret(d []byte) []byte { return base64.StdEncoding.AppendEncode(nil, d) }

func (c *content) encodeJSON() ([]byte, error) {
	j := jsonContent{
		Version: 1, Secret: c.secret[:], PreviousUntil: c.previousUntil.UTC(), PreviousSees: c.previousSees, Remember: c.remember,
		Created: c.created.UTC(), Authenticated: c.authenticated.UTC(),
		Device: strings.ToValidUTF8(string(c.device), ""), IP: strings.ToValidUTF8(string(c.ip), ""), Values: make(map[string]json.RawMessage),
	}
	if c.previous != (digest{}) {
		j.Previous = c.previous[:]
	}
	if c.hasAuthHash {
		j.AuthHash = c.authHash[:]
	}
	if a := c.acting; a != nil {
		j.Acting = &jsonActing{Operator: []byte(a.operator), Idle: a.idle, Deadline: a.deadline.UTC(), Remember: a.remember}
		if a.authHash != (digest{}) {
			j.Acting.AuthHash = a.authHash[:]
		}
	}
	for key, raw := range c.all() {
		if !utf8.ValidString(key) {
			return nil, &InvalidError{"key", fmt.Sprintf("%q is not UTF-8, which Options.JSON needs", key)}
		}
		j.Values[key] = raw
	}
	return json.Marshal(j)
}

func decodeJSON(data []byte) (content, error) {
	var j jsonContent
	if err := json.Unmarshal(data, &j); err != nil {
		return content{}, &CorruptError{Reason: "is no JSON: " + err.Error()}
	}
	if j.Version != 1 {
		return content{}, &CorruptError{Reason: fmt.Sprintf("unknown version %d of JSON", j.Version)}
	}
	c := content{
		previousUntil: local(j.PreviousUntil), previousSees: j.PreviousSees, hasAuthHash: len(j.AuthHash) > 0, remember: j.Remember,
		created: local(j.Created), authenticated: local(j.Authenticated), device: []byte(j.Device), ip: []byte(j.IP), values: make(map[string][]byte, len(j.Values)),
	}
	fits := len(j.Secret) == len(c.secret) && fill(&c.previous, j.Previous) && fill(&c.authHash, j.AuthHash)
	copy(c.secret[:], j.Secret)
	if a := j.Acting; a != nil {
		c.acting = &acting{operator: string(a.Operator), idle: a.Idle, deadline: local(a.Deadline), remember: a.Remember}
		fits = fits && len(a.Operator) > 0 && fill(&c.acting.authHash, a.AuthHash)
	}
	if !fits {
		return content{}, &CorruptError{Reason: "fields do not add up"}
	}
	for key, raw := range j.Values {
		c.values[key] = raw
	}
	return c, nil
}

// fill takes a digest that may be missing.
func fill(d *digest, b []byte) bool {
	copy(d[:], b)
	return len(b) == 0 || len(b) == len(d)
}

// local is a time as the other codec gives it.
func local(t time.Time) time.Time { return fromMicros(toMicros(t)) }
