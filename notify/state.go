package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// StateStore is implemented by drivers that keep small values which all
// processes share: results, groups, limits over all workers, who works and what
// is scheduled. With a backend that cannot, give Options.State the driver of one that can.
//
// A key is 1 to 250 bytes of letters, digits, dots, dashes, underscores and
// slashes; a value is at most 256 KiB.
type StateStore interface {
	// LoadState returns the entries of keys that exist, in any order.
	LoadState(ctx context.Context, keys []string) ([]StateEntry, error)

	// SwapState makes each change whose Version is the present one, and tells
	// which those are. Each change is atomic by itself; on an error some may have been made.
	SwapState(ctx context.Context, changes []StateChange) (done []bool, err error)

	// ScanState returns at most limit entries whose key begins with prefix and
	// sorts after the key after, in the order of their keys. The prefix is always
	// everything up to the first slash of a key, that slash included.
	ScanState(ctx context.Context, prefix, after string, limit int) ([]StateEntry, error)
}

// StateEntry is a stored value.
type StateEntry struct {
	Key     string
	Value   []byte
	Version int64 // positive; another one after every change
}

// AnyVersion in a StateChange overwrites whatever is there.
const AnyVersion = -1

// StateChange stores or removes a value.
type StateChange struct {
	Key   string
	Value []byte // nil removes
	// Version that the entry must have now; 0 means that there must be none.
	Version int64
	// TTL after which the entry is gone, from now by the backend's clock. At least one millisecond.
	TTL time.Duration
}

// ErrContended is returned when others changed a value again and again while it was to be changed.
var ErrContended = errors.New("notify: too many others change the same value")

// maxSwaps bounds the attempts of one change; with growing random pauses that is about ten seconds.
const maxSwaps = 60

// swapJSON changes one value by a function of the present one; found is false when
// there is none. The function returns how long the value is kept, or 0 to leave everything as it is.
func swapJSON[V any](ctx context.Context, s StateStore, key string, change func(v *V, found bool) time.Duration) error {
	for attempt := range maxSwaps {
		entries, err := s.LoadState(ctx, []string{key})
		if err != nil {
			return err
		}
		next := StateChange{Key: key}
		var v V
		if len(entries) > 0 {
			next.Version = entries[0].Version
			if err := json.Unmarshal(entries[0].Value, &v); err != nil {
				return fmt.Errorf("notify: stored value %s: %w", key, err)
			}
		}
		if next.TTL = change(&v, len(entries) > 0); next.TTL <= 0 {
			return nil
		}
		if next.Value, err = json.Marshal(&v); err != nil {
			return err
		}
		done, err := s.SwapState(ctx, []StateChange{next})
		if err != nil {
			return err
		}
		if done[0] {
			return nil
		}
		if pause.For(ctx, rand.N(time.Millisecond<<min(attempt, 8))) != nil {
			return context.Cause(ctx)
		}
	}
	return ErrContended
}

// State returns where values that all processes share are kept, or nil: Options.State, or the backend itself.
func (q *Queue) State() StateStore {
	if q.options.State != nil {
		return q.options.State
	}
	s, _ := q.driver.(StateStore)
	return s
}

// scan visits all entries under a prefix.
func scan(ctx context.Context, s StateStore, prefix string, visit func(StateEntry)) error {
	const page = 200
	for after := ""; ; {
		entries, err := s.ScanState(ctx, prefix, after, page)
		if err != nil {
			return err
		}
		for _, e := range entries {
			visit(e)
		}
		if len(entries) < page {
			return nil
		}
		after = entries[len(entries)-1].Key
	}
}
