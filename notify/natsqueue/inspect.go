package natsqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/notify"
)

// listed bounds how many jobs of one state are looked at.
const listed = 10_000

// stored is a message of a stream.
type stored struct {
	subject  string
	sequence uint64
	header   nats.Header
	data     []byte
}

// page is how many messages are read at once.
const page = 500

// read calls visit for the messages of a stream from a sequence on, as long as it wants them.
func (d *driver) read(ctx context.Context, stream, subjects string, from uint64, visit func(*stored) bool) error {
	for {
		found, more, err := d.readPage(ctx, stream, subjects, from)
		if err != nil {
			return fail(ctx, "read stream", err)
		}
		for _, m := range found {
			if !visit(m) {
				return nil
			}
			from = m.sequence + 1
		}
		if !more || len(found) == 0 {
			return nil
		}
	}
}

// readPage reads some messages, as ADR-31 of NATS describes.
//
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
func (d *driver) readPage(ctx context.Context, stream, subjects string, from uint64) (found []*stored, more bool, err error) {
	request, err := json.Marshal(map[string]any{"seq": max(from, 1), "next_by_subj": subjects, "batch": page})
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	sub, err := d.nc.SubscribeSync(d.nc.NewInbox())
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := d.nc.PublishRequest(d.api+"DIRECT.GET."+stream, sub.Subject, request); err != nil {
		return nil, false, err
	}
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, false, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204": // the end of the page
			return found, m.Header.Get("Nats-Num-Pending") != "0", nil
		case "404":
			return found, false, nil
		default:
			return nil, false, fmt.Errorf("status %s %s", status, m.Header.Get("Description"))
		}
		s := &stored{subject: m.Header.Get("Nats-Subject"), header: m.Header, data: m.Data}
		if s.sequence, err = strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64); err != nil {
			return nil, false, err
		}
		found = append(found, s)
	}
}

// streams returns our queues and their streams, by name.
func (d *driver) streams(ctx context.Context) (map[string]*jetstream.StreamInfo, error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	all := make(map[string]*jetstream.StreamInfo)
	list := d.js.ListStreams(ctx, jetstream.WithStreamListSubject(d.prefix+".*.>"))
	for info := range list.Info() {
		if queue, ok := d.names.queue(info.Config.Name); ok {
			all[queue] = info
		}
	}
	if err := list.Err(); err != nil {
		return nil, fail(ctx, "list streams", err)
	}
	return all, nil
}

// subjects counts those of a part of a queue, each of which is a job.
func (d *driver) subjects(ctx context.Context, queue, part string) (int, error) {
	request, err := json.Marshal(map[string]any{"subjects_filter": d.all(queue, part), "offset": math.MaxInt32})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := d.nc.RequestWithContext(ctx, d.api+"STREAM.INFO."+d.stream(queue), request)
	if err != nil {
		return 0, fail(ctx, "count", err)
	}
	var info struct {
		Total int                 `json:"total"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		return 0, fmt.Errorf("natsqueue: count: %w", err)
	}
	if info.Error != nil {
		return 0, fmt.Errorf("natsqueue: count: %w", info.Error)
	}
	return info.Total, nil
}

// consumers returns what the server says of a queue's consumers, which are nil where nobody has fetched yet.
func (d *driver) consumers(ctx context.Context, queue string) (all [levels]*jetstream.ConsumerInfo, err error) {
	for level := range levels {
		consumer, err := d.js.Consumer(ctx, d.stream(queue), consumerName(level))
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue
		}
		if err != nil {
			return all, fail(ctx, "consumer", err)
		}
		all[level] = consumer.CachedInfo()
	}
	return all, nil
}

// messages counts the due jobs of a level that no consumer counts.
func (d *driver) messages(ctx context.Context, queue string, level int) (int, error) {
	stream, err := d.js.Stream(ctx, d.stream(queue))
	if err != nil {
		return 0, fail(ctx, "count", err)
	}
	subject := d.ready(queue, level)
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return 0, fail(ctx, "count", err)
	}
	return int(info.State.Subjects[subject]), nil
}

// delivered is the last message that a consumer was sent; 0 none.
func delivered(c *jetstream.ConsumerInfo) uint64 {
	if c == nil {
		return 0
	}
	return c.Delivered.Stream
}

// Stats describes all queues under the prefix, also those of other processes.
func (d *driver) Stats(ctx context.Context) ([]notify.QueueStats, error) {
	queues, err := d.streams(ctx)
	if err != nil {
		return nil, err
	}
	d.counts.flush(ctx)
	minutes, err := d.counts.read(ctx)
	if err != nil {
		return nil, err
	}
	var all []notify.QueueStats
	for queue, info := range queues {
		s, err := d.statsOf(ctx, queue)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // deleted just now
		}
		if err != nil {
			return nil, err
		}
		s.Minutes = minutes[queue]
		if info.State.Msgs > 0 || s.Paused || len(s.Minutes) > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b notify.QueueStats) int { return strings.Compare(a.Queue, b.Queue) })
	return all, nil
}

func (d *driver) statsOf(ctx context.Context, queue string) (notify.QueueStats, error) {
	s := notify.QueueStats{Queue: queue, Counts: make(map[notify.State]int)}
	consumers, err := d.consumers(ctx, queue)
	if err != nil {
		return s, err
	}
	set := func(state notify.State, n int) {
		if n > 0 {
			s.Counts[state] = n
		}
	}
	buffered := d.buffered(queue)
	available, running := buffered, -buffered
	for level, c := range consumers {
		if c != nil {
			s.Paused = s.Paused || c.Paused
			available += int(c.NumPending)
			running += c.NumAckPending
		} else {
			n, err := d.messages(ctx, queue, level)
			if err != nil {
				return s, err
			}
			available += n
		}
		err := d.read(ctx, d.stream(queue), d.ready(queue, level), delivered(c)+1, func(m *stored) bool {
			if e, err := decode(queue, m.data); err == nil && (s.Oldest.IsZero() || e.RunAt.Before(s.Oldest)) {
				s.Oldest = e.RunAt
			}
			return false
		})
		if err != nil {
			return s, err
		}
	}
	set(notify.Available, available)
	set(notify.Running, running)
	for part, state := range map[string]notify.State{scheduled: notify.Scheduled, retrying: notify.Retrying, dead: notify.Dead} {
		n, err := d.subjects(ctx, queue, part)
		if err != nil {
			return s, err
		}
		set(state, n)
	}
	return s, nil
}

// List looks through the streams.
func (d *driver) List(ctx context.Context, f notify.Filter) ([]*notify.Record, error) {
	queues, err := d.streams(ctx)
	if err != nil {
		return nil, err
	}
	var found []*notify.Record
	for queue := range queues {
		if f.Queue != "" && f.Queue != queue {
			continue
		}
		if err := d.listQueue(ctx, queue, f, &found); err != nil {
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

func (d *driver) listQueue(ctx context.Context, queue string, f notify.Filter, found *[]*notify.Record) error {
	stream := d.stream(queue)
	collect := func(subjects string, state func(*stored) notify.State) error {
		n := 0
		return d.read(ctx, stream, subjects, 1, func(m *stored) bool {
			e, err := decode(queue, m.data)
			if err != nil {
				e.Failure = &notify.Failure{Reason: notify.Unreadable, Error: err.Error()}
			}
			s := state(m)
			if (f.State == "" || f.State == s) && (f.ID == "" || f.ID == e.ID) && (f.Kind == "" || f.Kind == e.Kind) {
				*found = append(*found, &notify.Record{Envelope: e, State: s})
			}
			n++
			return n < listed
		})
	}
	for part, state := range map[string]notify.State{scheduled: notify.Scheduled, retrying: notify.Retrying, dead: notify.Dead} {
		if f.State != "" && f.State != state {
			continue
		}
		if err := collect(d.all(queue, part), func(*stored) notify.State { return state }); err != nil {
			return err
		}
	}
	if f.State != "" && f.State != notify.Available && f.State != notify.Running {
		return nil
	}
	consumers, err := d.consumers(ctx, queue)
	if err != nil {
		return err
	}
	for level, c := range consumers {
		err := collect(d.ready(queue, level), func(m *stored) notify.State {
			if m.sequence > delivered(c) {
				return notify.Available
			}
			return notify.Running
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pausedLease is that of consumers made only to be paused.
const pausedLease = 30 * time.Second

// SetPaused pauses the consumers.
func (d *driver) SetPaused(ctx context.Context, queue string, paused bool) error {
	if _, err := d.queue(ctx, queue, pausedLease); err != nil {
		return err
	}
	until := time.Now().AddDate(100, 0, 0)
	for level := range levels {
		var err error
		if paused {
			_, err = d.js.PauseConsumer(ctx, d.stream(queue), consumerName(level), until)
		} else {
			_, err = d.js.ResumeConsumer(ctx, d.stream(queue), consumerName(level))
		}
		if err != nil {
			return fail(ctx, "pause", err)
		}
	}
	return nil
}
