package memmedia_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/mediatest"
	"github.com/seed82d84382/commerce/media/memmedia"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, options *media.Options) *media.Store {
	t.Helper()
	var o memmedia.Options
	if options != nil {
		o.Options = *options
	}
	store, err := memmedia.Open(&o)
	require.NoError(t, err)
	return store
}

func TestConformance(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, mediatest.Harness{Open: open})
}

// plain hides every optional ability, so that the Store's own ways are run.
type plain struct{ media.Driver }

func TestConformanceOfPlainDriver(t *testing.T) {
	t.Parallel()
	mediatest.Run(t, mediatest.Harness{Open: func(t *testing.T, options *media.Options) *media.Store {
		t.Helper()
		store, err := media.New(plain{open(t, nil).Driver()}, options)
		require.NoError(t, err)
		return store
	}})
}

func TestCapacity(t *testing.T) {
	t.Parallel()
	store, err := memmedia.Open(&memmedia.Options{Capacity: 100})
	require.NoError(t, err)
	save := func(name string, size int, replace bool) error {
		_, err := store.Save(t.Context(), name, strings.NewReader(strings.Repeat("x", size)), &media.SaveOptions{Replace: replace})
		return err
	}
	require.NoError(t, save("a", 60, false))
	require.ErrorIs(t, save("b", 41, false), media.ErrFull)
	require.NoError(t, save("b", 40, false))
	require.ErrorIs(t, save("c", 1, false), media.ErrFull)
	require.ErrorIs(t, save("a", 61, true), media.ErrFull)
	require.NoError(t, save("a", 10, true), "what is replaced makes room")
	require.NoError(t, save("c", 50, false))
	require.NoError(t, store.Delete(t.Context(), "b"))
	require.NoError(t, save("d", 40, false))

	_, err = memmedia.Open(&memmedia.Options{Capacity: -2})
	require.ErrorIs(t, err, media.ErrInvalid)
}

func ExampleOpen() {
	files, err := memmedia.Open(&memmedia.Options{Capacity: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	ctx := context.Background()
	file, err := files.Save(ctx, "notes/brewing.txt", strings.NewReader("80 °C, two minutes"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := files.Open(ctx, file.Name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	text, _ := io.ReadAll(r)
	fmt.Printf("%s: %s\n", file.Name, text)
	_, err = files.Save(ctx, "notes/large.txt", strings.NewReader(strings.Repeat("x", 2<<20)), nil)
	fmt.Println(errors.Is(err, media.ErrFull))
	// Output:
	// notes/brewing.txt: 80 °C, two minutes
	// true
}
