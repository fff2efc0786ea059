package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/session"
)

// Ending more sessions of a user than one script should hold up others for is one
// step of constant size, on a single master: endScript gives the user's index another
// name, and notes at "<prefix>endings" whose sessions are being ended. From then on a
// session of such a user is live only if it is in the index, where none but those
// begun later are. Every read brings the endings along, every script that writes looks
// for them, and so no session is served or saved again that was acknowledged as ended.
// The records are removed in the background. If the process dies meanwhile, another
// that reads the entry takes it over; it does not expire.
//
// An entry is the digest of the user, and a nonce for the new name of the index.

const (
	nonceTextLength = 26 // of rand.Text
	entryLength     = userDigestLength + nonceTextLength
	maxEndings      = 64 // entries; while there are more, sessions are removed before LogoutAll returns
	takeOver        = 5 * time.Second
)

// errNotAtOnce says that sessions are to be removed one by one: too many users are
// being logged out, or the server does not let us.
var errNotAtOnce = errors.New("redisstore: not in one step")

// endedKey is the name an index has while its sessions are being removed.
func (s *store) endedKey(entry string) string {
	return s.prefix + "user:{" + entry[:userDigestLength] + "}:" + entry[userDigestLength:]
}

// end ends all sessions of a user but keep in one step, and returns how many entries
// the index had for them.
func (s *store) end(ctx context.Context, userID, keep string) (int, error) {
	entry := userDigest(userID) + rand.Text()
	keys := []string{s.userKey(userID), s.endedKey(entry), s.endings, s.prefix + "{a}", s.prefix + "{b}"}
	answer, err := endScript.run(ctx, s.writes, keys, keep, entry, userID, maxEndings*entryLength)
	if refused, ok := errors.AsType[*ServerError](err); ok && (refused.Code == "ERR" || refused.Code == "NOPERM") {
		answer, err = int64(-1), nil // the user may not: nothing has ended, but the entry may be there
	}
	if err != nil {
		return 0, err
	}
	s.finishAfter(0, entry)
	n, _ := answer.(int64)
	if n < 0 {
		return 0, errNotAtOnce
	}
	return int(n), nil
}

// notice sees to it that entries somebody has left are finished.
func (s *store) notice(endings string) {
	for ; len(endings) >= entryLength; endings = endings[entryLength:] {
		s.finishAfter(s.takeOver, endings[:entryLength])
	}
}

// finishAfter removes in the background what an entry has ended, unless that is
// about to be done already.
func (s *store) finishAfter(pause time.Duration, entry string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending[entry] != nil || s.stopping.Err() != nil {
		return
	}
	s.ending[entry] = time.AfterFunc(pause, func() {
		s.mu.Lock()
		if s.stopping.Err() != nil {
			s.mu.Unlock()
			return
		}
		s.working.Add(1)
		s.mu.Unlock()
		defer s.working.Done()
		for more := true; more; {
			var err error
			if more, err = s.finishSome(s.stopping, entry); err != nil {
				break // who reads the entry next comes back to it
			}
		}
		s.mu.Lock()
		delete(s.ending, entry)
		s.mu.Unlock()
	})
}

// finishSome removes some of the records that an entry has ended, and reports whether
// there are more.
func (s *store) finishSome(ctx context.Context, entry string) (more bool, err error) {
	key := s.endedKey(entry)
	members, err := s.client.ZRange(ctx, key, 0, int64(max(s.batch, 1))).Result()
	if err != nil {
		return false, err
	}
	userID, ids := "", members
	if len(members) > 0 {
		if userID, _ = strings.CutPrefix(members[0], ":"); userID == members[0] {
			return false, errors.New("redisstore: an ending without its user")
		}
		ids = members[1:]
	}
	keys, args := []string{key, s.endings}, []any{userField(userID), entry}
	for _, id := range ids {
		keys, args = append(keys, s.recordKey(id)), append(args, id)
	}
	answer, err := finishScript.run(ctx, s.writes, keys, args...)
	return answer == int64(1), err
}

// listed reports whether sessions of a user are being ended.
func listed(endings, userID string) bool {
	if len(endings) < entryLength || userID == "" {
		return false
	}
	digest := userDigest(userID)
	for ; len(endings) >= entryLength; endings = endings[entryLength:] {
		if endings[:userDigestLength] == digest {
			return true
		}
	}
	return false
}

// admit is the record of an answer, unless it is one that was ended.
func (s *store) admit(ctx context.Context, id string, a answer, err error) (session.Record, error) {
	r, err := found(id, []byte(a.value), err)
	if err != nil || a.endings == "" {
		return r, err
	}
	s.notice(a.endings)
	if !listed(a.endings, r.UserID) {
		return r, nil
	}
	err = s.reads.do(ctx, redis.NewFloatCmd(ctx, "zscore", s.userKey(r.UserID), id))
	switch {
	case errors.Is(err, redis.Nil):
		return session.Record{}, session.ErrNotFound
	case err != nil:
		return session.Record{}, serverError(err)
	}
	return r, nil
}

// writeLive writes unless the session was ended: only where users are being logged
// out is it asked whether this one is.
func (s *store) writeLive(ctx context.Context, was string, keys []string, args []any) (any, error) {
	answer, err := writeScript.run(ctx, s.writes, keys, args...)
	if err != nil || answer != "ending" {
		return answer, err
	}
	for len(keys) < 4 {
		keys = append(keys, keys[0])
	}
	return writeScript.run(ctx, s.writes, append(keys, s.userKey(was)), append(args, userDigest(was))...)
}

// crossed notes an error that says that keys lie on different nodes after all: a
// proxy hides a Cluster.
func (s *store) crossed(err error) bool {
	refused, ok := errors.AsType[*ServerError](err)
	if !ok || refused.Code != "CROSSSLOT" {
		return false
	}
	s.spread.Store(true)
	return true
}

// knownEndings are what a near read goes by.
type knownEndings struct {
	value string
	at    time.Time
}

// loadNear reads through the client's cache. That the endings are asked of it once a
// millisecond only is within the staleness there is anyway.
func (s *store) loadNear(ctx context.Context, id string) (session.Record, error) {
	cmd := s.client.Get(ctx, s.recordKey(id))
	a, err := answer{value: cmd.Val()}, cmd.Err()
	if err == nil && !s.spread.Load() {
		a.endings, err = s.nearEndings(ctx)
	}
	return s.admit(ctx, id, a, err)
}

func (s *store) nearEndings(ctx context.Context) (string, error) {
	now := time.Now()
	if known := s.known.Load(); known != nil && now.Sub(known.at) < time.Millisecond {
		return known.value, nil
	}
	value, err := s.client.Get(ctx, s.endings).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", serverError(err)
	}
	s.known.Store(&knownEndings{value, now})
	return value, nil
}
