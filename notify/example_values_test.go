package notify_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
)

func ExampleHandleResult() {
	ctx := context.Background()
	queue := memqueue.Open(nil)
	defer queue.Close()
	square := notify.NewTask[int]("example.square", nil)
	worker := notify.NewWorker(queue, nil)
	notify.HandleResult(square, worker, func(_ context.Context, job *notify.Job[int]) (int, error) { return job.Args * job.Args, nil })

	job, err := square.Enqueue(ctx, notify.NewClient(queue, nil), 7)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = worker.Drain(ctx) // in earnest: worker.Run(ctx)
	fmt.Println(notify.AwaitResult[int](ctx, queue, job.ID))
	// Output:
	// 49 <nil>
}

func ExampleHandleBatch() {
	ctx := context.Background()
	queue := memqueue.Open(nil)
	defer queue.Close()
	index := notify.NewTask[string]("example.index", nil)
	worker := notify.NewWorker(queue, nil)
	notify.HandleBatch(index, worker, &notify.BatchOptions{Size: 100}, func(_ context.Context, jobs []*notify.Job[string]) error {
		fmt.Println(len(jobs), "products in one request")
		return nil
	})
	_, _ = index.EnqueueMany(ctx, notify.NewClient(queue, nil), []string{"lamp", "desk", "chair"})
	_, err := worker.Drain(ctx)
	fmt.Println(err)
	// Output:
	// 3 products in one request
	// <nil>
}

func ExampleNewGroup() {
	ctx := context.Background()
	queue := memqueue.Open(nil)
	defer queue.Close()
	client := notify.NewClient(queue, nil)
	resize := notify.NewTask[string]("example.resize", nil)
	publish := notify.NewTask[string]("example.publish", nil)
	worker := notify.NewWorker(queue, nil)
	resize.Handle(worker, func(context.Context, *notify.Job[string]) error { return nil })
	publish.Handle(worker, func(_ context.Context, job *notify.Job[string]) error {
		fmt.Println("all pictures are ready:", job.Args)
		return nil
	})

	group := notify.NewGroup(client, nil)
	for _, picture := range []string{"front.jpg", "back.jpg"} {
		resize.AddTo(group, picture)
	}
	publish.Then(group, "lamp")
	fmt.Println(group.Enqueue(ctx))
	_, _ = worker.Drain(ctx)
	status, err := queue.Group(ctx, group.ID())
	fmt.Println(status.Ended, status.Done, err)
	// Output:
	// <nil>
	// all pictures are ready: lamp
	// 2 true <nil>
}

func ExampleUpgrade() {
	type mailV1 struct{ To string }
	type mail struct{ To []string }
	ctx := context.Background()
	queue := memqueue.Open(nil)
	defer queue.Close()
	// An older program enqueues …
	_, _ = notify.NewTask[mailV1]("example.mail", nil).Enqueue(ctx, notify.NewClient(queue, nil), mailV1{"mei@example.com"})
	// … and a newer one handles.
	send := notify.Upgrade(notify.NewTask[mail]("example.mail", &notify.TaskOptions{Version: 2}),
		1, func(old mailV1) (mail, error) { return mail{To: []string{old.To}}, nil })
	worker := notify.NewWorker(queue, nil)
	send.Handle(worker, func(_ context.Context, job *notify.Job[mail]) error {
		fmt.Println(job.Args.To)
		return nil
	})
	_, err := worker.Drain(ctx)
	fmt.Println(err)
	// Output:
	// [mei@example.com]
	// <nil>
}

func ExampleNewKeyring() {
	secret := bytes.Repeat([]byte{7}, 32) // in earnest 32 random bytes from where secrets are kept
	keys, err := notify.NewKeyring(notify.SecretKey{Name: "2026", Secret: secret})
	if err != nil {
		fmt.Println(err)
		return
	}
	queue := memqueue.Open(&notify.Options{Keys: keys})
	defer queue.Close()
	text := notify.NewTask[string]("example.text", nil)
	_, err = text.Enqueue(context.Background(), notify.NewClient(queue, nil), "your code is 012345")
	fmt.Println(err)
	// Output:
	// <nil>
}
