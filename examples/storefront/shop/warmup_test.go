package shop

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

func newPictures(t *testing.T) *Pictures {
	t.Helper()
	db, err := database.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Create(t.Context(), schemas))
	images, err := memmedia.Open(nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, images.Close()) })
	return NewPictures(db, images)
}

func TestWarmUpDrawsWhatIsAskedForFirst(t *testing.T) {
	t.Parallel()
	ctx, pictures, products := t.Context(), newPictures(t), catalogue.Demo()[:2]
	require.NoError(t, pictures.WarmUp(ctx, products, "card"))
	kept, err := pictures.Of(ctx, products, 0)
	require.NoError(t, err)
	require.Len(t, kept, 2)
	files, err := pictures.images.Driver().(media.Lister).List(ctx, "", "", 10)
	require.NoError(t, err)
	require.Len(t, files, 4, "two drawings and their cards")
	for _, p := range products {
		drawn, err := pictures.Draw(ctx, &p, 0)
		require.NoError(t, err)
		require.Equal(t, kept[p.SKU].Name, drawn.Name, "drawn once")
	}
	require.NoError(t, pictures.WarmUp(ctx, products, "card"), "a second start finds all made")
	require.ErrorContains(t, pictures.WarmUp(ctx, products, "poster"), `no variant "poster"`)
}

func TestWarmUpGivesWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pictures, products := newPictures(t), catalogue.Demo()[:1]
		drawn := func() int {
			kept, err := pictures.Of(t.Context(), products, 0)
			require.NoError(t, err)
			return len(kept)
		}
		pictures.rush.begin() // two shoppers wait for drawings
		pictures.rush.begin()
		done := make(chan error, 1)
		go func() { done <- pictures.WarmUp(t.Context(), products) }()
		synctest.Wait()
		pictures.rush.end()
		synctest.Wait()
		require.Empty(t, done)
		require.Zero(t, drawn(), "one shopper waits still")
		pictures.rush.end()
		require.NoError(t, <-done)
		require.Equal(t, 1, drawn())
	})
}

func TestWarmUpEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pictures, products := newPictures(t), catalogue.Demo()
		pictures.rush.begin()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- pictures.WarmUp(ctx, products) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-done, context.Canceled, "while it waits")
		pictures.rush.end()
		require.ErrorIs(t, pictures.WarmUp(ctx, products), context.Canceled, "before it begins")
		kept, err := pictures.Of(t.Context(), products, 0)
		require.NoError(t, err)
		require.Empty(t, kept)
	})
}
