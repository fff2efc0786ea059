package fsmedia

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/seed82d84382/commerce/media"
)

const tempDir = ".tmp"

type driver struct {
	root *os.Root
	sync bool
	link func(from, to string) error

	// naming is held for the moment in which names come to mean other files, so that
	// SetMetadata can see whether the content it has described is still the one.
	naming sync.Mutex
}

// prepare makes the folder for temporary files, shows that it can be written
// to, and clears it of what has been left behind before the given time.
func (d *driver) prepare(before time.Time) error {
	if err := d.root.Mkdir(tempDir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("media: open directory: %w", err)
	}
	probe, f, err := d.temp()
	if err != nil {
		return fmt.Errorf("media: open directory: %w", err)
	}
	err = errors.Join(f.Close(), d.root.Remove(probe))
	left, readErr := fs.ReadDir(d.root.FS(), tempDir)
	for _, entry := range left {
		info, statErr := entry.Info()
		if statErr == nil && info.ModTime().Before(before) {
			// Another process may have been faster.
			_ = d.root.Remove(path.Join(tempDir, entry.Name()))
		}
	}
	return errors.Join(err, readErr)
}

func (d *driver) temp() (string, *os.File, error) {
	name := path.Join(tempDir, rand.Text())
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	return name, f, err
}

func (d *driver) Put(ctx context.Context, upload *media.Upload) (media.File, error) {
	target, err := diskName(upload.Name)
	if err != nil {
		return media.File{}, err
	}
	name := d.rename
	if upload.IfNotExists {
		name = d.linkNew
	}
	stored := upload.File(upload.Name)
	return stored, d.store(ctx, target, stored, upload.Content, name)
}

// store writes a new file, and lets name bring it under its name in one step.
func (d *driver) store(ctx context.Context, target string, stored media.File, content io.Reader, name func(temp, target string) error) error {
	temp, f, err := d.temp()
	if err != nil {
		return translate(err)
	}
	defer d.root.Remove(temp) //nolint:errcheck // gone already, if it was renamed
	err = write(ctx, f, stored, content)
	if err == nil && d.sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return translate(err)
	}
	for try := 0; ; try++ {
		made, err := d.mkdirAll(path.Dir(target))
		if err == nil {
			err = name(temp, target)
		}
		// Delete may be taking the empty folders away at the same time.
		if errors.Is(err, fs.ErrNotExist) && try < 1000 {
			continue
		}
		if err != nil {
			return d.conflict(target, err)
		}
		return d.syncDirs(path.Dir(target), made)
	}
}

func write(ctx context.Context, f *os.File, stored media.File, content io.Reader) error {
	n, err := io.Copy(f, contextReader{ctx, content})
	if err != nil {
		return err
	}
	if n != stored.Size {
		return io.ErrUnexpectedEOF
	}
	return writeFooter(f, stored)
}

// rename takes the name whatever it meant before.
func (d *driver) rename(temp, target string) error {
	d.naming.Lock()
	defer d.naming.Unlock()
	return d.root.Rename(temp, target)
}

// linkNew takes the name only if it is free. Where the file system has no hard links
// that holds among the users of this store, no longer among processes.
func (d *driver) linkNew(temp, target string) error {
	d.naming.Lock()
	defer d.naming.Unlock()
	err := d.link(temp, target)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
		return err
	}
	if _, err := d.root.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	return d.root.Rename(temp, target)
}

// conflict explains why a name could not be taken.
func (d *driver) conflict(target string, err error) error {
	if info, statErr := d.root.Lstat(target); statErr == nil && info.IsDir() {
		return errFolder
	}
	return translate(err)
}

var errFolder = &media.InvalidError{Field: "name", Reason: "is the folder of another file, or a file is its folder"}

// errReplaced: the content is no longer the one that was looked at.
var errReplaced = errors.New("file has been replaced meanwhile")

func (d *driver) Open(ctx context.Context, file media.File, offset, length int64) (io.ReadCloser, error) {
	f, stored, err := d.open(ctx, file.Name)
	if err != nil {
		return nil, err
	}
	if file.SHA256 != "" && file.SHA256 != stored.SHA256 {
		return nil, errors.Join(media.ErrChanged, f.Close())
	}
	if length < 0 {
		length = stored.Size - offset
	}
	return &content{io.NewSectionReader(f, offset, length), f}, nil
}

// OpenFile implements media.Opener.
func (d *driver) OpenFile(ctx context.Context, name string) (media.File, io.ReadSeekCloser, error) {
	piece := pieces.Get().(*[smallFile]byte)
	f, stored, all, err := d.openSmall(ctx, name, piece[:])
	if all {
		return stored, &memory{*bytes.NewReader(piece[:stored.Size]), piece}, f.Close()
	}
	pieces.Put(piece)
	if err != nil {
		return media.File{}, nil, err
	}
	return stored, &content{io.NewSectionReader(f, 0, stored.Size), f}, nil
}

// smallFile is the size up to which a file is read whole with its description: one call instead of three.
const smallFile = 16 << 10

var pieces = sync.Pool{New: func() any { return new([smallFile]byte) }}

// memory is the content of a small file.
type memory struct {
	bytes.Reader
	piece *[smallFile]byte
}

// Close ends the use of the memory.
func (m *memory) Close() error {
	if m.piece != nil {
		m.Reset(nil)
		pieces.Put(m.piece)
		m.piece = nil
	}
	return nil
}

// content is the part of a file that is not the footer.
type content struct {
	*io.SectionReader
	file *os.File
}

func (c *content) Close() error { return c.file.Close() }

func (d *driver) open(ctx context.Context, name string) (*os.File, media.File, error) {
	var end [footerGuess]byte
	f, stored, _, err := d.openSmall(ctx, name, end[:])
	return f, stored, err
}

// openSmall reads the end of the file into end, which has room for footerGuess bytes at least, and reports whether that is the whole file.
func (d *driver) openSmall(ctx context.Context, name string, end []byte) (_ *os.File, _ media.File, all bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, media.File{}, false, err
	}
	target, err := diskName(name)
	if err != nil {
		return nil, media.File{}, false, media.ErrNotFound
	}
	f, err := d.root.OpenFile(target, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not block
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, media.File{}, false, media.ErrNotFound
	}
	if err != nil {
		return nil, media.File{}, false, translate(err)
	}
	stored, all, err := readFooter(f, name, end)
	if err != nil {
		return nil, media.File{}, false, errors.Join(translate(err), f.Close())
	}
	return f, stored, all, nil
}

func (d *driver) Stat(ctx context.Context, name string) (media.File, error) {
	f, stored, err := d.open(ctx, name)
	if err != nil {
		return media.File{}, err
	}
	return stored, f.Close()
}

func (d *driver) Delete(ctx context.Context, name string) error {
	f, _, err := d.open(ctx, name) // a folder is no file
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	target, err := diskName(name)
	if err != nil {
		return err
	}
	if err := d.remove(target); err != nil {
		return translate(err)
	}
	dir := path.Dir(target)
	for dir != "." && d.root.Remove(dir) == nil { // fails as soon as it is not empty
		dir = path.Dir(dir)
	}
	return d.syncDirs(dir, false)
}

// SetMetadata implements media.MetadataSetter. It writes the file anew, so that the change is one step too.
func (d *driver) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	for {
		if err := d.setMetadata(ctx, name, metadata); !errors.Is(err, errReplaced) {
			return err
		}
	}
}

func (d *driver) setMetadata(ctx context.Context, name string, metadata map[string]string) error {
	f, stored, err := d.open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	target, err := diskName(name)
	if err != nil {
		return err
	}
	stored.Metadata = metadata
	return d.store(ctx, target, stored, io.NewSectionReader(f, 0, stored.Size), func(temp, target string) error {
		return d.renameOver(f, temp, target)
	})
}

// renameOver takes the name if it still means the open file.
func (d *driver) renameOver(old *os.File, temp, target string) error {
	before, err := old.Stat()
	if err != nil {
		return err
	}
	d.naming.Lock()
	defer d.naming.Unlock()
	now, err := d.root.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return media.ErrNotFound
	case err != nil:
		return err
	case !os.SameFile(before, now):
		return errReplaced
	}
	return d.root.Rename(temp, target)
}

func (d *driver) remove(target string) error {
	d.naming.Lock()
	defer d.naming.Unlock()
	return d.root.Remove(target)
}

func (d *driver) Close() error { return d.root.Close() }

// mkdirAll makes a folder, and reports whether something had to be made.
func (d *driver) mkdirAll(dir string) (bool, error) {
	if info, err := d.root.Stat(dir); err == nil && info.IsDir() {
		return false, nil
	}
	err := d.root.MkdirAll(dir, 0o755)
	if !errors.Is(err, fs.ErrExist) {
		return true, err
	}
	for ; dir != "."; dir = path.Dir(dir) {
		if info, err := d.root.Stat(dir); err == nil && !info.IsDir() {
			return false, errFolder
		}
	}
	return false, fs.ErrNotExist // it was there for a moment, until a Delete took it away
}

// syncDirs makes the entry of a new file last, and those of new folders above it.
func (d *driver) syncDirs(dir string, above bool) error {
	if !d.sync || runtime.GOOS == "windows" { // which cannot sync a folder
		return nil
	}
	for {
		f, err := d.root.Open(dir)
		if errors.Is(err, fs.ErrNotExist) { // emptied and removed since
			return nil
		}
		if err != nil {
			return translate(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return translate(err)
		}
		if dir == "." || !above {
			return nil
		}
		dir = path.Dir(dir)
	}
}

// translate turns errors of the operating system into those of media, without paths.
func translate(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return media.ErrNotFound
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return errFolder
	case errors.Is(err, fs.ErrExist):
		return media.ErrExists
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return media.ErrFull
	case errors.Is(err, fs.ErrClosed):
		return media.ErrClosed
	case errors.Is(err, syscall.ENAMETOOLONG):
		return &media.InvalidError{Field: "name", Reason: "is too long for the file system"}
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}

// contextReader ends a copy when ctx ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
