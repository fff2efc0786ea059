package elasticsearch

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/search"
)

const (
	maxResponse   = 64 << 20 // bytes of an answer
	gzipFrom      = 1 << 10  // bytes from which a body is worth compressing
	firstBackoff  = 50 * time.Millisecond
	longestRest   = 5 * time.Second // between two tries, and of a node that is down
	searchTries   = 3               // more than the number of nodes
	idleNodeConns = 64
)

// client sends requests to the nodes of a cluster.
type client struct {
	http          *http.Client
	own           bool // http is ours to close
	authorization string
	gzip          bool
	timeout       time.Duration
	patience      time.Duration

	mu    sync.Mutex
	nodes []*node
	turn  int
}

// node is one address.
type node struct {
	url      *url.URL
	failures int       // in a row
	rests    time.Time // not asked before, while others can be
}

func newClient(addresses []*url.URL, o *Options) *client {
	c := &client{http: o.Client, gzip: o.Gzip, timeout: o.Timeout, patience: o.Patience}
	switch {
	case o.APIKey != "":
		c.authorization = "ApiKey " + o.APIKey
	case o.Username != "":
		c.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(o.Username+":"+o.Password))
	}
	if c.http == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = o.TLS
		transport.MaxIdleConnsPerHost = idleNodeConns
		transport.DisableCompression = !o.Gzip
		c.http, c.own = &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}, true
	}
	for _, a := range addresses {
		c.nodes = append(c.nodes, &node{url: a})
	}
	return c
}

func (c *client) close() {
	if c.own {
		c.http.CloseIdleConnections()
	}
}

// pick returns the next node that does not rest, or the one that has rested longest.
func (c *client) pick() *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var best *node
	for range c.nodes {
		n := c.nodes[c.turn%len(c.nodes)]
		c.turn++
		if !n.rests.After(now) {
			return n
		}
		if best == nil || n.rests.Before(best.rests) {
			best = n
		}
	}
	return best
}

// report keeps what became of a request to a node.
func (c *client) report(n *node, reached bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reached {
		n.failures, n.rests = 0, time.Time{}
		return
	}
	n.failures++
	n.rests = time.Now().Add(min(longestRest, firstBackoff<<min(n.failures, 10)))
}

// call is one request. A call may be sent several times: each has the same effect again.
type call struct {
	method, path string // path with its query, escaped
	body         []byte
	kind         string // content type; "" is JSON
	// write is tried again for the client's patience; other calls a few times.
	write bool
	// resent is called before a try after one whose outcome is unknown; nil is nothing.
	resent func()
}

// do sends a call and returns the answer's body; an answer that is no success is an *Error.
func (c *client) do(ctx context.Context, r call) ([]byte, error) {
	deadline := time.Now().Add(c.patience)
	for try := 1; ; try++ {
		n := c.pick()
		status, body, err := c.send(ctx, n, r)
		switch {
		case ctx.Err() != nil && err != nil:
			return nil, ctx.Err()
		case err != nil && !errors.Is(err, errTooLong):
			c.report(n, false)
			err = unavailableError{err}
			if r.resent != nil {
				r.resent()
			}
		case err != nil:
			return nil, err
		case status/100 == 2:
			c.report(n, true)
			return body, nil
		default:
			c.report(n, status != http.StatusBadGateway && status != http.StatusServiceUnavailable && status != http.StatusGatewayTimeout)
			refusal := decodeError(status, body)
			if !temporary(status) {
				return nil, refusal
			}
			err = refusal
		}
		if r.write && (c.patience < 0 || !time.Now().Before(deadline)) || !r.write && try >= searchTries+len(c.nodes)-1 {
			return nil, err
		}
		if err := c.rest(ctx, try); err != nil {
			return nil, err
		}
	}
}

// rest waits before the next try. While there are nodes left to ask it is no time at all.
func (c *client) rest(ctx context.Context, try int) error {
	if try < len(c.nodes) {
		return ctx.Err()
	}
	try -= len(c.nodes) - 1
	return pause.For(ctx, backoff(try))
}

// backoff doubles with every try, and is spread so that callers do not come back together.
func backoff(try int) time.Duration {
	longest := min(longestRest, firstBackoff<<min(try-1, 10))
	return longest/2 + rand.N(longest/2)
}

var errTooLong = fmt.Errorf("search: elasticsearch answered with more than %d bytes", maxResponse)

// unavailableError is a node that could not be reached. The URL, which net/http
// puts into its errors, has no credentials.
type unavailableError struct{ err error }

func (e unavailableError) Error() string {
	return search.ErrUnavailable.Error() + ": " + clip(e.err.Error(), maxReason)
}
func (e unavailableError) Unwrap() error        { return e.err }
func (e unavailableError) Is(target error) bool { return target == search.ErrUnavailable }

func (c *client) send(ctx context.Context, n *node, r call) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, encoding := r.body, ""
	if c.gzip && len(body) >= gzipFrom {
		body, encoding = compress(body), "gzip"
	}
	request, err := http.NewRequestWithContext(ctx, r.method, n.url.String()+r.path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if len(body) > 0 {
		kind := r.kind
		if kind == "" {
			kind = "application/json"
		}
		request.Header.Set("Content-Type", kind)
	}
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := readAll(response)
	return response.StatusCode, answer, err
}

func readAll(response *http.Response) ([]byte, error) {
	if response.ContentLength > maxResponse {
		return nil, errTooLong
	}
	var buffer bytes.Buffer
	if response.ContentLength > 0 {
		buffer.Grow(int(response.ContentLength) + bytes.MinRead)
	}
	n, err := buffer.ReadFrom(io.LimitReader(response.Body, maxResponse+1))
	if err == nil && n > maxResponse {
		return nil, errTooLong
	}
	return buffer.Bytes(), err
}

func compress(body []byte) []byte {
	var buffer bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buffer, gzip.BestSpeed) // the level is a valid one
	_, _ = w.Write(body)                                 // a buffer takes everything
	_ = w.Close()
	return buffer.Bytes()
}

// json sends a JSON body, or none, and decodes the answer.
func (c *client) json(ctx context.Context, r call, body, into any) error {
	if body != nil {
		text, err := encode(body)
		if err != nil {
			return err
		}
		r.body = text
	}
	answer, err := c.do(ctx, r)
	if err != nil || into == nil {
		return err
	}
	if fast, ok := into.(scannable); ok {
		return scan(answer, fast)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("search: decode answer of elasticsearch: %w", err)
	}
	return nil
}
