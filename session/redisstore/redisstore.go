// Package redisstore keeps sessions in Redis, or a server that speaks its
// protocol: a single one, behind Sentinel, or a Cluster.
//
//	rdb := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"localhost:6379"}})
//	sessions, err := redisstore.Open(rdb, &session.Options{Idle: 30 * time.Minute})
//
// # Keys
//
// A record is a string at "<prefix>{<id>}". The sessions of a user are a sorted
// set of ids at "<prefix>user:{<digest of the user id>}", scored by when they were
// added. Redis expires both; the Manager enforces the limits by its own clock, and
// so keys live five minutes longer, in case that of the server is ahead.
//
// # Round trips
//
// A read is one, with the touch inside when one is due. A write is one, and the
// user's index changes in the same script; on a Cluster, where the two lie on
// different nodes, they are two. When callers are many, their commands go out
// together: see Options.Straight.
//
// # The index of a user's sessions
//
// An id is added with the record of that user or before it, and removed with it or
// after it is gone, so a crash in between leaves an entry too many, never one too
// few. Entries without such a record are pruned when they are met and older than a
// minute, and LogoutAll misses no session whose login had ended before it began.
//
// # Needs
//
// Redis 6.2 or later, and a user who may run EVAL, EVALSHA, SCRIPT LOAD, GET, MGET, GETRANGE, SETRANGE,
// SET, DEL, PEXPIREAT, PTTL, TIME, ZADD, ZREM, ZRANGE and ZSCORE. Do not let the client
// read from replicas: they lag behind a logout. A reply that was lost is
// harmless: a write that is sent again is recognized and not done twice.
package redisstore

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/session"
)

// Options of a store. Nil and zero mean the defaults.
type Options struct {
	// Prefix of all keys. Default "session:". It must not hold "{" or "}".
	Prefix string
	// Straight is how many commands may be under way at once, each in a round trip
	// of its own. Beyond that, commands wait for one of them to end and then
	// go out together in one pipeline: few callers have the shortest answers, and
	// many the highest throughput. Default 2; -1 means that commands are never joined.
	Straight int
	// NearCache lets the first read of a request come from the client's own
	// client-side cache (redis.Options.ClientSideCacheConfig, which wants Protocol 3
	// and database 0): the server tells the client what has changed, and a read that
	// hits is no round trip. Until that word has come, usually within a millisecond
	// and at the latest after the cache's MaxStaleness, a request may see a session as
	// it was: also one that has just been logged out by another process. It cannot
	// write to it: saves compare versions on the server.
	NearCache bool
	// Replicas makes every write wait until so many replicas have it (WAIT), in the
	// same round trip, so that a failover does not undo what was acknowledged.
	// Without it, as Redis replicates after it has answered, a failover may lose the
	// last moments: a login is forgotten, and a session logged out just before may live
	// again. A write that too few confirm in time is made all the same, but reported as
	// session.ErrUnavailable. Default 0. Not on a Cluster, where WAIT has no key to go by.
	Replicas int
	// ReplicaTimeout bounds that wait. Default 1 second, at most 1 minute; keep it below
	// the client's ReadTimeout.
	ReplicaTimeout time.Duration
	// Pause is how long, after five commands in a row that got no answer, further ones
	// fail at once before one of them tries the server again. The first answer ends it.
	// Default 1 second; -1 means that every command tries.
	Pause time.Duration
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
// user, and touches in the round trip of a read. It sends nothing yet. client stays
// the caller's to close.
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
	_, single := client.(*redis.Client)
	switch {
	case o.Straight < -1:
		return nil, &session.InvalidError{Field: "Straight", Reason: "is less than -1"}
	case o.Straight == 0:
		o.Straight = 2
	}
	switch {
	case o.Replicas < 0:
		return nil, &session.InvalidError{Field: "Replicas", Reason: "is negative"}
	case o.Replicas > 0 && !single:
		return nil, &session.InvalidError{Field: "Replicas", Reason: "needs a single server or Sentinel"}
	case o.ReplicaTimeout < 0 || o.ReplicaTimeout > time.Minute:
		return nil, &session.InvalidError{Field: "ReplicaTimeout", Reason: "is not from 0 to 1 minute"}
	case o.ReplicaTimeout == 0:
		o.ReplicaTimeout = time.Second
	}
	switch {
	case o.Pause < -1 || o.Pause > time.Minute:
		return nil, &session.InvalidError{Field: "Pause", Reason: "is not -1, 0, or up to 1 minute"}
	case o.Pause == 0:
		o.Pause = time.Second
	}
	way := &line{client: client, endings: o.Prefix + "endings"}
	way.spread.Store(!single)
	s := &store{line: way, prefix: o.Prefix, hints: newHints(), near: o.NearCache, batch: batch, takeOver: takeOver, ending: make(map[string]*time.Timer)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if s.reads = doer(straight{way}); o.Straight > 0 {
		s.reads = &joined{straight: straight{way}, limit: o.Straight}
	}
	if s.writes = s.reads; o.Replicas > 0 {
		s.replicated = &replicated{straight{way}, o.Replicas, o.ReplicaTimeout}
		s.writes = s.replicated
	}
	if o.Pause > 0 {
		s.reads, s.writes = &circuit{next: s.reads, pause: o.Pause}, &circuit{next: s.writes, pause: o.Pause}
	}
	return s, nil
}

type store struct {
	*line
	reads  doer
	writes doer // the same, unless replicas are waited for
	// replicated is nil unless replicas are waited for.
	replicated *replicated
	prefix     string
	hints      *hints
	near       bool // LoadTouch reads through the client's cache
	known      atomic.Pointer[knownEndings]

	// batch is how many sessions one script ends, and how many LogoutAll ends at once.
	batch    int
	takeOver time.Duration
	mu       sync.Mutex
	ending   map[string]*time.Timer // entries that this process works on, or will
	stopping context.Context
	stop     context.CancelFunc
	working  sync.WaitGroup
}

func (s *store) recordKey(id string) string { return s.prefix + "{" + id + "}" }

func (s *store) userKey(userID string) string { return s.prefix + "user:{" + userDigest(userID) + "}" }

// userDigest stands for a user id, which may be any bytes, and is nobody's business
// in the names of keys.
func userDigest(userID string) string {
	sum := sha256.Sum256([]byte(userID))
	return base64.RawURLEncoding.EncodeToString(sum[:userDigestLength/4*3])
}

const userDigestLength = 24

// Load never reads from the client's cache, which has no part in pipelines.
func (s *store) Load(ctx context.Context, id string) (session.Record, error) {
	answer, err := s.reads.get(ctx, s.recordKey(id))
	return s.admit(ctx, id, answer, err)
}

// found reads the answer to a GET.
func found(id string, value []byte, err error) (session.Record, error) {
	switch {
	case errors.Is(err, redis.Nil):
		return session.Record{}, session.ErrNotFound
	case err != nil:
		return session.Record{}, recordError(id, err)
	}
	return unmarshal(id, value)
}

// LoadTouch implements session.TouchLoader. From the client's cache it touches
// nothing; the Manager does.
func (s *store) LoadTouch(ctx context.Context, id string, t session.Touch) (session.Record, error) {
	if s.near {
		return s.loadNear(ctx, id)
	}
	r, err := s.loadTouch(ctx, id, t)
	if err == nil {
		s.hints.note(id, t.Due(r))
	}
	return r, err
}

func (s *store) loadTouch(ctx context.Context, id string, t session.Touch) (session.Record, error) {
	if !s.hints.due(id, t.Now) {
		return s.Load(ctx, id)
	}
	args := []any{timeField(t.Now), t.Min.Microseconds(), t.Max.Microseconds(), t.Offset, t.Match, skew.Milliseconds()}
	keys := []string{s.recordKey(id), s.endings}
	if s.spread.Load() {
		keys = keys[:1]
	}
	value, err := loadScript.run(ctx, s.reads, keys, args...)
	if s.crossed(err) {
		value, err = loadScript.run(ctx, s.reads, keys[:1], args...)
	}
	switch value := value.(type) {
	case string:
		return s.admit(ctx, id, answer{value: value}, err)
	case []any: // users are being logged out, and nothing was touched
		a := answer{}
		if len(value) == 2 {
			a.value, _ = value[0].(string)
			a.endings, _ = value[1].(string)
		}
		return s.admit(ctx, id, a, err)
	}
	return s.admit(ctx, id, answer{}, err)
}

func (s *store) Create(ctx context.Context, r session.Record) error {
	r.Version = 1
	return s.write(ctx, session.Record{ID: r.ID}, r)
}

func (s *store) Save(ctx context.Context, was, next session.Record) error {
	next.Version = was.Version + 1
	return s.write(ctx, was, next)
}

// write replaces a record and keeps the index in step; was of version 0 means
// that there must be none.
func (s *store) write(ctx context.Context, was, next session.Record) error {
	value, err := marshal(next, newNonce())
	if err != nil {
		return err
	}
	args := []any{versionField(was.Version), value, expireAt(next.Expires()), next.ID, expireAt(next.Deadline), was.UserID != ""}
	joins := next.UserID != "" && (next.UserID != was.UserID || next.Deadline.After(was.Deadline))
	leaves := was.UserID != "" && was.UserID != next.UserID
	record := s.recordKey(next.ID)
	if !s.spread.Load() {
		keys := []string{record, s.endings}
		if joins || leaves {
			keys = append(keys, record, record)
		}
		if joins {
			keys[2] = s.userKey(next.UserID)
		}
		if leaves {
			keys[3] = s.userKey(was.UserID)
		}
		answer, err := s.writeLive(ctx, was.UserID, keys, args)
		if !s.crossed(err) {
			return verdict(answer, err)
		}
	}
	if joins {
		if _, err := indexScript.run(ctx, s.writes, []string{s.userKey(next.UserID)}, next.ID, expireAt(next.Deadline)); err != nil {
			return err
		}
	}
	if err := verdict(writeScript.run(ctx, s.writes, []string{record}, args...)); err != nil || !leaves {
		return err
	}
	return s.unindex(ctx, was.UserID, was.ID)
}

func (s *store) Touch(ctx context.Context, r session.Record) error {
	return verdict(touchScript.run(ctx, s.writes, []string{s.recordKey(r.ID)}, versionField(r.Version), timeField(r.Seen), expireAt(r.Expires())))
}

func (s *store) Delete(ctx context.Context, id string) error {
	user, err := deleteScript.run(ctx, s.writes, []string{s.recordKey(id)})
	if err != nil || user == "" {
		return err
	}
	return s.unindex(ctx, fmt.Sprint(user), id)
}

const skew = 5 * time.Minute

func expireAt(t time.Time) int64 { return t.Add(skew).UnixMilli() }

// Close ends what goes on in the background. The client stays open.
func (s *store) Close() error {
	s.stop()
	s.mu.Lock()
	for _, timer := range s.ending {
		timer.Stop()
	}
	s.mu.Unlock()
	s.working.Wait()
	return nil
}

// verdict turns the answer of a script into an error.
func verdict(answer any, err error) error {
	if err != nil {
		return err
	}
	switch answer {
	case "ok":
		return nil
	case "exists":
		return session.ErrExists
	case "absent":
		return session.ErrNotFound
	case "conflict":
		return session.ErrConflict
	}
	return fmt.Errorf("redisstore: unexpected answer %q", answer)
}
