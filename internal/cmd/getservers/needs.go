package main

import (
	"path/filepath"
	"slices"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// A need is something outside of Go that tests use, a line of the table below.
// It is present when its program is found, or a file matches its pattern, or its
// artifact is unpacked.
type need struct {
	what     string
	program  string
	files    string
	debian   []string          // the packages that have it
	artifact *testenv.Artifact // for what no Debian package has
}

var needs = slices.Concat([]need{
	// The core packages: the full ones would also set up a service of the machine's own.
	{what: "MariaDB", program: "mariadbd", debian: []string{"mariadb-server-core", "mariadb-client-core"}},
	{what: "PostgreSQL", files: "/usr/lib/postgresql/*/bin/postgres", debian: []string{"postgresql"}},
	{what: "RabbitMQ", program: "/usr/lib/rabbitmq/bin/rabbitmq-server", debian: []string{"rabbitmq-server"}},
	{what: "Redis", program: "redis-server", debian: []string{"redis-server"}},
	{what: "Chromium", program: "chromium", debian: []string{"chromium"}},
	{what: "Chinese fonts", files: "/usr/share/fonts/*/noto/NotoSansCJK*", debian: []string{"fonts-noto-cjk"}},
	{what: "Galera", files: "/usr/lib/galera/libgalera_smm.so", debian: []string{"galera-4"}},
	{what: "rsync", program: "rsync", debian: []string{"rsync"}},
	{what: "lsof", program: "lsof", debian: []string{"lsof"}},
	// What MySQL links.
	{what: "libaio", files: "/usr/lib/*/libaio.so.1*", debian: []string{"libaio1"}},
	{what: "libnuma", files: "/usr/lib/*/libnuma.so.1*", debian: []string{"libnuma1"}},
	// What fetches artifacts.
	{what: "Maven", program: "mvn", debian: []string{"maven"}},
}, artifacts(testenv.Artifacts))

func artifacts(all []testenv.Artifact) []need {
	var needs []need
	for _, a := range all {
		needs = append(needs, need{what: a.Name, artifact: &a})
	}
	return needs
}

func (n need) present() bool {
	switch {
	case n.artifact != nil:
		return n.artifact.Present()
	case n.program != "":
		_, err := testenv.LookPath(n.program, "")
		return err == nil
	default:
		found, err := filepath.Glob(n.files)
		return err == nil && len(found) > 0
	}
}

func missing(needs []need) []need {
	return slices.DeleteFunc(slices.Clone(needs), need.present)
}
