package fsmedia_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fsmedia"
	"github.com/seed82d84382/commerce/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, options *media.Options) *media.Store {
	t.Helper()
	o := fsmedia.Options{NoSync: true}
	if options != nil {
		o.Options = *options
	}
	store, err := fsmedia.Open(t.TempDir(), &o)
	require.NoError(t, err)
	return store
}

func TestConformance(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, mediatest.Harness{Open: open})
}

func TestConformanceWithPrefix(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, mediatest.Harness{Open: func(t *testing.T, options *media.Options) *media.Store {
		t.Helper()
		whole := open(t, nil)
		t.Cleanup(func() { require.NoError(t, whole.Close()) })
		driver, err := media.WithPrefix(whole.Driver(), "tenant/7/")
		require.NoError(t, err)
		store, err := media.New(driver, options)
		require.NoError(t, err)
		return store
	}})
}
