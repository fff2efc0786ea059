package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
)

//go:embed templates static
var files embed.FS

// pages holds every page in every language: the words are bound when a page is
// parsed, so that a template says {{t "cart.title"}} and nothing more.
type pages map[i18n.Language]map[string]*template.Template

const (
	layoutFile      = "templates/layout.html"
	adminLayoutFile = "templates/admin_layout.html"
	partialsFile    = "templates/partials.html"
)

func parsePages(assets map[string]string) (pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, lang := range i18n.All {
		all[lang] = map[string]*template.Template{}
		functions := template.FuncMap{
			"t":     lang.T,
			"n":     lang.Count,
			"money": lang.Money,
			"asset": func(name string) (string, error) {
				if url, ok := assets[name]; ok {
					return url, nil
				}
				return "", fmt.Errorf("no asset %q", name)
			},
		}
		for _, name := range names {
			layout := layoutFile
			switch base := path.Base(name); {
			case name == layoutFile || name == adminLayoutFile || name == partialsFile:
				continue
			case strings.HasPrefix(base, "admin_"):
				layout = adminLayoutFile
			}
			page, err := template.New("").Funcs(functions).ParseFS(files, layout, partialsFile, name)
			if err != nil {
				return nil, fmt.Errorf("web: %s: %w", name, err)
			}
			all[lang][strings.TrimSuffix(path.Base(name), ".html")] = page
		}
	}
	return all, nil
}

// assetURLs gives every static file an address that changes with its content,
// so that browsers may keep it for good.
func assetURLs() (map[string]string, error) {
	urls := map[string]string{}
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(files, "static/"+entry.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		urls[entry.Name()] = "/static/" + entry.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
	return urls, nil
}

func serveAssets(w http.ResponseWriter, r *http.Request) {
	name := "static/" + r.PathValue("name")
	if r.URL.Query().Has("v") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	http.ServeFileFS(w, r, files, name)
}

// serveIcon answers what browsers ask for by themselves on pages that name no
// icon, such as the queues' dashboard.
func serveIcon(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	http.ServeFileFS(w, r, files, "static/icon.svg")
}

// view is what every page gets; Page is the page's own.
type view struct {
	Lang        i18n.Language
	Title       string
	Path        string // to come back to after switching the language
	Query       string
	Flash       string
	Development bool
	Account     bool // someone is logged in
	Admin       bool // the admin is
	Section     string
	CartCount   int
	Categories  []categoryLink
	Page        any
}

type categoryLink struct {
	Name    string
	URL     string
	Current bool
}

// write renders a page whole before the first byte is sent, so that a page that
// fails is an error and not half a page.
func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, name string, v *view) {
	var page bytes.Buffer
	tmpl, ok := s.pages[v.Lang][name]
	if !ok {
		s.internal(w, r, fmt.Errorf("web: no page %q", name))
		return
	}
	if err := tmpl.ExecuteTemplate(&page, "layout", v); err != nil {
		s.internal(w, r, fmt.Errorf("web: page %s: %w", name, err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := page.WriteTo(w); err != nil {
		s.log.Debug("page not taken", "path", r.URL.Path, "error", err)
	}
}
