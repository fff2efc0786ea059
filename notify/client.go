package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/seed82d84382/commerce/notify/internal/groupcommit"
)

// ClientOptions configure a Client. Zero means the default.
type ClientOptions struct {
	// MaxPayload bounds the encoded arguments in bytes. Default 256 KiB; at most 64 MiB.
	// Larger things belong in a store, with their name in the arguments.
	MaxPayload int
	// PublishTimeout bounds one publishing of several callers' jobs together,
	// which cannot follow the context of any one of them. Default 30 seconds.
	PublishTimeout time.Duration
	// Before is called in turn for each job that is about to be stored. It may add
	// headers, or refuse the job with an error, which Enqueue returns.
	Before []func(ctx context.Context, e *Envelope) error
}

// maxBatch bounds one write, so that a burst does not become one huge transaction.
const maxBatch = 500

// Client enqueues. Concurrent callers' jobs are stored together: while one
// write is under way those that arrive wait and go with the next, so that
// nobody waits for a timer and many callers cost few writes.
type Client struct {
	queue   *Queue
	options ClientOptions
	commit  *groupcommit.Committer[*Envelope, string]
	err     error
}

// NewClient makes a client of a queue. Invalid options are returned by every Enqueue.
func NewClient(q *Queue, o *ClientOptions) *Client {
	c := &Client{queue: q}
	if o != nil {
		c.options = *o
	}
	setDefault(&c.options.MaxPayload, 256<<10)
	setDefault(&c.options.PublishTimeout, 30*time.Second)
	switch {
	case c.options.MaxPayload < 1 || c.options.MaxPayload > 64<<20:
		c.err = &InvalidError{"MaxPayload", "must be between 1 byte and 64 MiB"}
	case c.options.PublishTimeout < 0:
		c.err = &InvalidError{"PublishTimeout", "must be positive"}
	}
	lines := 1
	if o, ok := q.driver.(Overlapper); ok {
		lines = max(1, o.Overlap())
	}
	c.commit = groupcommit.New(groupcommit.Options[*Envelope, string]{
		Lines: lines, Most: maxBatch, Timeout: c.options.PublishTimeout, Alone: c.storeOne, Together: c.storeTogether,
	})
	return c
}

// Enqueued describes a stored job.
type Enqueued struct {
	ID    string
	Kind  string
	Queue string
	RunAt time.Time
	// Duplicate says that nothing was stored: ID is that of the job enqueued
	// earlier in the Unique window.
	Duplicate bool
}

// envelope builds the stored form of a job and checks it.
func (c *Client) envelope(kind string, task *TaskOptions, payload []byte, options []Option) (*Envelope, error) {
	if c.err != nil {
		return nil, c.err
	}
	if len(payload) > c.options.MaxPayload {
		return nil, &TooLargeError{Kind: kind, Size: len(payload), Max: c.options.MaxPayload}
	}
	now := c.queue.options.Now().UTC()
	e := &Envelope{
		ID: newID(now), Kind: kind, Queue: task.Queue, Payload: payload,
		EnqueuedAt: now, RunAt: now, MaxAttempts: task.MaxAttempts, Version: task.Version,
	}
	if len(options) > 0 {
		if err := c.apply(e, now, options); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func (c *Client) apply(e *Envelope, now time.Time, options []Option) error {
	o := enqueueOptions{envelope: e, now: now}
	for _, option := range options {
		if err := option(&o); err != nil {
			return err
		}
	}
	if o.expireAfter > 0 {
		e.ExpiresAt = e.RunAt.Add(o.expireAfter)
	}
	if o.unique {
		e.UniqueKey = uniqueKey(e, c.queue.options.Keys)
	}
	return nil
}

// uniqueKey has one length whatever was asked for, and holds no arguments in clear. Where
// payloads are encrypted nobody else can find them by trying out.
func uniqueKey(e *Envelope, keys *Keyring) string {
	h := sha256.New()
	if keys != nil {
		h = hmac.New(sha256.New, keys.digest)
	}
	by := "key"
	value := []byte(e.UniqueKey)
	if e.UniqueKey == "" {
		by, value = "args", e.Payload
	}
	for _, part := range []string{e.Queue, e.Kind, by} {
		h.Write(append([]byte(part), 0))
	}
	h.Write(value)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (c *Client) enqueue(ctx context.Context, e *Envelope) (_ *Enqueued, err error) {
	if err := c.ready(ctx, e); err != nil {
		return nil, err
	}
	result := describe(e)
	if _, none := c.queue.options.Tracer.(noTracer); !none {
		var end func(error, ...slog.Attr)
		ctx, end = c.queue.options.Tracer.Start(ctx, "enqueue", slog.String("kind", e.Kind), slog.String("queue", e.Queue))
		defer func() { end(err) }()
	}
	id, err := c.commit.Do(ctx, e)
	if err != nil {
		return nil, err
	}
	result.settle(id)
	return result, nil
}

func (c *Client) publish(ctx context.Context, envelopes []*Envelope) ([]*Enqueued, error) {
	results := make([]*Enqueued, len(envelopes))
	if len(envelopes) == 0 {
		return results, nil
	}
	for i, e := range envelopes {
		if err := c.ready(ctx, e); err != nil {
			return nil, err
		}
		results[i] = describe(e)
	}
	ctx, end := c.queue.options.Tracer.Start(ctx, "enqueue", slog.String("kind", envelopes[0].Kind), slog.Int("jobs", len(envelopes)))
	ids, err := c.store(ctx, envelopes)
	end(err)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		r.settle(ids[i])
	}
	return results, nil
}

func (c *Client) publishTx(ctx context.Context, tx *sql.Tx, e *Envelope) (*Enqueued, error) {
	driver, ok := c.queue.driver.(TxPublisher)
	if !ok {
		return nil, unsupported("enqueue in a transaction")
	}
	if tx == nil {
		return nil, &InvalidError{"tx", "must not be nil"}
	}
	if err := c.ready(ctx, e); err != nil {
		return nil, err
	}
	result := describe(e)
	ctx, end := c.queue.options.Tracer.Start(ctx, "enqueue", slog.String("kind", e.Kind), slog.String("queue", e.Queue))
	ids, err := driver.PublishTx(ctx, tx, []*Envelope{e})
	end(err)
	if err != nil {
		return nil, err
	}
	result.settle(ids[0])
	return result, nil
}

// ready refuses what this backend cannot do, and gives the job its last form.
func (c *Client) ready(ctx context.Context, e *Envelope) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.queue.open(); err != nil {
		return err
	}
	if e.UniqueKey != "" {
		if _, ok := c.queue.driver.(UniquePublisher); !ok && c.queue.State() == nil {
			return unsupported("Unique")
		}
	}
	if e.Key != "" {
		if s, ok := c.queue.driver.(KeySerializer); !ok || !s.SerializesKeys() {
			return unsupported("Key")
		}
	}
	for _, before := range c.options.Before {
		if err := before(ctx, e); err != nil {
			return err
		}
	}
	if keys := c.queue.options.Keys; keys != nil && e.Secret == "" {
		keys.seal(e)
	}
	return nil
}

// storeOne publishes and returns the ID that the envelope's place stands for.
func (c *Client) storeOne(ctx context.Context, e *Envelope) (string, error) {
	if e.UniqueKey == "" {
		id := e.ID
		return id, c.queue.driver.Publish(ctx, []*Envelope{e})
	}
	ids, err := c.store(ctx, []*Envelope{e})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// storeTogether publishes what callers have brought.
func (c *Client) storeTogether(ctx context.Context, entries []*groupcommit.Entry[*Envelope, string]) {
	envelopes := make([]*Envelope, len(entries))
	for i, e := range entries {
		envelopes[i] = e.Value
	}
	ids, err := c.store(ctx, envelopes)
	alone := errors.Is(err, ErrInvalid) // the fault of one, which the others do not share
	for i, e := range entries {
		switch {
		case alone:
			e.Answer, e.Err = c.storeOne(ctx, e.Value)
		case err != nil:
			e.Err = err
		default:
			e.Answer = ids[i]
		}
	}
}

// store publishes and returns the ID that each place stands for.
func (c *Client) store(ctx context.Context, envelopes []*Envelope) ([]string, error) {
	unique := false
	ids := make([]string, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
		unique = unique || e.UniqueKey != ""
	}
	if !unique {
		return ids, c.queue.driver.Publish(ctx, envelopes)
	}
	if d, ok := c.queue.driver.(UniquePublisher); ok {
		return d.PublishUnique(ctx, envelopes)
	}
	if c.queue.State() == nil {
		return nil, unsupported("Unique")
	}
	return c.storeUnique(ctx, ids, envelopes)
}

// describe is taken before publishing: the envelope belongs to the driver afterwards.
func describe(e *Envelope) *Enqueued {
	return &Enqueued{ID: e.ID, Kind: e.Kind, Queue: e.Queue, RunAt: e.RunAt}
}

func (r *Enqueued) settle(id string) {
	r.Duplicate = id != r.ID
	r.ID = id
}
