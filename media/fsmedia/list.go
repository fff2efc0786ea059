package fsmedia

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/media"
)

// List implements media.Lister. It reads only the folders that can hold names of the page.
func (d *driver) List(ctx context.Context, prefix, after string, limit int) ([]media.File, error) {
	l := &lister{driver: d, ctx: ctx, prefix: prefix, after: after, limit: limit}
	err := l.folder("", ".")
	return l.files, err
}

type lister struct {
	driver        *driver
	ctx           context.Context
	prefix, after string
	limit         int
	files         []media.File
}

// folder lists what is in the folder name (with its slash, or "" for all), found at dir on disk.
func (l *lister) folder(name, dir string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	entries, err := fs.ReadDir(l.driver.root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) { // removed since its parent was read
		return nil
	}
	if err != nil {
		return translate(err)
	}
	names := l.wanted(name, entries)
	for _, n := range names {
		if len(l.files) == l.limit {
			return nil
		}
		full := name + n
		segment := strings.TrimSuffix(n, "/")
		if segment != n {
			if err := l.folder(full, path.Join(dir, escape(segment))); err != nil {
				return err
			}
			continue
		}
		f, err := l.driver.Stat(l.ctx, full)
		if errors.Is(err, media.ErrNotFound) { // deleted meanwhile
			continue
		}
		if err != nil {
			return err
		}
		l.files = append(l.files, f)
	}
	return nil
}

// wanted returns the entries that can be or hold names of the listing. Folders have a slash at the
// end, so that they sort where their names do: "a-b" before "a/b".
func (l *lister) wanted(folder string, entries []fs.DirEntry) []string {
	var names []string
	for _, entry := range entries {
		if folder == "" && entry.Name() == tempDir {
			continue
		}
		n, ok := unescape(entry.Name())
		if !ok {
			continue
		}
		if entry.IsDir() {
			n += "/"
		}
		full := folder + n
		inPrefix := strings.HasPrefix(full, l.prefix) || entry.IsDir() && strings.HasPrefix(l.prefix, full)
		isAfter := full > l.after || entry.IsDir() && strings.HasPrefix(l.after, full)
		if inPrefix && isAfter {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
