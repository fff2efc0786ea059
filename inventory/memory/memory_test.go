package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/inventory/inventorytest"
	"github.com/seed82d84382/commerce/inventory/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	inventorytest.Run(t, inventorytest.Harness{Storage: func(testing.TB) inventorytest.Storage {
		return inventorytest.Storage{Open: memory.Open}
	}})
}
