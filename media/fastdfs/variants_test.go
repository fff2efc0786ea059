package fastdfs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// snow is a PNG that does not compress.
func snow(t *testing.T, side int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	copy(img.Pix, noise(9, len(img.Pix)))
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

func readAll(t *testing.T, r *media.Reader, err error) []byte {
	t.Helper()
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

// A variant that is larger than the server's buffer is kept too, and goes with its picture.
func TestLargeVariantIsKept(t *testing.T) {
	t.Parallel()
	for name, config := range clusters(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			store := open(t, config(t), nil)
			defer store.Close()
			c, _ := fastdfs.ClientOf(store)
			f, err := store.Save(ctx, "snow.png", bytes.NewReader(snow(t, 350)), &media.SaveOptions{Types: media.Images})
			require.NoError(t, err)
			spec := media.Variant{Width: 320, Height: 320}
			r, err := store.Variant(ctx, f.Name, spec)
			made := readAll(t, r, err)
			require.Greater(t, len(made), fastdfs.DefaultBufferSize)
			r, err = store.Variant(ctx, f.Name, spec)
			require.NoError(t, err)
			kept := r.File()
			require.Contains(t, kept.Name, f.Name[:len(f.Name)-len(".png")], "it is read, as a slave of the picture")
			require.Equal(t, made, readAll(t, r, nil))
			require.EqualValues(t, len(made), kept.Size)

			r, err = store.Open(ctx, kept.Name)
			require.NoError(t, err)
			_, err = r.Seek(-1000, io.SeekEnd)
			require.NoError(t, err)
			require.Equal(t, made[len(made)-1000:], readAll(t, r, nil))

			// Two processes made it at once: the second one's file is gone, and the picture still knows the first.
			sum := sha256.Sum256(made)
			label := kept.Name[len(f.Name)-len(".png") : len(kept.Name)-len(".png")]
			_, err = store.Driver().Put(ctx, &media.Upload{
				Name: kept.Name, From: f.Name, Label: label, Size: int64(len(made)), Type: media.PNG, SHA256: hex.EncodeToString(sum[:]), Content: bytes.NewReader(made),
			})
			require.ErrorIs(t, err, media.ErrExists)
			r, err = store.Open(ctx, kept.Name)
			require.Equal(t, made, readAll(t, r, err))

			own, err := c.Metadata(ctx, kept.Name)
			require.NoError(t, err)
			at := own[".at"]
			_, err = c.Info(ctx, at, false)
			require.NoError(t, err)
			require.NoError(t, store.Delete(ctx, f.Name))
			for _, id := range []string{f.Name, kept.Name, at} {
				_, err = c.Info(ctx, id, false)
				require.ErrorIs(t, err, media.ErrNotFound, id)
			}
		})
	}
}

// Whatever fails while a large variant is stored, nothing of it is left once the picture is deleted, and nobody is shown the name of a file in its place.
func TestLargeVariantHalfStored(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{1}, BufferSize: 8 << 10})
	store := open(t, cluster.Config(), &media.Options{Logger: slog.New(slog.DiscardHandler)})
	defer store.Close()
	files := func() (n int) {
		for _, server := range cluster.Storages() {
			n += len(cluster.Files(server))
		}
		return n
	}
	picture := snow(t, 80)
	spec := media.Variant{Width: 70, Height: 70}
	for command, times := range map[fastdfs.Command]int{fastdfs.CommandUploadAppender: 1, fastdfs.CommandModify: 1, fastdfs.CommandRegenerate: 1, fastdfs.CommandUploadSlave: 1, fastdfs.CommandSetMetadata: 1} {
		f, err := store.Save(t.Context(), "snow.png", bytes.NewReader(picture), nil)
		require.NoError(t, err)
		remove := cluster.Inject(fastdfstest.Fault{Command: command, Status: 28, Times: times})
		r, err := store.Variant(t.Context(), f.Name, spec)
		first := readAll(t, r, err)
		remove()
		r, err = store.Variant(t.Context(), f.Name, spec)
		require.Equal(t, first, readAll(t, r, err))
		require.NoError(t, store.Delete(t.Context(), f.Name))
		require.Zero(t, files(), "%s", command)
	}

	// A client that dies before it has described a variant: nobody is shown it so, and the next one describes it.
	c, _ := fastdfs.ClientOf(store)
	for _, spec := range []media.Variant{{Width: 70, Height: 70}, {Width: 20, Height: 20}} {
		f, err := store.Save(t.Context(), "snow.png", bytes.NewReader(picture), nil)
		require.NoError(t, err)
		var first []byte
		var kept media.File
		for range 2 {
			r, err := store.Variant(t.Context(), f.Name, spec)
			require.NoError(t, err)
			kept = r.File()
			first = readAll(t, r, nil)
		}
		require.NotEmpty(t, kept.SHA256)
		require.NoError(t, c.SetMetadata(t.Context(), kept.Name, nil))
		_, err = store.Stat(t.Context(), kept.Name)
		require.ErrorIs(t, err, media.ErrNotFound)
		r, err := store.Variant(t.Context(), f.Name, spec)
		require.Equal(t, first, readAll(t, r, err), "made anew")
		again, err := store.Stat(t.Context(), kept.Name)
		require.NoError(t, err)
		require.Equal(t, kept.SHA256, again.SHA256)
		r, err = store.Open(t.Context(), kept.Name)
		require.Equal(t, first, readAll(t, r, err))
		require.NoError(t, store.Delete(t.Context(), f.Name))
		require.Zero(t, files())
	}
}
