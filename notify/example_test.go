package notify_test

import (
	"context"
	"fmt"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
)

type welcome struct{ Name string }

var sendWelcome = notify.NewTask[welcome]("mail.welcome", &notify.TaskOptions{MaxAttempts: 5})

func Example() {
	ctx, stop := context.WithCancel(context.Background())
	queue := memqueue.Open(nil)
	defer queue.Close()

	client := notify.NewClient(queue, nil)
	if _, err := sendWelcome.Enqueue(ctx, client, welcome{Name: "Mei"}); err != nil {
		fmt.Println(err)
	}

	worker := notify.NewWorker(queue, &notify.WorkerOptions{Concurrency: 4})
	sendWelcome.Handle(worker, func(_ context.Context, job *notify.Job[welcome]) error {
		fmt.Println("Hello,", job.Args.Name)
		stop() // a server would end ctx on a signal
		return nil
	})
	fmt.Println(worker.Run(ctx))
	// Output:
	// Hello, Mei
	// <nil>
}
