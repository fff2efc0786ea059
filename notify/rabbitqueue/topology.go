package rabbitqueue

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// levels is how many queues the due jobs of a queue are in, by priority.
const levels = 2

func level(priority int) int {
	if priority >= 5 {
		return 1
	}
	return 0
}

// Delays are made of powers of two ms, the smallest and the largest of which are these. The
// largest is the longest time a queue may hold messages for, rounded down.
const (
	firstBit = 3
	lastBit  = 31
)

// longestPath is the longest delay that one path can make.
const longestPath = (1<<(lastBit+1) - 1<<firstBit) * time.Millisecond

// deliveryLimit is out of reach: dead letters are the worker's decision. RabbitMQ 4 would drop a
// job after 20 returns.
const deliveryLimit = 1 << 30

// names are those in the broker.
type names struct {
	prefix string
}

func (n names) ready(queue string, level int) string {
	if level == 0 {
		return n.prefix + queue
	}
	return n.prefix + queue + ":high"
}

func (n names) dead(queue string) string { return n.prefix + queue + ":dead" }
func (n names) due() string              { return n.prefix + ":due" }
func (n names) delay(bit int) string     { return n.prefix + ":delay:" + strconv.Itoa(bit) }

// after is the exchange that follows a bit of the delay.
func (n names) after(bit int) string {
	if bit == firstBit {
		return n.due()
	}
	return n.delay(bit - 1)
}

// address is where a message is published to.
type address struct {
	exchange, key string
	target        string // the queue where its way ends
	bit           int    // the highest of its delay; 0 no delay
	rest          time.Duration
	unbounded     bool // the target takes more than MaxLength
}

// direct is the way to a queue without delay.
func direct(queue string) address { return address{key: queue, target: queue} }

// delayed is the way to a queue that takes as long as delay, rounded up to 8 ms. What is too
// long for one way comes back as rest.
func (n names) delayed(queue string, delay time.Duration) address {
	if delay <= 0 {
		return direct(queue)
	}
	way := min(delay, longestPath)
	const unit = 1 << firstBit * time.Millisecond
	ticks := int64((way + unit - 1) / unit)
	a := address{target: queue, rest: delay - way}
	var key strings.Builder
	for bit := lastBit; bit >= firstBit; bit-- {
		if ticks>>(bit-firstBit)&1 == 0 {
			key.WriteString("0.")
			continue
		}
		a.bit = max(a.bit, bit)
		key.WriteString("1.")
	}
	a.exchange, a.key = n.delay(a.bit), key.String()+queue
	return a
}

// at matches routing keys by one bit of their delay.
func at(bit int, value string) string {
	return strings.Repeat("*.", lastBit-bit) + value + ".#"
}

// topology is what this process has made sure of since it connected.
type topology struct {
	names
	options *Options
	young   *young

	mu    sync.Mutex
	made  map[string]bool // queues
	bound map[string]bool // queues that delays end in
	bits  int             // delays up to this bit are there; 0 none
}

func newTopology(o *Options, y *young) *topology {
	return &topology{names: names{o.Prefix}, options: o, young: y, made: make(map[string]bool), bound: make(map[string]bool)}
}

// has tells whether the way is known to be there.
func (t *topology) has(a address) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.made[a.target] && (a.bit == 0 || a.bit <= t.bits && t.bound[a.target])
}

// note remembers what was made.
func (t *topology) note(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
}

// build makes the way, one caller at a time. It uses ch, and a channel of its own for what closes one.
func (t *topology) build(conn *amqp.Connection, ch *amqp.Channel, a address) error {
	if !t.has(direct(a.target)) {
		args := make(amqp.Table)
		if t.options.MaxLength > 0 && !a.unbounded {
			args["x-max-length"], args["x-overflow"] = int64(t.options.MaxLength), "reject-publish"
		}
		if err := t.declare(conn, ch, a.target, args); err != nil {
			return err
		}
		t.note(func() { t.made[a.target] = true })
	}
	if a.bit == 0 {
		return nil
	}
	if err := t.buildDelays(conn, ch, a.bit); err != nil {
		return err
	}
	pattern := strings.Repeat("*.", lastBit-firstBit+1) + a.target
	if err := ch.QueueBind(a.target, pattern, t.due(), false, nil); err != nil {
		return explain(t.due(), err)
	}
	t.note(func() { t.bound[a.target] = true })
	return nil
}

func (t *topology) declare(conn *amqp.Connection, ch *amqp.Channel, queue string, args amqp.Table) error {
	args["x-queue-type"] = "classic"
	made := false
	if !t.options.Classic {
		args["x-queue-type"] = "quorum"
		args["x-delivery-limit"] = int64(deliveryLimit)
		_, found, err := inspect(conn, queue)
		if err != nil {
			return err
		}
		made = !found
	}
	_, err := ch.QueueDeclare(queue, true, false, false, false, args)
	if err == nil && made {
		t.young.born(queue)
	}
	return explain(queue, err)
}

// inspect asks for a queue and whether it is there, on a channel of its own, since a name that is not there closes it.
func inspect(conn *amqp.Connection, queue string) (info amqp.Queue, found bool, err error) {
	channel, err := conn.Channel()
	if err != nil {
		return info, false, fmt.Errorf("rabbitqueue: open channel: %w", err)
	}
	defer func() { _ = channel.Close() }()
	info, err = channel.QueueDeclarePassive(queue, true, false, false, false, nil)
	if absent, ok := errors.AsType[*amqp.Error](err); ok && absent.Code == amqp.NotFound {
		return info, false, nil
	}
	return info, err == nil, explain(queue, err)
}

// buildDelays makes the exchanges and queues of all bits up to one. An exchange
// looks at its bit: where it is set the message goes into the queue, else on to the next exchange. What has
// waited in the queue goes on to the same one.
func (t *topology) buildDelays(conn *amqp.Connection, ch *amqp.Channel, last int) error {
	first := 0
	t.note(func() { first = t.bits + 1 })
	if first == 1 {
		if err := explain(t.due(), ch.ExchangeDeclare(t.due(), "topic", true, false, false, false, nil)); err != nil {
			return err
		}
		first = firstBit
	}
	for bit := first; bit <= last; bit++ {
		name, next := t.delay(bit), t.after(bit)
		args := amqp.Table{"x-message-ttl": int64(1) << bit, "x-dead-letter-exchange": next}
		if !t.options.Classic {
			// Else the broker would drop what it moves when it dies between the queues.
			args["x-dead-letter-strategy"], args["x-overflow"] = "at-least-once", "reject-publish"
		}
		err := errors.Join(
			ch.ExchangeDeclare(name, "topic", true, false, false, false, nil),
			t.declare(conn, ch, name, args),
			ch.ExchangeBind(next, at(bit, "0"), name, false, nil),
			ch.QueueBind(name, at(bit, "1"), name, false, nil),
		)
		if err := explain(name, err); err != nil {
			return err
		}
		t.note(func() { t.bits = bit })
	}
	return nil
}

// forget makes sure of a way anew when it is next used.
func (t *topology) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.made)
	clear(t.bound)
	t.bits = 0
}

// explain says which name the broker refused.
func explain(name string, err error) error {
	if err == nil {
		return nil
	}
	if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.PreconditionFailed {
		return fmt.Errorf("rabbitqueue: %q is there already, made with other options (Classic, MaxLength): %w", name, err)
	}
	return fmt.Errorf("rabbitqueue: declare %q: %w", name, err)
}
