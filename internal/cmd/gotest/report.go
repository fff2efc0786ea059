package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of go test -json; see "go doc test2json".
type event struct {
	Action      string
	Package     string
	ImportPath  string // of what does not build
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// report counts events and prints what a reader wants to know.
type report struct {
	out      io.Writer
	packages map[string]*packageReport
	builds   map[string]*strings.Builder // output of the compiler by import path
	counts
	failures []string
	skips    []string
}

type counts struct{ passed, failed, skipped int }

type packageReport struct {
	output  strings.Builder // outside of its tests
	tests   map[string]*testReport
	results counts
}

type testReport struct {
	output strings.Builder
	ran    bool // else a slash in the name of a subtest made it up
	parent bool // it has subtests
	failed bool // one of its subtests has failed
	ended  bool
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: make(map[string]*packageReport), builds: make(map[string]*strings.Builder)}
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if jsonErr := json.Unmarshal(line, &e); jsonErr != nil {
				fmt.Fprintf(r.out, "%s", line) // go says something that is no event
			} else {
				r.event(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) event(e event) {
	switch {
	case e.ImportPath != "":
		r.build(e)
	case e.Test != "":
		r.test(e)
	default:
		r.packageEvent(e)
	}
}

func (r *report) build(e event) {
	output := r.builds[e.ImportPath]
	if output == nil {
		output = new(strings.Builder)
		r.builds[e.ImportPath] = output
	}
	output.WriteString(e.Output)
}

func (r *report) of(name string) *packageReport {
	p := r.packages[name]
	if p == nil {
		p = &packageReport{tests: make(map[string]*testReport)}
		r.packages[name] = p
	}
	return p
}

func (p *packageReport) test(name string) *testReport {
	t := p.tests[name]
	if t == nil {
		t = new(testReport)
		p.tests[name] = t
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			p.test(name[:i]).parent = true
		}
	}
	return t
}

func (r *report) test(e event) {
	p := r.of(e.Package)
	t := p.test(e.Test)
	t.ran = true
	switch e.Action {
	case "output":
		t.output.WriteString(e.Output)
	case "pass":
		t.ended = true
		if !t.parent {
			p.results.passed++
		}
		t.output.Reset()
	case "skip":
		t.ended = true
		p.results.skipped++
		r.skips = append(r.skips, e.Package+" "+e.Test)
		fmt.Fprintf(r.out, "SKIP  %s %s\n%s", e.Package, e.Test, indent(t.output.String()))
		t.output.Reset()
	case "fail":
		r.failTest(e.Package, e.Test, e.Elapsed)
	}
}

func (r *report) failTest(pkg, name string, elapsed float64) {
	p := r.of(pkg)
	t := p.test(name)
	t.ended = true
	for up := name; ; {
		i := strings.LastIndexByte(up, '/')
		if i < 0 {
			break
		}
		up = up[:i]
		p.test(up).failed = true
	}
	if !t.failed { // else its subtests have been counted
		p.results.failed++
		r.failures = append(r.failures, pkg+" "+name)
	}
	fmt.Fprintf(r.out, "FAIL  %s %s (%.2fs)\n%s", pkg, name, elapsed, indent(t.output.String()))
	t.output.Reset()
}

func (r *report) packageEvent(e event) {
	p := r.of(e.Package)
	switch e.Action {
	case "output":
		p.output.WriteString(e.Output)
	case "pass", "skip":
		r.endPackage(e, "ok")
	case "fail":
		r.failPackage(e)
		r.endPackage(e, "FAIL")
	}
}

// failPackage finds out what failed: its build, a test that never ended
// (a panic, a timeout), or something outside of the tests.
func (r *report) failPackage(e event) {
	p := r.of(e.Package)
	unfinished := make([]string, 0)
	for name, t := range p.tests {
		if t.ran && !t.ended {
			unfinished = append(unfinished, name)
		}
	}
	slices.Sort(unfinished)
	slices.Reverse(unfinished) // subtests before their parents
	for _, name := range unfinished {
		r.failTest(e.Package, name, e.Elapsed)
	}
	if p.results.failed > 0 {
		return
	}
	p.results.failed++
	output := p.output.String()
	if build := r.builds[e.FailedBuild]; build != nil {
		output = build.String()
	}
	r.failures = append(r.failures, e.Package)
	fmt.Fprintf(r.out, "FAIL  %s\n%s", e.Package, indent(output))
}

func (r *report) endPackage(e event, verdict string) {
	p := r.of(e.Package)
	r.passed += p.results.passed
	r.failed += p.results.failed
	r.skipped += p.results.skipped
	if p.results != (counts{}) {
		fmt.Fprintf(r.out, "%-5s %s %.1fs (%s)\n", verdict, e.Package, e.Elapsed, p.results)
	}
	// Only the counts and the tests' names are kept of a package that ended well.
	p.output.Reset()
}

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// close prints the end of the report and reports whether all is well.
func (r *report) close(required bool) bool {
	ok := true
	if len(r.failures) > 0 {
		ok = false
		fmt.Fprintf(r.out, "\nFailed:\n%s", indent(strings.Join(r.failures, "\n")+"\n"))
	}
	if len(r.skips) > 0 && required {
		ok = false
		fmt.Fprintf(r.out, "\nSkipped, where every test has to run:\n%s", indent(strings.Join(r.skips, "\n")+"\n"))
	}
	if r.counts == (counts{}) {
		ok = false
		fmt.Fprintln(r.out, "\nNo test ran.")
	}
	fmt.Fprintf(r.out, "\n%s\n", r.counts)
	return ok
}

func indent(text string) string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return ""
	}
	return "      " + strings.ReplaceAll(text, "\n", "\n      ") + "\n"
}
