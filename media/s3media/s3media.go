// Package s3media keeps a media.Store in a bucket of Amazon S3, or of any server that speaks its protocol (MinIO, Ceph, R2, versitygw).
//
//	client, err := minio.New("s3.eu-central-1.amazonaws.com", &minio.Options{Creds: credentials.NewEnvAWS(), Secure: true})
//	images, err := s3media.Open(ctx, client, "shop-images", nil)
//
// # In the bucket
//
// A file is an object under its name, with its media type. What else the store knows is in two entries of the object's
// metadata: media-file (hash, dimensions, time) and media-user (the caller's metadata, as JSON in base64). S3 keeps 2 KiB of metadata
// an object; beyond that Save returns an *media.InvalidError. An object that another program has put there is served too: its
// type is the one it was stored with, and it has no hash.
//
// # What the server must do
//
// Names are taken atomically by If-None-Match on PUT, which S3 has since August 2024. A server that ignores it overwrites; the conformance
// kit finds that. Listings have the order of UTF-8 bytes and tell no metadata, so List asks for each file, several at a time.
// An object that is written in one request may have 5 GiB; larger files are sent in parts.
//
// # Addresses
//
// SignedURL returns presigned addresses of the bucket, good for at most seven days, unless Options.NoPresign is set. URL is
// Options.BaseURL and the name: that of a CDN or of a media.Handler.
package s3media

import (
	"context"
	"fmt"

	"github.com/minio/minio-go/v7"

	"github.com/seed82d84382/commerce/media"
)

// Options of a store in a bucket.
type Options struct {
	media.Options
	// NoPresign makes signed addresses those of a media.Handler with Options.SigningKeys, for a bucket that browsers cannot reach.
	NoPresign bool
}

// Open returns a store in an existing bucket. The client stays the caller's. It returns an error if the bucket
// cannot be reached or is not there (media.ErrNotFound), or if an option is out of range.
func Open(ctx context.Context, client *minio.Client, bucket string, options *Options) (*media.Store, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if client == nil {
		return nil, fmt.Errorf("media: open bucket: %w", &media.InvalidError{Field: "client", Reason: "is nil"})
	}
	there, err := client.BucketExists(ctx, bucket)
	if err == nil && !there {
		err = media.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("media: open bucket: %w", translate(err))
	}
	return media.New(&driver{core: minio.Core{Client: client}, bucket: bucket, presign: !o.NoPresign}, &o.Options)
}
