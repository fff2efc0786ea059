package house

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesNameNoMachine(t *testing.T) {
	t.Parallel()
	dir := root(t)
	out := command(t, "git", "-c", "safe.directory=*", "ls-files", "-z")
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	require.Contains(t, files, "go.mod")
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue // removed, and not yet committed
		}
		require.NoError(t, err)
		require.Empty(t, machineNames(name, text))
	}
}

// The patterns are put together here, so that this file passes.
var (
	machinePath = regexp.MustCompile(`(?:^|[\s"'=(:,` + "`" + `])/(?:root|work|Users|home/[a-z][a-z0-9_-]*)(?:/[\w.-]|["'` + "`" + `\s]|$)`)
	registry    = regexp.MustCompile(`(?i)` + strings.Join([]string{
		`proxy\.` + `golang\.org`, `sum\.` + `golang\.org`, `registry\.` + `npmjs\.org`, `repo1?\.maven\.` + `(?:apache\.)?org`,
		`pypi\.` + `org`, `deb\.` + `debian\.org`, `crates\.` + `io`, `GO` + `PROXY=http`,
	}, "|"))
)

// machineNames finds paths of the machine that a file was written on, and
// hosts of package registries.
func machineNames(name string, text []byte) (found []string) {
	if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
		return nil // a picture or an archive
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		for _, pattern := range []*regexp.Regexp{machinePath, registry} {
			if match := pattern.Find(line); match != nil {
				found = append(found, fmt.Sprintf("%s:%d: %s", name, i+1, match))
			}
		}
	}
	return found
}

func TestMachineNamesFindsViolations(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"see /" + "root/notes.txt", `path = "/` + `home/alice/shop"`, "cd /" + "work", "(/" + "Users/alice)",
		"https://proxy." + "golang.org/x", "https://repo1.maven." + "org/maven2", "https://Deb." + "debian.org",
	} {
		require.Len(t, machineNames("a.md", []byte("first\n"+line+"\n")), 1, line)
	}
	for _, line := range []string{"/usr/sbin/mariadbd", "/tmp/shop", "GET /workshop", "a/" + "work/b", "the /" + "homepage", "golang.org/x/text"} {
		require.Empty(t, machineNames("a.md", []byte(line)), line)
	}
}

func TestModulesAreTidy(t *testing.T) {
	t.Parallel()
	all := modules(t)
	require.Contains(t, all, root(t))
	require.Contains(t, all, filepath.Join(root(t), "examples"))
	for _, dir := range all {
		diff, err := tidyDiff(t, dir)
		require.Empty(t, untidy(diff, err), "%s: run go mod tidy", dir)
	}
}

// tidyDiff is what go mod tidy would change, each module for itself.
func tidyDiff(t *testing.T, dir string) (diff string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "tidy", "-diff")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if err != nil && stdout.Len() == 0 { // not a diff but a failure
		return "", fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

// untidy judges what tidyDiff found.
func untidy(diff string, err error) string {
	if err != nil {
		return err.Error()
	}
	return diff
}

func TestTidyFindsViolations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("go.mod", "module example.com/a\n\ngo 1.26.0\n")
	write("a.go", "package a\n")
	diff, err := tidyDiff(t, dir)
	require.Empty(t, untidy(diff, err))

	write("go.mod", "module example.com/a\n\ngo 1.26.0\n\nrequire go.uber.org/goleak v1.3.0\n")
	diff, err = tidyDiff(t, dir)
	require.NotEmpty(t, untidy(diff, err), "a module that nobody uses")

	write("go.mod", "module\n")
	diff, err = tidyDiff(t, dir)
	require.NotEmpty(t, untidy(diff, err), "a go.mod that is none")
}
