package elasticsearch

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/search"
)

// Options configure an index. The zero value and nil are the defaults.
type Options struct {
	// Options are those of every engine.
	search.Options

	// Source has all documents. With it, Open fills a new index when the live one was
	// built with another schema or by an earlier version of this package, and returns once that is live. Without,
	// Open fails with [search.ErrSchema].
	Source iter.Seq2[search.Document, error]

	// Nodes are the addresses of more nodes of the cluster, as "https://host:9200".
	// Requests go to all of them in turn; one that is down is left out for a while.
	Nodes []string

	// Username and Password, or APIKey, prove who we are. They may also stand in the URL.
	Username, Password string
	APIKey             string
	// TLS configures https, as with the authority that signed the server's certificate.
	TLS *tls.Config
	// Client sends the requests instead of one of our own; TLS is then not used.
	Client *http.Client

	// Gzip compresses what is sent and received. Worth it over a slow network.
	Gzip bool
	// Timeout is how long a node may take to answer; default 30 seconds.
	Timeout time.Duration
	// Patience is how long a write is tried again while the cluster has no master,
	// no primary shard or no room in its queues; default 30 seconds, -1 not at all.
	Patience time.Duration

	// Refresh is how often the server makes writes visible; default a second. -1
	// leaves that to the server's default, and makes writes that ask for it visible at once.
	Refresh time.Duration
	// Shards is the number of primary shards of a new index; default 1, which is
	// right up to some million products. With more, scores need one more step.
	Shards int
	// Replicas is the number of copies of each shard; default one, or none on a
	// cluster of one node. -1 is none.
	Replicas int

	// BatchBytes bounds one request of a write, in bytes; default 5 MiB.
	BatchBytes int
	// Workers bounds the requests of writes under way at once; default 2.
	Workers int
}

const (
	defaultName       = "products"
	defaultTimeout    = 30 * time.Second
	defaultPatience   = 30 * time.Second
	defaultRefresh    = time.Second
	defaultBatchBytes = 5 << 20
	defaultWorkers    = 2
	maxNodes          = 256
	maxShards         = 64
)

func (o *Options) withDefaults() (Options, error) {
	var full Options
	if o != nil {
		full = *o
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{{&full.Timeout, defaultTimeout}, {&full.Patience, defaultPatience}, {&full.Refresh, defaultRefresh}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	for _, d := range []struct {
		value    *int
		fallback int
	}{{&full.Shards, 1}, {&full.BatchBytes, defaultBatchBytes}, {&full.Workers, defaultWorkers}} {
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	for _, check := range []struct {
		field string
		bad   bool
		what  string
	}{
		{"Timeout", full.Timeout < 0, "is negative"},
		{"Patience", full.Patience < -1, "is negative"},
		{"Refresh", full.Refresh < -1 || full.Refresh > 0 && full.Refresh < time.Millisecond, "is not -1 or at least a millisecond"},
		{"Shards", full.Shards < 1 || full.Shards > maxShards, fmt.Sprintf("is not between 1 and %d", maxShards)},
		{"Replicas", full.Replicas < -1 || full.Replicas > maxNodes, fmt.Sprintf("is not between -1 and %d", maxNodes)},
		{"BatchBytes", full.BatchBytes < 1<<10 || full.BatchBytes > 64<<20, "is not between 1 KiB and 64 MiB"},
		{"Workers", full.Workers < 1 || full.Workers > 64, "is not between 1 and 64"},
		{"Nodes", len(full.Nodes) > maxNodes, fmt.Sprintf("has more than %d addresses", maxNodes)},
		{"APIKey", full.APIKey != "" && full.Username != "", "and Username are both set"},
		{"APIKey", strings.ContainsAny(full.APIKey, "\r\n"), "has a line break"},
	} {
		if check.bad {
			return full, invalid(check.field, check.what)
		}
	}
	return full, nil
}

func invalid(field, reason string) error { return &search.InvalidError{Field: field, Reason: reason} }

// Open opens the index that address names, as "http://localhost:9200/products", and
// makes it when there is none. Without a path the name is "products".
//
// Errors: [search.ErrSchema] when the live index was built with another schema and
// there is no [Options.Source], [search.ErrUnavailable] when the cluster does not answer,
// [search.ErrInvalid] when the address, the schema or the options are wrong,
// errors.ErrUnsupported for a server older than 7.17.
func Open(ctx context.Context, address string, schema search.Schema, opts *Options) (*search.Index, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := schema.Validate(); err != nil {
		return nil, err
	}
	base, name, err := splitAddress(address, &o)
	if err != nil {
		return nil, err
	}
	addresses := []*url.URL{base}
	for _, more := range o.Nodes {
		node, path, err := splitAddress(more, nil)
		if err != nil || path != "" {
			return nil, invalid("Nodes", "has an address that is not a plain http or https URL")
		}
		addresses = append(addresses, node)
	}
	d := newDriver(name, schema, o)
	d.client = newClient(addresses, &o)
	ix, err := d.open(ctx)
	if err != nil {
		d.client.close()
		return nil, err
	}
	return ix, nil
}

// splitAddress returns the root of an address and the name of the index in its
// path. Credentials in it go to o; they never stay in the address, which errors show.
func splitAddress(address string, o *Options) (*url.URL, string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", invalid("address", "is not an http or https URL")
	}
	if u.User != nil {
		if o == nil || o.APIKey != "" || o.Username != "" {
			return nil, "", invalid("address", "has credentials that were not expected there")
		}
		o.Username = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	name := strings.Trim(u.Path, "/")
	if o != nil {
		if name == "" {
			name = defaultName
		}
		if reason := checkIndexName(name); reason != "" {
			return nil, "", invalid("address", reason)
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, name, nil
}

// checkIndexName is stricter than the server: such a name needs no escaping anywhere.
func checkIndexName(name string) string {
	if len(name) > 100 {
		return "names an index in more than 100 bytes"
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '-' && c != '_') {
			return "must name an index in a-z, 0-9, - and _, and begin with a letter"
		}
	}
	return ""
}
