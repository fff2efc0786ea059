package house

import (
	"fmt"
	"go/ast"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSources(t *testing.T) {
	t.Parallel()
	files := sources(t)
	for _, examined := range []string{"doc.go", "internal/house/sources_test.go", "internal/testenv/testenvtest/testenvtest.go"} {
		require.True(t, contains(files, examined), examined)
	}
	for _, name := range core {
		require.Equal(t, exists(t, name), contains(files, name+"/doc.go"), "%s is examined and has a doc.go", name)
	}
	for _, file := range files {
		require.Empty(t, sleeps(file))
		require.Empty(t, bareSkips(file))
	}
}

func contains(files []source, path string) bool {
	for _, file := range files {
		if file.path == path {
			return true
		}
	}
	return false
}

// sleeps finds waiting by the clock in tests and kits.
func sleeps(s source) (found []string) {
	if !strings.HasSuffix(s.path, "_test.go") && !isKit(module+"/"+s.path[:max(strings.LastIndexByte(s.path, '/'), 0)]) {
		return nil
	}
	name := importName(s.file, "time")
	ast.Inspect(s.file, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != "Sleep" {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && name != "" && x.Name == name {
			found = append(found, fmt.Sprintf("%s: time.Sleep in a test", s.set.Position(selector.Pos())))
		}
		return true
	})
	return found
}

// importName is the name under which a file uses a package, "" when it does
// not.
func importName(file *ast.File, path string) string {
	for _, spec := range file.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err != nil || imported != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndexByte(path, '/')+1:]
	}
	return ""
}

// bareSkips finds skips that say nothing to the run that requires every test.
// Only testenvtest may skip. A property test of rapid may: there it means that
// a generated case does not apply.
func bareSkips(s source) (found []string) {
	if strings.HasPrefix(s.path, "internal/testenv/testenvtest/") {
		return nil
	}
	name := importName(s.file, "testing")
	if name == "" {
		return nil
	}
	// The parameters named in the functions around a call, innermost last.
	var scopes []map[string]bool
	var walk func(ast.Node)
	enter := func(function *ast.FuncType, body *ast.BlockStmt) {
		if body == nil {
			return
		}
		scope := make(map[string]bool)
		for _, field := range function.Params.List {
			for _, ident := range field.Names {
				scope[ident.Name] = isTestingType(field.Type, name)
			}
		}
		scopes = append(scopes, scope)
		walk(body)
		scopes = scopes[:len(scopes)-1]
	}
	isTest := func(variable string) bool {
		for i := len(scopes) - 1; i >= 0; i-- {
			if test, ok := scopes[i][variable]; ok {
				return test
			}
		}
		return false
	}
	walk = func(node ast.Node) {
		ast.Inspect(node, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				enter(node.Type, node.Body)
				return false
			case *ast.FuncLit:
				enter(node.Type, node.Body)
				return false
			case *ast.SelectorExpr:
				x, ok := node.X.(*ast.Ident)
				switch node.Sel.Name {
				case "Skip", "Skipf", "SkipNow":
					if ok && isTest(x.Name) {
						found = append(found, fmt.Sprintf("%s: skip through testenvtest.Skip", s.set.Position(node.Pos())))
					}
				}
			}
			return true
		})
	}
	walk(s.file)
	return found
}

// isTestingType recognises testing.TB and pointers to the types of testing.
func isTestingType(expression ast.Expr, name string) bool {
	if star, ok := expression.(*ast.StarExpr); ok {
		expression = star.X
	}
	selector, ok := expression.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := selector.X.(*ast.Ident)
	return ok && x.Name == name
}

func TestSourceRulesFindViolations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		path  string
		text  string
		check func(source) []string
		found int
	}{
		{"a sleep", "a/a_test.go", `package a; import "time"; func f() { time.Sleep(1) }`, sleeps, 1},
		{"a sleep under another name", "a/a_test.go", `package a; import clock "time"; var _ = clock.Sleep`, sleeps, 1},
		{"a sleep in a kit", "media/mediatest/run.go", `package mediatest; import "time"; func f() { time.Sleep(1) }`, sleeps, 1},
		{"a sleep outside of tests", "a/a.go", `package a; import "time"; func f() { time.Sleep(1) }`, sleeps, 0},
		{"another Sleep", "a/a_test.go", `package a; import "time"; func f(bed interface{ Sleep() }) { bed.Sleep(); _ = time.Now }`, sleeps, 0},
		{"a skip", "a/a_test.go", `package a; import "testing"; func TestA(t *testing.T) { t.Skip() }`, bareSkips, 1},
		{"a skip in a subtest", "a/a_test.go", `package a; import "testing"; func TestA(t *testing.T) { t.Run("", func(u *testing.T) { u.Skipf("") }) }`, bareSkips, 1},
		{"a skip in a helper", "a/run.go", `package a; import "testing"; func helper(tb testing.TB) { tb.SkipNow() }`, bareSkips, 1},
		{"a skip by its method value", "a/a_test.go", `package a; import "testing"; func TestA(t *testing.T) { skip := t.Skip; skip() }`, bareSkips, 1},
		{"a case that does not apply", "a/a_test.go", `package a; import ("testing"; "pgregory.net/rapid"); func TestA(t *testing.T) { rapid.Check(t, func(t *rapid.T) { t.Skip() }) }`, bareSkips, 0},
		{"a skip through testenvtest", "a/a_test.go", `package a; import "testing"; func TestA(t *testing.T) { testenvtest.Skip(t, "") }`, bareSkips, 0},
		{"testenvtest", "internal/testenv/testenvtest/a.go", `package testenvtest; import "testing"; func Skip(t testing.TB) { t.Skip() }`, bareSkips, 0},
	} {
		file, err := parse(test.path, test.text)
		require.NoError(t, err)
		require.Len(t, test.check(file), test.found, test.name)
	}
}
