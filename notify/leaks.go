package notify

import (
	"bufio"
	"bytes"
	"runtime/pprof"
	"strconv"
	"strings"
)

// kindLabel marks the goroutines of handlers, and those they start, which inherit it, with worker and kind.
const kindLabel = "notify_kind"

// leakScan finds goroutines that handlers started and left running.
type leakScan struct {
	before map[string]int
	leaked map[string]int
}

// scan counts, by kind, the goroutines beyond the running handlers, and returns the
// kinds that have more of them than at the two scans before: those that do are seen
// to grow, while a helper that ends soon after its handler is not.
func (l *leakScan) scan(worker string, running map[string]int) (growing []string) {
	now := labelled(worker)
	for kind, n := range running {
		if now[kind] -= n; now[kind] <= 0 {
			delete(now, kind)
		}
	}
	leaked := make(map[string]int)
	for kind, n := range now {
		if both := min(n, l.before[kind]); both > 0 {
			leaked[kind] = both
			if both > l.leaked[kind] {
				growing = append(growing, kind)
			}
		}
	}
	l.before, l.leaked = now, leaked
	return growing
}

// labelled counts the goroutines of a worker by kind. The profile's text form has for each
// stack a line "N @ …" and then "# labels: {"notify_kind":"WORKER/mail", …}".
func labelled(worker string) map[string]int {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return nil
	}
	counts := make(map[string]int)
	count := 0
	lines := bufio.NewScanner(&text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if n, _, ok := strings.Cut(line, " @ "); ok {
			count, _ = strconv.Atoi(n)
			continue
		}
		labels, ok := strings.CutPrefix(line, "# labels: ")
		if !ok {
			continue
		}
		if _, rest, ok := strings.Cut(labels, `"`+kindLabel+`":"`+worker+`/`); ok {
			kind, _, _ := strings.Cut(rest, `"`)
			counts[kind] += count
		}
	}
	return counts
}
