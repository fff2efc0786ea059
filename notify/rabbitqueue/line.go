package rabbitqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"golang.org/x/sync/semaphore"
)

// maxInFlight bounds the messages without a confirm. As many returned ones fit
// in the buffer, so that the library's reader never waits for us.
const maxInFlight = 4096

// silence is how long the broker may do nothing that it was asked for before the line is given up. A channel may never hear again of
// what it had sent to the leader of a quorum queue that was killed.
const silence = 10 * time.Second

var (
	errDown     = errors.New("rabbitqueue: connection lost")
	errStale    = errors.New("rabbitqueue: the broker refuses jobs for a queue without a bound")
	errReturned = errors.New("rabbitqueue: publish: no such queue, and making it did not help")
)

// line is an open connection to publish on.
type line struct {
	conn     *amqp.Connection
	corked   *corkedConn
	channel  *amqp.Channel // in confirm mode
	inFlight *semaphore.Weighted
	sending  chan struct{} // held while a chunk is written
	opened   time.Time
	down     chan struct{} // closed when connection or channel has ended
	cause    error         // why; set before down is closed

	building chan struct{} // held while topology is made
	admin    *amqp.Channel // for what the broker may refuse, which closes a channel
	topology *topology

	confirms atomic.Int64 // how many posts were seen to be confirmed

	mu        sync.Mutex
	returns   chan amqp.Return
	returned  map[string]bool // by message ID
	blocked   string          // why the broker takes nothing; empty: it does
	unblocked chan struct{}   // closed when it does
}

func newLine(conn *amqp.Connection, corked *corkedConn, o *Options, y *young) (*line, error) {
	l := &line{
		conn: conn, corked: corked, inFlight: semaphore.NewWeighted(maxInFlight), sending: make(chan struct{}, 1),
		opened: time.Now(), down: make(chan struct{}), building: make(chan struct{}, 1), topology: newTopology(o, y),
		returns: make(chan amqp.Return, maxInFlight), returned: make(map[string]bool), unblocked: make(chan struct{}),
	}
	close(l.unblocked)
	var err error
	if l.channel, err = conn.Channel(); err != nil {
		return nil, err
	}
	if err := l.channel.Confirm(false); err != nil {
		return nil, err
	}
	l.channel.NotifyReturn(l.returns)
	return l, nil
}

func (l *line) up() bool {
	if l == nil {
		return false
	}
	select {
	case <-l.down:
		return false
	default:
		return true
	}
}

// watch keeps what the broker says, until the connection or the channel ends.
func (l *line) watch() {
	blocked := l.conn.NotifyBlocked(make(chan amqp.Blocking, 8))
	connection := l.conn.NotifyClose(make(chan *amqp.Error, 1))
	channel := l.channel.NotifyClose(make(chan *amqp.Error, 1))
	var cause *amqp.Error
	for over := false; !over; {
		select {
		case b, ok := <-blocked:
			if ok {
				l.block(b)
			} else {
				blocked = nil
			}
		case cause = <-connection:
			over = true
		case cause = <-channel:
			over = true
		}
	}
	l.cause = errDown
	if cause != nil {
		l.cause = cause
	}
	close(l.down)
	hangUp(l.conn)
}

func (l *line) block(b amqp.Blocking) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch was := l.blocked != ""; {
	case b.Active && !was:
		l.blocked = "the broker takes no messages: " + b.Reason
		l.unblocked = make(chan struct{})
	case !b.Active && was:
		l.blocked = ""
		close(l.unblocked)
	}
}

func (l *line) isBlocked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocked != ""
}

// free waits while the broker blocks publishers.
func (l *line) free(ctx context.Context) error {
	l.mu.Lock()
	unblocked := l.unblocked
	l.mu.Unlock()
	select {
	case <-unblocked:
		return nil
	case <-l.down:
		return errDown
	case <-ctx.Done():
		return l.late(ctx)
	}
}

// late is the error of a publish that took too long.
func (l *line) late(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blocked != "" {
		return fmt.Errorf("rabbitqueue: publish: %s: %w", l.blocked, ctx.Err())
	}
	return fmt.Errorf("rabbitqueue: publish: not confirmed in time: %w", ctx.Err())
}

// build makes sure that the posts' queues are there.
func (l *line) build(ctx context.Context, posts []*post) error {
	var missing []address
	for _, p := range posts {
		if !l.topology.has(p.address) {
			missing = append(missing, p.address)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	select {
	case l.building <- struct{}{}:
	case <-ctx.Done():
		return l.late(ctx)
	case <-l.down:
		return errDown
	}
	built := make(chan error, 1)
	go func() { // the library's calls cannot be given up
		built <- l.buildAll(missing)
		<-l.building
	}()
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	select {
	case err := <-built:
		if err != nil && !isAnswer(err) {
			return l.fail()
		}
		return err
	case <-quiet.C:
		return l.fail()
	case <-ctx.Done():
		return l.late(ctx)
	}
}

// isAnswer tells what the broker minds from the end of a line, which a call may see before the line's watcher does.
func isAnswer(err error) bool {
	answer, ok := errors.AsType[*amqp.Error](err)
	return ok && answer.Server && answer.Recover // any other ends the connection
}

func (l *line) buildAll(missing []address) (err error) {
	if l.admin == nil || l.admin.IsClosed() {
		if l.admin, err = l.conn.Channel(); err != nil {
			return fmt.Errorf("rabbitqueue: open channel: %w", err)
		}
	}
	for _, a := range missing {
		if l.topology.has(a) {
			continue
		}
		if err := l.topology.build(l.conn, l.admin, a); err != nil {
			return err
		}
	}
	return nil
}

func (l *line) forget() { l.topology.forget() }

// publish sends posts and waits for their confirms. It returns errDown when the line broke.
func (l *line) publish(ctx context.Context, posts []*post) error {
	if err := l.free(ctx); err != nil {
		return err
	}
	if err := l.inFlight.Acquire(ctx, int64(len(posts))); err != nil {
		return l.late(ctx)
	}
	defer l.inFlight.Release(int64(len(posts)))
	if err := l.write(ctx, posts); err != nil {
		return err
	}
	quiet := time.NewTicker(silence)
	defer quiet.Stop()
	seen := l.confirms.Load()
	for i := 0; i < len(posts); {
		select {
		case <-posts[i].confirm.Done():
			l.confirms.Add(1)
			i++
		case <-l.down:
			i = len(posts)
		case <-quiet.C:
			now := l.confirms.Load()
			if now == seen && !l.isBlocked() {
				_ = l.fail() // what it has not confirmed is sent again on the next one
			}
			seen = now
		case <-ctx.Done():
			l.outcomes(posts)
			return l.late(ctx)
		}
	}
	counts := l.outcomes(posts)
	switch {
	case counts[stale] > 0:
		_ = l.fail()
		return errStale
	case counts[refused] > 0:
		return fmt.Errorf("rabbitqueue: publish: the broker refused %d of %d jobs, as it does when a queue is full", counts[refused], len(posts))
	case counts[returned] > 0:
		return errReturned
	case counts[unsent] > 0:
		return l.fail()
	}
	return nil
}

// fail ends the line.
func (l *line) fail() error {
	_ = l.corked.Close() // the library learns of it by reading
	<-l.down
	return errDown
}

// write sends posts as one piece.
func (l *line) write(ctx context.Context, posts []*post) error {
	select {
	case l.sending <- struct{}{}:
		defer func() { <-l.sending }()
	case <-ctx.Done():
		return l.late(ctx)
	}
	l.corked.cork()
	defer func() {
		if err := l.corked.uncork(); err != nil {
			_ = l.corked.Close()
		}
	}()
	for _, p := range posts {
		p.outcome = unsent
		confirm, err := l.channel.PublishWithDeferredConfirm(p.exchange, p.key, true, false, p.message)
		if err != nil {
			return l.fail()
		}
		p.confirm = confirm
	}
	return nil
}

// outcomes notes what became of posts. A returned message comes before its confirm, so
// all that matter are in the buffer by now.
func (l *line) outcomes(posts []*post) (counts [returned + 1]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for more := true; more; {
		select {
		case r, ok := <-l.returns:
			if more = ok; ok {
				l.returned[r.MessageId] = true
			}
		default:
			more = false
		}
	}
	for _, p := range posts {
		select {
		case <-p.confirm.Done():
		default:
			counts[unsent]++
			continue
		}
		switch {
		case l.returned[p.message.MessageId]:
			delete(l.returned, p.message.MessageId)
			p.outcome = returned
		case p.confirm.Acked():
			p.outcome = confirmed
		case l.channel.IsClosed():
		case l.topology.bounded(p.address) && time.Since(l.opened) < silence:
			p.outcome = refused
		default:
			p.outcome = stale
		}
		counts[p.outcome]++
	}
	return counts
}

// hangUp closes a connection without waiting long for the broker's answer.
func hangUp(conn *amqp.Connection) {
	_ = conn.CloseDeadline(time.Now().Add(time.Second)) // what cannot be said goodbye to is closed all the same
}
