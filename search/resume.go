package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// keptRebuild is the name under which an unfinished rebuild is kept.
const keptRebuild = "rebuild"

// checkpoint is how far an unfinished rebuild has come.
type checkpoint struct {
	Generation string `json:"generation"`
	Schema     string `json:"schema"`
	Last       string `json:"last,omitempty"`
	Read       int    `json:"read"`
}

func (ix *Index) newRebuild(o RebuildOptions, resumable bool) *rebuild {
	return &rebuild{ix: ix, options: o, resumable: resumable, started: time.Now(),
		live: map[uint64]bool{}, touched: map[uint64]bool{}, seed: maphash.MakeSeed()}
}

// beginRebuild begins a generation, or takes up the one that was left.
func (ix *Index) beginRebuild(ctx context.Context, o RebuildOptions, resumable bool) (*rebuild, error) {
	rebuilder, ok := ix.driver.(Rebuilder)
	_, resumer := ix.driver.(Resumer)
	_, keeper := ix.driver.(Keeper)
	if !ok || resumable && !(resumer && keeper) {
		return nil, fmt.Errorf("search: rebuild: %w", errors.ErrUnsupported)
	}
	var begun *rebuild
	err := ix.writes.alone(func() error {
		if left := ix.writes.rebuild; left != nil && resumable && !left.isBroken() {
			left.options, left.paused, left.started, left.resumed = o, false, time.Now(), left.read
			begun = left
			return nil
		} else if left != nil {
			ix.writes.rebuild = nil
			left.discard(ctx)
		}
		r := ix.newRebuild(o, resumable)
		var err error
		if r.generation, err = rebuilder.Begin(ctx, resumable); err == nil {
			err = r.checkpoint(ctx)
		}
		if err != nil {
			return fmt.Errorf("search: rebuild: %w", err)
		}
		ix.writes.rebuild, begun = r, r
		return nil
	})
	return begun, err
}

// AbandonRebuild throws away what an unfinished [Index.RebuildFrom] left. [ErrRebuilding]
// while one is under way; nil when there is none.
func (ix *Index) AbandonRebuild(ctx context.Context) error {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	return ix.writes.alone(func() error {
		if left := ix.writes.rebuild; left != nil {
			ix.writes.rebuild = nil
			left.discard(ctx)
		}
		return nil
	})
}

// resumeRebuild finds what an earlier process left unfinished, so that writes go to both indexes again.
// What cannot be taken up is given up: the next rebuild begins anew.
func (ix *Index) resumeRebuild(ctx context.Context, kept map[string][]byte) error {
	resumer, ok := ix.driver.(Resumer)
	if !ok || kept[keptRebuild] == nil {
		return nil
	}
	var c checkpoint
	if err := json.Unmarshal(kept[keptRebuild], &c); err != nil || c.Schema != ix.schema.fingerprint {
		return nil
	}
	generation, err := resumer.Resume(ctx, c.Generation)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r := ix.newRebuild(RebuildOptions{}, true)
	r.generation, r.last, r.read, r.paused = generation, c.Last, c.Read, true
	for e, err := range generation.(Resumable).Entries(ctx) {
		if err != nil {
			return errors.Join(err, generation.(Resumable).Leave(ctx))
		}
		if !e.Deleted {
			r.live[r.key(e.ID)] = true
		}
		if e.Changed {
			r.touched[r.key(e.ID)] = true
		}
	}
	ix.writes.rebuild = r
	return nil
}

// checkpoint keeps how far a resumable rebuild has come. A crash between a batch and its
// checkpoint is harmless: the batch is written again.
func (r *rebuild) checkpoint(ctx context.Context) error {
	if !r.resumable {
		return nil
	}
	text, err := json.Marshal(checkpoint{Generation: r.generation.(Resumable).Name(), Schema: r.ix.schema.fingerprint, Last: r.last, Read: r.read})
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return r.ix.driver.(Keeper).Keep(ctx, keptRebuild, text)
}

// forget removes the checkpoint. One that stays names no generation that could be resumed.
func (r *rebuild) forget(ctx context.Context) {
	if !r.resumable {
		return
	}
	if err := r.ix.driver.(Keeper).Keep(ctx, keptRebuild, nil); err != nil {
		r.ix.options.Logger.WarnContext(ctx, "search: remove the checkpoint of a rebuild", "error", err)
	}
}

// pause leaves a rebuild to be taken up again; writes still go to both indexes.
func (r *rebuild) pause() {
	r.ix.writes.Lock()
	defer r.ix.writes.Unlock()
	r.paused = true
}

func (r *rebuild) isBroken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken != nil || r.over
}

// discard throws the new index away, even when ctx has ended: the old one stays.
func (r *rebuild) discard(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	r.forget(ctx)
	if err := r.generation.Discard(ctx); err != nil {
		r.ix.options.Logger.WarnContext(ctx, "search: remove abandoned rebuild", "error", err)
	}
}

// leave ends the use of an unfinished generation when the index closes.
func (ix *Index) leave() error {
	ix.writes.Lock()
	defer ix.writes.Unlock()
	left := ix.writes.rebuild
	if left == nil {
		return nil
	}
	ix.writes.rebuild = nil
	return left.generation.(Resumable).Leave(context.Background())
}
