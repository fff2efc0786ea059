package redisstore

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/seed82d84382/commerce/session"
)

const (
	batch       = 500 // records that one pipeline asks for
	batchesOnce = 4   // pipelines under way at once
)

// ids are the entries of a user's index, and perhaps more than have a record; the
// first n of them, or -1: all.
func (s *store) ids(ctx context.Context, key string, n int) ([]string, error) {
	ids, err := s.client.ZRange(ctx, key, 0, int64(max(n-1, -1))).Result()
	return ids, serverError(err)
}

func (s *store) unindex(ctx context.Context, userID, id string) error {
	err := s.reads.do(ctx, redis.NewIntCmd(ctx, "zrem", s.userKey(userID), id))
	return serverError(err)
}

// ListUser looks at every entry of the index: which were seen last is known
// only to the records.
func (s *store) ListUser(ctx context.Context, userID string, limit int) ([]session.Record, error) {
	key := s.userKey(userID)
	ids, err := s.ids(ctx, key, -1)
	if err != nil {
		return nil, err
	}
	var list []session.Record
	var stale []string
	for chunk := range slices.Chunk(ids, batch) {
		records, errs, err := s.loadMany(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for i, r := range records {
			switch err := errs[i]; {
			case errors.Is(err, session.ErrCorrupt): // not ours to throw away
			case errors.Is(err, session.ErrNotFound), err == nil && r.UserID != userID:
				stale = append(stale, chunk[i])
			case err != nil:
				return nil, err
			default:
				list = append(list, r)
			}
		}
		list = latest(list, limit)
	}
	return list, s.prune(ctx, key, stale)
}

// LoadBatch implements session.BatchLoader.
func (s *store) LoadBatch(ctx context.Context, ids []string) (map[string]session.Record, error) {
	all := make(map[string]session.Record, len(ids))
	for chunk := range slices.Chunk(ids, batch) {
		records, errs, err := s.loadMany(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for i, r := range records {
			switch err := errs[i]; {
			case err == nil:
				all[r.ID] = r
			case !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrCorrupt):
				return nil, err
			}
		}
	}
	return all, nil
}

// loadMany reads records in one pipeline.
func (s *store) loadMany(ctx context.Context, ids []string) ([]session.Record, []error, error) {
	replies := make([]*redis.StringCmd, len(ids))
	var endings *redis.StringCmd
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			replies[i] = p.Get(ctx, s.recordKey(id))
		}
		if !s.spread.Load() {
			endings = p.Get(ctx, s.endings)
		}
		return nil
	})
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		return nil, nil, err
	}
	a := answer{}
	if endings != nil {
		if a.endings, err = endings.Result(); err != nil && !errors.Is(err, redis.Nil) {
			return nil, nil, serverError(err)
		}
	}
	records, errs := make([]session.Record, len(ids)), make([]error, len(ids))
	for i, id := range ids {
		a.value = replies[i].Val()
		records[i], errs[i] = s.admit(ctx, id, a, replies[i].Err())
	}
	return records, errs, nil
}

func latest(list []session.Record, limit int) []session.Record {
	slices.SortFunc(list, func(a, b session.Record) int { return b.Seen.Compare(a.Seen) })
	return list[:min(limit, len(list))]
}

// DeleteUser ends few sessions by removing them, and many by noting that they are
// ended, so that it takes no longer the more there are; on a Cluster it removes all.
func (s *store) DeleteUser(ctx context.Context, userID, keep string) (int, error) {
	key := s.userKey(userID)
	limit := s.batch + 1
	if s.spread.Load() {
		limit = -1
	}
	ids, err := s.ids(ctx, key, limit)
	if err != nil {
		return 0, err
	}
	if len(ids) == limit {
		n, err := s.end(ctx, userID, keep)
		if !errors.Is(err, errNotAtOnce) && !s.crossed(err) {
			return n, err
		}
		if ids, err = s.ids(ctx, key, -1); err != nil {
			return 0, err
		}
	}
	return s.deleteAll(ctx, userID, slices.DeleteFunc(ids, func(id string) bool { return id == keep }))
}

// deleteAll removes sessions of a user.
func (s *store) deleteAll(ctx context.Context, userID string, ids []string) (int, error) {
	key := s.userKey(userID)
	chunks := slices.Collect(slices.Chunk(ids, max(s.batch, 1)))
	removed := make([]int, len(chunks))
	var running errgroup.Group
	running.SetLimit(batchesOnce)
	for i, chunk := range chunks {
		running.Go(func() (err error) {
			removed[i], err = s.deleteChunk(ctx, key, userID, chunk)
			return err
		})
	}
	err := running.Wait()
	total := 0
	for _, n := range removed {
		total += n
	}
	return total, err
}

// deleteChunk ends some sessions of a user. On a single master it is one script,
// so that few callers are kept waiting however many there are.
func (s *store) deleteChunk(ctx context.Context, key, userID string, ids []string) (int, error) {
	if s.spread.Load() {
		return s.deleteSpread(ctx, key, userID, ids)
	}
	keys, args := make([]string, 1, 1+len(ids)), make([]any, 1, 1+len(ids))
	keys[0], args[0] = key, userField(userID)
	for _, id := range ids {
		keys, args = append(keys, s.recordKey(id)), append(args, id)
	}
	removed, err := deleteManyScript.run(ctx, s.writes, keys, args...)
	if s.crossed(err) {
		return s.deleteSpread(ctx, key, userID, ids)
	}
	n, _ := removed.(int64)
	return int(n), err
}

// deleteSpread is deleteChunk where keys lie on different nodes.
func (s *store) deleteSpread(ctx context.Context, key, userID string, ids []string) (int, error) {
	replies, err := s.deleteRecords(ctx, userID, ids)
	if err != nil {
		return 0, err
	}
	var deleted, stale []string
	for i, id := range ids {
		n, err := replies[i].Int()
		switch {
		case err != nil:
			return len(deleted), serverError(err)
		case n > 0:
			deleted = append(deleted, id)
		default:
			stale = append(stale, id)
		}
	}
	if len(deleted) > 0 {
		if err := s.client.ZRem(ctx, key, deleted).Err(); err != nil {
			return len(deleted), serverError(err)
		}
	}
	return len(deleted), s.prune(ctx, key, stale)
}

// deleteRecords runs deleteUserScript for each id. A server without the script
// gets its source first: it has done nothing then.
func (s *store) deleteRecords(ctx context.Context, userID string, ids []string) ([]*redis.Cmd, error) {
	field := userField(userID)
	replies := make([]*redis.Cmd, len(ids))
	run := func() error {
		return s.pipelined(ctx, func(p redis.Pipeliner) error {
			for i, id := range ids {
				replies[i] = deleteUserScript.command(ctx, "evalsha", deleteUserScript.digest, []string{s.recordKey(id)}, []any{field})
				_ = p.Process(ctx, replies[i])
			}
			return nil
		})
	}
	err := run()
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		err = s.client.ScriptLoad(ctx, deleteUserScript.source).Err() // on a Cluster: on every master
		if err == nil {
			err = run()
		}
	}
	return replies, serverError(err)
}

// pipelined sends writes together, and waits for replicas if those are asked for.
func (s *store) pipelined(ctx context.Context, fill func(redis.Pipeliner) error) error {
	if s.replicated != nil {
		return s.replicated.pipelined(ctx, fill)
	}
	_, err := s.client.Pipelined(ctx, fill)
	return err
}

// prune removes entries without a record, unless they are so young that the
// record may be about to be written.
func (s *store) prune(ctx context.Context, key string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	_, err := pruneScript.run(ctx, s.reads, []string{key}, args...)
	return err
}
