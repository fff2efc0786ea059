package session

import (
	"net/http"
	"strings"
	"time"
)

// complete fills in the defaults and makes Name the name on the wire.
func (c *CookieOptions) complete() error {
	if c.Name == "" {
		c.Name = "session"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	if c.SameSite == http.SameSiteNoneMode && c.Insecure {
		return &InvalidError{"Cookie.SameSite", "None needs a secure cookie"}
	}
	if c.Partitioned && c.Insecure {
		return &InvalidError{"Cookie.Partitioned", "needs a secure cookie"}
	}
	lower := strings.ToLower(c.Name)
	if strings.HasPrefix(lower, "__host-") || strings.HasPrefix(lower, "__secure-") {
		return &InvalidError{"Cookie.Name", "has a prefix; it is added where it fits"}
	}
	switch {
	case c.Insecure:
	case c.Domain == "" && c.Path == "/":
		c.Name = "__Host-" + c.Name
	default:
		c.Name = "__Secure-" + c.Name
	}
	if err := c.cookie("x", false).Valid(); err != nil {
		return &InvalidError{"Cookie", err.Error()}
	}
	return nil
}

func (c *CookieOptions) cookie(value string, tls bool) *http.Cookie {
	return &http.Cookie{
		Name: c.Name, Value: value, Domain: c.Domain, Path: c.Path, SameSite: c.SameSite,
		HttpOnly: true, Secure: !c.Insecure || tls, Partitioned: c.Partitioned,
	}
}

// fromRequest returns the token a request carries. Cookies that differ under
// one name are somebody's attempt to plant one (a "__Host-" name does not allow
// it), so that none of them is believed.
func (c *CookieOptions) fromRequest(r *http.Request) (token, bool) {
	var found token
	ok := false
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if strings.TrimRight(name, " \t") != c.Name {
				continue
			}
			t, err := parseToken(unquoted(value))
			if err != nil || ok && t == found {
				continue
			}
			if ok {
				return token{}, false
			}
			found, ok = t, true
		}
	}
	return found, ok
}

// unquoted takes off the quotes that a cookie's value may stand in (RFC 6265).
func unquoted(value string) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}

// setCookie puts our cookie into a header in place of one set before.
func setCookie(header http.Header, cookie *http.Cookie) {
	kept := header["Set-Cookie"][:0:0]
	for _, line := range header["Set-Cookie"] {
		if !strings.HasPrefix(line, cookie.Name+"=") {
			kept = append(kept, line)
		}
	}
	header["Set-Cookie"] = append(kept, cookie.String())
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", `no-cache="Set-Cookie"`)
	}
	vary(header, "Cookie")
}

func vary(header http.Header, by string) {
	for _, line := range header["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, by) {
				return
			}
		}
	}
	header["Vary"] = append(header["Vary"], by)
}

// persistent makes a cookie outlive the browser.
func persistent(cookie *http.Cookie, left time.Duration) {
	cookie.MaxAge = max(1, int(min(left, 400*24*time.Hour)/time.Second)) // browsers cap at 400 days (RFC 6265bis)
}
