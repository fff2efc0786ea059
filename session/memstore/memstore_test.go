package memstore_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
)

func ExampleOpen() {
	sessions, err := memstore.Open(&session.Options{Cookie: session.CookieOptions{Insecure: true}})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.Login(r.Context(), session.User{ID: "42"}, nil); err != nil {
			http.Error(w, "cannot log in", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		user, ok := sessions.User(r.Context())
		devices, _ := sessions.List(r.Context(), user.ID)
		fmt.Fprintf(w, "user %q, logged in: %t, devices: %d", user.ID, ok, len(devices))
	})
	mux.HandleFunc("POST /logout-all", func(w http.ResponseWriter, r *http.Request) {
		user, _ := sessions.User(r.Context())
		n, _ := sessions.LogoutAll(r.Context(), user.ID)
		fmt.Fprintf(w, "ended %d", n)
	})
	site := sessions.Middleware(mux)

	visit := func(method, path string, cookies []*http.Cookie) []*http.Cookie {
		r := httptest.NewRequest(method, path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
		return w.Result().Cookies()
	}
	cookies := visit("POST", "/login", nil)
	visit("GET", "/", cookies)
	visit("POST", "/logout-all", cookies)
	visit("GET", "/", cookies)
	// Output:
	// 200 welcome
	// 200 user "42", logged in: true, devices: 1
	// 200 ended 1
	// 200 user "", logged in: false, devices: 0
}
