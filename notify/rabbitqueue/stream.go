package rabbitqueue

import (
	"slices"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// straggle is how long an acknowledgement waits for those before it, so that
// one frame can tell the broker of all.
const straggle = time.Millisecond

// stream is what arrives from one of the broker's queues over a channel of its own.
type stream struct {
	session *session
	name    string
	channel *amqp.Channel

	// Of the session's mutex:
	prefetch int // how much is asked for; 0 not consuming
	buffer   []amqp.Delivery

	tag    string // of the consumer
	count  int
	pumped sync.WaitGroup

	mu        sync.Mutex
	unsettled map[uint64]struct{} // delivery tags that are ours
	order     []uint64            // the same, as they came, with settled ones among them
	late      []uint64            // settled, and the broker not told
	timer     *time.Timer         // tells it of the late ones
	timed     bool
	starved   int // looks in a row that found messages which did not come to us
}

func newStream(s *session, name string, channel *amqp.Channel) *stream {
	st := &stream{session: s, name: name, channel: channel, unsettled: make(map[uint64]struct{})}
	st.timer = time.AfterFunc(time.Hour, st.flush)
	st.timer.Stop()
	return st
}

// watch ends the session when the channel ends, or when the broker ends the consumer because
// its queue was deleted; and the channel when the session ends.
func (st *stream) watch() {
	closed := st.channel.NotifyClose(make(chan *amqp.Error, 1))
	cancelled := st.channel.NotifyCancel(make(chan string, 1))
	select {
	case err := <-closed:
		if err != nil && st.session.driver.life.Err() == nil {
			st.session.driver.options.Logger.Warn("rabbitqueue: consuming broke off", "queue", st.name, "error", err)
		}
	case <-cancelled:
		st.session.driver.options.Logger.Warn("rabbitqueue: the queue was deleted", "queue", st.name)
	case <-st.session.down:
	}
	st.session.fail()
	_ = st.channel.Close() // it, or its connection, may be closed already
	st.pumped.Wait()
}

// start consumes.
func (st *stream) start(prefetch int) error {
	if err := st.channel.Qos(prefetch, 0, false); err != nil {
		return err
	}
	st.count++
	st.tag = "notify-" + strconv.Itoa(st.count)
	deliveries, err := st.channel.Consume(st.name, st.tag, false, false, false, false, nil)
	if err != nil {
		return err
	}
	st.session.mu.Lock()
	st.prefetch = prefetch
	st.session.mu.Unlock()
	st.pumped.Go(func() { st.pump(deliveries) })
	return nil
}

// consumed tells whether the broker knows a consumer of the queue, as it must while we are one, and gives it what is there. A
// channel that began to consume a queue before it was deleted, and again after it was made anew, drops what comes
// from the new one as if it had seen it.
func (st *stream) consumed() bool {
	st.session.mu.Lock()
	consuming := st.prefetch > 0
	st.session.mu.Unlock()
	if !consuming {
		return true
	}
	info, err := st.channel.QueueDeclarePassive(st.name, true, false, false, false, nil)
	if err != nil || info.Consumers == 0 {
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if info.Messages == 0 || len(st.unsettled) > 0 {
		st.starved = 0
		return true
	}
	st.starved++
	return st.starved < 2
}

// stop ends consuming. What the broker had sent is in the buffer when it returns.
func (st *stream) stop() {
	st.session.mu.Lock()
	consuming := st.prefetch > 0
	st.prefetch = 0
	st.session.mu.Unlock()
	if !consuming {
		return
	}
	if err := st.channel.Cancel(st.tag, false); err != nil {
		st.session.fail()
	}
	st.pumped.Wait()
}

// pump takes what arrives into the buffer.
func (st *stream) pump(deliveries <-chan amqp.Delivery) {
	for m := range deliveries {
		batch := []amqp.Delivery{m}
		for more := true; more && len(batch) < 64; {
			select {
			case next, ok := <-deliveries:
				if more = ok; ok {
					batch = append(batch, next)
				}
			default:
				more = false
			}
		}
		st.arrive(batch)
	}
}

func (st *stream) arrive(batch []amqp.Delivery) {
	st.mu.Lock()
	st.starved = 0
	for _, m := range batch {
		st.unsettled[m.DeliveryTag] = struct{}{}
		st.order = append(st.order, m.DeliveryTag)
	}
	st.mu.Unlock()
	s := st.session
	s.mu.Lock()
	st.buffer = append(st.buffer, batch...)
	s.arrived()
	s.mu.Unlock()
}

// held is how many jobs are ours.
func (st *stream) held() int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return len(st.unsettled)
}

// holds tells whether a job is ours.
func (st *stream) holds(tag uint64) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	_, ok := st.unsettled[tag]
	return ok
}

// settle tells the broker that jobs are done, in one frame for all that have none
// open before them, and a moment later for the others.
func (st *stream) settle(tags []uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, tag := range tags {
		if _, ok := st.unsettled[tag]; ok {
			delete(st.unsettled, tag)
			st.late = append(st.late, tag)
		}
	}
	st.tell()
	if len(st.late) > 0 && !st.timed {
		st.timed = true
		st.timer.Reset(straggle)
	}
}

// tell acknowledges all jobs before the first that is open.
func (st *stream) tell() {
	done := 0
	for done < len(st.order) {
		if _, open := st.unsettled[st.order[done]]; open {
			break
		}
		done++
	}
	if done == 0 {
		if len(st.order) > 1024+2*len(st.unsettled) {
			st.order = slices.DeleteFunc(st.order, func(tag uint64) bool { _, open := st.unsettled[tag]; return !open })
		}
		return
	}
	last := st.order[done-1]
	st.order = st.order[done:]
	newest := uint64(0) // of those it was not told: one that it knows would be an error
	st.late = slices.DeleteFunc(st.late, func(tag uint64) bool {
		if tag > last {
			return false
		}
		newest = max(newest, tag)
		return true
	})
	if newest > 0 {
		_ = st.channel.Ack(newest, true) // a closed channel ends the session, and its jobs are somebody else's
	}
}

// flush acknowledges the late ones, each by itself.
func (st *stream) flush() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.timed = false
	for _, tag := range st.late {
		_ = st.channel.Ack(tag, false)
	}
	st.late = nil
}
