package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
)

// FromSCS makes a Driver of any scs.Store, its context-aware methods included.
// An scs store has no compare-and-set and cannot say whose session is whose:
//   - Within this process saves are compare-and-set all the same, under a lock
//     per session. Processes that share the store may, in the moment between the
//     read and the write of a save, overwrite each other's, or bring back a
//     session that was ended.
//   - List, LogoutAll and LogoutOthers give errors that wrap errors.ErrUnsupported.
//
// The bytes stored are this package's, so a plain scs manager on the same store
// cannot read them. For that, see SCSStore.
func FromSCS(store scs.Store) Driver {
	d := &scsDriver{store: store, seed: maphash.MakeSeed()}
	d.ctxStore, _ = store.(scs.CtxStore)
	return d
}

type scsDriver struct {
	store    scs.Store
	ctxStore scs.CtxStore // nil if store has no such methods
	seed     maphash.Seed
	locks    [64]sync.Mutex
}

func (d *scsDriver) lock(id string) *sync.Mutex {
	return &d.locks[maphash.String(d.seed, id)%uint64(len(d.locks))]
}

func (d *scsDriver) Load(ctx context.Context, id string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	var b []byte
	var found bool
	var err error
	if d.ctxStore != nil {
		b, found, err = d.ctxStore.FindCtx(ctx, id)
	} else {
		b, found, err = d.store.Find(id)
	}
	switch {
	case err != nil:
		return Record{}, err
	case !found:
		return Record{}, ErrNotFound
	}
	return decodeEnvelope(id, b)
}

func (d *scsDriver) commit(ctx context.Context, r Record) error {
	if d.ctxStore != nil {
		return d.ctxStore.CommitCtx(ctx, r.ID, encodeEnvelope(r), r.Expires())
	}
	return d.store.Commit(r.ID, encodeEnvelope(r), r.Expires())
}

func (d *scsDriver) Create(ctx context.Context, r Record) error {
	mu := d.lock(r.ID)
	mu.Lock()
	defer mu.Unlock()
	switch _, err := d.Load(ctx, r.ID); {
	case err == nil:
		return ErrExists
	case !errors.Is(err, ErrNotFound):
		return err
	}
	r.Version = 1
	return d.commit(ctx, r)
}

func (d *scsDriver) Save(ctx context.Context, was, next Record) error {
	mu := d.lock(was.ID)
	mu.Lock()
	defer mu.Unlock()
	if _, err := d.at(ctx, was); err != nil {
		return err
	}
	next.Version = was.Version + 1
	return d.commit(ctx, next)
}

func (d *scsDriver) Touch(ctx context.Context, r Record) error {
	mu := d.lock(r.ID)
	mu.Lock()
	defer mu.Unlock()
	stored, err := d.at(ctx, r)
	if err != nil {
		return err
	}
	stored.Seen = r.Seen
	return d.commit(ctx, stored)
}

func (d *scsDriver) at(ctx context.Context, was Record) (Record, error) {
	stored, err := d.Load(ctx, was.ID)
	if err == nil && stored.Version != was.Version {
		err = ErrConflict
	}
	return stored, err
}

func (d *scsDriver) Delete(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	mu := d.lock(id)
	mu.Lock()
	defer mu.Unlock()
	if d.ctxStore != nil {
		return d.ctxStore.DeleteCtx(ctx, id)
	}
	return d.store.Delete(id)
}

// envelopeVersion begins the bytes of a whole record in an scs store: varints
// of version, seen, idle and deadline in microseconds, the user id with its
// length, and Data to the end.
const envelopeVersion = 1

func encodeEnvelope(r Record) []byte {
	b := []byte{envelopeVersion}
	b = binary.AppendVarint(b, r.Version)
	b = appendTime(b, r.Seen)
	b = binary.AppendVarint(b, r.Idle.Microseconds())
	b = appendTime(b, r.Deadline)
	b = appendString(b, r.UserID)
	return append(b, r.Data...)
}

func decodeEnvelope(id string, b []byte) (Record, error) {
	if len(b) == 0 || b[0] != envelopeVersion {
		return Record{}, &CorruptError{ID: id, Reason: "is no record of this package"}
	}
	d := decoder{rest: b[1:]}
	r := Record{ID: id, Version: d.varint(), Seen: d.time()}
	r.Idle = time.Duration(d.varint()) * time.Microsecond
	r.Deadline, r.UserID = d.time(), string(d.bytes())
	r.Data = slices.Clone(d.rest) // some scs stores hand out what they keep
	if d.failed {
		return Record{}, &CorruptError{ID: id, Reason: "is cut short"}
	}
	return r, nil
}

// SCSStore makes a store for a plain scs manager of one of our drivers. The
// manager's tokens are hashed before they are stored. Unlike scs's own stores
// it does not let a request that was under way at a logout or a renewal write
// the old session back: for five minutes such a commit is dropped. Its Iterate
// gives an error that wraps errors.ErrUnsupported.
func SCSStore(driver Driver) scs.CtxStore { return &scsStore{driver: driver} }

type scsStore struct{ driver Driver }

const (
	scsLive       = 0xFE // first bytes of Data, no version of content
	scsEnded      = 0xFF
	scsEndedFor   = 5 * time.Minute
	scsMaxRetries = 100
)

func scsID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "scs-" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *scsStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	r, err := s.driver.Load(ctx, scsID(token))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, driverError("find", err)
	case len(r.Data) == 0 || r.Data[0] != scsLive || !time.Now().Before(r.Deadline):
		return nil, false, nil
	}
	return r.Data[1:], true, nil
}

func (s *scsStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	return s.put(ctx, token, append([]byte{scsLive}, b...), expiry, func(stored *Record) bool {
		return stored == nil || len(stored.Data) > 0 && stored.Data[0] == scsLive
	})
}

func (s *scsStore) DeleteCtx(ctx context.Context, token string) error {
	return s.put(ctx, token, []byte{scsEnded}, time.Now().Add(scsEndedFor), func(stored *Record) bool { return stored != nil })
}

// put writes unconditionally, as scs expects, if wanted says so of what is
// stored (nil: nothing).
func (s *scsStore) put(ctx context.Context, token string, data []byte, deadline time.Time, wanted func(*Record) bool) error {
	r := Record{ID: scsID(token), Seen: time.Now().Truncate(time.Microsecond), Deadline: deadline.Truncate(time.Microsecond), Data: data}
	for range scsMaxRetries {
		stored, err := s.driver.Load(ctx, r.ID)
		switch {
		case err == nil && !wanted(&stored):
			return nil
		case err == nil:
			err = s.driver.Save(ctx, stored, r)
		case errors.Is(err, ErrNotFound) && !wanted(nil):
			return nil
		case errors.Is(err, ErrNotFound):
			err = s.driver.Create(ctx, r)
		}
		switch {
		case err == nil:
			return nil
		case errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound), errors.Is(err, ErrExists): // others were faster
		default:
			return driverError("commit", err)
		}
	}
	return ErrConflict
}

func (s *scsStore) AllCtx(context.Context) (map[string][]byte, error) {
	return nil, fmt.Errorf("session: iterate: only hashes of tokens are stored: %w", errors.ErrUnsupported)
}

// The methods without a context.

func (s *scsStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s *scsStore) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

func (s *scsStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func (s *scsStore) All() (map[string][]byte, error) { return s.AllCtx(context.Background()) }
