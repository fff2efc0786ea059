package inventory

import (
	"context"
	"log/slog"
	"time"
)

// sweepBatch is how many holds one transaction of a sweep expires: enough to share a commit, few enough not to hold locks for long.
const sweepBatch = 500

// Sweep gives back the units of all holds whose time is over, in batches, and returns how many holds it expired. Any
// number of processes may sweep at once. After an error the holds counted so far stay expired.
func (i *Inventory) Sweep(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := observe(ctx, i, "sweep", i.sweepOnce)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

func (i *Inventory) sweepOnce(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, i.options.Timeout)
	defer cancel()
	results, err := i.driver.Sweep(ctx, i.now(), sweepBatch)
	if err != nil {
		return 0, err
	}
	for _, result := range results {
		i.publish(ctx, result.Changes)
	}
	return len(results), nil
}

func (i *Inventory) sweepRegularly(ctx context.Context) {
	defer close(i.swept)
	if i.options.SweepInterval < 0 {
		return
	}
	ticker := time.NewTicker(i.options.SweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := i.Sweep(ctx); err != nil && ctx.Err() == nil {
				i.options.Logger.WarnContext(ctx, "inventory: background sweep failed", slog.Any("error", err))
			}
		}
	}
}
