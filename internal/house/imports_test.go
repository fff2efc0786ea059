package house

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t)

	t.Run("what exists is examined", func(t *testing.T) {
		for _, name := range append(slices.Clone(core), kits...) {
			if exists(t, name) {
				require.Contains(t, packages, module+"/"+name)
			}
		}
		if exists(t, "examples/storefront") {
			require.Contains(t, packages, examples+"/storefront")
		}
		require.Contains(t, packages, testenv)
		require.Contains(t, packages.links(testenv), "github.com/go-sql-driver/mysql", "the graph reaches other modules")
		require.Contains(t, packages.links(testenv), "database/sql", "and the standard library")
	})
	for _, rule := range importRules {
		t.Run(rule.name, func(t *testing.T) {
			require.Empty(t, rule.check(packages))
		})
		t.Run(rule.name+", a violation is found", func(t *testing.T) {
			for _, violation := range rule.violations {
				require.NotEmpty(t, rule.check(fabricate(violation)), "%+v", violation)
			}
			for _, allowed := range rule.allowed {
				require.Empty(t, rule.check(fabricate(allowed)), "%+v", allowed)
			}
		})
	}
}

var importRules = []struct {
	name       string
	check      func(graph) []string
	violations [][]pkg // each a graph that breaks the rule
	allowed    [][]pkg // each a graph near it that does not
}{
	{
		name:  "the five packages never import each other",
		check: crossImports,
		violations: [][]pkg{
			{{ImportPath: module + "/session", Imports: []string{module + "/inventory"}}},
			{{ImportPath: module + "/session/memstore", Imports: []string{module + "/media/fsmedia"}}},
			{{ImportPath: module + "/notify", TestImports: []string{module + "/search"}}},
			{{ImportPath: module + "/notify", XTestImports: []string{module + "/search"}}},
			{
				{ImportPath: module + "/notify", Imports: []string{module + "/internal/between"}},
				{ImportPath: module + "/internal/between", Imports: []string{module + "/search"}},
			},
		},
		allowed: [][]pkg{
			{{ImportPath: module + "/session/memstore", Imports: []string{module + "/session"}}},
			{{ImportPath: examples + "/storefront", Imports: []string{module + "/session", module + "/search"}}},
		},
	},
	{
		name:  "no core package imports a backend",
		check: coreImportsBackend,
		violations: [][]pkg{
			{{ImportPath: module + "/inventory", Imports: []string{module + "/inventory/sqlite"}}},
			{
				{ImportPath: module + "/inventory", Imports: []string{module + "/inventory/internal/rows"}},
				{ImportPath: module + "/inventory/internal/rows", Imports: []string{module + "/inventory/sqlite"}},
			},
		},
		allowed: [][]pkg{
			{{ImportPath: module + "/inventory", Imports: []string{module + "/inventory/internal/rows"}}},
			{{ImportPath: module + "/inventory", XTestImports: []string{module + "/inventory/memory"}}},
			{{ImportPath: module + "/notify", Imports: []string{module + "/notify/cron"}}},
		},
	},
	{
		name:  "no shipped package links testing, a kit or testenv",
		check: linksTestCode,
		violations: [][]pkg{
			{{ImportPath: module + "/media/fsmedia", Imports: []string{"testing"}}},
			{{ImportPath: module + "/media/fsmedia", Imports: []string{"testing/fstest"}}},
			{{ImportPath: module + "/media", Imports: []string{module + "/media/mediatest"}}},
			{{ImportPath: module + "/media", Imports: []string{testenv}}},
			{
				{ImportPath: module + "/media", Imports: []string{"example.com/library"}},
				{ImportPath: "example.com/library", Imports: []string{"testing"}},
			},
		},
		allowed: [][]pkg{
			{{ImportPath: module + "/media/mediatest", Imports: []string{"testing"}}},
			{{ImportPath: module + "/media", TestImports: []string{"testing"}}},
		},
	},
	{
		name:  "a package compiles only the vendors it names",
		check: foreignVendors,
		violations: [][]pkg{
			{
				{ImportPath: module + "/session", Imports: []string{"github.com/redis/go-redis/v9"}},
				{ImportPath: "github.com/redis/go-redis/v9", Module: &goModule{Path: "github.com/redis/go-redis/v9"}},
			},
			{
				{ImportPath: module + "/session/redisstore", Imports: []string{"example.com/library"}},
				{ImportPath: "example.com/library", Imports: []string{"modernc.org/sqlite"}, Module: &goModule{Path: "example.com/library", Indirect: true}},
				{ImportPath: "modernc.org/sqlite", Module: &goModule{Path: "modernc.org/sqlite"}},
			},
		},
		allowed: [][]pkg{
			{
				{ImportPath: module + "/session/redisstore", Imports: []string{"github.com/redis/go-redis/v9"}},
				{ImportPath: "github.com/redis/go-redis/v9", Module: &goModule{Path: "github.com/redis/go-redis/v9"}},
			},
		},
	},
	{
		name:       "every package has a comment",
		check:      withoutComment,
		violations: [][]pkg{{{ImportPath: module + "/session", GoFiles: []string{"session.go"}}}},
		allowed: [][]pkg{
			{{ImportPath: module + "/session", GoFiles: []string{"session.go"}, Doc: "Package session …"}},
			{{ImportPath: "example.com/library", GoFiles: []string{"library.go"}}},
		},
	},
}

func fabricate(packages []pkg) graph {
	g := make(graph)
	for _, p := range packages {
		g[p.ImportPath] = p
	}
	return g
}

func crossImports(g graph) (found []string) {
	for _, p := range g.ours() {
		mine, ok := coreOf(p.ImportPath)
		if !ok {
			continue
		}
		for _, imported := range slices.Concat(g.links(p.ImportPath), p.TestImports, p.XTestImports) {
			if other, ok := coreOf(imported); ok && other != mine {
				found = append(found, fmt.Sprintf("%s uses %s", p.ImportPath, imported))
			}
		}
	}
	return found
}

// parts are packages below a core package that are no backends, which it may
// import; all of internal may be, too.
var parts = []string{
	"notify/cron", // the notation of schedules
}

func coreImportsBackend(g graph) (found []string) {
	for _, name := range core {
		self := module + "/" + name
		for _, imported := range g.links(self) {
			part := inside(imported, self+"/internal") || slices.Contains(parts, strings.TrimPrefix(imported, module+"/"))
			if strings.HasPrefix(imported, self+"/") && !part {
				found = append(found, fmt.Sprintf("%s uses %s", self, imported))
			}
		}
	}
	return found
}

func linksTestCode(g graph) (found []string) {
	for _, p := range g.ours() {
		if !shipped(p.ImportPath) {
			continue
		}
		for _, imported := range g.links(p.ImportPath) {
			if inside(imported, "testing") || inside(imported, testenv) || isKit(imported) {
				found = append(found, fmt.Sprintf("%s links %s", p.ImportPath, imported))
			}
		}
	}
	return found
}

// vendors are the modules of others that a shipped package may compile, with
// what these bring along. A backend may also compile what its core package may.
// Those of golang.org/x are allowed everywhere.
var vendors = map[string][]string{
	"inventory/mysql":          {"github.com/go-sql-driver/mysql"},
	"inventory/postgres":       {"github.com/jackc/pgx/v5"},
	"inventory/sqlite":         {"modernc.org/sqlite"},
	"media/s3media":            {"github.com/minio/minio-go/v7"},
	"media/webpenc":            {"github.com/deepteams/webp"},
	"notify/email":             {"github.com/wneessen/go-mail"},
	"notify/natsqueue":         {"github.com/nats-io/nats.go"},
	"notify/otp/redisotp":      {"github.com/redis/go-redis/v9"},
	"notify/rabbitqueue":       {"github.com/rabbitmq/amqp091-go"},
	"notify/redisqueue":        {"github.com/redis/go-redis/v9"},
	"notify/sqlqueue":          {"modernc.org/sqlite"},
	"notify/sqlqueue/pglisten": {"github.com/jackc/pgx/v5"},
	"notify/watermillqueue":    {"github.com/ThreeDotsLabs/watermill"},
	"search":                   {"github.com/blevesearch/snowballstem"},
	"search/blevesearch":       {"github.com/blevesearch/", "github.com/RoaringBitmap/roaring", "github.com/golang/snappy", "go.etcd.io/bbolt"},
	"search/gse":               {"github.com/go-ego/gse", "github.com/vcaesar/cedar"},
	"search/pinyin":            {"github.com/mozillazg/go-pinyin"},
	"session":                  {"github.com/alexedwards/scs/v2"},
	"session/redisstore":       {"github.com/redis/go-redis/v9"},
}

// foreignVendors compares the modules named in go.mod. What those need in turn
// (indirect) comes with them.
func foreignVendors(g graph) (found []string) {
	for _, p := range g.ours() {
		if !shipped(p.ImportPath) {
			continue
		}
		name, _ := coreOf(p.ImportPath)
		allowed := slices.Concat(vendors[strings.TrimPrefix(p.ImportPath, module+"/")], vendors[name])
		for _, imported := range g.links(p.ImportPath) {
			m := g[imported].Module
			if m == nil || m.Main || m.Indirect || inside(m.Path, module) || strings.HasPrefix(m.Path, "golang.org/x/") {
				continue
			}
			if !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(m.Path+"/", strings.TrimSuffix(prefix, "/")+"/") }) {
				found = append(found, fmt.Sprintf("%s compiles %s", p.ImportPath, imported))
			}
		}
	}
	return found
}

func withoutComment(g graph) (found []string) {
	for _, p := range g.ours() {
		if len(p.GoFiles) > 0 && p.Doc == "" {
			found = append(found, p.ImportPath)
		}
	}
	return found
}
