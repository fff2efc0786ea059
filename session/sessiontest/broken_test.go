package sessiontest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// full is what memstore can do.
type full interface {
	session.Driver
	session.UserLister
	session.UserDeleter
	session.Sweeper
}

// Each of these drivers has one fault that real stores have had.
var broken = map[string]struct {
	driver func() session.Driver
	test   string // that must find it
}{
	"blind save":        {func() session.Driver { return blindSave{memory()} }, "Fault/LostUpdate"},
	"reviving save":     {func() session.Driver { return revivingSave{memory()} }, "Fault/LogoutUndone"},
	"reviving touch":    {func() session.Driver { return revivingTouch{memory()} }, "Driver/SaveNeverCreates"},
	"lengthening touch": {func() session.Driver { return blindTouch{memory()} }, "Driver/Touch"},
	"lazy delete":       {func() session.Driver { return lazyDelete{memory()} }, "Manager/LoginAndLogout"},
	"lost index":        {func() session.Driver { return lostIndex{memory()} }, "Manager/LogoutAllUnderLoad"},
	"greedy index":      {func() session.Driver { return greedyIndex{memory()} }, "Driver/DeleteUser"},
	"deaf to contexts":  {func() session.Driver { return deaf{memory()} }, "Driver/CancelledContext"},
}

const brokenEnv = "SESSIONTEST_BROKEN_DRIVER"

// TestKitFindsFaults runs the kit in a process of its own on each broken driver.
func TestKitFindsFaults(t *testing.T) {
	t.Parallel()
	for name, b := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			section, _, _ := strings.Cut(b.test, "/")
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$/^"+section+"$", "-test.v")
			command.Env = append(os.Environ(), brokenEnv+"="+name)
			output, err := command.CombinedOutput()
			require.Error(t, err, "the kit passed a broken driver:\n%s", output)
			require.Contains(t, string(output), "--- FAIL: TestBroken/"+b.test)
		})
	}
}

func TestBroken(t *testing.T) {
	b, ok := broken[os.Getenv(brokenEnv)]
	if !ok {
		return // only as a child of TestKitFindsFaults
	}
	sessiontest.Run(t, sessiontest.Harness{Open: func(*testing.T) session.Driver { return b.driver() }})
}

func memory() full { return memstore.New().(full) }

type blindSave struct{ full }

func (b blindSave) Save(ctx context.Context, was, next session.Record) error {
	stored, err := b.full.Load(ctx, was.ID)
	if err != nil {
		return err
	}
	return b.full.Save(ctx, stored, next)
}

type revivingSave struct{ full }

func (b revivingSave) Save(ctx context.Context, was, next session.Record) error {
	err := b.full.Save(ctx, was, next)
	if errors.Is(err, session.ErrNotFound) {
		return b.full.Create(ctx, next)
	}
	return err
}

type revivingTouch struct{ full }

func (b revivingTouch) Touch(ctx context.Context, r session.Record) error {
	err := b.full.Touch(ctx, r)
	if errors.Is(err, session.ErrNotFound) {
		return b.full.Create(ctx, r)
	}
	return err
}

type blindTouch struct{ full }

func (b blindTouch) Touch(ctx context.Context, r session.Record) error {
	if stored, err := b.full.Load(ctx, r.ID); err == nil {
		r.Version = stored.Version
	}
	return b.full.Touch(ctx, r)
}

type lazyDelete struct{ full }

func (lazyDelete) Delete(ctx context.Context, _ string) error { return ctx.Err() }

type lostIndex struct{ full }

func (b lostIndex) DeleteUser(ctx context.Context, userID, keep string) (int, error) {
	found, err := b.full.ListUser(ctx, userID, 2)
	for _, r := range found {
		err = errors.Join(err, b.full.Delete(ctx, r.ID))
	}
	return len(found), err
}

type greedyIndex struct{ full }

func (b greedyIndex) DeleteUser(ctx context.Context, userID, _ string) (int, error) {
	return b.full.DeleteUser(ctx, userID, "")
}

type deaf struct{ full }

func (b deaf) Save(ctx context.Context, was, next session.Record) error {
	return b.full.Save(context.WithoutCancel(ctx), was, next)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	sessions, err := memstore.Open(nil)
	require.NoError(t, err)
	defer sessions.Close()
	site := httptest.NewTLSServer(sessions.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _ := sessions.User(r.Context())
		w.Header().Set("User", user.ID)
	})))
	defer site.Close()
	client := site.Client()
	client.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	sessiontest.Login(t, sessions, client, site.URL, session.User{ID: "42"}, nil)
	response, err := client.Get(site.URL)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "42", response.Header.Get("User"))
	_, ok := sessions.User(sessiontest.Context(t, sessions, session.User{}, nil))
	require.False(t, ok)
}
