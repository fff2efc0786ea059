package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
)

// sessions is how many there are to read.
const sessions = 1000

// way is a store that asks Redis in its own way, and counts how often it does.
type way struct {
	name     string
	trips    atomic.Int64
	client   *redis.Client
	sessions *session.Manager
	tokens   []string
}

// openWays begins sessions in Redis for a store whose commands go alone, and for one
// whose commands are joined.
func openWays(ctx context.Context, s *settings) ([]*way, error) {
	var ways []*way
	for _, one := range []struct {
		name     string
		straight int
	}{{"one by one", -1}, {"joined", 0}} {
		w := &way{name: one.name}
		ways = append(ways, w)
		options := *s.redis
		options.PoolSize, options.Dialer = 64, w.dial
		w.client = redis.NewClient(&options)
		driver, err := redisstore.New(w.client, &redisstore.Options{Straight: one.straight, Prefix: "roundtrips:"})
		if err != nil {
			return ways, err
		}
		if w.sessions, err = session.New(driver, nil); err != nil {
			return ways, err
		}
		for i := range sessions {
			visitor := w.sessions.Attach(ctx, "")
			if err := w.sessions.Put(visitor, "cart", []string{"tea-250g", "cup"}); err != nil {
				return ways, err
			}
			if err := w.sessions.Login(visitor, session.User{ID: strconv.Itoa(i)}, nil); err != nil {
				return ways, err
			}
			token, err := w.sessions.Token(visitor)
			if err != nil {
				return ways, err
			}
			w.tokens = append(w.tokens, token)
		}
	}
	return ways, nil
}

// closeAll logs the users out, and closes.
func closeAll(ways []*way) error {
	var errs []error
	for _, w := range ways {
		if w.sessions == nil {
			continue
		}
		for _, token := range w.tokens {
			errs = append(errs, w.sessions.Logout(w.sessions.Attach(context.Background(), token)))
		}
		errs = append(errs, w.sessions.Close(), w.client.Close())
	}
	return errors.Join(errs...)
}

func (w *way) version(ctx context.Context) (string, error) {
	info, err := w.client.InfoMap(ctx, "server").Result()
	return info["Server"]["redis_version"], err
}

// read is what a request does that asks who it is.
func (w *way) read(ctx context.Context, i int) error {
	user, ok := w.sessions.User(w.sessions.Attach(ctx, w.tokens[i]))
	if !ok || user.ID != strconv.Itoa(i) {
		return fmt.Errorf("session %d is of user %q", i, user.ID)
	}
	return nil
}

func (w *way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &counted{conn, &w.trips}, nil
}

// counted is a connection that counts what is sent: each write of the client is a
// round trip, of one command or of many.
type counted struct {
	net.Conn
	trips *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.trips.Add(1)
	return c.Conn.Write(p)
}

// SyscallConn keeps the client's checks of idle connections.
func (c *counted) SyscallConn() (syscall.RawConn, error) {
	conn, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return conn.SyscallConn()
}

// compareCallers reads with more and more callers at once, both ways.
func compareCallers(ctx context.Context, s *settings, ways []*way) (bench.Section, error) {
	section := bench.Section{
		Title: "Callers at once, each reading a session",
		Text: "A lone caller is as fast either way, as commands are joined only while others are under way. The more callers there are, " +
			"the more of them share a round trip.",
		Table: [][]string{{"callers", "way", "reads/s", "p50 ms", "p99 ms", "round trips a read"}},
	}
	speed := bench.Plot{Title: "Reads a second", XLabel: "callers", YLabel: "reads/s"}
	trips := bench.Plot{Title: "Round trips a read", XLabel: "callers", YLabel: "round trips"}
	for _, w := range ways {
		speed.Lines = append(speed.Lines, bench.Line{Name: w.name})
		trips.Lines = append(trips.Lines, bench.Line{Name: w.name})
	}
	for _, callers := range s.callers {
		counts := map[string][2]int64{} // round trips and reads, by way
		var subjects []bench.Subject
		for _, w := range ways {
			subjects = append(subjects, bench.Subject{Name: w.name, Measure: func(ctx context.Context) (bench.Sample, error) {
				next := make([]int, callers)
				read := func(ctx context.Context, caller int) error {
					next[caller] += callers
					return w.read(ctx, (caller+next[caller])%sessions)
				}
				if _, err := bench.Run(ctx, bench.Load{Callers: callers, Duration: s.duration / 5}, read); err != nil { // connects
					return bench.Sample{}, err
				}
				before := w.trips.Load()
				sample, err := bench.Run(ctx, bench.Load{Callers: callers, Duration: s.duration}, read)
				if err == nil {
					err = sample.FirstErr
				}
				c := counts[w.name]
				counts[w.name] = [2]int64{c[0] + w.trips.Load() - before, c[1] + sample.Ops}
				return sample, err
			}})
		}
		samples, err := bench.Interleave(ctx, s.rounds, subjects, nil)
		if err != nil {
			return section, err
		}
		for i, w := range ways {
			summary, c := bench.Summarize(samples[w.name]), counts[w.name]
			each := float64(c[0]) / float64(max(c[1], 1))
			section.Table = append(section.Table, []string{strconv.Itoa(callers), w.name, bench.Rate(summary.OpsPerSecond),
				bench.Milliseconds(summary.P50), bench.Milliseconds(summary.P99), strconv.FormatFloat(each, 'f', 2, 64)})
			speed.Lines[i].Points = append(speed.Lines[i].Points, bench.Point{X: float64(callers), Y: summary.OpsPerSecond, Low: summary.Min, High: summary.Max})
			trips.Lines[i].Points = append(trips.Lines[i].Points, bench.Point{X: float64(callers), Y: each, Low: each, High: each})
		}
	}
	section.Plots = []bench.Plot{speed, trips}
	return section, nil
}

// compareMany has one caller who wants many sessions, as a hub of websockets does.
func compareMany(ctx context.Context, s *settings, w *way) (bench.Section, error) {
	section := bench.Section{
		Title: fmt.Sprintf("One caller who wants %d sessions", sessions),
		Text:  "Manager.Prefetch asks for them together, 500 in a round trip.",
		Table: [][]string{{"how", "time", "round trips"}},
	}
	for _, how := range []struct {
		name string
		read func() error
	}{
		{"one after the other", func() error {
			for i := range sessions {
				if err := w.read(ctx, i); err != nil {
					return err
				}
			}
			return nil
		}},
		{"Prefetch", func() error {
			contexts, err := w.sessions.Prefetch(ctx, w.tokens)
			if err != nil {
				return err
			}
			for i, ctx := range contexts {
				if user, ok := w.sessions.User(ctx); !ok || user.ID != strconv.Itoa(i) {
					return fmt.Errorf("session %d is of user %q", i, user.ID)
				}
			}
			return nil
		}},
	} {
		best, trips := time.Duration(0), int64(0)
		for range s.rounds {
			before, start := w.trips.Load(), time.Now()
			if err := how.read(); err != nil {
				return section, err
			}
			if took := time.Since(start); best == 0 || took < best {
				best = took
			}
			trips = w.trips.Load() - before
		}
		section.Table = append(section.Table, []string{how.name, fmt.Sprintf("%.1f ms", float64(best.Microseconds())/1000), strconv.FormatInt(trips, 10)})
	}
	return section, nil
}
