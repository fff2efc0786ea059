// Package notify runs tasks in the background and sends messages: a typed
// task is enqueued by one process and handled by another, over whichever
// queue the host has.
//
//	type Welcome struct{ UserID, Locale string }
//
//	var SendWelcome = notify.NewTask[Welcome]("mail.welcome", &notify.TaskOptions{MaxAttempts: 5})
//
//	queue := memqueue.Open(nil)                       // or sqlqueue.Open(ctx, db, nil)
//	client := notify.NewClient(queue, nil)
//	job, err := SendWelcome.Enqueue(ctx, client, Welcome{UserID: "42"}, notify.After(time.Hour))
//
//	worker := notify.NewWorker(queue, &notify.WorkerOptions{Concurrency: 16})
//	SendWelcome.Handle(worker, func(ctx context.Context, job *notify.Job[Welcome]) error { … })
//	err = worker.Run(ctx) // until ctx ends, then finishes what it holds
//
// # What is promised
//
// Enqueue answers only when the backend holds the job durably (as durably as
// that backend can). A job is delivered at least once: it leaves the queue
// only after its handler returned nil, or when it is moved to the dead
// letters, and a worker that dies gives its jobs back when their lease ends.
// A handler can therefore run twice and should be idempotent; a lease that was
// lost cancels the handler's context with the cause [ErrLeaseLost], and what
// that handler returns is discarded.
//
// A job whose kind no handler knows, whose payload cannot be read, or which
// failed too often becomes a dead letter with its reason. Nothing is dropped,
// with one exception that the caller asks for: [ExpireAfter].
//
// # Concurrency
//
// Queue, Client, Task, Worker and Scheduler are safe for concurrent use.
//
// # Backends
//
// A backend implements [Driver] and passes the kit in notify/notifytest.
// Further abilities are one-method interfaces ([UniquePublisher],
// [TxPublisher], [Lister], …); where one is missing the call returns an error
// that wraps [errors.ErrUnsupported].
package notify
