package rabbitqueue

import (
	"context"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// consumer holds the connection we consume on, and what we consume.
type consumer struct {
	dialer
	driver *driver
	turn   chan struct{} // held while connecting and opening sessions
	conn   *amqp.Connection
	work   sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*session
}

func newConsumer(d dialer, owner *driver) *consumer {
	return &consumer{dialer: d, driver: owner, turn: make(chan struct{}, 1), sessions: make(map[string]*session)}
}

// known returns the open session of a queue, if any.
func (c *consumer) known(queue string) *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[queue]; s != nil && s.up() {
		return s
	}
	return nil
}

// session returns the session of a queue, after opening it where need be.
func (c *consumer) session(ctx context.Context, queue string) (*session, error) {
	if c.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	if s := c.known(queue); s != nil {
		return s, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.life.Done():
		return nil, notify.ErrClosed
	}
	if s := c.known(queue); s != nil {
		return s, nil
	}
	if c.conn == nil || c.conn.IsClosed() {
		conn, _, err := c.insist(ctx, "consume")
		if err != nil {
			return nil, err
		}
		c.conn = conn
	}
	s, err := c.open(queue)
	if err != nil {
		if c.conn.IsClosed() {
			return nil, errDown
		}
		return nil, err
	}
	c.mu.Lock()
	c.sessions[queue] = s
	c.mu.Unlock()
	return s, nil
}

// open declares a queue and opens the channels to consume it.
func (c *consumer) open(queue string) (*session, error) {
	s := newSession(c.driver, queue)
	topology := newTopology(c.options, c.young)
	for level := range levels {
		channel, err := c.conn.Channel()
		if err != nil {
			return nil, fmt.Errorf("rabbitqueue: open channel: %w", err)
		}
		name := c.driver.ready(queue, level)
		if err := topology.build(c.conn, channel, direct(name)); err != nil {
			_ = channel.Close()
			return nil, err
		}
		s.streams[level] = newStream(s, name, channel)
	}
	for _, st := range s.streams {
		c.work.Go(st.watch)
	}
	return s, nil
}

// buffered is how many jobs of a queue are with us and not given to anybody.
func (c *consumer) buffered(queue string) int {
	s := c.known(queue)
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, st := range s.streams {
		n += len(st.buffer)
	}
	return n
}

// close ends all sessions once nobody is opening one.
func (c *consumer) close() {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	for _, s := range c.sessions {
		s.close()
	}
	c.mu.Unlock()
	if c.conn != nil {
		hangUp(c.conn)
	}
	c.work.Wait()
}
