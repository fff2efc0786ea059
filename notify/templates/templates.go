// Package templates renders messages in the reader's language from files.
//
//	order.en.txt    {{define "subject"}}Order {{.Number}}{{end}}Hello {{.Name}}, …
//	order.en.html   <p>Hello {{.Name}}, …</p>
//	order.zh.txt    {{define "subject"}}订单 {{.Number}}{{end}}{{.Name}}，您好！…
//	_footer.html    {{define "footer"}}…{{end}}, available to every HTML file
//
// A file is named NAME.LOCALE.txt (text/template) or NAME.LOCALE.html
// (html/template, which escapes what it inserts by context). Files that begin with an
// underscore are parsed into every file with the same ending. The subject is a
// template named "subject" in the text file. A missing value is an error, not "<no value>".
package templates

import (
	"bytes"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
)

// ErrUnknown marks a name, or a name without any usable locale, that is not in the set.
var ErrUnknown = errors.New("templates: unknown template")

// Options configure Parse. Zero means the default.
type Options struct {
	// Locale is used when the asked for is not there. Default "en".
	Locale string
	// Funcs are available in all templates.
	Funcs map[string]any
	// MaxSize bounds each rendered part in bytes. Default 1 MiB.
	MaxSize int
}

// Set is parsed templates. It is safe for concurrent use.
type Set struct {
	options Options
	texts   map[string]*texttemplate.Template // by NAME.LOCALE
	htmls   map[string]*htmltemplate.Template
}

// Rendered is a message. Subject and HTML may be empty.
type Rendered struct {
	Locale              string // the one used
	Subject, Text, HTML string
}

// Parse reads all templates in the root of fsys (see fs.Sub). Every template
// must have a text file in each of its locales.
func Parse(fsys fs.FS, o *Options) (*Set, error) {
	s := &Set{texts: make(map[string]*texttemplate.Template), htmls: make(map[string]*htmltemplate.Template)}
	if o != nil {
		s.options = *o
	}
	if s.options.Locale == "" {
		s.options.Locale = "en"
	}
	if s.options.MaxSize == 0 {
		s.options.MaxSize = 1 << 20
	}
	for _, pattern := range []string{"*.txt", "*.html"} {
		files, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		shared := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !strings.HasPrefix(f, "_") })
		for _, file := range files {
			if strings.HasPrefix(file, "_") {
				continue
			}
			if err := s.parse(fsys, file, shared); err != nil {
				return nil, fmt.Errorf("templates: %s: %w", file, err)
			}
		}
	}
	for key := range s.htmls {
		if s.texts[key] == nil {
			return nil, fmt.Errorf("templates: %s.html has no %s.txt: a mail needs a text part", key, key)
		}
	}
	return s, nil
}

func (s *Set) parse(fsys fs.FS, file string, shared []string) error {
	ext := path.Ext(file)
	key := strings.TrimSuffix(file, ext)
	if !strings.Contains(key, ".") {
		return errors.New("must be named NAME.LOCALE" + ext)
	}
	files := append(slices.Clone(shared), file)
	if ext == ".html" {
		t, err := htmltemplate.New(file).Funcs(s.options.Funcs).Option("missingkey=error").ParseFS(fsys, files...)
		s.htmls[key] = t
		return err
	}
	t, err := texttemplate.New(file).Funcs(s.options.Funcs).Option("missingkey=error").ParseFS(fsys, files...)
	s.texts[key] = t
	return err
}

// Names returns the NAME.LOCALE of every template, sorted.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.texts)) }

// Render fills in a template. The locale falls back by its subtags (zh-Hant-HK,
// zh-Hant, zh) and then to Options.Locale. Unknown names are ErrUnknown.
func (s *Set) Render(name, locale string, data any) (*Rendered, error) {
	for _, candidate := range append(fallbacks(locale), fallbacks(s.options.Locale)...) {
		if text := s.texts[name+"."+candidate]; text != nil {
			return s.render(text, s.htmls[name+"."+candidate], candidate, data)
		}
	}
	return nil, fmt.Errorf("%w %q for locale %q", ErrUnknown, name, locale)
}

func fallbacks(locale string) []string {
	locale = strings.ReplaceAll(locale, "_", "-")
	var all []string
	for locale != "" {
		all = append(all, locale)
		locale = locale[:max(strings.LastIndexByte(locale, '-'), 0)]
	}
	return all
}

func (s *Set) render(text *texttemplate.Template, html *htmltemplate.Template, locale string, data any) (*Rendered, error) {
	r := &Rendered{Locale: locale}
	out := limited{max: s.options.MaxSize}
	if subject := text.Lookup("subject"); subject != nil {
		if err := subject.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		r.Subject = strings.Join(strings.Fields(out.take()), " ") // a subject is one line
	}
	if err := text.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	r.Text = strings.TrimSpace(out.take()) + "\n"
	if html != nil {
		if err := html.Execute(&out, data); err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		r.HTML = out.take()
	}
	return r, nil
}

// limited is a buffer that refuses to grow beyond max.
type limited struct {
	bytes.Buffer
	max int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > l.max {
		return 0, fmt.Errorf("rendered more than %d bytes", l.max)
	}
	return l.Buffer.Write(p)
}

func (l *limited) take() string {
	defer l.Reset()
	return l.String()
}
