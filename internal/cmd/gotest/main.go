// Command gotest runs "go test -json" with the arguments it is given, prints
// failures as they come and one line a package, and closes with the counts on
// a line of their own:
//
//	412 passed, 0 failed, 0 skipped
//
// A test with subtests counts as its subtests. A package that fails outside of
// its tests (it does not build, TestMain fails, it leaks) counts as one
// failure.
//
// It exits with 1 when something failed, when no test ran, and, with CI=true
// or COMMERCE_REQUIRE=all, when a test was skipped.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/seed82d84382/commerce/internal/testenv"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		return 1
	}
	report := newReport(out)
	readErr := report.read(stdout)
	waitErr := cmd.Wait()
	// The counts stay the last line of the output.
	if readErr != nil {
		fmt.Fprintln(os.Stderr, "gotest: reading the output of go test:", readErr)
	}
	if waitErr != nil {
		fmt.Fprintln(os.Stderr, "gotest: go test:", waitErr)
	}
	ok := report.close(testenv.Required()) && readErr == nil && waitErr == nil
	if !ok {
		return 1
	}
	return 0
}
