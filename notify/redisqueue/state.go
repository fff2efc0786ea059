package redisqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

// stateKeys are the keys of the shared values under one prefix, all in one slot: a
// hash for each value, a count of versions, and two sorted sets that name the values, by
// name and by when they end.
type stateKeys struct{ tag string }

func (d *driver) stateKeys(name string) stateKeys {
	before, _, _ := strings.Cut(name, "/")
	return stateKeys{d.prefix + "{/" + before + "}:"} // no queue's name begins with a slash
}

func (k stateKeys) value(name string) string { return k.tag + "value:" + name }
func (k stateKeys) names() string            { return k.tag + "names" }

func (k stateKeys) head() []string { return []string{k.tag + "versions", k.names(), k.tag + "ends"} }

func (d *driver) LoadState(ctx context.Context, keys []string) ([]notify.StateEntry, error) {
	if err := d.alive(); err != nil || len(keys) == 0 {
		return nil, err
	}
	found := make([]*redis.SliceCmd, len(keys))
	_, err := d.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			found[i] = p.HMGet(ctx, d.stateKeys(key).value(key), "v", "d")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fail(ctx, "load state", err)
	}
	var entries []notify.StateEntry
	for i, f := range found {
		version, _ := f.Val()[0].(string)
		data, _ := f.Val()[1].(string)
		if n, err := strconv.ParseInt(version, 10, 64); err == nil {
			entries = append(entries, notify.StateEntry{Key: keys[i], Value: []byte(data), Version: n})
		}
	}
	return entries, nil
}

func (d *driver) SwapState(ctx context.Context, changes []notify.StateChange) ([]bool, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	done := make([]bool, len(changes))
	nonce := rand.Text()
	tag := func(c notify.StateChange) string { return d.stateKeys(c.Key).tag }
	err := byQueue(changes, tag, func(tag string, places []int) error {
		for chunk := range slices.Chunk(places, scriptJobs) {
			keys, args := stateKeys{tag}.head(), []any{nonce}
			for _, place := range chunk {
				c := changes[place]
				ttl := int64(0) // removes
				if c.Value != nil {
					ttl = max(c.TTL.Milliseconds(), 1)
				}
				keys = append(keys, stateKeys{tag}.value(c.Key))
				args = append(args, c.Key, c.Version, ttl, c.Value)
			}
			made, err := swapScript.Run(ctx, d.rdb, keys, args...).Int64Slice()
			if err != nil {
				return fail(ctx, "swap state", err)
			}
			for i, place := range chunk {
				done[place] = made[i] == 1
			}
		}
		return nil
	})
	return done, err
}

func (d *driver) ScanState(ctx context.Context, prefix, after string, limit int) ([]notify.StateEntry, error) {
	var entries []notify.StateEntry
	for len(entries) < limit {
		from := "[" + prefix
		if after >= prefix {
			from = "(" + after
		}
		names, err := d.rdb.ZRangeByLex(ctx, d.stateKeys(prefix).names(), &redis.ZRangeBy{Min: from, Max: "[" + prefix + "\xff", Count: int64(limit)}).Result()
		if err != nil {
			return nil, fail(ctx, "scan state", err)
		}
		loaded, err := d.LoadState(ctx, names) // without those that have ended
		if err != nil {
			return nil, err
		}
		entries = append(entries, loaded...)
		if len(names) < limit {
			break
		}
		after = names[len(names)-1]
	}
	return entries[:min(limit, len(entries))], nil
}

// alive is ErrClosed once the driver was closed.
func (d *driver) alive() error {
	select {
	case <-d.done:
		return notify.ErrClosed
	default:
		return nil
	}
}

var swapScript = redis.NewScript(text("swap"))
