package memqueue_test

import (
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	notifytest.Run(t, func(*testing.T) notifytest.Harness {
		return notifytest.Harness{Open: func(_ *testing.T, o *notify.Options) *notify.Queue { return memqueue.Open(o) }}
	})
}
