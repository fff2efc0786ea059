package inventory

import (
	"context"
	"fmt"
	"iter"
	"slices"
)

// ImportOptions of one import; nil means the defaults.
type ImportOptions struct {
	// BatchSize is how many levels one transaction sets, 1 to MaxLines. Default: 500.
	BatchSize int
	// Progress, if set, is called after every batch.
	Progress func(ImportProgress)
	// Reason and Reference go to the ledger.
	Reason, Reference string
}

// ImportProgress is how far an import has come.
type ImportProgress struct {
	// Levels is how many levels were read, of which Repeated had been set by an earlier run of the same import.
	Levels, Repeated int
}

// Import sets levels in bulk from a stream: on hand, safety stock, backorder limit and reorder point of each; other fields are
// ignored. Levels that do not exist yet are made. If a place comes twice the later one counts.
//
// Each batch is one transaction under a key made of key and the batch's number: an import that broke off is resumed by running it
// again with the same key, options and stream. Batches done before are skipped; a batch of other contents is a [ConflictError].
// A level that is bad, or lower than what is reserved, ends the import with an error naming it; the batches before stay.
func (i *Inventory) Import(ctx context.Context, key string, levels iter.Seq2[Level, error], options *ImportOptions) (ImportProgress, error) {
	var o ImportOptions
	if options != nil {
		o = *options
	}
	orDefault(&o.BatchSize, 500)
	run := importRun{inventory: i, key: key, options: o}
	err := checkKey("key", key)
	if err == nil && len(key) > MaxKeyLength-len("/123456789") {
		err = invalid("key", "leaves no room for the number of a batch")
	}
	if err == nil && (o.BatchSize < 1 || o.BatchSize > MaxLines) {
		err = invalid("BatchSize", "must be between 1 and %d", MaxLines)
	}
	if err != nil {
		return run.progress, wrap("import", err)
	}
	err = run.all(ctx, levels)
	return run.progress, err
}

type importRun struct {
	inventory *Inventory
	key       string
	options   ImportOptions
	progress  ImportProgress
	batches   int
}

func (run *importRun) all(ctx context.Context, levels iter.Seq2[Level, error]) error {
	batch := make([]Level, 0, run.options.BatchSize)
	n := 0
	for level, err := range levels {
		if err != nil {
			return wrap("import", err)
		}
		if level, err = checkLevel(fmt.Sprintf("levels[%d].", n), level); err != nil {
			return wrap("import", err)
		}
		n++
		if batch = append(batch, level); len(batch) == cap(batch) {
			if err := run.send(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return run.send(ctx, batch)
}

func (run *importRun) send(ctx context.Context, batch []Level) error {
	run.batches++
	r := Request{Kind: KindImport, Key: fmt.Sprintf("%s/%d", run.key, run.batches), Levels: lastOfEachPlace(batch),
		Reason: run.options.Reason, Reference: run.options.Reference}
	r, err := run.inventory.complete(r, 0, nil)
	result, err := run.inventory.mutate(ctx, r, err)
	if err != nil {
		return err
	}
	run.progress.Levels += len(batch)
	if result.Repeat {
		run.progress.Repeated += len(batch)
	}
	if run.options.Progress != nil {
		run.options.Progress(run.progress)
	}
	return nil
}

func lastOfEachPlace(levels []Level) []Level {
	last := make(map[Place]int, len(levels))
	for n, level := range levels {
		last[level.Place()] = n
	}
	kept := make([]Level, 0, len(last))
	for _, n := range last {
		kept = append(kept, levels[n])
	}
	slices.SortFunc(kept, func(a, b Level) int { return a.Place().Compare(b.Place()) })
	return kept
}
