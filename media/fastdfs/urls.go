package fastdfs

import (
	"crypto/md5"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// URLOptions of an address. nil means the zero value.
type URLOptions struct {
	// Filename is the name under which browsers save the file (the parameter "filename" of the web server's module).
	Filename string
	// IssuedAt signs the address with Config.TokenSecret as of this time: web servers accept it until
	// Config.TokenTTL later. Zero does not sign.
	IssuedAt time.Time
}

// URL returns the address of a file on the web servers: the base of its group or the BaseURL, and its id. It does not look whether the
// file exists. It returns "" for what cannot be a file id, if there is no base, or to sign without a secret.
func (c *Client) URL(id string, options *URLOptions) string {
	group, name, err := splitID(id)
	if err != nil {
		return ""
	}
	base, ok := c.config.GroupURLs[group]
	if !ok {
		base = c.config.BaseURL
	}
	if base == "" {
		return ""
	}
	if !strings.HasSuffix(base, "/") {
		base += "/"
	}
	if !c.config.OmitGroup {
		base += group + "/"
	}
	query := url.Values{}
	if options != nil {
		if options.Filename != "" {
			query.Set("filename", options.Filename)
		}
		if !options.IssuedAt.IsZero() {
			if len(c.config.TokenSecret) == 0 {
				return ""
			}
			query.Set("token", Token(id, c.config.TokenSecret, options.IssuedAt))
			query.Set("ts", strconv.FormatInt(options.IssuedAt.Unix(), 10))
		}
	}
	if len(query) == 0 {
		return base + name
	}
	return base + name + "?" + query.Encode()
}

// Token is the anti-steal token of a file as FastDFS's web server module checks it: the lower-case hex MD5 of the name without group, the
// secret, and the seconds since 1970. It shows that who made the address knew the secret; MD5 is the module's choice, so keep
// the secret long, and use it for nothing else.
func Token(id string, secret []byte, issued time.Time) string {
	_, name, _ := strings.Cut(id, "/")
	text := append([]byte(name), secret...)
	sum := md5.Sum(strconv.AppendInt(text, issued.Unix(), 10))
	return hex.EncodeToString(sum[:])
}
