package session

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/boj/redistore"
	"github.com/gomodule/redigo/redis"
	"github.com/gorilla/sessions"
	goredis "github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
)

// site is a library behind its middleware. Its clients hold one cookie each.
type site struct {
	name    string
	writes  *writes
	headers []http.Header // of requests, by session
	seen    []visit       // by caller: how far each has walked through its share
	serve   func(next http.HandlerFunc) http.Handler
	begin   func(r *http.Request, w http.ResponseWriter, i int) error // puts the values
	read    func(r *http.Request, w http.ResponseWriter) (name string)
	count   func(r *http.Request, w http.ResponseWriter) error // read-modify-write of a number
	login   func(r *http.Request, w http.ResponseWriter, user string) error
}

type visit struct {
	step int
	_    [56]byte // a cache line a caller
}

// response is a ResponseWriter that keeps headers only.
type response struct {
	header http.Header
	code   int
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// visit serves a request of a session and keeps the cookie it was answered with.
func (s *site) visit(ctx context.Context, i int, handler http.Handler) error {
	r := (&http.Request{
		Method: http.MethodGet, URL: shop, Host: shop.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: s.headers[i], Body: http.NoBody, RemoteAddr: "192.0.2.1:1234",
	}).WithContext(ctx)
	w := &response{header: make(http.Header, 4)}
	handler.ServeHTTP(w, r)
	if w.code != http.StatusOK {
		return fmt.Errorf("%s: status %d", s.name, w.code)
	}
	if line := w.header.Get("Set-Cookie"); line != "" {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			return err
		}
		s.headers[i] = http.Header{"Cookie": {c.Name + "=" + c.Value}}
	}
	return nil
}

// prepare begins all sessions.
func (s *site) prepare(ctx context.Context) error {
	s.headers, s.seen = make([]http.Header, sessionTotal), make([]visit, 1024)
	for i := range sessionTotal {
		var failed error
		handler := s.serve(func(w http.ResponseWriter, r *http.Request) {
			if failed = s.begin(r, w, i); failed == nil {
				_, failed = w.Write(page)
			}
		})
		if err := s.visit(ctx, i, handler); err != nil {
			return err
		}
		if failed != nil {
			return fmt.Errorf("%s: begin: %w", s.name, failed)
		}
	}
	s.writes.n.Store(0)
	return nil
}

var shop = &url.URL{Scheme: "https", Host: "shop.example", Path: "/"}

var page = []byte("hello")

// next is the session a caller visits next, out of a share no other caller visits.
func (s *site) next(caller int) int {
	const share = sessionTotal / connections
	s.seen[caller].step++
	return caller%connections*share + s.seen[caller].step%share
}

func ours(client goredis.UniversalClient, w *writes, storeOptions *redisstore.Options, options session.Options) (*site, error) {
	driver, err := redisstore.New(client, storeOptions)
	if err != nil {
		return nil, err
	}
	m, err := session.New(driver, &options)
	if err != nil {
		return nil, err
	}
	return &site{
		name: "ours", writes: w,
		serve: func(next http.HandlerFunc) http.Handler { return m.Middleware(next) },
		begin: func(r *http.Request, _ http.ResponseWriter, i int) error {
			for key, value := range values(i) {
				if err := m.Put(r.Context(), key, value); err != nil {
					return err
				}
			}
			return m.Login(r.Context(), session.User{ID: strconv.Itoa(i)}, nil)
		},
		read: func(r *http.Request, _ http.ResponseWriter) string {
			if _, ok := m.User(r.Context()); !ok {
				return ""
			}
			return m.GetString(r.Context(), "name")
		},
		count: func(r *http.Request, _ http.ResponseWriter) error {
			return m.Update(r.Context(), func(v *session.Values) error { v.Set("count", v.Int("count")+1); return nil })
		},
		login: func(r *http.Request, _ http.ResponseWriter, user string) error {
			return m.Login(r.Context(), session.User{ID: user}, nil)
		},
	}, nil
}

func plainSCS(client *goredis.Client, w *writes, idle time.Duration) *site {
	m := scs.New()
	m.Store = goredisstore.New(client)
	m.Lifetime, m.IdleTimeout = 12*time.Hour, idle
	m.HashTokenInStore = true // as ours does
	return &site{
		name: "scs", writes: w,
		serve: func(next http.HandlerFunc) http.Handler { return m.LoadAndSave(next) },
		begin: func(r *http.Request, _ http.ResponseWriter, i int) error {
			for key, value := range values(i) {
				m.Put(r.Context(), key, value)
			}
			m.Put(r.Context(), "user", strconv.Itoa(i))
			return nil
		},
		read: func(r *http.Request, _ http.ResponseWriter) string {
			if m.GetString(r.Context(), "user") == "" {
				return ""
			}
			return m.GetString(r.Context(), "name")
		},
		count: func(r *http.Request, _ http.ResponseWriter) error {
			m.Put(r.Context(), "count", m.GetInt(r.Context(), "count")+1)
			return nil
		},
		login: func(r *http.Request, _ http.ResponseWriter, user string) error {
			m.Put(r.Context(), "user", user)
			return m.RenewToken(r.Context())
		},
	}
}

// gorilla saves by hand, and has no idle timeout and no renewal of its own.
func gorilla(b *benchmark) (*site, error) {
	w := &writes{}
	pool := &redis.Pool{
		MaxIdle: connections, MaxActive: connections, Wait: true,
		DialContext: func(ctx context.Context) (redis.Conn, error) {
			conn, err := w.dial(ctx, "tcp", b.addr)
			if err != nil {
				return nil, err
			}
			return redis.NewConn(conn, 0, 0), nil
		},
	}
	store, err := redistore.NewRediStoreWithPool(pool, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, store.Close)
	store.SetMaxAge(12 * 3600)
	get := func(r *http.Request) *sessions.Session { s, _ := store.Get(r, "session"); return s }
	return &site{
		name: "gorilla", writes: w,
		serve: func(next http.HandlerFunc) http.Handler { return next },
		begin: func(r *http.Request, w http.ResponseWriter, i int) error {
			s := get(r)
			for key, value := range values(i) {
				s.Values[key] = value
			}
			s.Values["user"] = strconv.Itoa(i)
			return s.Save(r, w)
		},
		read: func(r *http.Request, _ http.ResponseWriter) string {
			s := get(r)
			if s.Values["user"] == nil {
				return ""
			}
			name, _ := s.Values["name"].(string)
			return name
		},
		count: func(r *http.Request, w http.ResponseWriter) error {
			s := get(r)
			n, _ := s.Values["count"].(int)
			s.Values["count"] = n + 1
			return s.Save(r, w)
		},
	}, nil
}
