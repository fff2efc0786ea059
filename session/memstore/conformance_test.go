package memstore_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/memstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{
		Open: func(*testing.T) session.Driver { return memstore.New() },
	})
}
