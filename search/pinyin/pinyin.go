// Package pinyin completes Chinese words that are typed by their sound in pinyin: "shouji",
// "sj", "shou j" and "手机k" are on the way to 手机 and 手机壳. It is an option of the schema:
//
//	schema.Romanizer = pinyin.New()
//
// Syllables have no tones, and ü is typed v: 女 is "nv". The readings are those of
// github.com/mozillazg/go-pinyin, some 41,000 characters, which add about 1 MB to a program.
package pinyin

import (
	"strings"
	"sync"

	gopinyin "github.com/mozillazg/go-pinyin"

	"github.com/seed82d84382/commerce/search"
)

// Romanizer reads Chinese characters in pinyin. Its methods may be called at the same time.
type Romanizer struct {
	known sync.Map // of rune to []string: a reading takes the library microseconds
}

var _ search.Romanizer = (*Romanizer)(nil)

// New returns a Romanizer. One is enough for all schemas.
func New() *Romanizer { return &Romanizer{} }

// Name identifies the readings in the fingerprint of a schema.
func (*Romanizer) Name() string { return "pinyin 0.21" }

var args = gopinyin.Args{Style: gopinyin.Normal, Heteronym: true}

// Readings returns the syllables a character is read by, the usual one first, or nil.
func (r *Romanizer) Readings(character rune) []string {
	if _, has := gopinyin.PinyinDict[int(character)]; !has {
		return nil
	}
	if known, ok := r.known.Load(character); ok {
		return known.([]string)
	}
	var readings []string
	for _, s := range gopinyin.SinglePinyin(character, args) {
		if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == "" { // "ê" is not typed
			readings = append(readings, s)
		}
	}
	r.known.Store(character, readings)
	return readings
}
