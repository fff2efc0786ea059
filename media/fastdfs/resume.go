package fastdfs

import (
	"context"
	"hash/crc32"
	"io"
)

// ResumableUpload is an upload that outlives its connections, and the process: whoever knows its ID goes on where
// the server has got to. Until Finish it is an appender file. It is for one goroutine at a time.
type ResumableUpload struct {
	client *Client
	id     string
}

// StartUpload begins a resumable upload. One that is given up must be removed with Abort.
func (c *Client) StartUpload(ctx context.Context, options *UploadOptions) (*ResumableUpload, error) {
	id, err := c.upload(ctx, CommandUploadAppender, eof{}, 0, options)
	if err != nil {
		return nil, named("start upload", err)
	}
	return &ResumableUpload{c, id}, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// ResumeUpload takes up an upload again by its ID.
func (c *Client) ResumeUpload(id string) (*ResumableUpload, error) {
	f, err := ParseFileID(id)
	if err == nil && !f.Appender() {
		err = invalid("file id", "is not one of an unfinished upload")
	}
	if err != nil {
		return nil, named("resume upload", err)
	}
	return &ResumableUpload{c, id}, nil
}

// ID is what to keep in order to resume. It is not the name of the finished file.
func (u *ResumableUpload) ID() string { return u.id }

// Offset asks the server how many bytes it has.
func (u *ResumableUpload) Offset(ctx context.Context) (int64, error) {
	info, err := u.client.info(ctx, u.id, false)
	return info.Size, named("resume upload", err)
}

// Send sends what the server does not have yet, to the end of content. It may be called again after any failure, with the
// same content.
func (u *ResumableUpload) Send(ctx context.Context, content io.ReadSeeker) error {
	offset, err := u.Offset(ctx)
	if err != nil {
		return err
	}
	if _, err := content.Seek(offset, io.SeekStart); err != nil {
		return named("resume upload", err)
	}
	p := u.client.newPiece()
	defer p.free()
	_, err = u.client.addPieces(ctx, u.id, p, &source{r: content}, offset, -1)
	return named("resume upload", err)
}

// Finish compares the checksum that the server made with that of content, and returns the id of the file. ErrCorrupt
// if they differ; the upload then stays as it is.
func (u *ResumableUpload) Finish(ctx context.Context, content io.ReadSeeker) (string, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", named("finish upload", err)
	}
	sum := crc32.NewIEEE()
	size, err := io.Copy(sum, content)
	if err != nil {
		return "", named("finish upload", err)
	}
	info, err := u.client.info(ctx, u.id, true)
	if err != nil {
		return "", named("finish upload", err)
	}
	if info.Size != size || info.CRC32 != sum.Sum32() {
		return "", named("finish upload", ErrCorrupt)
	}
	id, err := u.client.regenerate(ctx, u.id)
	return id, named("finish upload", err)
}

// Abort removes what has been sent.
func (u *ResumableUpload) Abort(ctx context.Context) error { return u.client.Delete(ctx, u.id) }
