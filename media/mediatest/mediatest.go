// Package mediatest is the conformance kit of media: it shows that a backend keeps
// the promises of media.Driver, and with them those of media.Store.
//
//	func TestConformance(t *testing.T) {
//		mediatest.Run(t, mediatest.Harness{
//			Open: func(t *testing.T, options *media.Options) *media.Store {
//				store, err := mybackend.Open(t.TempDir(), options)
//				require.NoError(t, err)
//				return store
//			},
//		})
//	}
//
// What a backend cannot do must fail with errors.ErrUnsupported; the kit then checks that and goes on.
package mediatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

// Harness is a backend under test.
type Harness struct {
	// Open returns a new, empty store with these options. The kit closes it.
	Open func(t *testing.T, options *media.Options) *media.Store
	// OwnNames says that the backend names files itself, and so neither replaces them nor finds names taken.
	OwnNames bool
}

// Run runs the whole kit. The sub tests run in parallel.
func Run(t *testing.T, h Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"RoundTrip", testRoundTrip},
		{"OddNames", testOddNames},
		{"BadNames", testBadNames},
		{"Missing", testMissing},
		{"NameTaken", testNameTaken},
		{"IfNotExistsOnce", testIfNotExistsOnce},
		{"ByContent", testByContent},
		{"FailedSaveLeavesNothing", testFailedSave},
		{"FailedPutLeavesNothing", testFailedPut},
		{"ConcurrentReplace", testConcurrentReplace},
		{"Delete", testDelete},
		{"Copy", testCopy},
		{"Metadata", testMetadata},
		{"Reader", testReader},
		{"RangeEdges", testRangeEdges},
		{"List", testList},
		{"ListDuringChange", testListDuringChange},
		{"FS", testFS},
		{"Variants", testVariants},
		{"VariantsAhead", testVariantsAhead},
		{"Migrate", testMigrate},
		{"Handler", testHandler},
		{"SignedURL", testSignedURL},
		{"Close", testClose},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, &bench{Harness: h})
		})
	}
}

// bench is what every test of the kit gets.
type bench struct{ Harness }

func (b *bench) open(t *testing.T, options *media.Options) *media.Store {
	t.Helper()
	store := b.Open(t, options)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// supported reports whether err is not errors.ErrUnsupported, and logs if it is.
func supported(t *testing.T, what string, err error) bool {
	t.Helper()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Logf("%s: not supported by this backend", what)
		return false
	}
	return true
}

func save(t *testing.T, store *media.Store, name, content string, options *media.SaveOptions) media.File {
	t.Helper()
	f, err := store.Save(t.Context(), name, strings.NewReader(content), options)
	require.NoError(t, err)
	return f
}

func read(t *testing.T, store *media.Store, name string) string {
	t.Helper()
	r, err := store.Open(t.Context(), name)
	require.NoError(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(content)
}

// names lists the store, or returns false if it cannot list.
func names(t *testing.T, store *media.Store, options *media.ListOptions) ([]string, bool) {
	t.Helper()
	found := []string{}
	for f, err := range store.List(t.Context(), options) {
		if !supported(t, "list", err) {
			return nil, false
		}
		require.NoError(t, err)
		found = append(found, f.Name)
	}
	return found, true
}

// requireEmpty checks that nothing is in the store, not even what List hides.
func requireEmpty(t *testing.T, store *media.Store) {
	t.Helper()
	lister, ok := store.Driver().(media.Lister)
	if !ok {
		return
	}
	files, err := lister.List(context.WithoutCancel(t.Context()), "", "", 10)
	if supported(t, "list", err) {
		require.NoError(t, err)
		require.Empty(t, files)
	}
}

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// picture draws something that survives compression recognisably: four quarters, each of its own colour.
func picture(width, height int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	quarters := [2][2]color.NRGBA{{{220, 40, 40, 255}, {40, 200, 60, 255}}, {{40, 60, 220, 255}, {230, 210, 40, 255}}}
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, quarters[2*y/height][2*x/width])
		}
	}
	return img
}

func jpegOf(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, picture(width, height), nil))
	return b.String()
}

func pngOf(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, picture(width, height)))
	return b.String()
}

// text is content of a size, different for every seed.
func text(seed, size int) string {
	line := fmt.Sprintf("line of the text number %d\n", seed)
	return strings.Repeat(line, size/len(line)+1)[:size]
}
