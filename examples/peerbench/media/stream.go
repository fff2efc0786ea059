package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/media/fastdfs"
)

const gigabyte = 1 << 30

// streams moves a gigabyte up and down. What the heap grew meanwhile goes into the environment.
func (b *bed) streams(environment *bench.Environment) peer.Case {
	stream := func(name string, options *fastdfs.UploadOptions) peer.Subject {
		return peer.Subject{Name: name, Measure: func(ctx context.Context, _ bench.Load) (peer.Sample, error) {
			// One gigabyte is enough of a load, however short the run is to be.
			var peak uint64
			sample, err := bench.Run(ctx, bench.Load{Callers: 1, MaxOps: 1}, func(ctx context.Context, _ int) error {
				stop := watchHeap(&peak)
				defer stop()
				return b.stream(ctx, options)
			})
			environment.Settings["stream-1g, "+name+", heap"] = fmt.Sprintf("grew by at most %.1f MiB", float64(peak)/(1<<20))
			return peer.Sample{Sample: sample, RoundTrips: -1}, err
		}}
	}
	return peer.Case{Name: "stream-1g", Callers: []int{1}, Subjects: []peer.Subject{
		stream("ours", nil), stream("ours, trusted", &fastdfs.UploadOptions{Trusted: true}),
	}}
}

func (b *bed) stream(ctx context.Context, options *fastdfs.UploadOptions) (err error) {
	id, err := b.ours.Upload(ctx, io.LimitReader(pattern{}, gigabyte), gigabyte, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.ours.Delete(context.WithoutCancel(ctx), id)) }()
	d, err := b.ours.Download(ctx, id, 0, -1)
	if err != nil {
		return err
	}
	defer d.Close()
	n, err := d.WriteTo(io.Discard) // and compares the checksum
	if err == nil && n != gigabyte {
		err = fmt.Errorf("%d bytes came back", n)
	}
	return err
}

// pattern gives bytes without end.
type pattern struct{}

func (pattern) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i)
	}
	return len(p), nil
}

// watchHeap keeps the most that the heap has grown since the call, until stop.
func watchHeap(peak *uint64) (stop func()) {
	runtime.GC()
	var start runtime.MemStats
	runtime.ReadMemStats(&start)
	over := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if now.HeapInuse > start.HeapInuse {
				*peak = max(*peak, now.HeapInuse-start.HeapInuse)
			}
		}
	})
	return func() {
		close(over)
		done.Wait()
	}
}
