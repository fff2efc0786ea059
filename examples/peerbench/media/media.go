// Package media compares the FastDFS client with the floor under it: the same exchanges with a tracker and a storage over bare sockets. It
// also compares thumbnails with those of other libraries, and the Handler with http.FileServer.
package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// Area is "media". trackers are the addresses of a FastDFS cluster that may be written to, separated by commas; "" is one in process,
// which shares the processors with its clients. It is read when the area is opened.
func Area(trackers *string) peer.Area {
	return peer.Area{Name: "media", Open: func(ctx context.Context, environment *bench.Environment) ([]peer.Case, func() error, error) {
		return open(ctx, *trackers, environment)
	}}
}

// The numbers of callers that are measured, and how many files are read in turn.
var callers = []int{1, 16}

const readFiles = 64

func open(ctx context.Context, trackers string, environment *bench.Environment) ([]peer.Case, func() error, error) {
	config := &fastdfs.Config{Trackers: strings.Split(trackers, ",")}
	closeCluster := func() {}
	environment.Settings["fastdfs"] = "a cluster outside of this process"
	if trackers == "" {
		cluster, err := fastdfstest.New(&fastdfstest.Options{Capacity: 8 << 30})
		if err != nil {
			return nil, nil, err
		}
		config, closeCluster = cluster.Config(), cluster.Close
		environment.Settings["fastdfs"] = "fastdfstest, in this process"
	}
	config.Store.Logger = slog.New(slog.DiscardHandler)
	ours, err := fastdfs.NewClient(config)
	if err != nil {
		closeCluster()
		return nil, nil, err
	}
	asking := *config
	asking.TrackerCache = -1
	uncached, err := fastdfs.NewClient(&asking)
	if err != nil {
		closeCluster()
		return nil, nil, errors.Join(err, ours.Close())
	}
	b := &bed{ours: ours, uncached: uncached, config: config.WithDefaults()}
	scripts, err := os.MkdirTemp("", "peerbench-media-")
	if err == nil {
		b.externals, err = externals(ctx, scripts)
	}
	closeAll := func() error {
		err := errors.Join(b.clean(context.WithoutCancel(ctx)), ours.Close(), uncached.Close(), os.RemoveAll(scripts))
		closeCluster()
		return err
	}
	if err != nil {
		return nil, nil, errors.Join(err, closeAll())
	}
	cases := []peer.Case{}
	for _, size := range []struct {
		name  string
		bytes int
	}{{"4k", 4 << 10}, {"1m", 1 << 20}} {
		download, err := b.downloads(ctx, "download-"+size.name, size.bytes)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		cases = append(cases, b.uploads("upload-"+size.name, size.bytes), download)
	}
	if trackers != "" { // in process, the other side would need the memory
		cases = append(cases, b.streams(environment))
	}
	for _, open := range []func() (peer.Case, func() error, error){thumbnails, serving} {
		c, closeCase, err := open()
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		before := closeAll
		closeAll = func() error { return errors.Join(closeCase(), before()) }
		cases = append(cases, c)
	}
	return cases, closeAll, nil
}

// bed is what the cases share.
type bed struct {
	ours, uncached *fastdfs.Client
	config         fastdfs.Config
	externals      []external

	mu   sync.Mutex
	made []string // ids of files to be removed
}

func (b *bed) keep(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = append(b.made, id)
}

// clean removes all files that were made.
func (b *bed) clean(ctx context.Context) error {
	var wait sync.WaitGroup
	work := make(chan string)
	var failed error
	for range 16 {
		wait.Go(func() {
			for id := range work {
				if err := b.ours.Delete(ctx, id); err != nil {
					b.mu.Lock()
					failed = err
					b.mu.Unlock()
				}
			}
		})
	}
	for _, id := range b.made {
		work <- id
	}
	close(work)
	wait.Wait()
	return failed
}

// content differs with every seed and compresses badly.
func content(seed uint64, size int) []byte {
	all := make([]byte, size)
	source := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = source.Read(all)
	return all
}

// subject drives an operation by callers that each have something of their own, made by enter and closed at the end.
func subject[C io.Closer](name string, enter func() (C, error), operation func(ctx context.Context, own C) error) peer.Subject {
	return peer.Subject{Name: name, Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		own := make([]C, load.Callers)
		for i := range own {
			var err error
			if own[i], err = enter(); err != nil {
				return peer.Sample{}, err
			}
			defer own[i].Close()
		}
		sample, err := bench.Run(ctx, load, func(ctx context.Context, caller int) error { return operation(ctx, own[caller]) })
		return peer.Sample{Sample: sample, RoundTrips: -1}, err
	}}
}

// nothing is for callers that need nothing of their own.
type nothing struct{}

func (nothing) Close() error { return nil }

func enterNothing() (nothing, error) { return nothing{}, nil }

func (b *bed) uploads(name string, size int) peer.Case {
	body := content(1, size)
	upload := func(client *fastdfs.Client, options *fastdfs.UploadOptions) func(context.Context, nothing) error {
		return func(ctx context.Context, _ nothing) error {
			id, err := client.Upload(ctx, bytes.NewReader(body), int64(size), options)
			if err == nil {
				b.keep(id)
			}
			return err
		}
	}
	subjects := []peer.Subject{
		subject("ours", enterNothing, upload(b.ours, nil)),
		subject("ours, tracker asked each time", enterNothing, upload(b.uncached, nil)),
	}
	if size > b.config.BufferSize {
		subjects = append(subjects, subject("ours, trusted", enterNothing, upload(b.ours, &fastdfs.UploadOptions{Trusted: true})))
	}
	subjects = append(subjects, subject("floor", b.newFloor, func(_ context.Context, f *floor) error {
		id, err := f.upload(body)
		if err == nil {
			b.keep(id)
		}
		return err
	}))
	subjects = append(subjects, b.externalSubjects("upload", size, nil)...)
	return peer.Case{Name: name, Callers: callers, Subjects: subjects}
}

func (b *bed) downloads(ctx context.Context, name string, size int) (peer.Case, error) {
	ids := make([]string, readFiles)
	for i := range ids {
		body := content(uint64(i), size)
		id, err := b.ours.Upload(ctx, bytes.NewReader(body), int64(size), &fastdfs.UploadOptions{Trusted: true})
		if err != nil {
			return peer.Case{}, err
		}
		b.keep(id)
		ids[i] = id
	}
	any := func() string { return ids[rand.IntN(len(ids))] }
	// The client compares the checksum of all that it reads; the floor only counts bytes.
	download := func(client *fastdfs.Client) func(context.Context, *buffer) error {
		return func(ctx context.Context, buf *buffer) error {
			d, err := client.Download(ctx, any(), 0, -1)
			if err != nil {
				return err
			}
			defer d.Close()
			if _, err := io.ReadFull(d, buf.b[:size]); err != nil {
				return err
			}
			if n, err := d.Read(buf.b[:1]); n != 0 || !errors.Is(err, io.EOF) {
				return fmt.Errorf("more than %d bytes: %w", size, err)
			}
			return nil
		}
	}
	newBuffer := func() (*buffer, error) { return &buffer{make([]byte, size)}, nil }
	return peer.Case{Name: name, Callers: callers, Subjects: append([]peer.Subject{
		subject("ours", newBuffer, download(b.ours)),
		subject("ours, tracker asked each time", newBuffer, download(b.uncached)),
		subject("floor", b.newFloor, func(_ context.Context, f *floor) error { return f.download(any(), size) }),
	}, b.externalSubjects("download", size, ids)...)}, nil
}

type buffer struct{ b []byte }

func (*buffer) Close() error { return nil }
