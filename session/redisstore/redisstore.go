// Package redisstore keeps sessions in Redis, or a server that speaks its
// protocol: a single one, behind Sentinel, or a Cluster.
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
//	sessions, err := redisstore.Open(rdb, &session.Options{Idle: 30 * time.Minute})
//
// # Keys
//
// A record is a hash at "<prefix>{<id>}". The sessions of a user are a sorted
// set of ids at "<prefix>user:{<digest of the user id>}", scored by when they were
// added. Every script and command touches one key, so that a Cluster may keep
// each where it likes. Redis expires both; the Manager enforces the limits by
// its own clock, and so keys live five minutes longer, in case that of the
// server is ahead.
//
// # The index of a user's sessions
//
// An id is added before the record of that user is written and removed after it
// is gone, so a crash in between leaves an entry too many, never one too few.
// Entries without such a record are pruned when they are met and older than a
// minute, and LogoutAll misses no session whose login had ended before it began.
//
// # Needs
//
// Redis 5 or later, and a user who may run EVAL, EVALSHA, HSET, HGET, HMGET, DEL,
// PEXPIREAT, PTTL, TIME, ZADD, ZREM, ZRANGE and ZSCORE. Do not let the client
// read from replicas: they lag behind a logout. A reply that was lost is
// harmless: a write that is sent again is recognized and not done twice.
package redisstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/session"
)

// Options of a store. Nil and zero mean the defaults.
type Options struct {
	// Prefix of all keys. Default "session:". It must not hold "{" or "}".
	Prefix string
}

// Open returns a Manager over a New store with the default Options.
func Open(client redis.UniversalClient, options *session.Options) (*session.Manager, error) {
	driver, err := New(client, nil)
	if err != nil {
		return nil, err
	}
	return session.New(driver, options)
}

// New returns a driver that keeps its records in Redis. It lists and deletes by
// user. It sends nothing yet. client stays the caller's to close.
func New(client redis.UniversalClient, options *Options) (session.Driver, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if client == nil {
		return nil, &session.InvalidError{Field: "client", Reason: "is nil"}
	}
	if o.Prefix == "" {
		o.Prefix = "session:"
	}
	for _, c := range []byte(o.Prefix) {
		if c == '{' || c == '}' {
			return nil, &session.InvalidError{Field: "Prefix", Reason: "has a brace, which would put all keys into one slot"}
		}
	}
	return &store{client: client, prefix: o.Prefix}, nil
}

type store struct {
	client redis.UniversalClient
	prefix string
}

func (s *store) recordKey(id string) string { return s.prefix + "{" + id + "}" }

// userKey hashes the user id: it may be any bytes, and is nobody's business in
// the names of keys.
func (s *store) userKey(userID string) string {
	sum := sha256.Sum256([]byte(userID))
	return s.prefix + "user:{" + base64.RawURLEncoding.EncodeToString(sum[:18]) + "}"
}

func (s *store) Load(ctx context.Context, id string) (session.Record, error) {
	return parse(id, s.client.HMGet(ctx, s.recordKey(id), fields...))
}

// Fields of a record: version, user, seen, idle, deadline, data. "n" is the
// nonce of the last write.
var fields = []string{"v", "u", "s", "i", "e", "d"}

func parse(id string, reply *redis.SliceCmd) (session.Record, error) {
	values, err := reply.Result()
	if err != nil {
		return session.Record{}, err
	}
	if len(values) == len(fields) && values[0] == nil {
		return session.Record{}, session.ErrNotFound
	}
	texts := make([]string, len(fields))
	for i := range fields {
		text, ok := values[i].(string)
		if !ok {
			return session.Record{}, &session.CorruptError{ID: id, Reason: "field " + fields[i] + " is missing"}
		}
		texts[i] = text
	}
	var numbers [4]int64
	for i, at := range []int{0, 2, 3, 4} {
		if numbers[i], err = strconv.ParseInt(texts[at], 10, 64); err != nil {
			return session.Record{}, &session.CorruptError{ID: id, Reason: "field " + fields[at] + " is no number"}
		}
	}
	return session.Record{
		ID: id, Version: numbers[0], UserID: texts[1], Seen: time.UnixMicro(numbers[1]),
		Idle: time.Duration(numbers[2]) * time.Microsecond, Deadline: time.UnixMicro(numbers[3]), Data: []byte(texts[5]),
	}, nil
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	if r.UserID != "" {
		if err := s.index(ctx, r); err != nil {
			return err
		}
	}
	r.Version = 1
	return s.write(ctx, r, 0)
}

func (s *store) Save(ctx context.Context, was, next session.Record) error {
	if next.UserID != "" && (next.UserID != was.UserID || next.Deadline.After(was.Deadline)) {
		if err := s.index(ctx, next); err != nil {
			return err
		}
	}
	next.Version = was.Version + 1
	if err := s.write(ctx, next, was.Version); err != nil {
		return err
	}
	if was.UserID != "" && was.UserID != next.UserID {
		return s.client.ZRem(ctx, s.userKey(was.UserID), was.ID).Err()
	}
	return nil
}

// write replaces the record of version was; 0 means that there must be none.
func (s *store) write(ctx context.Context, r session.Record, was int64) error {
	return answer(writeScript.Run(ctx, s.client, []string{s.recordKey(r.ID)}, was, r.Version, rand.Text(),
		r.UserID, r.Seen.UnixMicro(), r.Idle.Microseconds(), r.Deadline.UnixMicro(), r.Data, expireAt(r.Expires())))
}

func (s *store) Touch(ctx context.Context, r session.Record) error {
	return answer(touchScript.Run(ctx, s.client, []string{s.recordKey(r.ID)}, r.Version, r.Seen.UnixMicro(), expireAt(r.Expires())))
}

func (s *store) Delete(ctx context.Context, id string) error {
	user, err := deleteScript.Run(ctx, s.client, []string{s.recordKey(id)}).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil
	case err != nil:
		return err
	case user == "":
		return nil
	}
	return s.client.ZRem(ctx, s.userKey(user), id).Err()
}

// index adds a record to those of its user.
func (s *store) index(ctx context.Context, r session.Record) error {
	return indexScript.Run(ctx, s.client, []string{s.userKey(r.UserID)}, r.ID, expireAt(r.Deadline)).Err()
}

// batch is how many records one pipeline asks for.
const batch = 500

// ListUser looks at every entry of the index: which were seen last is known
// only to the records.
func (s *store) ListUser(ctx context.Context, userID string, limit int) ([]session.Record, error) {
	key := s.userKey(userID)
	ids, err := s.client.ZRange(ctx, key, 0, -1).Result()
	if err != nil {
		return nil, err
	}
	var found []session.Record
	var stale []string
	for chunk := range slices.Chunk(ids, batch) {
		replies := make([]*redis.SliceCmd, len(chunk))
		if _, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, id := range chunk {
				replies[i] = p.HMGet(ctx, s.recordKey(id), fields...)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		for i, id := range chunk {
			r, err := parse(id, replies[i])
			switch {
			case errors.Is(err, session.ErrCorrupt): // not ours to throw away
			case errors.Is(err, session.ErrNotFound), err == nil && r.UserID != userID:
				stale = append(stale, id)
			case err != nil:
				return nil, err
			default:
				found = append(found, r)
			}
		}
		found = latest(found, limit)
	}
	return found, s.prune(ctx, key, stale)
}

func latest(found []session.Record, limit int) []session.Record {
	slices.SortFunc(found, func(a, b session.Record) int { return b.Seen.Compare(a.Seen) })
	return found[:min(limit, len(found))]
}

func (s *store) DeleteUser(ctx context.Context, userID, keep string) (int, error) {
	key := s.userKey(userID)
	ids, err := s.client.ZRange(ctx, key, 0, -1).Result()
	if err != nil {
		return 0, err
	}
	total := 0
	for chunk := range slices.Chunk(slices.DeleteFunc(ids, func(id string) bool { return id == keep }), batch) {
		n, err := s.deleteChunk(ctx, key, userID, chunk)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (s *store) deleteChunk(ctx context.Context, key, userID string, ids []string) (int, error) {
	replies := make([]*redis.Cmd, len(ids))
	if _, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			replies[i] = deleteUserScript.Eval(ctx, p, []string{s.recordKey(id)}, userID)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	var deleted, stale []string
	for i, id := range ids {
		if n, err := replies[i].Int(); err != nil {
			return len(deleted), err
		} else if n > 0 {
			deleted = append(deleted, id)
		} else {
			stale = append(stale, id)
		}
	}
	if len(deleted) > 0 {
		if err := s.client.ZRem(ctx, key, deleted).Err(); err != nil {
			return len(deleted), err
		}
	}
	return len(deleted), s.prune(ctx, key, stale)
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
	return pruneScript.Run(ctx, s.client, []string{key}, args...).Err()
}

const skew = 5 * time.Minute

func expireAt(t time.Time) int64 { return t.Add(skew).UnixMilli() }

// answer turns a script's verdict into an error.
func answer(reply *redis.Cmd) error {
	verdict, err := reply.Text()
	if err != nil {
		return err
	}
	switch verdict {
	case "ok":
		return nil
	case "exists":
		return session.ErrExists
	case "absent":
		return session.ErrNotFound
	case "conflict":
		return session.ErrConflict
	}
	return fmt.Errorf("redisstore: unexpected answer %q", verdict)
}
