package inventory

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Inventory is stock kept by a [Driver]. Backends open one.
type Inventory struct {
	driver  Driver
	options Options
	group   *group // nil unless the strategy is Grouped

	stop      context.CancelFunc // ends the background sweep
	swept     chan struct{}      // closed when it has ended
	closeOnce sync.Once
	closeErr  error

	mu       sync.Mutex // guards closed, and that no call enters once it is set
	closed   bool
	inFlight sync.WaitGroup
}

// New returns an Inventory on a driver and starts its background sweep; nil options mean the defaults.
// It returns an [InvalidError] for options out of range. Closing the Inventory closes the driver.
func New(driver Driver, options *Options) (*Inventory, error) {
	if driver == nil {
		return nil, wrap("new", invalid("driver", "is nil"))
	}
	o := options.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, wrap("new", err)
	}
	i := &Inventory{driver: driver, options: o, swept: make(chan struct{})}
	if o.Strategy == Grouped {
		i.group = newGroup(i)
	}
	ctx, stop := context.WithCancel(context.Background())
	i.stop = stop
	go i.sweepRegularly(ctx)
	return i, nil
}

// Close stops the background sweep, answers every call in flight and closes the driver; later calls are [ErrClosed].
// A second Close does nothing and returns the same error. It must not be called from the events hook. What the host passed in, such as its database, stays open.
func (i *Inventory) Close() error {
	i.closeOnce.Do(func() {
		i.stop()
		<-i.swept
		i.mu.Lock()
		i.closed = true
		i.mu.Unlock()
		i.inFlight.Wait()
		if i.group != nil {
			i.group.close()
		}
		if err := i.driver.Close(); err != nil {
			i.closeErr = wrap("close", err)
		}
	})
	return i.closeErr
}

// now is the clock in the form that every database keeps: UTC, whole microseconds.
func (i *Inventory) now() time.Time { return i.options.Now().UTC().Truncate(time.Microsecond) }

func wrap(operation string, err error) error { return fmt.Errorf("inventory: %s: %w", operation, err) }

func (i *Inventory) enter() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.closed {
		i.inFlight.Add(1)
	}
	return !i.closed
}

// observe runs one operation under the tracer, unless the Inventory is closed, and puts its name before its error.
func observe[T any](ctx context.Context, i *Inventory, operation string, run func(context.Context) (T, error)) (result T, err error) {
	if !i.enter() {
		return result, wrap(operation, ErrClosed)
	}
	defer i.inFlight.Done()
	if i.options.Tracer != nil {
		var end func(error, ...slog.Attr)
		ctx, end = i.options.Tracer.Start(ctx, "inventory."+operation)
		defer func() { end(err) }()
	}
	if result, err = run(ctx); err != nil {
		var zero T
		return zero, wrap(operation, err)
	}
	return result, nil
}
