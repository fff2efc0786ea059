package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"
)

// MigrateOptions of a Migrate. The zero value copies everything.
type MigrateOptions struct {
	// Prefix narrows it to the files whose names begin so.
	Prefix string
	// Names are the files to copy, for a backend that cannot list, such as FastDFS: most likely they stand in
	// the shop's database. Default: List of the store that is copied from.
	Names iter.Seq2[string, error]
	// Journal is the path of a file that keeps what has been copied and under which name: a run that was
	// interrupted goes on where it ended. It has a line of JSON a file, {"from":…,"to":…,"sha256":…,"size":…}, and is locked to one
	// run at a time (on Unix). Without it a later run finds what is there by comparing names and hashes, but cannot where the backend names files itself: required there.
	Journal string
	// Replace replaces files of the same name and other content. Default: these count as failed, with ErrExists.
	Replace bool
	// Concurrency is how many files are copied at a time, 1 to 64. Default DefaultMigrateConcurrency.
	Concurrency int
	// Copied is called after each copy with both descriptions, before it stands in the journal: for the new name in
	// the database. It can be called again for the same file, after a crash; its error counts as the file's. Up to Concurrency calls run at a time.
	Copied func(ctx context.Context, from, to File) error
	// Progress is called after each file, one call at a time.
	Progress func(Migration)
}

// DefaultMigrateConcurrency is the Concurrency of the zero MigrateOptions.
const DefaultMigrateConcurrency = 4

// Migration is how far a Migrate has come.
type Migration struct {
	Copied  int   // files copied and verified
	Bytes   int64 // of those
	Skipped int   // copied by an earlier run, or there already with the same hash
	Gone    int   // deleted while it ran
	Failed  int
}

// maxMigrateErrors is how many failures the error of a Migrate names.
const maxMigrateErrors = 10

// Migrate copies files from one store to another, with their metadata and time. Each copy is read back and compared with
// the SHA-256 of what was read, and that with the hash the source has kept. Variants are not copied, since they
// are made again. Files that change meanwhile may be copied in either state: let the shop write through a Mirror before, and run it once more at the end.
//
// A file that fails does not stop the others; the error then names the first ten. A later run tries them
// again. Migrate ends early with the error of ctx, of the listing, or of the journal.
func Migrate(ctx context.Context, source, target *Store, options *MigrateOptions) (Migration, error) {
	var o MigrateOptions
	if options != nil {
		o = *options
	}
	total, err := migrate(ctx, source, target, o)
	if err != nil {
		err = fmt.Errorf("media: migrate: %w", err)
	}
	return total, err
}

func migrate(ctx context.Context, source, target *Store, o MigrateOptions) (total Migration, err error) {
	o.Concurrency = cmp.Or(o.Concurrency, DefaultMigrateConcurrency)
	switch {
	case o.Concurrency < 1 || o.Concurrency > 64:
		return total, invalid("options", "Concurrency is %d, allowed are 1 to 64", o.Concurrency)
	case o.Journal == "" && !takesNames(target.driver):
		return total, invalid("options", "Journal is empty, but the target names files itself")
	}
	if err := errors.Join(source.open(), target.open()); err != nil {
		return total, err
	}
	m := &migration{source: source, target: target, options: o}
	if m.journal, err = openJournal(o.Journal); err != nil {
		return total, err
	}
	defer func() { err = errors.Join(err, m.journal.Close()) }()
	return m.run(ctx)
}

// migration is a running Migrate.
type migration struct {
	source, target *Store
	options        MigrateOptions
	journal        *journal

	mu     sync.Mutex
	total  Migration
	failed []error
	fatal  error
}

func (m *migration) run(ctx context.Context) (Migration, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := make(chan string)
	var workers sync.WaitGroup
	for range m.options.Concurrency {
		workers.Go(func() {
			for name := range work {
				m.one(ctx, name, stop)
			}
		})
	}
	listed := m.feed(ctx, work)
	close(work)
	workers.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(m.fatal, listed); err != nil {
		return m.total, err
	}
	if m.total.Failed > 0 {
		return m.total, fmt.Errorf("%d files failed: %w", m.total.Failed, errors.Join(m.failed...))
	}
	return m.total, nil
}

// feed hands out the names.
func (m *migration) feed(ctx context.Context, work chan<- string) error {
	for name, err := range m.source.names(ctx, m.options.Prefix, m.options.Names) {
		if err != nil {
			return err
		}
		select {
		case work <- name:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// one copies a file and counts it.
func (m *migration) one(ctx context.Context, name string, stop func()) {
	size, outcome, err := m.move(ctx, name)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case errors.Is(err, errJournal):
		m.fatal = cmp.Or(m.fatal, err)
		stop()
		return
	case err != nil && ctx.Err() != nil: // not its fault
		return
	case err != nil:
		m.total.Failed++
		if len(m.failed) < maxMigrateErrors {
			m.failed = append(m.failed, fmt.Errorf("%q: %w", shorten(name), err))
		}
	case outcome == fileCopied:
		m.total.Copied++
		m.total.Bytes += size
	case outcome == fileGone:
		m.total.Gone++
	default:
		m.total.Skipped++
	}
	if m.options.Progress != nil {
		m.options.Progress(m.total)
	}
}

type outcome int

const (
	fileSkipped outcome = iota
	fileCopied
	fileGone
)

// move brings one file over, unless that has been done.
func (m *migration) move(ctx context.Context, name string) (int64, outcome, error) {
	f, err := m.source.driver.Stat(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return 0, fileGone, nil
	}
	if err != nil {
		return 0, 0, err
	}
	if m.journal.has(name, f.SHA256) {
		return 0, fileSkipped, nil
	}
	if f.SHA256 != "" && takesNames(m.target.driver) {
		there, err := m.target.driver.Stat(ctx, name)
		if err == nil && there.SHA256 == f.SHA256 {
			return 0, fileSkipped, m.note(ctx, f, there)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return 0, 0, err
		}
	}
	content := newSpool(m.source.options.SpoolDir, noLimit)
	defer content.Close()
	if err := m.fetch(ctx, &f, content); err != nil {
		if errors.Is(err, ErrNotFound) {
			return 0, fileGone, nil
		}
		return 0, 0, err
	}
	if m.journal.has(name, content.sum()) { // of a source that keeps no hashes
		return 0, fileSkipped, nil
	}
	upload := &Upload{
		Name: f.Name, Size: content.size, Type: f.Type, SHA256: content.sum(), Width: f.Width, Height: f.Height,
		ModTime: f.ModTime.UTC().Truncate(time.Millisecond), Metadata: f.Metadata, Content: content.reader(),
		IfNotExists: !m.options.Replace, Replace: m.options.Replace && takesNames(m.target.driver),
	}
	stored, err := m.target.driver.Put(ctx, upload)
	if errors.Is(err, ErrExists) && f.SHA256 == "" { // could not be compared before
		there, statErr := m.target.driver.Stat(ctx, f.Name)
		if statErr == nil && there.SHA256 == upload.SHA256 {
			return 0, fileSkipped, m.note(ctx, f, there)
		}
	}
	if err != nil {
		return 0, 0, err
	}
	if err := m.verify(ctx, stored); err != nil {
		return 0, 0, err
	}
	f.SHA256 = upload.SHA256
	return upload.Size, fileCopied, m.note(ctx, f, stored)
}

// fetch reads a file from the source, and f as it was then.
func (m *migration) fetch(ctx context.Context, f *File, content *spool) error {
	reader, err := openDriver(ctx, m.source.driver, f.Name)
	if err != nil {
		return err
	}
	defer reader.Close()
	*f = reader.file
	if err := content.fill(ctx, reader); err != nil {
		return err
	}
	if f.SHA256 != "" && content.sum() != f.SHA256 {
		return errors.New("content of the source is not what its hash says")
	}
	return nil
}

// verify reads back what has been stored, and removes it if it is not what it should be.
func (m *migration) verify(ctx context.Context, stored File) error {
	stream, err := m.target.driver.Open(ctx, stored, 0, -1)
	if err != nil {
		return err
	}
	check := newSpool("", noLimit)
	_, err = io.Copy(hashOnly{check}, stream)
	if err = errors.Join(err, stream.Close()); err != nil {
		return err
	}
	if check.size == stored.Size && check.sum() == stored.SHA256 {
		return nil
	}
	err = errors.New("content of the copy is not what was sent")
	return errors.Join(err, m.target.driver.Delete(ctx, stored.Name))
}

// hashOnly counts and hashes, and keeps nothing.
type hashOnly struct{ s *spool }

func (h hashOnly) Write(p []byte) (int, error) {
	h.s.hash.Write(p)
	h.s.size += int64(len(p))
	return len(p), nil
}

// note tells the caller of a copy and writes it down.
func (m *migration) note(ctx context.Context, f, stored File) error {
	if m.options.Copied != nil {
		if err := m.options.Copied(ctx, f, stored); err != nil {
			return err
		}
	}
	return m.journal.add(entry{From: f.Name, To: stored.Name, SHA256: stored.SHA256, Size: stored.Size})
}

// names walks over the given names or, without them, over those that List gives.
func (s *Store) names(ctx context.Context, prefix string, given iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if given == nil {
			for f, err := range s.List(ctx, &ListOptions{Prefix: prefix}) {
				if !yield(f.Name, err) {
					return
				}
			}
			return
		}
		for name, err := range given {
			if err == nil {
				name, err = CleanName(name)
			}
			if err == nil && !strings.HasPrefix(name, prefix) {
				continue
			}
			if !yield(name, err) || err != nil {
				return
			}
		}
	}
}
