package media

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"
)

// FS returns the store as a file system for reading: for templates, archives, http.FS. Folders are what the
// slashes in names make of them, so there are no empty ones. ctx bounds all that is read through it.
// Opening folders needs a backend that can list. Variants are not seen.
func (s *Store) FS(ctx context.Context) fs.FS { return fileSystem{ctx, s} }

type fileSystem struct {
	ctx   context.Context
	store *Store
}

// Open implements fs.FS.
func (f fileSystem) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name == "." {
		return &fsFolder{fs: f, info: fsInfo{name: ".", mode: fs.ModeDir | 0o555}}, nil
	}
	r, err := f.store.Open(f.ctx, name)
	if err == nil {
		return fsFile{r, infoOf(r.File())}, nil
	}
	if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalid) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	for _, err := range f.store.List(f.ctx, &ListOptions{Prefix: name + "/", Limit: 1}) {
		if err != nil {
			break
		}
		return &fsFolder{fs: f, prefix: name + "/", info: fsInfo{name: path.Base(name), mode: fs.ModeDir | 0o555}}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

type fsFile struct {
	*Reader
	info fsInfo
}

func (f fsFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// fsFolder reads its entries page by page. Having seen a name in a sub folder, it goes on behind that folder.
type fsFolder struct {
	fs     fileSystem
	prefix string // with its slash, or ""
	info   fsInfo
	after  string
	done   bool
}

func (d *fsFolder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *fsFolder) Close() error               { return nil }
func (d *fsFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errors.New("is a folder")}
}

// ReadDir implements fs.ReadDirFile.
func (d *fsFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for !d.done && (n <= 0 || len(entries) < n) {
		found, err := d.some(n-len(entries), n <= 0)
		entries = append(entries, found...)
		if err != nil {
			return entries, &fs.PathError{Op: "readdir", Path: d.info.name, Err: err}
		}
	}
	if n > 0 && len(entries) == 0 {
		return nil, io.EOF
	}
	return entries, nil
}

// some lists files up to and including the first one in a sub folder.
func (d *fsFolder) some(most int, all bool) ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for f, err := range d.fs.store.List(d.fs.ctx, &ListOptions{Prefix: d.prefix, After: d.after}) {
		if err != nil {
			return entries, err
		}
		rest := strings.TrimPrefix(f.Name, d.prefix)
		if folder, _, ok := strings.Cut(rest, "/"); ok {
			// The byte behind '/' is '0': the greatest name of the folder is less than this.
			d.after = d.prefix + folder + "/\U0010FFFF"
			return append(entries, fs.FileInfoToDirEntry(fsInfo{name: folder, mode: fs.ModeDir | 0o555})), nil
		}
		d.after = f.Name
		entries = append(entries, fs.FileInfoToDirEntry(infoOf(f)))
		if !all && len(entries) == most {
			return entries, nil
		}
	}
	d.done = true
	return entries, nil
}

type fsInfo struct {
	name string
	mode fs.FileMode
	file File
}

func infoOf(f File) fsInfo { return fsInfo{name: path.Base(f.Name), mode: 0o444, file: f} }

func (i fsInfo) Name() string       { return i.name }
func (i fsInfo) Size() int64        { return i.file.Size }
func (i fsInfo) Mode() fs.FileMode  { return i.mode }
func (i fsInfo) ModTime() time.Time { return i.file.ModTime }
func (i fsInfo) IsDir() bool        { return i.mode.IsDir() }

// Sys returns the File, or nil for a folder.
func (i fsInfo) Sys() any {
	if i.IsDir() {
		return nil
	}
	return i.file
}
