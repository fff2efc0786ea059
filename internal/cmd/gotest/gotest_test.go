package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRun runs the real go test over small modules.
func TestRun(t *testing.T) {
	const head = "package a\n\nimport \"testing\"\n\n"
	for _, test := range []struct {
		name     string
		text     string
		required bool
		code     int
		last     string
		prints   []string
	}{
		{
			name:   "all pass",
			text:   head + `func TestA(t *testing.T) { t.Log("not shown") }`,
			last:   "1 passed, 0 failed, 0 skipped",
			prints: []string{"ok    example.com/a"},
		},
		{
			name: "a test counts as its subtests",
			text: head + `func TestA(t *testing.T) { t.Run("b", func(t *testing.T) { t.Run("c", func(t *testing.T) {}) }); t.Run("d", func(t *testing.T) {}) }`,
			last: "2 passed, 0 failed, 0 skipped",
		},
		{
			name:   "a failure",
			text:   head + `func TestA(t *testing.T) { t.Error("the reason") }; func TestB(t *testing.T) {}`,
			code:   1,
			last:   "1 passed, 1 failed, 0 skipped",
			prints: []string{"FAIL  example.com/a TestA", "the reason", "Failed:\n      example.com/a TestA\n"},
		},
		{
			name: "a failed subtest counts once",
			text: head + `func TestA(t *testing.T) { t.Run("b", func(t *testing.T) { t.Run("c", func(t *testing.T) { t.Fail() }) }) }`,
			code: 1,
			last: "0 passed, 1 failed, 0 skipped",
		},
		{
			name: "a failure beside a subtest with a slash in its name",
			text: head + `func TestA(t *testing.T) { t.Run("GET /b", func(t *testing.T) {}) }; func TestB(t *testing.T) { t.Fail() }`,
			code: 1,
			last: "1 passed, 1 failed, 0 skipped",
		},
		{
			name: "a parent that fails by itself",
			text: head + `func TestA(t *testing.T) { t.Run("b", func(t *testing.T) {}); t.Fail() }`,
			code: 1,
			last: "1 passed, 1 failed, 0 skipped",
		},
		{
			name:   "a skip",
			text:   head + `func TestA(t *testing.T) { t.Skip("the reason") }; func TestB(t *testing.T) {}`,
			last:   "1 passed, 0 failed, 1 skipped",
			prints: []string{"SKIP  example.com/a TestA", "the reason"},
		},
		{
			name:     "a skip where every test has to run",
			text:     head + `func TestA(t *testing.T) { t.Skip("the reason") }; func TestB(t *testing.T) {}`,
			required: true,
			code:     1,
			last:     "1 passed, 0 failed, 1 skipped",
			prints:   []string{"Skipped, where every test has to run:\n      example.com/a TestA\n"},
		},
		{
			name:   "no test",
			text:   "package a\n",
			code:   1,
			last:   "0 passed, 0 failed, 0 skipped",
			prints: []string{"No test ran."},
		},
		{
			name:   "a panic",
			text:   head + `func TestA(t *testing.T) { panic("the reason") }; func TestB(t *testing.T) {}`,
			code:   1,
			last:   "0 passed, 1 failed, 0 skipped",
			prints: []string{"panic: the reason"},
		},
		{
			name:   "an exit in the middle",
			text:   "package a\n\nimport (\"os\"; \"testing\")\n\n" + `func TestA(t *testing.T) { os.Exit(3) }`,
			code:   1,
			last:   "0 passed, 1 failed, 0 skipped",
			prints: []string{"FAIL  example.com/a TestA"},
		},
		{
			name:   "TestMain fails",
			text:   "package a\n\nimport (\"fmt\"; \"os\"; \"testing\")\n\n" + `func TestMain(m *testing.M) { m.Run(); fmt.Println("a leak"); os.Exit(1) }; func TestA(t *testing.T) {}`,
			code:   1,
			last:   "1 passed, 1 failed, 0 skipped",
			prints: []string{"FAIL  example.com/a\n", "a leak"},
		},
		{
			name:   "does not build",
			text:   head + `func TestA(t *testing.T) { undefined() }`,
			code:   1,
			last:   "0 passed, 1 failed, 0 skipped",
			prints: []string{"undefined: undefined"},
		},
		{
			name:   "an import that is not there",
			text:   "package a\n\nimport _ \"example.com/a/b\"\n",
			code:   1,
			last:   "0 passed, 1 failed, 0 skipped",
			prints: []string{"example.com/a/b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/a\n\ngo 1.26.0\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a_test.go"), []byte(test.text), 0o600))
			t.Chdir(dir)
			t.Setenv("GOWORK", "off")
			t.Setenv("CI", "")
			t.Setenv("COMMERCE_REQUIRE", "")
			if test.required {
				t.Setenv("COMMERCE_REQUIRE", "all")
			}
			var out strings.Builder
			require.Equal(t, test.code, run([]string{"-vet=off", "./..."}, &out), out.String())
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Equal(t, test.last, lines[len(lines)-1], out.String())
			for _, text := range test.prints {
				require.Contains(t, out.String(), text)
			}
			require.NotContains(t, out.String(), "not shown")
		})
	}
}

func TestEveryLineEndsUpSomewhere(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := newReport(&out)
	require.NoError(t, r.read(strings.NewReader("no event\n{\"Action\":\"pass\",\"Package\":\"a\",\"Test\":\"T\"}\n{\"Action\":\"pass\",\"Package\":\"a\"}")))
	require.True(t, r.close(true))
	require.Equal(t, "no event\nok    a 0.0s (1 passed, 0 failed, 0 skipped)\n\n1 passed, 0 failed, 0 skipped\n", out.String())
}
