// Package i18n holds the shop's two languages: which one a visitor reads, and
// every text of the pages, mails and text messages in both.
package i18n

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Language is a language of the shop.
type Language string

// The languages, as a cookie and a form name them.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// All is every language, the default one first.
var All = []Language{English, Chinese}

var tables = map[Language]map[string]string{English: english, Chinese: chinese}

var matcher = language.NewMatcher([]language.Tag{language.English, language.SimplifiedChinese})

// Parse returns the language of a name such as "zh", and whether it is one.
func Parse(name string) (Language, bool) {
	l := Language(name)
	_, ok := tables[l]
	return l, ok
}

// Match picks the language for an Accept-Language header.
func Match(acceptLanguage string) Language {
	if len(acceptLanguage) > 1000 {
		return English
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(tags) == 0 {
		return English
	}
	_, index, confidence := matcher.Match(tags...)
	if confidence == language.No {
		return English
	}
	return All[index]
}

// Tag is the language as the lang attribute of HTML wants it.
func (l Language) Tag() string {
	if l == Chinese {
		return "zh-Hans"
	}
	return "en"
}

// Other is the language that the switch offers.
func (l Language) Other() Language {
	if l == Chinese {
		return English
	}
	return Chinese
}

// Name is the language in its own words.
func (l Language) Name() string {
	if l == Chinese {
		return "中文"
	}
	return "English"
}

// T returns the text of a key, with args put in as fmt.Sprintf does. A key that is
// missing shows as itself; a test sees to it that none is.
func (l Language) T(key string, args ...any) string {
	text, ok := tables[l][key]
	if !ok {
		return key
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Count returns the text of key for n things: key.one for one in English, key.other else.
func (l Language) Count(key string, n int) string {
	if n == 1 && l == English {
		return l.T(key+".one", n)
	}
	return l.T(key+".other", Group(int64(n)))
}

// Money writes an amount of the shop's currency.
func (l Language) Money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "−", -cents
	}
	return fmt.Sprintf("%s€%s.%02d", sign, Group(cents/100), cents%100)
}

// Group writes 12345 as 12,345, as both languages do.
func Group(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && r != '-' && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Time writes a moment to the minute.
func (l Language) Time(t time.Time) string {
	if l == Chinese {
		return t.Format("2006年1月2日 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}
