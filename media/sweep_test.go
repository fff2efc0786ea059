package media_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

// shelf is a store with a clock, and a database that knows some of its files.
type shelf struct {
	*media.Store
	now  time.Time
	used []string
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{now: time.Unix(1_800_000_000, 0)}
	s.Store = open(t, &media.Options{Now: func() time.Time { return s.now }})
	return s
}

func (s *shelf) inUse(_ context.Context, names []string) ([]string, error) {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(s.used, name) }), nil
}

func (s *shelf) names(t *testing.T) []string {
	t.Helper()
	names := []string{}
	for f, err := range s.List(t.Context(), nil) {
		require.NoError(t, err)
		names = append(names, f.Name)
	}
	return names
}

func TestSweep(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	picture := save(t, s.Store, "used.jpg", jpegOf(t, gradient(300, 300)), nil)
	orphan := save(t, s.Store, "orphan.jpg", jpegOf(t, gradient(301, 300)), nil)
	for _, name := range []string{picture.Name, orphan.Name} {
		variant(t, s.Store, name, media.Shop[0])
	}
	s.used = []string{"used.jpg"}
	s.now = s.now.Add(25 * time.Hour)
	save(t, s.Store, "young.txt", []byte("not yet in the database"), nil)

	want := media.Swept{Seen: 3, Young: 1, Orphans: 1, Bytes: orphan.Size, Variants: 1}
	for range 2 { // a dry run changes nothing
		swept, err := s.Sweep(t.Context(), s.inUse, nil)
		require.NoError(t, err)
		require.Equal(t, want, swept)
	}
	var seen []string
	swept, err := s.Sweep(t.Context(), s.inUse, &media.SweepOptions{Delete: true, Orphan: func(_ context.Context, f media.File) error {
		seen = append(seen, f.Name)
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, media.Swept{Seen: 3, Young: 1, Orphans: 1, Bytes: orphan.Size, Deleted: 1}, swept)
	require.Equal(t, []string{"orphan.jpg"}, seen)
	require.Equal(t, []string{"used.jpg", "young.txt"}, s.names(t))
	files, err := s.Driver().(media.Lister).List(t.Context(), ".variants/", "", 10)
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Contains(t, files[0].Name, picture.SHA256)

	swept, err = s.Sweep(t.Context(), s.inUse, &media.SweepOptions{Grace: -1, Delete: true})
	require.NoError(t, err)
	require.Zero(t, swept.Young)
	require.Equal(t, []string{"used.jpg"}, s.names(t))
}

// A variant whose original went by another way is an orphan, too.
func TestSweepVariants(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	f := save(t, s.Store, "a.jpg", jpegOf(t, gradient(300, 300)), nil)
	variant(t, s.Store, f.Name, media.Shop[0])
	require.NoError(t, s.Driver().Delete(t.Context(), f.Name))
	swept, err := s.Sweep(t.Context(), s.inUse, nil)
	require.NoError(t, err)
	require.Equal(t, media.Swept{}, swept, "within the grace")
	s.now = s.now.Add(48 * time.Hour)
	swept, err = s.Sweep(t.Context(), s.inUse, &media.SweepOptions{Delete: true})
	require.NoError(t, err)
	require.Equal(t, media.Swept{Variants: 1, Deleted: 1}, swept)
	requireEmpty(t, s.Store)
}

func TestSweepIsCareful(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for i := range 20 {
		save(t, s.Store, fmt.Sprintf("f/%02d", i), []byte("content"), nil)
	}
	s.now = s.now.Add(48 * time.Hour)
	remove := &media.SweepOptions{Delete: true}
	_, err := s.Sweep(t.Context(), s.inUse, remove)
	require.ErrorIs(t, err, media.ErrTooMany, "the database knows none at all")
	require.Len(t, s.names(t), 20)
	_, err = s.Sweep(t.Context(), func(context.Context, []string) ([]string, error) { return nil, errTrouble }, remove)
	require.ErrorIs(t, err, errTrouble)

	// What comes into use, or is replaced, between the two questions stays.
	s.used = s.names(t)[2:]
	asked := 0
	swept, err := s.Sweep(t.Context(), func(ctx context.Context, names []string) ([]string, error) {
		if asked++; asked == 2 {
			require.Equal(t, []string{"f/00", "f/01"}, names)
			save(t, s.Store, "f/00", []byte("new content"), &media.SaveOptions{Replace: true})
			return []string{"f/01"}, nil
		}
		return s.inUse(ctx, names)
	}, remove)
	require.NoError(t, err)
	require.Equal(t, media.Swept{Seen: 20}, swept)
	require.Len(t, s.names(t), 20)

	// By name, for backends that cannot list.
	named := func(yield func(string, error) bool) {
		for _, name := range []string{"f/00", "gone", "f/01", "other/x"} {
			if !yield(name, nil) {
				return
			}
		}
	}
	s.now = s.now.Add(48 * time.Hour)
	swept, err = s.Sweep(t.Context(), s.inUse, &media.SweepOptions{Delete: true, Names: named, Prefix: "f/"})
	require.NoError(t, err)
	require.Equal(t, 2, swept.Deleted)

	for _, bad := range []*media.SweepOptions{{Grace: -2}, {MaxShare: 2}, {MaxShare: -0.1}} {
		_, err := s.Sweep(t.Context(), s.inUse, bad)
		require.ErrorIs(t, err, media.ErrInvalid)
	}
	_, err = s.Sweep(t.Context(), nil, nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	plain, err := media.New(struct{ media.Driver }{s.Driver()}, nil)
	require.NoError(t, err)
	_, err = plain.Sweep(t.Context(), s.inUse, nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

func ExampleStore_Sweep() {
	now := time.Unix(1_800_000_000, 0)
	images, err := memmedia.Open(&memmedia.Options{Options: media.Options{Now: func() time.Time { return now }}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	ctx := context.Background()
	for _, name := range []string{"tea.txt", "abandoned.txt"} {
		if _, err := images.Save(ctx, name, strings.NewReader(name), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	now = now.Add(25 * time.Hour)
	// As "SELECT image FROM products WHERE image IN (…)" would answer.
	inUse := func(context.Context, []string) ([]string, error) { return []string{"tea.txt"}, nil }
	swept, err := images.Sweep(ctx, inUse, nil)
	fmt.Println(swept.Seen, swept.Orphans, swept.Deleted, err)
	swept, err = images.Sweep(ctx, inUse, &media.SweepOptions{Delete: true})
	fmt.Println(swept.Seen, swept.Orphans, swept.Deleted, err)
	// Output:
	// 2 1 0 <nil>
	// 2 1 1 <nil>
}
