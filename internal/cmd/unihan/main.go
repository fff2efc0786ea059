// Command unihan writes which simplified character stands for which traditional
// ones, as package search/internal/analysis embeds it:
//
//	go run ./internal/cmd/unihan Unihan_Variants.txt > search/internal/analysis/simplified.txt
//
// Its argument is a file of the Unicode Character Database (of Unihan.zip).
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: unihan Unihan_Variants.txt")
	}
	if err := write(os.Args[1], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func write(path string, out io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return run(file, out)
}

func run(in io.Reader, out io.Writer) error {
	v, err := read(in)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, v.table())
	return err
}

// basic is the end of the plane that has the characters in use. The others have
// thousands of simplified forms that no shop writes and few fonts show.
const basic = 0x10000

// inUse leaves those planes out, and the compatibility ideographs, which normalisation replaces.
func inUse(r rune) bool { return r < basic && (r < 0xF900 || r > 0xFAFF) }

// variants are the characters of the basic plane linked to each one, by Unihan's name of the link.
type variants struct {
	version    string
	simplified map[rune][]rune
	shape      map[rune][]rune // kZVariant: two code points for what is one character
	meaning    map[rune][]rune // kSemanticVariant: the same meaning, as 裏 and 裡
}

func read(in io.Reader) (*variants, error) {
	v := &variants{simplified: map[rune][]rune{}, shape: map[rune][]rune{}, meaning: map[rune][]rune{}}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if version, ok := strings.CutPrefix(line, "# Unicode version: "); ok {
			v.version = version
		}
		columns := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") || len(columns) != 3 {
			continue
		}
		from, err := character(columns[0])
		if err != nil {
			return nil, err
		}
		for _, text := range strings.Fields(columns[2]) {
			to, err := character(text)
			if err != nil {
				return nil, err
			}
			v.link(columns[1], from, to)
		}
	}
	return v, lines.Err()
}

func (v *variants) link(kind string, from, to rune) {
	if from == to || !inUse(from) || !inUse(to) {
		return
	}
	switch kind {
	case "kSimplifiedVariant":
		v.simplified[from] = append(v.simplified[from], to)
	case "kTraditionalVariant":
		v.simplified[to] = append(v.simplified[to], from)
	case "kZVariant":
		v.shape[from] = append(v.shape[from], to)
	case "kSemanticVariant":
		v.meaning[from] = append(v.meaning[from], to)
	}
}

// character reads "U+5F8C", perhaps with sources: "U+5F8C<kMatthews,kMeyerWempe".
func character(text string) (rune, error) {
	text, _, _ = strings.Cut(text, "<")
	code, err := strconv.ParseInt(strings.TrimPrefix(text, "U+"), 16, 32)
	if err != nil {
		return 0, fmt.Errorf("character %q: %w", text, err)
	}
	return rune(code), nil
}

// table writes a line for each simplified character: itself, then the others in order.
func (v *variants) table() string {
	simple := map[rune]rune{}
	for from, to := range v.simplified {
		simple[from] = slices.Min(to) // 餘 is 余 or, where that is ambiguous, 馀
	}
	isSimple := map[rune]bool{}
	for _, to := range simple {
		isSimple[to] = true
	}
	for _, links := range []map[rune][]rune{v.shape, v.meaning} {
		more := map[rune]rune{}
		for from, to := range links {
			if simple[from] == 0 && !isSimple[from] {
				for _, t := range to {
					if simple[t] != 0 && more[from] == 0 {
						more[from] = simple[t]
					}
				}
			}
		}
		maps.Copy(simple, more)
	}
	others := map[rune][]rune{}
	for from := range simple {
		to, steps := simple[from], 0
		for ; simple[to] != 0 && steps < 8; steps++ { // 薴, 苧, 苎
			to = simple[to]
		}
		if to != from {
			others[to] = append(others[to], from)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Simplified characters, each before its traditional ones. Made by internal/cmd/unihan of\n# Unihan_Variants.txt, Unicode %s, © Unicode, Inc. (unicode.org/license.txt).\n", v.version)
	for _, to := range slices.Sorted(maps.Keys(others)) {
		slices.Sort(others[to])
		b.WriteString(string(to) + string(others[to]) + "\n")
	}
	return b.String()
}
