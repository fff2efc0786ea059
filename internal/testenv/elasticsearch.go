package testenv

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The versions of Elasticsearch that tests run. getservers fetches them.
const (
	Elasticsearch8Version = "8.14.1"
	Elasticsearch7Version = "7.17.15"
)

// elasticsearchHeap is enough for catalogues of some ten thousand products.
const elasticsearchHeap = "512m"

const javaPackage = "default-jre-headless"

// Elasticsearch starts a node of Elasticsearch 8.14 that is a cluster by itself,
// without security. DSN is its URL. The first start on a machine takes some 20
// seconds, later ones 10.
//
// It returns an [UnavailableError] when Java or the unpacked server is missing.
func Elasticsearch(ctx context.Context, opts *Options) (*Server, error) {
	return startElasticsearch(ctx, Elasticsearch8Version, nil, opts)
}

// Elasticsearch7 is as [Elasticsearch], with version 7.17.
func Elasticsearch7(ctx context.Context, opts *Options) (*Server, error) {
	return startElasticsearch(ctx, Elasticsearch7Version, nil, opts)
}

// ElasticsearchAt is an Elasticsearch that runs already, at host:port. It cannot
// be paused, killed or restarted.
func ElasticsearchAt(addr string) *Server {
	return &Server{Addr: addr, DSN: elasticsearchURL(addr), kind: kind{name: "elasticsearch", newDatabase: newElasticsearchIndex}}
}

// ElasticsearchHome is the directory in the user's cache where getservers keeps
// a version of Elasticsearch, whether it is there or not.
func ElasticsearchHome(version string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "commerce-testenv", "elasticsearch-"+version), nil
}

func elasticsearchURL(addr string) string { return "http://" + addr }

// startElasticsearch starts a node; settings are more lines of its elasticsearch.yml.
func startElasticsearch(ctx context.Context, version string, settings []string, opts *Options) (*Server, error) {
	home, err := ElasticsearchHome(version)
	if err != nil {
		return nil, fmt.Errorf("testenv: elasticsearch: %w", err)
	}
	java, err := LookPath("java", javaPackage)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(home, "lib")); err != nil {
		return nil, &UnavailableError{Program: "Elasticsearch " + version, Get: "go run ./internal/cmd/getservers"}
	}
	node := elasticsearchNode{version: version, java: java, home: home, settings: settings}
	return start(ctx, kind{
		name:        "elasticsearch",
		program:     "env",
		debian:      "coreutils",
		prepare:     node.prepare,
		args:        node.args,
		dsn:         elasticsearchURL,
		ready:       elasticsearchReady,
		portTaken:   [][]byte{[]byte("Address already in use"), []byte("Failed to bind to")},
		newDatabase: newElasticsearchIndex,
	}, opts)
}

// elasticsearchNode is how one node is run.
type elasticsearchNode struct {
	version, java, home string
	settings            []string
}

// nobody is the user a server runs as that refuses to run as root.
const nobody = 65534

// prepare writes the configuration. As root it also makes a copy of the server
// that another user can read, by hard links where it can.
func (n *elasticsearchNode) prepare(_ context.Context, _, data string) error {
	dir := filepath.Dir(data)
	for _, sub := range []string{"config", "index", "logs"} {
		if err := os.Mkdir(filepath.Join(data, sub), 0o700); err != nil {
			return err
		}
	}
	lines := append([]string{
		"network.host: 127.0.0.1",
		"node.name: " + filepath.Base(dir),
		"path.data: " + filepath.Join(data, "index"),
		"path.logs: " + filepath.Join(data, "logs"),
		"xpack.security.enabled: false",
		"cluster.routing.allocation.disk.threshold_enabled: false",
		"action.destructive_requires_name: false",
	}, n.settings...)
	if len(n.settings) == 0 {
		transport, err := freePort()
		if err != nil {
			return err
		}
		lines = append(lines, "discovery.type: single-node", fmt.Sprintf("transport.port: %d-%d", transport, transport+100))
	}
	for name, text := range map[string]string{
		"elasticsearch.yml": strings.Join(lines, "\n") + "\n",
		"jvm.options":       "-XX:+UseSerialGC\n-XX:+ExitOnOutOfMemoryError\n",
		"log4j2.properties": elasticsearchLog,
	} {
		if err := os.WriteFile(filepath.Join(data, "config", name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	readable := filepath.Join(dir, "home")
	if err := linkTree(n.home, readable); err != nil {
		return err
	}
	n.home = readable
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	for _, owned := range []string{data, filepath.Join(dir, "tmp")} {
		if err := chownTree(owned, nobody); err != nil {
			return err
		}
	}
	return nil
}

const elasticsearchLog = `rootLogger.level = info
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %-5p %c{1.} %m%n
`

// args is the command line after "env". Version 8 has a launcher that starts the server.
func (n *elasticsearchNode) args(data string, port int) []string {
	tmp := filepath.Join(filepath.Dir(data), "tmp")
	config := filepath.Join(data, "config")
	args := []string{
		"-C", n.home,
		"ES_JAVA_HOME=" + filepath.Dir(filepath.Dir(realPath(n.java))),
		"ES_JAVA_OPTS=-Xms" + elasticsearchHeap + " -Xmx" + elasticsearchHeap,
		"ES_TMPDIR=" + tmp, "LIBFFI_TMPDIR=" + tmp, "HOME=" + data,
	}
	if os.Geteuid() == 0 {
		id := strconv.Itoa(nobody)
		args = append(args, "setpriv", "--reuid="+id, "--regid="+id, "--clear-groups")
	}
	args = append(args, n.java)
	paths := []string{"-Des.path.home=" + n.home, "-Des.path.conf=" + config, "-Des.distribution.type=tar"}
	if strings.HasPrefix(n.version, "7.") {
		args = append(args, "-Xms"+elasticsearchHeap, "-Xmx"+elasticsearchHeap, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
			"-Djava.io.tmpdir="+tmp, "-Djna.tmpdir="+tmp, "-Des.networkaddress.cache.ttl=60", "-Des.bundled_jdk=false", "-Des.distribution.flavor=default")
		args = append(args, "-Djava.security.manager=allow")
		args = append(args, paths...)
		args = append(args, "-cp", n.home+"/lib/*", "org.elasticsearch.bootstrap.Elasticsearch")
	} else {
		args = append(args, "-Xmx64m", "-Dcli.name=server", "-Dcli.script="+n.home+"/bin/elasticsearch", "-Dcli.libs=lib/tools/server-cli",
			"-Des.java.type=system")
		args = append(args, paths...)
		args = append(args, "-cp", n.home+"/lib/*:"+n.home+"/lib/cli-launcher/*", "org.elasticsearch.launcher.CliToolLauncher")
	}
	return append(args, "-Ehttp.port="+strconv.Itoa(port))
}

// realPath follows the links that Debian puts before Java.
func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// linkTree makes a directory with the same files, without copying where it can.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if os.Link(path, target) == nil {
			return nil
		}
		return copyFile(path, target)
	})
}

func copyFile(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

func chownTree(dir string, id int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, id, id)
	})
}

// elasticsearchReady asks whether the cluster can take documents, and whether it
// is this node that answers.
func elasticsearchReady(ctx context.Context, s *Server) error {
	var node struct {
		Name string `json:"name"`
	}
	if err := elasticsearchGet(ctx, s.DSN+"/", &node); err != nil {
		return err
	}
	if node.Name != filepath.Base(s.dir) {
		return fmt.Errorf("another server answers on %s", s.Addr)
	}
	return elasticsearchGet(ctx, s.DSN+"/_cluster/health?wait_for_status=yellow&timeout=1s", nil)
}

func elasticsearchGet(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return elasticsearchDo(request, into)
}

// elasticsearchDo sends a request on a connection of its own: a kept one would
// look like a leak to the tests of the caller.
func elasticsearchDo(request *http.Request, into any) error {
	request.Close = true
	response, err := (&http.Client{Timeout: 30 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", request.Method, request.URL.Path, response.Status, tail(text))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

// newElasticsearchIndex makes up a name; the DSN ends in it. Dropping removes
// every index whose name begins with it.
func newElasticsearchIndex(_ context.Context, s *Server) (string, func(context.Context) error, error) {
	name := "test-" + strings.ToLower(rand.Text())
	drop := func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodDelete, s.DSN+"/"+name+"*?expand_wildcards=all", nil)
		if err != nil {
			return err
		}
		return elasticsearchDo(request, nil)
	}
	return s.DSN + "/" + name, drop, nil
}
