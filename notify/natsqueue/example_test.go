package natsqueue_test

import (
	"context"
	"fmt"
	"log"

	"github.com/nats-io/nats.go"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/natsqueue"
)

var sendReceipt = notify.NewTask[string]("mail.receipt", nil)

// The connection stays the host's, with its own authentication and TLS.
func Example() {
	nc, err := nats.Connect("nats://nats1:4222,nats://nats2:4222,nats://nats3:4222", nats.MaxReconnects(-1))
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	ctx := context.Background()
	queue, err := natsqueue.Open(ctx, nc, &natsqueue.Options{Replicas: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	job, err := sendReceipt.Enqueue(ctx, notify.NewClient(queue, nil), "order-17")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("two of three servers have", job.ID)
}
