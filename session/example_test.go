package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
)

// newExample is a Manager for the examples, with a context as Middleware gives
// each request one.
func newExample() (*session.Manager, context.Context) {
	sessions, err := memstore.Open(nil)
	if err != nil {
		panic(err)
	}
	return sessions, sessions.Attach(context.Background(), "")
}

func ExampleNew() {
	sessions, err := session.New(memstore.New(), &session.Options{
		Idle:     30 * time.Minute,
		Absolute: 12 * time.Hour,
		Cookie:   session.CookieOptions{Name: "shop"},
	})
	if err != nil {
		panic(err)
	}
	defer sessions.Close()
	_, err = session.New(memstore.New(), &session.Options{Idle: -time.Hour})
	fmt.Println(err)
	// Output: session: invalid Idle: is not -1, 0, or from 1 ms to 100 years
}

func ExampleManager_Middleware() {
	sessions, _ := newExample()
	defer sessions.Close()
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits := sessions.GetInt(r.Context(), "visits") + 1
		if err := sessions.Put(r.Context(), "visits", visits); err != nil {
			http.Error(w, "cannot count", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "visit %d", visits)
	})
	w := httptest.NewRecorder()
	sessions.Middleware(app).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	cookie := w.Result().Cookies()[0]
	fmt.Println(w.Body, cookie.Name, cookie.Secure, cookie.HttpOnly)
	// Output: visit 1 __Host-session true true
}

func ExampleManager_Login() {
	sessions, ctx := newExample()
	defer sessions.Close()
	err := sessions.Login(ctx, session.User{ID: "42", AuthHash: "the password's hash"}, &session.LoginOptions{Remember: true})
	user, ok := sessions.User(ctx)
	fmt.Println(user.ID, ok, err)

	err = sessions.Logout(ctx)
	_, ok = sessions.User(ctx)
	fmt.Println(ok, err)
	// Output:
	// 42 true <nil>
	// false <nil>
}

func ExampleManager_Update() {
	sessions, ctx := newExample()
	defer sessions.Close()
	type cart map[string]int
	add := func(sku string) error {
		return sessions.Update(ctx, func(v *session.Values) error {
			c, ok := session.Value[cart](v, "cart")
			if !ok {
				c = cart{}
			}
			c[sku]++
			v.Set("cart", c)
			return nil
		})
	}
	fmt.Println(add("tea"), add("cup"), add("tea"))
	c, _ := session.Get[cart](ctx, sessions, "cart")
	fmt.Println(c)
	// Output:
	// <nil> <nil> <nil>
	// map[cup:1 tea:2]
}

func ExampleManager_List() {
	sessions, phone := newExample()
	defer sessions.Close()
	laptop := sessions.Attach(context.Background(), "")
	user := session.User{ID: "42"}
	if err := sessions.Login(phone, user, &session.LoginOptions{Device: "Phone"}); err != nil {
		panic(err)
	}
	if err := sessions.Login(laptop, user, &session.LoginOptions{Device: "Laptop"}); err != nil {
		panic(err)
	}
	devices, err := sessions.List(laptop, user.ID)
	if err != nil {
		panic(err)
	}
	for _, device := range devices {
		if !device.Current {
			fmt.Println("ending", device.Device, sessions.Revoke(laptop, user.ID, device.ID))
		}
	}
	n, err := sessions.LogoutAll(laptop, user.ID)
	fmt.Println(n, err)
	// Output:
	// ending Phone <nil>
	// 1 <nil>
}

func ExampleManager_RequireLogin() {
	sessions, _ := newExample()
	defer sessions.Close()
	account := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "your account") })
	site := sessions.Middleware(sessions.RequireLogin("/login")(account))
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/account", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /login?next=%2Faccount
}
