package memqueue_test

import (
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

func BenchmarkQueue(b *testing.B) {
	notifytest.Bench(b, func(b *testing.B) *notify.Queue {
		q := memqueue.Open(nil)
		b.Cleanup(func() { require.NoError(b, q.Close()) })
		return q
	})
}
