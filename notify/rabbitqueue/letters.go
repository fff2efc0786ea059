package rabbitqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// listed bounds how many dead letters of a queue are looked at.
const listed = 10_000

// lookFor is how long they may take to come.
const lookFor = 5 * time.Second

// letters looks through dead letters by taking them from the broker and putting them back. Who
// looks at the same time as another process may see fewer.
type letters struct {
	*driver
	mu sync.Mutex // one look at a time
}

// look shows the dead letters of a queue, the oldest first. Those keep refuses are acknowledged
// at the end if it returned no error; all others go back.
func (l *letters) look(ctx context.Context, queue string, keep func(*amqp.Delivery) bool, before func() error) error {
	if l.life.Err() != nil {
		return notify.ErrClosed
	}
	line, err := l.publisher.connected(ctx)
	if err != nil {
		return err
	}
	dead := l.dead(queue)
	way := &post{address: direct(dead)}
	way.unbounded = true
	if err := line.build(ctx, []*post{way}); err != nil {
		return err
	}
	channel, err := line.conn.Channel()
	if err != nil {
		return fmt.Errorf("rabbitqueue: open channel: %w", err)
	}
	rest := 0
	defer func() {
		_ = channel.Close() // what is not acknowledged goes back
		l.await(ctx, line, dead, rest)
	}()
	info, err := channel.QueueDeclarePassive(dead, true, false, false, false, nil)
	if err != nil {
		return explain(dead, err)
	}
	n := min(info.Messages, listed)
	if n == 0 {
		return nil
	}
	if err := channel.Qos(n, 0, false); err != nil {
		return fmt.Errorf("rabbitqueue: look at dead letters: %w", err)
	}
	deliveries, err := channel.Consume(dead, "notify-look", false, false, false, false, nil)
	if err != nil {
		return fmt.Errorf("rabbitqueue: look at dead letters: %w", err)
	}
	var done []uint64
	quiet := time.NewTimer(lookFor)
	defer quiet.Stop()
	for range n {
		select {
		case m, ok := <-deliveries:
			if !ok {
				return errDown
			}
			rest++
			if !keep(&m) {
				done = append(done, m.DeliveryTag)
			}
			continue
		case <-ctx.Done():
			return ctx.Err()
		case <-quiet.C: // another process has taken some of them
		}
		break
	}
	if err := before(); err != nil {
		return err
	}
	for _, tag := range done {
		if err := channel.Ack(tag, false); err != nil {
			return fmt.Errorf("rabbitqueue: remove dead letters: %w", err)
		}
		rest--
	}
	return nil
}

// await waits a moment until messages are back, so that the next look finds them.
func (l *letters) await(ctx context.Context, line *line, name string, messages int) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	for pause := time.Millisecond; ; pause *= 2 {
		if n, err := count(line, name); err != nil || n >= messages {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func none() error { return nil }

// List lists dead letters, of one queue or of all this process has used. For other
// states it returns errors.ErrUnsupported.
func (l *letters) List(ctx context.Context, f notify.Filter) ([]*notify.Record, error) {
	if f.State != notify.Dead {
		return nil, fmt.Errorf("rabbitqueue: list jobs that are not dead: %w", errors.ErrUnsupported)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	queues := []string{f.Queue}
	if f.Queue == "" {
		queues = l.used()
	}
	var found []*notify.Record
	for _, queue := range queues {
		err := l.look(ctx, queue, func(m *amqp.Delivery) bool {
			e, err := decode(queue, m)
			if err != nil {
				e.Failure = &notify.Failure{Reason: notify.Unreadable, Error: err.Error()}
			}
			if (f.ID == "" || f.ID == e.ID) && (f.Kind == "" || f.Kind == e.Kind) {
				found = append(found, &notify.Record{Envelope: e, State: notify.Dead})
			}
			return true
		}, none)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b *notify.Record) int {
		if c := b.RunAt.Compare(a.RunAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	found = found[min(f.Offset, len(found)):]
	return found[:min(f.Limit, len(found))], nil
}

// Replay publishes dead letters as fresh jobs, and then removes them.
func (l *letters) Replay(ctx context.Context, queue string, ids []string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var posts []*post
	err := l.look(ctx, queue, func(m *amqp.Delivery) bool {
		if !slices.Contains(ids, m.MessageId) {
			return true
		}
		e, err := decode(queue, m)
		if err != nil {
			return true
		}
		e.Attempt, e.RunAt, e.ExpiresAt = 0, l.options.Now().UTC(), time.Time{} // the operator wants it run
		p, err := l.job(e, 0)
		if err != nil {
			return true
		}
		posts = append(posts, p)
		return false
	}, func() error { return l.publisher.send(ctx, posts) })
	if err != nil {
		return 0, err
	}
	return len(posts), nil
}

// Delete removes dead letters.
func (l *letters) Delete(ctx context.Context, queue string, ids []string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	err := l.look(ctx, queue, func(m *amqp.Delivery) bool {
		if slices.Contains(ids, m.MessageId) {
			n++
			return false
		}
		return true
	}, none)
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Stats counts due jobs and dead letters of the queues this process has used.
func (l *letters) Stats(ctx context.Context) ([]notify.QueueStats, error) {
	if l.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	line, err := l.publisher.connected(ctx)
	if err != nil {
		return nil, err
	}
	var all []notify.QueueStats
	for _, queue := range l.used() {
		s := notify.QueueStats{Queue: queue, Counts: make(map[notify.State]int)}
		available := l.consumer.buffered(queue)
		for level := range levels {
			n, err := count(line, l.ready(queue, level))
			if err != nil {
				return nil, err
			}
			available += n
		}
		dead, err := count(line, l.dead(queue))
		if err != nil {
			return nil, err
		}
		if available > 0 {
			s.Counts[notify.Available] = available
		}
		if dead > 0 {
			s.Counts[notify.Dead] = dead
		}
		all = append(all, s)
	}
	return all, nil
}

// count is how many messages wait in one of the broker's queues; none in one that is not there.
func count(line *line, name string) (int, error) {
	info, _, err := inspect(line.conn, name)
	return info.Messages, err
}
