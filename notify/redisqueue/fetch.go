package redisqueue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// receipt is what a lease is known by.
type receipt struct {
	level      int64
	entry      string // ID in the stream
	deliveries int64
}

// answerTimeout bounds a call whose answer we want although the caller has gone:
// it may hold jobs, or end leases.
const answerTimeout = 10 * time.Second

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		q, err := d.queue(ctx, r.Queue)
		if err != nil {
			return nil, err
		}
		changed := q.bell.next()
		deliveries, next, err := d.take(ctx, q, r)
		if len(deliveries) > 0 || err != nil {
			return deliveries, err
		}
		d.await(ctx, q, changed, next)
	}
}

// take leases what is due, or tells how long to wait.
func (d *driver) take(ctx context.Context, q *queue, r notify.FetchRequest) ([]*notify.Delivery, time.Duration, error) {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	reclaim := 0
	if q.reclaim() {
		reclaim = 1
	}
	answer, err := fetchScript.Run(asking, d.rdb, q.keys, d.consumer(r.Lease), min(r.Max, scriptJobs), reclaim).Slice()
	if err != nil {
		return nil, 0, fail(ctx, "fetch", err)
	}
	if len(answer) == 0 || len(answer)%5 != 1 {
		return nil, 0, fmt.Errorf("redisqueue: fetch: unexpected answer of %d parts", len(answer))
	}
	wait := glance
	if micros, ok := answer[0].(int64); ok && micros >= 0 {
		wait = min(glance, time.Duration(micros+1)*time.Microsecond)
	}
	deliveries := make([]*notify.Delivery, 0, len(answer)/5)
	for part := answer[1:]; len(part) > 0; part = part[5:] {
		deliveries = append(deliveries, delivery(q.name, part))
	}
	return deliveries, wait, nil
}

// consumer names who leases; the length of the lease is part of it.
func (d *driver) consumer(lease time.Duration) string {
	return d.instance + ":" + strconv.FormatInt(max(1, lease.Milliseconds()), 10)
}

// delivery reads level, entry, deliveries, id and body.
func delivery(queue string, part []any) *notify.Delivery {
	var r receipt
	var id, body string
	r.level, _ = part[0].(int64)
	r.entry, _ = part[1].(string)
	r.deliveries, _ = part[2].(int64)
	id, _ = part[3].(string)
	body, _ = part[4].(string)
	if id == "" {
		id = r.entry // counts only where the body cannot be read
	}
	e, err := decode(queue, id, body)
	return &notify.Delivery{Envelope: e, Err: err, Receipt: r, Crashes: int(max(r.deliveries-1, 0))}
}

// decode reads a body. One that cannot be read comes back as an error, together
// with what else is known, the id among it, and the body as it is.
func decode(queue, id, body string) (*notify.Envelope, error) {
	e := new(notify.Envelope)
	err := e.UnmarshalBinary([]byte(body))
	if err != nil {
		e.ID, e.Payload = id, []byte(body)
	}
	e.Queue = queue
	return e, err
}
