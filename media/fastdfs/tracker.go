package fastdfs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"

	"github.com/seed82d84382/commerce/media"
)

// Target is a storage that a tracker names.
type Target struct {
	Group     string
	Address   string // host:port, after Config.AddressMap
	StorePath uint8  // where to store; only in answers to QueryStore and QueryStores
}

// Ping asks all trackers at once and returns when the first answers. The others that fail are
// known from then on. It returns an error if none answers.
func (c *Client) Ping(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(c.trackers))
	for _, p := range c.trackers {
		go func() {
			_, err := c.askPool(ctx, p, newRequest(CommandActiveTest, 0).end(0))
			answers <- err
		}()
	}
	var failed error
	answered := false
	for range c.trackers { // all are waited for, so that nothing runs on
		err := <-answers
		if err == nil {
			answered = true
			cancel()
		} else if !answered {
			failed = errors.Join(failed, err)
		}
	}
	if answered {
		return nil
	}
	return named("ping", failed)
}

// askPool makes one exchange with one tracker.
func (c *Client) askPool(ctx context.Context, p *pool, req request) ([]byte, error) {
	conn, err := p.get(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.release()
	body, err := conn.roundTrip(ctx, req)
	if err != nil && !refused(err) && ctx.Err() == nil {
		p.markDown()
	}
	return body, err
}

// ask makes an exchange with any tracker. Trackers that failed are asked last. One that has just been
// started does not know the storages yet, so "not found" is believed only if all say so.
func (c *Client) ask(ctx context.Context, req request) ([]byte, error) {
	var refusal, failure error
	for _, p := range c.order() {
		body, err := c.askPool(ctx, p, req)
		switch {
		case err == nil:
			return body, nil
		case ctx.Err() != nil, errors.Is(err, media.ErrClosed):
			return nil, err
		case hasStatus(err, statusNotFound):
			refusal = err
		case refused(err):
			return nil, err
		default:
			c.config.Store.Logger.LogAttrs(ctx, slog.LevelWarn, "fastdfs: tracker failed", slog.String("tracker", p.address), slog.Any("error", err))
			failure = errors.Join(failure, err)
		}
	}
	return nil, cmp.Or(refusal, failure)
}

// order lists the trackers: those in order from a rotating start, then those that failed, the longest ago first.
func (c *Client) order() []*pool {
	n := len(c.trackers)
	if n == 1 {
		return c.trackers
	}
	start := int(c.next.Add(1)) % n
	up, down := make([]*pool, 0, n), []*pool(nil)
	for i := range n {
		if p := c.trackers[(start+i)%n]; p.isDown() {
			down = append(down, p)
		} else {
			up = append(up, p)
		}
	}
	slices.SortStableFunc(down, func(a, b *pool) int { return a.downUntil().Compare(b.downUntil()) })
	return append(up, down...)
}

// QueryStore asks where a new file may be stored; in the given group, or with "" in one that the tracker chooses.
func (c *Client) QueryStore(ctx context.Context, group string) (Target, error) {
	targets, err := c.queryStores(ctx, CommandQueryStore, CommandQueryStoreIn, group)
	if err != nil {
		return Target{}, named("query store", err)
	}
	return targets[0], nil
}

// QueryStores lists all storages of a group that take new files.
func (c *Client) QueryStores(ctx context.Context, group string) ([]Target, error) {
	targets, err := c.queryStores(ctx, CommandQueryStores, CommandQueryStoresIn, group)
	return targets, named("query stores", err)
}

func (c *Client) queryStores(ctx context.Context, anywhere, inGroup Command, group string) ([]Target, error) {
	req := newRequest(anywhere, groupSize)
	if group != "" {
		if err := checkGroup(group); err != nil {
			return nil, err
		}
		req = newRequest(inGroup, groupSize).fixed(group, groupSize)
	}
	body, err := c.ask(ctx, req.end(0))
	if err != nil {
		return nil, err
	}
	if anywhere == CommandQueryStore {
		return c.parseTargets(body, []layout{{15, true, true}, {45, true, true}}, 1)
	}
	return c.parseTargets(body, []layout{{15, true, true}, {45, true, true}}, maxStorages)
}

// QueryFetch asks which storage to read a file from. The tracker does not know whether there is such a file.
func (c *Client) QueryFetch(ctx context.Context, id string) (Target, error) {
	targets, err := c.queryFile(ctx, CommandQueryFetch, id)
	if err != nil {
		return Target{}, named("query fetch", err)
	}
	return targets[0], nil
}

// QueryFetchAll lists all storages to read a file from.
func (c *Client) QueryFetchAll(ctx context.Context, id string) ([]Target, error) {
	targets, err := c.queryFile(ctx, CommandQueryFetchAll, id)
	return targets, named("query all to fetch from", err)
}

// QueryUpdate asks which storage to change a file on: the one it was uploaded to, as long as that is there.
func (c *Client) QueryUpdate(ctx context.Context, id string) (Target, error) {
	targets, err := c.queryFile(ctx, CommandQueryUpdate, id)
	if err != nil {
		return Target{}, named("query update", err)
	}
	return targets[0], nil
}

func (c *Client) queryFile(ctx context.Context, command Command, id string) ([]Target, error) {
	group, name, err := splitID(id)
	if err != nil {
		return nil, err
	}
	body, err := c.ask(ctx, newRequest(command, groupSize+len(name)).fixed(group, groupSize).text(name).end(0))
	if err != nil {
		return nil, err
	}
	if command != CommandQueryFetchAll {
		return c.parseTargets(body, oneTarget, 1)
	}
	// From 6.16 on every address has its port; before, only the first had.
	return c.parseTargets(body, []layout{{15, true, false}, {45, true, false}, {15, false, false}, {45, false, false}}, maxStorages)
}

// oneTarget are the layouts of an answer that names one storage for a file.
var oneTarget = []layout{{15, true, false}, {45, true, false}}

// maxStorages is how many a group can have.
const maxStorages = 32

// layout is a form that the storages in an answer can have.
type layout struct {
	address int  // bytes of an address
	ports   bool // every storage has its port, not only the first
	path    bool // a store path ends the answer
}

// parseTargets reads group, storages and store path. No field tells which layout it is: it is the first that fits
// the length and in which every address and port makes sense.
func (c *Client) parseTargets(body []byte, layouts []layout, most int) ([]Target, error) {
	for _, l := range layouts {
		if targets := c.parseLayout(body, l, most); targets != nil {
			return targets, nil
		}
	}
	return nil, protocolError("storages in %d bytes", len(body))
}

func (c *Client) parseLayout(body []byte, l layout, most int) []Target {
	rest := len(body) - groupSize - l.address - 8
	each := l.address
	if l.ports {
		each += 8
	}
	if l.path {
		rest--
	}
	if rest < 0 || rest%each != 0 || rest/each+1 > most {
		return nil
	}
	f := fields{b: body}
	group := f.text(groupSize)
	if checkGroup(group) != nil {
		return nil
	}
	targets := make([]Target, rest/each+1)
	var port int64
	for i := range targets {
		address, err := netip.ParseAddr(f.text(l.address))
		if err != nil || address.Zone() != "" {
			return nil
		}
		if i == 0 || l.ports {
			port = f.int64()
		}
		if port < 1 || port > 65535 {
			return nil
		}
		targets[i] = Target{Group: group, Address: c.config.mapped(address.String(), strconv.FormatInt(port, 10))}
	}
	if l.path {
		path := f.byte()
		for i := range targets {
			targets[i].StorePath = path
		}
	}
	return targets
}
