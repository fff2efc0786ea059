package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	const head = "package a\n\nimport \"testing\"\n\n"
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	write("go.mod", "module example.com/a\n\ngo 1.26.0\n")
	write("a/a_test.go", head+"func FuzzOne(f *testing.F) { f.Fuzz(func(t *testing.T, b []byte) {}) }\nfunc TestA(t *testing.T) {}\n")
	write("a/a.go", "package a\n\nfunc FuzzNoTest() {}\n")
	write("a/testdata/b_test.go", head+"func FuzzData(f *testing.F) {}\n")
	targets, err := find(dir)
	require.NoError(t, err)
	require.Equal(t, []target{{filepath.Join(dir, "a"), "FuzzOne"}}, targets)

	t.Setenv("GOWORK", "off")
	require.NoError(t, run(dir, "20x"))

	write("c/c_test.go", head+`func FuzzBad(f *testing.F) { f.Add("seed"); f.Fuzz(func(t *testing.T, s string) { t.Fail() }) }`)
	require.ErrorContains(t, run(dir, "20x"), "FuzzBad")
}
