package media_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

// reads counts how often files are opened.
type reads struct {
	media.Driver
	opened atomic.Int32
}

func (r *reads) OpenFile(context.Context, string) (media.File, io.ReadSeekCloser, error) {
	r.opened.Add(1)
	return media.File{}, nil, errors.ErrUnsupported
}

func TestVariantsAheadOfTime(t *testing.T) {
	t.Parallel()
	var jobs []media.VariantJob
	options := &media.Options{Ahead: media.Shop, Prepare: func(_ context.Context, job media.VariantJob) error {
		jobs = append(jobs, job)
		return nil
	}}
	driver := &reads{Driver: open(t, nil).Driver()}
	store, err := media.New(driver, options)
	require.NoError(t, err)
	f := save(t, store, "tea.jpg", jpegOf(t, gradient(1700, 900)), nil)
	save(t, store, "note.txt", []byte("not an image"), nil)
	require.Len(t, jobs, 1)
	require.Equal(t, f.Name, jobs[0].Name)

	sent, err := json.Marshal(jobs[0])
	require.NoError(t, err)
	var job media.VariantJob
	require.NoError(t, json.Unmarshal(sent, &job))
	require.NoError(t, store.MakeVariants(t.Context(), job))
	require.EqualValues(t, 1, driver.opened.Load(), "decoded once for all")
	kept, err := driver.Driver.(media.Lister).List(t.Context(), ".variants/", "", 10)
	require.NoError(t, err)
	require.Len(t, kept, len(media.Shop))
	require.NoError(t, store.MakeVariants(t.Context(), job))
	require.EqualValues(t, 1, driver.opened.Load(), "nothing is made twice")
	for _, v := range media.Shop {
		made, _ := variant(t, store, f.Name, v)
		w, h := v.Size(f.Width, f.Height)
		require.Equal(t, [2]int{w, h}, [2]int{made.Width, made.Height})
	}

	require.NoError(t, store.Delete(t.Context(), f.Name))
	require.ErrorIs(t, store.MakeVariants(t.Context(), job), media.ErrNotFound)
	require.ErrorIs(t, store.MakeVariants(t.Context(), media.VariantJob{Name: "note.txt", Variants: job.Variants}), media.ErrType)
	require.ErrorIs(t, store.MakeVariants(t.Context(), media.VariantJob{Name: "note.txt", Variants: []string{"0x0"}}), media.ErrInvalid)
	require.ErrorIs(t, store.MakeVariants(t.Context(), media.VariantJob{Name: "note.txt", Variants: make([]string, 1000)}), media.ErrInvalid)
}

// A queue that is away does not fail the upload.
func TestPrepareFails(t *testing.T) {
	t.Parallel()
	store := open(t, &media.Options{Ahead: media.Shop, Logger: slog.New(slog.DiscardHandler), Prepare: func(context.Context, media.VariantJob) error { return errTrouble }})
	f := save(t, store, "tea.jpg", jpegOf(t, gradient(300, 300)), nil)
	v, _ := variant(t, store, f.Name, media.Shop[0])
	require.Equal(t, 160, v.Width)

	_, err := memmedia.Open(&memmedia.Options{Options: media.Options{Ahead: media.Variants{{Width: 10}}}})
	require.ErrorIs(t, err, media.ErrInvalid, "a variant without a name")
}

func ExampleStore_MakeVariants() {
	queue := make(chan media.VariantJob, 10) // in life a task of package notify, or any other queue
	images, err := memmedia.Open(&memmedia.Options{Options: media.Options{
		Ahead:   media.Shop,
		Prepare: func(_ context.Context, job media.VariantJob) error { queue <- job; return nil },
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	ctx := context.Background()
	if _, err := images.Save(ctx, "tea.jpg", photo(1200, 800), nil); err != nil {
		fmt.Println(err)
		return
	}
	job := <-queue
	fmt.Println(job.Name, job.Variants)
	fmt.Println(images.MakeVariants(ctx, job))
	// Output:
	// tea.jpg [thumb=160x160 card=400x400 product=800x800 zoom=1600x1600]
	// <nil>
}
