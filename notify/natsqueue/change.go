package natsqueue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/notify"
)

// Replay publishes jobs anew and then removes what was stored.
func (d *driver) Replay(ctx context.Context, queue string, ids []string) (int, error) {
	moved := 0
	err := d.placed(ctx, queue, ids, func(stream jetstream.Stream, part string, m *jetstream.RawStreamMsg) (bool, error) {
		e, err := decode(queue, m.Data)
		if err != nil {
			return false, nil //nolint:nilerr // what cannot be read cannot be run
		}
		e.RunAt = d.options.Now().UTC()
		if part == dead {
			e.Attempt, e.ExpiresAt = 0, time.Time{} // the operator wants it run
		}
		p, err := d.job(ctx, e, 0, e.ID+":"+strconv.FormatUint(m.Sequence, 10)+":replay")
		if err != nil {
			return false, err
		}
		if err := d.send(ctx, []*post{p}); err != nil {
			return false, err
		}
		if _, err := remove(ctx, stream, m.Sequence); err != nil {
			return false, err
		}
		moved++
		return true, nil
	})
	return moved, err
}

// Delete removes jobs. Those that are due are looked for in their stream.
func (d *driver) Delete(ctx context.Context, queue string, ids []string) (int, error) {
	removed := 0
	left := slices.Clone(ids)
	err := d.placed(ctx, queue, ids, func(stream jetstream.Stream, _ string, m *jetstream.RawStreamMsg) (bool, error) {
		gone, err := remove(ctx, stream, m.Sequence)
		if gone {
			removed++
			if e, err := decode(queue, m.Data); err == nil {
				left = slices.DeleteFunc(left, func(id string) bool { return id == e.ID })
			}
		}
		return gone, err
	})
	if err != nil || len(left) == 0 {
		return removed, err
	}
	stream, err := d.js.Stream(ctx, d.stream(queue))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return removed, nil
	}
	if err != nil {
		return removed, fail(ctx, "delete", err)
	}
	consumers, err := d.consumers(ctx, queue)
	if err != nil {
		return removed, err
	}
	for level, c := range consumers {
		var sequences []uint64
		looked := 0
		err := d.read(ctx, d.stream(queue), d.ready(queue, level), delivered(c)+1, func(m *stored) bool {
			if e, _ := decode(queue, m.data); slices.Contains(left, e.ID) {
				sequences = append(sequences, m.sequence)
			}
			looked++
			return looked < listed
		})
		if err != nil {
			return removed, err
		}
		for _, sequence := range sequences {
			gone, err := remove(ctx, stream, sequence)
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
		}
	}
	return removed, nil
}

// placed calls act for the jobs that have a place of their own, until it is true for one of each ID.
func (d *driver) placed(ctx context.Context, queue string, ids []string,
	act func(stream jetstream.Stream, part string, m *jetstream.RawStreamMsg) (bool, error),
) error {
	if d.life.Err() != nil {
		return notify.ErrClosed
	}
	stream, err := d.js.Stream(ctx, d.stream(queue))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fail(ctx, "stream", err)
	}
	for _, id := range ids {
		for _, part := range []string{dead, scheduled, retrying} {
			m, err := stream.GetLastMsgForSubject(ctx, d.place(queue, part, id))
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				return fail(ctx, "look for job", err)
			}
			done, err := act(stream, part, m)
			if err != nil {
				return err
			}
			if done {
				break
			}
		}
	}
	return nil
}

// remove tells whether the message was there.
func remove(ctx context.Context, stream jetstream.Stream, sequence uint64) (bool, error) {
	err := stream.DeleteMsg(ctx, sequence)
	if refusal, ok := errors.AsType[*jetstream.APIError](err); ok && refusal.Code < 500 { // it is gone
		return false, nil
	}
	if err != nil {
		return false, fail(ctx, "delete", err)
	}
	return true, nil
}
