package s3media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/seed82d84382/commerce/media"
)

type driver struct {
	core    minio.Core
	bucket  string
	presign bool
}

// maxSinglePut is what S3 takes in one request.
const maxSinglePut = 5 << 30

// Put implements media.Driver.
func (d *driver) Put(ctx context.Context, upload *media.Upload) (media.File, error) {
	f := upload.File(upload.Name)
	metadata, err := describe(f)
	if err != nil {
		return media.File{}, err
	}
	options := minio.PutObjectOptions{ContentType: f.Type, UserMetadata: metadata, DisableMultipart: f.Size <= maxSinglePut}
	if upload.IfNotExists {
		options.SetMatchETagExcept("*")
	}
	info, err := d.core.Client.PutObject(ctx, d.bucket, f.Name, body{ctx, upload.Content}, f.Size, options)
	if err != nil {
		return media.File{}, translate(err)
	}
	if info.Size != f.Size {
		return media.File{}, io.ErrUnexpectedEOF
	}
	return f, nil
}

// body is content that ends when ctx ends, so that a request that has been cancelled is never whole. It hides all but Read: the client
// would look for other ways to read.
type body struct {
	ctx context.Context
	r   io.Reader
}

func (b body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if ctxErr := b.ctx.Err(); ctxErr != nil {
		return 0, ctxErr
	}
	return n, err
}

// Open implements media.Driver.
func (d *driver) Open(ctx context.Context, file media.File, offset, length int64) (io.ReadCloser, error) {
	var options minio.GetObjectOptions
	last := file.Size - 1
	if length >= 0 {
		last = offset + length - 1
	}
	if err := options.SetRange(offset, last); err != nil {
		return nil, err
	}
	stream, info, header, err := d.core.GetObject(ctx, d.bucket, file.Name, options)
	if err != nil {
		// A file that has become shorter has no such range.
		if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return nil, media.ErrChanged
		}
		return nil, translate(err)
	}
	if file.SHA256 != "" && parse(file.Name, info).SHA256 != file.SHA256 || torn(info, whole(header, info.Size)) {
		return nil, errors.Join(media.ErrChanged, stream.Close())
	}
	return &reader{ReadCloser: stream, ctx: ctx, driver: d, file: file}, nil
}

// whole is the size of an object of which a part was asked for.
func whole(header http.Header, part int64) int64 {
	_, total, ok := strings.Cut(header.Get("Content-Range"), "/")
	if size, err := strconv.ParseInt(total, 10, 64); ok && err == nil {
		return size
	}
	return part
}

// reader tells a connection that broke off from an object that was replaced under the server's hands.
type reader struct {
	io.ReadCloser
	ctx    context.Context
	driver *driver
	file   media.File
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) && r.file.SHA256 != "" {
		if now, statErr := r.driver.Stat(r.ctx, r.file.Name); statErr == nil && now.SHA256 != r.file.SHA256 {
			err = media.ErrChanged
		}
	}
	return n, err
}

// Stat implements media.Driver.
func (d *driver) Stat(ctx context.Context, name string) (media.File, error) {
	f, _, err := d.stat(ctx, name)
	return f, err
}

// statTries is how often an object is asked for that is just being replaced.
const statTries = 5

func (d *driver) stat(ctx context.Context, name string) (f media.File, etag string, err error) {
	for try := 1; ; try++ {
		info, err := d.core.Client.StatObject(ctx, d.bucket, name, minio.StatObjectOptions{})
		if err != nil {
			return media.File{}, "", translate(err)
		}
		if try == statTries || !torn(info, info.Size) {
			return parse(name, info), info.ETag, nil
		}
	}
}

// Delete implements media.Driver. S3 does not tell whether there was something.
func (d *driver) Delete(ctx context.Context, name string) error {
	if _, err := d.Stat(ctx, name); err != nil {
		return err
	}
	return translate(d.core.Client.RemoveObject(ctx, d.bucket, name, minio.RemoveObjectOptions{}))
}

// List implements media.Lister.
func (d *driver) List(ctx context.Context, prefix, after string, limit int) ([]media.File, error) {
	ctx, cancel := context.WithCancel(ctx) // ends the listing behind what is taken of it
	defer cancel()
	var files []media.File
	for len(files) < limit {
		names, err := d.names(ctx, prefix, after, limit-len(files))
		if err != nil {
			return nil, err
		}
		found, err := d.describeAll(ctx, names)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
		if len(names) == 0 {
			break
		}
		after = names[len(names)-1]
	}
	return files, nil
}

// names lists up to limit names.
func (d *driver) names(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	var names []string
	for info := range d.core.Client.ListObjectsIter(ctx, d.bucket, minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true, MaxKeys: limit}) {
		if info.Err != nil {
			return nil, translate(info.Err)
		}
		if info.Key <= after || media.CheckName(info.Key) != nil && !isVariant(info.Key) { // a folder, or what no store can have
			continue
		}
		if names = append(names, info.Key); len(names) == limit {
			break
		}
	}
	return names, nil
}

// describers is how many files of a listing are asked for at a time.
const describers = 16

// describeAll describes files; those that have gone meanwhile are left out.
func (d *driver) describeAll(ctx context.Context, names []string) ([]media.File, error) {
	files := make([]media.File, len(names))
	errs := make([]error, len(names))
	work := make(chan int)
	var wait sync.WaitGroup
	for range min(describers, len(names)) {
		wait.Go(func() {
			for i := range work {
				files[i], errs[i] = d.Stat(ctx, names[i])
			}
		})
	}
	for i := range names {
		work <- i
	}
	close(work)
	wait.Wait()
	for i, err := range errs {
		if err != nil && !errors.Is(err, media.ErrNotFound) {
			return nil, fmt.Errorf("describe a listed file: %w", err)
		}
		if err != nil {
			files[i].Name = ""
		}
	}
	return slices.DeleteFunc(files, func(f media.File) bool { return f.Name == "" }), nil
}

// Copy implements media.Copier. Only PUT can make sure that a name is free.
func (d *driver) Copy(ctx context.Context, from string, upload *media.Upload) (media.File, error) {
	if upload.IfNotExists || upload.Size > maxSinglePut {
		return media.File{}, errors.ErrUnsupported
	}
	there, etag, err := d.stat(ctx, from)
	if err != nil {
		return media.File{}, err
	}
	if there.SHA256 != upload.SHA256 {
		return media.File{}, media.ErrChanged
	}
	f := upload.File(upload.Name)
	return f, d.copy(ctx, from, etag, f)
}

// SetMetadata implements media.MetadataSetter, by a copy of the object onto itself.
func (d *driver) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	for {
		f, etag, err := d.stat(ctx, name)
		if err != nil {
			return err
		}
		if f.Size > maxSinglePut {
			return errors.ErrUnsupported
		}
		f.Metadata = metadata
		if err := d.copy(ctx, name, etag, f); !errors.Is(err, media.ErrChanged) { // else replaced meanwhile
			return err
		}
	}
}

func (d *driver) copy(ctx context.Context, from, etag string, f media.File) error {
	metadata, err := describe(f)
	if err != nil {
		return err
	}
	_, err = d.core.Client.CopyObject(ctx,
		minio.CopyDestOptions{Bucket: d.bucket, Object: f.Name, ReplaceMetadata: true, UserMetadata: metadata, ContentType: f.Type},
		minio.CopySrcOptions{Bucket: d.bucket, Object: from, MatchETag: etag})
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return media.ErrChanged
	}
	return translate(err)
}

// maxPresign is how long S3 lets a presigned address be good.
const maxPresign = 7 * 24 * time.Hour

// SignURL implements media.URLSigner.
func (d *driver) SignURL(ctx context.Context, name string, expires time.Time) (string, error) {
	left := time.Until(expires).Round(time.Second)
	if !d.presign || left < time.Second || left > maxPresign {
		return "", errors.ErrUnsupported
	}
	u, err := d.core.Client.PresignedGetObject(ctx, d.bucket, name, left, nil)
	if err != nil {
		return "", translate(err)
	}
	return u.String(), nil
}

// Close leaves the client to the caller.
func (d *driver) Close() error { return nil }

// translate turns the errors of S3 into those of media.
func translate(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.StatusCode == http.StatusNotFound, answer.Code == minio.NoSuchKey, answer.Code == minio.NoSuchBucket:
		return media.ErrNotFound
	case answer.StatusCode == http.StatusPreconditionFailed, answer.StatusCode == http.StatusConflict:
		return media.ErrExists
	case answer.StatusCode == http.StatusInsufficientStorage, answer.Code == "XMinioStorageFull", answer.Code == "QuotaExceeded":
		return media.ErrFull
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("s3 refused: %s", answer.Code) // the rest may tell the key
	}
	return err
}
