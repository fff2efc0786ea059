package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module   = "github.com/seed82d84382/commerce"
	examples = module + "/examples"
	testenv  = module + "/internal/testenv"
)

// core are the five packages of the SDK.
var core = []string{"session", "inventory", "media", "search", "notify"}

// kits are their public conformance kits, the only packages for others that
// may use testing.
var kits = []string{"session/sessiontest", "inventory/inventorytest", "media/mediatest", "search/searchtest", "notify/notifytest", "media/fastdfs/fastdfstest"}

// pkg is what go list says about a package.
type pkg struct {
	ImportPath   string
	Doc          string
	Module       *goModule
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Error        *struct{ Err string }
}

type goModule struct {
	Path     string
	Main     bool
	Indirect bool
}

// graph is a set of packages by import path.
type graph map[string]pkg

// ours returns the packages of this repository in order.
func (g graph) ours() []pkg {
	var ours []pkg
	for _, p := range g {
		if inside(p.ImportPath, module) {
			ours = append(ours, p)
		}
	}
	slices.SortFunc(ours, func(a, b pkg) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	return ours
}

// links returns everything that a package compiles, itself left out.
func (g graph) links(path string) []string {
	seen := map[string]bool{path: true}
	for queue := []string{path}; len(queue) > 0; queue = queue[1:] {
		for _, imported := range g[queue[0]].Imports {
			if !seen[imported] {
				seen[imported] = true
				queue = append(queue, imported)
			}
		}
	}
	delete(seen, path)
	links := make([]string, 0, len(seen))
	for path := range seen {
		links = append(links, path)
	}
	slices.Sort(links)
	return links
}

// inside reports whether an import path is the parent or below it.
func inside(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// coreOf returns which of the five packages an import path belongs to.
func coreOf(path string) (name string, ok bool) {
	for _, name := range core {
		if inside(path, module+"/"+name) {
			return name, true
		}
	}
	return "", false
}

// shipped reports whether an import path is one that shops compile.
func shipped(path string) bool {
	_, ok := coreOf(path)
	return ok && !isKit(path) && !strings.Contains(path, "/internal/")
}

func isKit(path string) bool {
	return slices.Contains(kits, strings.TrimPrefix(path, module+"/"))
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "go.work"))
	return dir
}

// command runs a program at the root and returns what it prints.
func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	return out
}

// modules returns the folders of the modules that go.work joins.
func modules(t *testing.T) []string {
	t.Helper()
	return strings.Fields(string(command(t, "go", "list", "-m", "-f", "{{.Dir}}")))
}

// list asks the go command once about all modules and all that they use.
func list(t *testing.T) graph {
	t.Helper()
	args := []string{"list", "-e", "-deps", "-json=ImportPath,Doc,Module,GoFiles,Imports,TestImports,XTestImports,Error"}
	for _, dir := range modules(t) {
		args = append(args, dir+"/...")
	}
	out := command(t, "go", args...)
	packages := make(graph)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if inside(p.ImportPath, module) {
			require.Nil(t, p.Error, p.ImportPath)
		}
		packages[p.ImportPath] = p
	}
	return packages
}

// source is a parsed file of this repository.
type source struct {
	path string // from the root
	set  *token.FileSet
	file *ast.File
}

// sources parses every Go file of the repository, whatever its module or
// build tags.
func sources(t *testing.T) []source {
	t.Helper()
	dir := root(t)
	var all []source
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		parsed, err := parse(filepath.ToSlash(relative), string(text))
		all = append(all, parsed)
		return err
	})
	require.NoError(t, err)
	return all
}

func parse(path, text string) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, text, parser.SkipObjectResolution)
	return source{path: path, set: set, file: file}, err
}

// exists reports whether a folder of the repository holds Go files, which it
// may not yet.
func exists(t *testing.T, folder string) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root(t), folder, "*.go"))
	require.NoError(t, err)
	return len(found) > 0
}
