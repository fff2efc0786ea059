package session_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	scsmemstore "github.com/alexedwards/scs/v2/memstore"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

const scsTable = `CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL)`

func TestFromSCSOnSQLite(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Open: func(t *testing.T) session.Driver {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "s.db")+
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(10000)")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		_, err = db.ExecContext(t.Context(), scsTable)
		require.NoError(t, err)
		return session.FromSCS(sqlite3store.NewWithCleanupInterval(db, 0))
	}})
}

func TestFromSCSInMemory(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Open: func(*testing.T) session.Driver {
		return session.FromSCS(scsmemstore.NewWithCleanupInterval(0))
	}})
}

// A store that has the methods with a context gets them called.
func TestFromSCSUsesContexts(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Open: func(*testing.T) session.Driver {
		return session.FromSCS(&contextual{MemStore: scsmemstore.NewWithCleanupInterval(0)})
	}})
}

type contextual struct{ *scsmemstore.MemStore }

var errWithoutContext = errors.New("called without a context")

func (*contextual) Find(string) ([]byte, bool, error)      { return nil, false, errWithoutContext }
func (*contextual) Commit(string, []byte, time.Time) error { return errWithoutContext }
func (*contextual) Delete(string) error                    { return errWithoutContext }

func (c *contextual) FindCtx(_ context.Context, token string) ([]byte, bool, error) {
	return c.MemStore.Find(token)
}

func (c *contextual) CommitCtx(_ context.Context, token string, b []byte, expiry time.Time) error {
	return c.MemStore.Commit(token, b, expiry)
}

func (c *contextual) DeleteCtx(_ context.Context, token string) error {
	return c.MemStore.Delete(token)
}

func ExampleFromSCS() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "s.db"))
	if err != nil {
		panic(err)
	}
	defer db.Close()
	if _, err := db.Exec(scsTable); err != nil {
		panic(err)
	}
	sessions, err := session.New(session.FromSCS(sqlite3store.NewWithCleanupInterval(db, 0)), nil)
	if err != nil {
		panic(err)
	}
	defer sessions.Close()

	ctx := sessions.Attach(context.Background(), "") // Middleware does this for each request
	fmt.Println(sessions.Login(ctx, session.User{ID: "42"}, nil))
	user, ok := sessions.User(ctx)
	fmt.Println(user.ID, ok)
	_, err = sessions.List(ctx, "42")
	fmt.Println(errors.Is(err, errors.ErrUnsupported))
	// Output:
	// <nil>
	// 42 true
	// true
}

func ExampleSCSStore() {
	plain := scs.New() // an existing application keeps its manager
	plain.Store = session.SCSStore(memstore.New())

	site := plain.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plain.Put(r.Context(), "visits", plain.GetInt(r.Context(), "visits")+1)
		fmt.Println(plain.GetInt(r.Context(), "visits"))
	}))
	first := httptest.NewRecorder()
	site.ServeHTTP(first, httptest.NewRequest(http.MethodGet, "/", nil))
	again := httptest.NewRequest(http.MethodGet, "/", nil)
	again.AddCookie(first.Result().Cookies()[0])
	site.ServeHTTP(httptest.NewRecorder(), again)
	// Output:
	// 1
	// 2
}
