package watermillqueue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/watermillqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func channels(t testing.TB) *gochannel.GoChannel {
	c := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(t *testing.T) notifytest.Harness {
		return notifytest.Harness{
			Open: func(t *testing.T, o *notify.Options) *notify.Queue {
				c := channels(t)
				q, err := watermillqueue.Open(c, c, &watermillqueue.Options{Options: *o})
				require.NoError(t, err)
				return q
			},
			ConnectionLeases: true, Bare: true,
		}
	})
}

var task = notify.NewTask[int]("test.task", nil)

func TestWhatItCannotDoIsSaid(t *testing.T) {
	t.Parallel()
	c := channels(t)
	q, err := watermillqueue.Open(c, c, nil)
	require.NoError(t, err)
	defer q.Close()
	client := notify.NewClient(q, nil)
	for name, option := range map[string]notify.Option{
		"delay": notify.After(time.Second), "priority": notify.Priority(1), "Unique": notify.Unique(time.Hour), "Key": notify.Key("a"),
	} {
		_, err := task.Enqueue(t.Context(), client, 1, option)
		require.ErrorIs(t, err, errors.ErrUnsupported, name)
		require.ErrorContains(t, err, name)
	}
	_, err = q.Stats(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, q.Pause(t.Context(), "default"), errors.ErrUnsupported)
}

func TestDeadLettersGoToTheirTopic(t *testing.T) {
	t.Parallel()
	c := channels(t)
	q, err := watermillqueue.Open(c, c, &watermillqueue.Options{Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}})
	require.NoError(t, err)
	defer q.Close()
	letters, err := c.Subscribe(t.Context(), "dead-notify.default")
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	task.Handle(w, func(context.Context, *notify.Job[int]) error { return notify.Permanent(errors.New("never")) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	job, err := task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.NoError(t, err)
	letter := <-letters
	letter.Ack()
	require.Equal(t, job.ID, letter.UUID)
	var e notify.Envelope
	require.NoError(t, e.UnmarshalBinary(letter.Payload))
	require.Equal(t, notify.PermanentBy, e.Failure.Reason)
	cancel()
	require.NoError(t, <-done)
}

// refusing is a broker that is away.
type refusing struct{ message.Publisher }

func (refusing) Publish(string, ...*message.Message) error { return errors.New("away") }

func TestErrorsOfThePublisherComeBack(t *testing.T) {
	t.Parallel()
	q, err := watermillqueue.Open(refusing{}, channels(t), nil)
	require.NoError(t, err)
	defer q.Close()
	_, err = task.Enqueue(t.Context(), notify.NewClient(q, nil), 1)
	require.ErrorContains(t, err, "watermillqueue: publish: away")
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	c := channels(t)
	_, err := watermillqueue.Open(nil, c, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = watermillqueue.Open(c, nil, nil)
	require.ErrorIs(t, err, notify.ErrInvalid)
	_, err = watermillqueue.Open(c, c, &watermillqueue.Options{Prefix: "a b"})
	require.ErrorIs(t, err, notify.ErrInvalid)
}

func ExampleOpen() {
	broker := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	defer broker.Close()
	queue, err := watermillqueue.Open(broker, broker, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close()
	greet := notify.NewTask[string]("greet", nil)
	worker := notify.NewWorker(queue, nil)
	ctx, cancel := context.WithCancel(context.Background())
	greet.Handle(worker, func(_ context.Context, job *notify.Job[string]) error {
		fmt.Println("Hello,", job.Args)
		cancel()
		return nil
	})
	if _, err := greet.Enqueue(ctx, notify.NewClient(queue, nil), "Mei"); err != nil {
		fmt.Println(err)
	}
	if err := worker.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: Hello, Mei
}
