package sessiontest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// plainSCS is scs.New without the memory store that it starts with.
func plainSCS(store scs.Store) *scs.SessionManager {
	return &scs.SessionManager{
		Lifetime: 24 * time.Hour, Store: store, Codec: scs.GobCodec{},
		Cookie:    scs.SessionCookie{Name: "session", Path: "/", HttpOnly: true, Persist: true},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), 500) },
	}
}

// managerSCSStore runs a plain scs manager on the driver.
func managerSCSStore(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	manager, other := plainSCS(session.SCSStore(d)), plainSCS(session.SCSStore(peer))
	jar := map[string]*http.Cookie{}
	visit := func(m *scs.SessionManager, cookies map[string]*http.Cookie, act func(ctx context.Context)) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { act(r.Context()) })).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		for _, c := range w.Result().Cookies() {
			cookies[c.Name] = c
		}
	}
	visit(manager, jar, func(ctx context.Context) { manager.Put(ctx, "cart", "tea") })
	visit(other, jar, func(ctx context.Context) { require.Equal(t, "tea", other.GetString(ctx, "cart")) })
	stale := map[string]*http.Cookie{"session": jar["session"]}
	visit(manager, jar, func(ctx context.Context) { require.NoError(t, manager.RenewToken(ctx)) })
	require.NotEqual(t, stale["session"].Value, jar["session"].Value)
	visit(manager, stale, func(ctx context.Context) { require.Empty(t, manager.GetString(ctx, "cart")) })
	visit(other, jar, func(ctx context.Context) { require.Equal(t, "tea", other.GetString(ctx, "cart")) })

	stolen := map[string]*http.Cookie{"session": jar["session"]}
	visit(manager, jar, func(slow context.Context) {
		visit(other, jar, func(ctx context.Context) { require.NoError(t, other.Destroy(ctx)) })
		manager.Put(slow, "cart", "late")
	})
	visit(other, stolen, func(ctx context.Context) {
		require.Empty(t, other.GetString(ctx, "cart"), "a request under way at the logout does not undo it")
	})
	require.ErrorIs(t, manager.Iterate(t.Context(), func(context.Context) error { return nil }), errors.ErrUnsupported)
}
