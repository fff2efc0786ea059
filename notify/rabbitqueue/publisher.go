package rabbitqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// maxMessage is the largest message RabbitMQ 3 takes. One above what the broker is set
// to makes it close the channel, which says nothing about the message.
const maxMessage = 128 << 20

// maxChunk is how many messages are published before their confirms are awaited.
const maxChunk = 500

// post is a message on its way.
type post struct {
	address
	message amqp.Publishing
	outcome outcome
	confirm *amqp.DeferredConfirmation
}

type outcome int

const (
	unsent    outcome = iota // or lost with the connection
	confirmed                // the broker has it
	refused                  // the queue is full
	stale                    // refused by a channel that is, or may be, of no more use
	returned                 // there is no such queue
)

// publisher publishes on a connection of its own, which it opens anew when it breaks.
type publisher struct {
	dialer
	turn chan struct{} // held while connecting
	line atomic.Pointer[line]
	work sync.WaitGroup
}

func newPublisher(d dialer) *publisher {
	return &publisher{dialer: d, turn: make(chan struct{}, 1)}
}

// check connects once.
func (p *publisher) check(ctx context.Context) error {
	conn, corked, err := p.dial(ctx, "publish")
	if err == nil {
		_, err = p.use(conn, corked)
	}
	return err
}

// use makes a connection the one to publish on.
func (p *publisher) use(conn *amqp.Connection, corked *corkedConn) (*line, error) {
	l, err := newLine(conn, corked, p.options, p.young)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("rabbitqueue: open channels: %w", err)
	}
	p.line.Store(l)
	p.work.Go(l.watch)
	return l, nil
}

// connected returns the line, after opening it where need be.
func (p *publisher) connected(ctx context.Context) (*line, error) {
	if l := p.line.Load(); l.up() {
		return l, nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.life.Done():
		return nil, notify.ErrClosed
	}
	for {
		if p.life.Err() != nil {
			return nil, notify.ErrClosed
		}
		if l := p.line.Load(); l.up() {
			return l, nil
		}
		conn, corked, err := p.insist(ctx, "publish")
		if err != nil {
			return nil, err
		}
		if l, err := p.use(conn, corked); err == nil {
			return l, nil
		}
	}
}

// send publishes and returns when the broker has all posts. Their outcomes tell,
// also after an error, which of them it has.
func (p *publisher) send(ctx context.Context, posts []*post) error {
	for len(posts) > 0 {
		n := min(len(posts), maxChunk)
		if err := p.sendOld(ctx, posts[:n]); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		}
		posts = posts[n:]
	}
	return nil
}

// sendOld sends posts once their queues are as old as it takes for the broker to keep them.
func (p *publisher) sendOld(ctx context.Context, posts []*post) error {
	for {
		waiting, cancel := context.WithTimeout(ctx, p.options.Wait)
		err := p.sendChunk(waiting, pending(posts))
		cancel()
		young, ok := errors.AsType[*youngError](err)
		if !ok {
			return err
		}
		if err := young.wait(ctx, p.life); err != nil {
			return err
		}
	}
}

func (p *publisher) sendChunk(ctx context.Context, posts []*post) error {
	for returns := 0; ; {
		l, err := p.connected(ctx)
		if err != nil {
			return err
		}
		if err = l.build(ctx, posts); err == nil {
			err = p.young.check(l.topology, posts)
		}
		if err == nil {
			err = l.publish(ctx, posts)
		}
		if err == nil {
			return nil
		}
		if !l.up() && ctx.Err() == nil {
			posts = pending(posts)
			if errors.Is(err, errStale) {
				if err := p.pause(ctx); err != nil {
					return fmt.Errorf("%w: %w", errStale, err)
				}
				continue
			}
			if !isRefusal(l.cause) {
				continue // what is not confirmed is sent again
			}
			if len(posts) == 1 {
				return fmt.Errorf("rabbitqueue: publish: %w", l.cause)
			}
			for _, one := range posts { // the broker does not say which message it minds
				if err := p.sendChunk(ctx, []*post{one}); err != nil {
					return err
				}
			}
			return nil
		}
		if returns++; !errors.Is(err, errReturned) || returns > 2 {
			return err
		}
		l.forget() // somebody has deleted the queue
		posts = pending(posts)
	}
}

// pause gives the broker a moment to choose who leads a queue. A channel that is opened before that refuses every
// message for a queue with "reject-publish" until the killed node is back.
//
// Source: rabbit_fifo_client:enqueue of rabbitmq-server 3.10, which asks the leader that it knew when it was made.
func (p *publisher) pause(ctx context.Context) error {
	return wait(ctx, p.life, minPause+rand.N(maxPause/4))
}

// pending are those the broker does not have.
func pending(posts []*post) []*post {
	var left []*post
	for _, p := range posts {
		if p.outcome != confirmed {
			left = append(left, p)
		}
	}
	return left
}

// isRefusal tells whether the broker closed the channel because of what we sent.
func isRefusal(err error) bool {
	refusal, ok := errors.AsType[*amqp.Error](err)
	return ok && refusal.Code == amqp.PreconditionFailed
}

// close ends the connection once nobody is opening one.
func (p *publisher) close() {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if l := p.line.Load(); l != nil {
		hangUp(l.conn)
	}
	p.work.Wait()
}
