package redisqueue

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/notify"
)

func (d *driver) Ack(ctx context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	return settle(ctx, d, "ack", ackScript, nil, deliveries, itself, appendLease)
}

func (d *driver) Extend(ctx context.Context, deliveries []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	return settle(ctx, d, "extend", extendScript, []any{d.consumer(lease)}, deliveries, itself, appendLease)
}

func (d *driver) Nack(ctx context.Context, nacks []notify.Nack) ([]*notify.Delivery, error) {
	return settle(ctx, d, "nack", nackScript, nil, nacks, func(n notify.Nack) *notify.Delivery { return n.Delivery }, d.appendNack)
}

func itself(d *notify.Delivery) *notify.Delivery { return d }

func appendLease(args []any, delivery *notify.Delivery) ([]any, error) {
	r := delivery.Receipt.(receipt)
	return append(args, r.level, r.entry, r.deliveries), nil
}

func (d *driver) appendNack(args []any, n notify.Nack) ([]any, error) {
	e := *n.Envelope
	what, number := "ready", int64(0)
	if n.Delay > 0 {
		e.RunAt = d.options.Now().Add(n.Delay).UTC()
		what, number = "scheduled", n.Delay.Microseconds()+1
		if e.Attempt > 0 {
			what = "retrying"
		}
	}
	if n.Dead {
		what, number = "dead", e.RunAt.UnixMicro()
	}
	body, err := e.MarshalBinary()
	if err != nil {
		return nil, err
	}
	failed := 0
	if n.Failed {
		failed = 1
	}
	args, err = appendLease(args, n.Delivery)
	return append(args, what, e.ID, level(e.Priority), number, failed, body), err
}

// settle runs a script on leases, queue by queue, and returns those it found lost.
func settle[V any](ctx context.Context, d *driver, operation string, script *redis.Script, head []any, items []V,
	delivery func(V) *notify.Delivery, appendArgs func([]any, V) ([]any, error),
) (lost []*notify.Delivery, err error) {
	err = byQueue(items, func(v V) string { return delivery(v).Queue }, func(name string, places []int) error {
		q, err := d.queue(ctx, name)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(places, scriptJobs) {
			args := slices.Clone(head)
			for _, place := range chunk {
				if args, err = appendArgs(args, items[place]); err != nil {
					return err
				}
			}
			gone, err := script.Run(ctx, d.rdb, q.keys, args...).Int64Slice()
			if err != nil {
				return fail(ctx, operation, err)
			}
			for _, i := range gone {
				lost = append(lost, delivery(items[chunk[i]]))
			}
		}
		return nil
	})
	return lost, err
}
