package sqlqueue_test

import (
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

func BenchmarkQueue(b *testing.B) {
	for name, backend := range backends {
		b.Run(name, func(b *testing.B) {
			notifytest.Bench(b, func(b *testing.B) *notify.Queue {
				driver, dsn := backend(b)
				q := openQueue(b, driver, dsn, silent.Options)
				b.Cleanup(func() { require.NoError(b, q.Close()) })
				return q
			})
		})
	}
}
