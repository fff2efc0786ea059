package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/natsqueue"
	jobbox "github.com/seed82d84382/commerce/notify/outbox"
	"github.com/seed82d84382/commerce/notify/rabbitqueue"
	"github.com/seed82d84382/commerce/notify/redisqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
)

const (
	rabbitmqEnv = "STOREFRONT_RABBITMQ"
	natsEnv     = "STOREFRONT_NATS"
)

// Where jobs can wait.
const (
	queueSQL      = "sql"
	queueRedis    = "redis"
	queueRabbitMQ = "rabbitmq"
	queueNATS     = "nats"
)

// takeOver is how long the jobs of a shop that was killed wait until another process, or the
// shop once it is started again, goes on with them: a log-in code should not wait longer.
const takeOver = 10 * time.Second

var queueNames = []string{queueSQL, queueRedis, queueRabbitMQ, queueNATS}

// checkQueue picks the queue when -queue does not: a broker that was named is there
// to be used.
func (c *config) checkQueue() error {
	given := map[string]bool{queueSQL: true, queueRedis: c.redis != nil, queueRabbitMQ: c.rabbitmq != "", queueNATS: c.nats != ""}
	switch {
	case c.queue == "" && c.rabbitmq != "":
		c.queue = queueRabbitMQ
	case c.queue == "" && c.nats != "":
		c.queue = queueNATS
	case c.queue == "" && c.redis != nil:
		c.queue = queueRedis
	case c.queue == "":
		c.queue = queueSQL
	case !slices.Contains(queueNames, c.queue):
		return fmt.Errorf("-queue %q: want one of %s", c.queue, strings.Join(queueNames, ", "))
	case !given[c.queue]:
		return fmt.Errorf("-queue %s: say where it is with -%[1]s", c.queue)
	}
	return nil
}

// openQueue opens the queue that carries codes and mails. In the database of the
// orders it takes part in their transactions; to any other a relay brings what
// was put into the outbox there.
func (b *backends) openQueue(ctx context.Context, cfg *config, log *slog.Logger) (err error) {
	options := notify.Options{Logger: log}
	switch cfg.queue {
	case queueRedis:
		b.queue, err = redisqueue.Open(ctx, b.redis, &redisqueue.Options{Options: options})
		if _, unfit := errors.AsType[*notify.InvalidError](err); unfit {
			err = fmt.Errorf("%w; -queue sql keeps jobs in the database instead", err)
		}
	case queueRabbitMQ:
		b.queue, err = rabbitqueue.Open(ctx, cfg.rabbitmq, &rabbitqueue.Options{Options: options})
	case queueNATS:
		b.queue, err = b.natsQueue(ctx, cfg.nats, options)
	default:
		b.queue, err = sqlQueue(ctx, b.db, options)
		b.orderJobs = b.queue
	}
	if err != nil {
		err = fmt.Errorf("-queue %s: %w", cfg.queue, err)
	}
	if err := closing(b, err, func() error { return b.queue.Close() }); err != nil || b.orderJobs != nil {
		return err
	}
	b.orderJobs, err = jobbox.Open(ctx, b.db.Pool(), &options)
	if err := closing(b, err, func() error { return b.orderJobs.Close() }); err != nil {
		return err
	}
	b.relay, err = jobbox.NewRelay(ctx, b.db.Pool(), b.queue, &jobbox.RelayOptions{Lease: takeOver, Logger: log})
	return err
}

func (b *backends) natsQueue(ctx context.Context, url string, options notify.Options) (*notify.Queue, error) {
	nc, err := nats.Connect(url, nats.Name("storefront"), nats.MaxReconnects(-1))
	if err != nil {
		return nil, err
	}
	b.close = append(b.close, func() error { nc.Close(); return nil })
	return natsqueue.Open(ctx, nc, &natsqueue.Options{Options: options})
}

func sqlQueue(ctx context.Context, db *database.DB, options notify.Options) (*notify.Queue, error) {
	o := &sqlqueue.Options{Options: options}
	if db.Dialect() == database.Postgres {
		o.Listener = pglisten.New(db.Pool())
	}
	return sqlqueue.Open(ctx, db.Pool(), o)
}
