package s3media_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/mediatest"
	"github.com/seed82d84382/commerce/media/s3media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bucket returns a client and an empty bucket on a server of its own kind.
func bucket(t *testing.T) (*minio.Client, string) {
	t.Helper()
	address, name := testenvtest.S3Bucket(t)
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := minio.New(strings.TrimPrefix(address, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(testenv.S3AccessKey, testenv.S3SecretKey, ""), Transport: transport, Region: "us-east-1",
	})
	require.NoError(t, err)
	return client, name
}

func open(t *testing.T, options *s3media.Options) (*media.Store, *minio.Client, string) {
	t.Helper()
	client, name := bucket(t)
	store, err := s3media.Open(t.Context(), client, name, options)
	require.NoError(t, err)
	return store, client, name
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, noPresign := range map[string]bool{"presigned addresses": false, "addresses of a handler": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mediatest.Run(t, mediatest.Harness{Open: func(t *testing.T, options *media.Options) *media.Store {
				t.Helper()
				o := &s3media.Options{NoPresign: noPresign}
				if options != nil {
					o.Options = *options
				}
				store, _, _ := open(t, o)
				return store
			}})
		})
	}
}

// What another program has put there is served as it is.
func TestForeignObjects(t *testing.T) {
	t.Parallel()
	store, client, name := open(t, nil)
	_, err := client.PutObject(t.Context(), name, "a/b.css", strings.NewReader("body{}"), 6, minio.PutObjectOptions{ContentType: "text/css; charset=utf-8", UserMetadata: map[string]string{"media-file": "%%%", "x": "y"}})
	require.NoError(t, err)
	f, err := store.Stat(t.Context(), "a/b.css")
	require.NoError(t, err)
	require.Equal(t, "text/css", f.Type)
	require.Empty(t, f.SHA256)
	require.EqualValues(t, 6, f.Size)
	require.WithinDuration(t, time.Now(), f.ModTime, time.Minute)
	r, err := store.Open(t.Context(), "a/b.css")
	require.NoError(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "body{}", string(content))
}

func TestMetadataLimit(t *testing.T) {
	t.Parallel()
	store, _, _ := open(t, nil)
	large := map[string]string{}
	for i := range 10 {
		large[fmt.Sprintf("key%d", i)] = strings.Repeat("v", 250)
	}
	_, err := store.Save(t.Context(), "a", strings.NewReader("a"), &media.SaveOptions{Metadata: large})
	require.ErrorIs(t, err, media.ErrInvalid)
	require.ErrorContains(t, err, "S3 keeps 2048")
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	client, _ := bucket(t)
	_, err := s3media.Open(t.Context(), client, "no-such-bucket", nil)
	require.ErrorIs(t, err, media.ErrNotFound)
	_, err = s3media.Open(t.Context(), nil, "b", nil)
	require.ErrorIs(t, err, media.ErrInvalid)

	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	stranger, err := minio.New(client.EndpointURL().Host, &minio.Options{Creds: credentials.NewStaticV4("somebody", "else's secret", ""), Transport: transport, Region: "us-east-1"})
	require.NoError(t, err)
	_, err = s3media.Open(t.Context(), stranger, "no-such-bucket", nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}

// A signed address is good for as long as it says, up to a week.
func TestPresign(t *testing.T) {
	t.Parallel()
	store, client, _ := open(t, nil)
	f, err := store.Save(t.Context(), "invoice.txt", strings.NewReader("1 tea"), nil)
	require.NoError(t, err)
	address, err := store.SignedURL(t.Context(), f.Name, &media.SignOptions{ValidFor: 7 * 24 * time.Hour})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(address, client.EndpointURL().String()), address)
	require.Contains(t, address, "X-Amz-Expires=604800")
	_, err = store.SignedURL(t.Context(), f.Name, &media.SignOptions{ValidFor: 8 * 24 * time.Hour})
	require.ErrorContains(t, err, "no signing keys")
}

func ExampleOpen() {
	ctx := context.Background()
	client, err := minio.New("s3.example.com", &minio.Options{Creds: credentials.NewEnvAWS(), Secure: true, Region: "eu-central-1"})
	if err != nil {
		fmt.Println(err)
		return
	}
	images, err := s3media.Open(ctx, client, "shop-images", &s3media.Options{Options: media.Options{BaseURL: "https://img.example.com/"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer images.Close()
	file, err := images.Save(ctx, "products/tea.txt", strings.NewReader("80 °C, two minutes"), nil)
	fmt.Println(images.URL(file.Name), err)
}
