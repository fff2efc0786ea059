package session

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
)

const idle = 20 * time.Minute

var errWrong = errors.New("the session does not hold what was put there")

func (b *benchmark) cases(ctx context.Context) ([]peer.Case, error) {
	var all []peer.Case
	for _, c := range []struct {
		name string
		idle time.Duration
		act  func(*site) func(ctx context.Context, caller int) error
		raw  func(ctx context.Context) ([]peer.Subject, error)
	}{
		{"untouched", idle, (*site).untouched, nil},
		{"read", 0, (*site).reads, b.rawReads},
		{"read-idle-timeout", idle, (*site).reads, nil},
		{"read-modify-write", idle, (*site).counts, nil},
		{"login", idle, (*site).logins, nil},
	} {
		sites, err := b.sites(ctx, c.idle, c.name == "login")
		if err != nil {
			return nil, err
		}
		one := peer.Case{Name: c.name, Callers: []int{1, 16, 64}}
		for _, s := range sites {
			one.Subjects = append(one.Subjects, subject(s.name, s.writes, c.act(s)))
		}
		if c.raw != nil {
			raw, err := c.raw(ctx)
			if err != nil {
				return nil, err
			}
			one.Subjects = append(one.Subjects, raw...)
		}
		all = append(all, one)
	}
	near, err := b.near(ctx)
	if err != nil {
		return nil, err
	}
	return append(all, near, b.logoutAll()), nil
}

// sites are the libraries, each on its own client, with sessions begun.
func (b *benchmark) sites(ctx context.Context, idle time.Duration, login bool) ([]*site, error) {
	options := session.Options{Idle: idle, Logger: slog.New(slog.DiscardHandler)}
	if idle == 0 {
		options.Idle = -1
	}
	client, w := b.counted(nil)
	mine, err := ours(client, w, nil, options)
	if err != nil {
		return nil, err
	}
	sites := []*site{mine}
	client, w = b.counted(nil)
	sites = append(sites, plainSCS(client, w, idle))
	if !login { // it has no renewal to compare
		s, err := gorilla(b)
		if err != nil {
			return nil, err
		}
		sites = append(sites, s)
	}
	for _, s := range sites {
		if err := s.prepare(ctx); err != nil {
			return nil, err
		}
	}
	return sites, nil
}

func (s *site) untouched() func(context.Context, int) error {
	handler := s.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	return func(ctx context.Context, caller int) error { return s.visit(ctx, s.next(caller), handler) }
}

func (s *site) reads() func(context.Context, int) error {
	handler := s.serve(func(w http.ResponseWriter, r *http.Request) {
		if s.read(r, w) == "" {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(page)
	})
	return func(ctx context.Context, caller int) error { return s.visit(ctx, s.next(caller), handler) }
}

func (s *site) counts() func(context.Context, int) error {
	return s.changes(func(w http.ResponseWriter, r *http.Request) error { return s.count(r, w) })
}

// logins log another user in to the session of the one before.
func (s *site) logins() func(context.Context, int) error {
	return s.changes(func(w http.ResponseWriter, r *http.Request) error {
		return s.login(r, w, strconv.Itoa(time.Now().Nanosecond()))
	})
}

func (s *site) changes(act func(w http.ResponseWriter, r *http.Request) error) func(context.Context, int) error {
	handler := s.serve(func(w http.ResponseWriter, r *http.Request) {
		if err := act(w, r); err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(page)
	})
	return func(ctx context.Context, caller int) error { return s.visit(ctx, s.next(caller), handler) }
}

// rawReads is what a GET of as many bytes costs without any session.
func (b *benchmark) rawReads(ctx context.Context) ([]peer.Subject, error) {
	const key = "raw"
	client, w := b.counted(nil)
	if err := client.Set(ctx, key, make([]byte, 300), 0).Err(); err != nil {
		return nil, err
	}
	conns := make([]*bufio.ReadWriter, connections)
	floor := &writes{}
	for i := range conns {
		conn, err := floor.dial(ctx, "tcp", b.addr)
		if err != nil {
			return nil, err
		}
		b.closers = append(b.closers, func() error { _ = conn.Close(); return nil })
		conns[i] = bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
	}
	return []peer.Subject{
		subject("go-redis", w, func(ctx context.Context, _ int) error { return client.Get(ctx, key).Err() }),
		subject("floor", floor, func(_ context.Context, caller int) error { return rawGet(conns[caller%connections], key) }),
	}, nil
}

func rawGet(conn *bufio.ReadWriter, key string) error {
	_, _ = conn.WriteString("*2\r\n$3\r\nGET\r\n$" + strconv.Itoa(len(key)) + "\r\n" + key + "\r\n")
	if err := conn.Flush(); err != nil {
		return err
	}
	line, err := conn.ReadString('\n')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(line[1 : len(line)-2])
	if err != nil || line[0] != '$' {
		return fmt.Errorf("floor: %q", line)
	}
	_, err = io.CopyN(io.Discard, conn, int64(n)+2)
	return err
}

// near reads sessions that the client's cache holds.
func (b *benchmark) near(ctx context.Context) (peer.Case, error) {
	cached := func(o *redis.Options) {
		o.Protocol, o.ClientSideCacheConfig = 3, &redis.ClientSideCacheConfig{MaxEntries: 10 * sessionTotal}
	}
	client, w := b.counted(cached)
	mine, err := ours(client, w, &redisstore.Options{NearCache: true}, session.Options{Idle: idle, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return peer.Case{}, err
	}
	if err := mine.prepare(ctx); err != nil {
		return peer.Case{}, err
	}
	raw, rawWrites := b.counted(cached)
	if err := raw.Set(ctx, "raw", make([]byte, 300), 0).Err(); err != nil {
		return peer.Case{}, err
	}
	return peer.Case{Name: "near-cache-read", Callers: []int{1, 16, 64}, Subjects: []peer.Subject{
		subject("ours", mine.writes, mine.reads()),
		subject("go-redis", rawWrites, func(ctx context.Context, _ int) error { return raw.Get(ctx, "raw").Err() }),
	}}, nil
}

// logoutAll ends the sessions of a user who has 10,000. Only that is timed, not
// their beginning.
func (b *benchmark) logoutAll() peer.Case {
	mine := func(ctx context.Context) (timed, *writes, error) {
		client, w := b.counted(func(o *redis.Options) { o.DB = 1 })
		m, err := redisstore.Open(client, nil)
		if err != nil {
			return timed{}, nil, err
		}
		return timed{
			begin: func(ctx context.Context) error { return m.Login(m.Attach(ctx, ""), session.User{ID: "42"}, nil) },
			end: func(ctx context.Context) error {
				n, err := m.LogoutAll(ctx, "42")
				if err == nil && n != manySessions {
					err = fmt.Errorf("%w: %d ended", errWrong, n)
				}
				return err
			},
		}, w, nil
	}
	// scs has no index: it asks for every session there is, of whoever. Here all
	// are of the one user, which is the best case.
	theirs := func(ctx context.Context) (timed, *writes, error) {
		client, w := b.counted(func(o *redis.Options) { o.DB = 2 })
		m := scs.New()
		m.Store = goredisstore.New(client)
		return timed{
			begin: func(ctx context.Context) error {
				ctx, err := m.Load(ctx, "")
				if err != nil {
					return err
				}
				m.Put(ctx, "user", "42")
				_, _, err = m.Commit(ctx)
				return err
			},
			end: func(ctx context.Context) error {
				n := 0
				err := m.Iterate(ctx, func(ctx context.Context) error {
					if m.GetString(ctx, "user") != "42" {
						return nil
					}
					n++
					return m.Destroy(ctx)
				})
				if err == nil && n != manySessions {
					err = fmt.Errorf("%w: %d ended", errWrong, n)
				}
				return err
			},
		}, w, nil
	}
	return peer.Case{Name: "logout-all", Callers: []int{1}, Subjects: []peer.Subject{
		{Name: "ours", Measure: measureLogoutAll(mine)}, {Name: "scs", Measure: measureLogoutAll(theirs)},
	}}
}

type timed struct {
	begin, end func(ctx context.Context) error
}

func measureLogoutAll(open func(ctx context.Context) (timed, *writes, error)) func(context.Context, bench.Load) (peer.Sample, error) {
	return func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		act, w, err := open(ctx)
		if err != nil {
			return peer.Sample{}, err
		}
		sample := bench.Sample{Latencies: new(bench.Latencies)}
		trips := int64(0)
		for until := time.Now().Add(load.Duration); sample.Ops == 0 || time.Now().Before(until); {
			if err := beginMany(ctx, act.begin); err != nil {
				return peer.Sample{}, err
			}
			before, start := w.n.Load(), time.Now()
			if err := act.end(ctx); err != nil {
				return peer.Sample{}, err
			}
			took := time.Since(start)
			trips += w.n.Load() - before
			sample.Ops++
			sample.Elapsed += took
			sample.Latencies.Add(took)
		}
		return peer.Sample{Sample: sample, RoundTrips: float64(trips) / float64(sample.Ops)}, nil
	}
}

func beginMany(ctx context.Context, begin func(ctx context.Context) error) error {
	const workers = 20
	errs := make([]error, workers)
	var running sync.WaitGroup
	for i := range workers {
		running.Go(func() {
			for range manySessions / workers {
				if errs[i] = begin(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
