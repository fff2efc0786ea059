package fastdfs

import (
	"context"
	"io"
)

// Append adds content to an appender file. size is the number of bytes that r must give, or -1 for all until io.EOF.
// Content above Config.BufferSize is sent in pieces (see UploadOptions.Trusted): should that fail, or end with ErrOutcomeUnknown, those
// before may have been added. Info tells the size reached; Modify at that offset goes on without doubt.
func (c *Client) Append(ctx context.Context, id string, r io.Reader, size int64) error {
	return named("append", c.change(ctx, id, r, size, func(name string, _, size int64) request {
		return newRequest(CommandAppend, 16+len(name)).int64(int64(len(name))).int64(size).text(name)
	}))
}

// Modify writes content into an appender file from offset on, which is at most its size; it can make the file longer. The
// rest is as with Append. To repeat a Modify whose outcome is unknown does no harm.
func (c *Client) Modify(ctx context.Context, id string, offset int64, r io.Reader, size int64) error {
	if offset < 0 {
		return named("modify", invalid("offset", "is negative"))
	}
	return named("modify", c.change(ctx, id, r, size, func(name string, done, size int64) request {
		return newRequest(CommandModify, 24+len(name)).int64(int64(len(name))).int64(offset + done).int64(size).text(name)
	}))
}

// change sends content under messages that are told how many bytes went before and how many follow.
func (c *Client) change(ctx context.Context, id string, r io.Reader, size int64, message func(name string, done, size int64) request) error {
	_, name, err := splitID(id)
	if err != nil {
		return err
	}
	if size < -1 {
		return invalid("size", "is %d, allowed are -1 (unknown), 0 and more", size)
	}
	content := &source{r: r}
	if c.config.Trusted && size > int64(c.pieceSize()) {
		return c.update(ctx, id, func(conn *conn) error {
			_, err := conn.stream(ctx, message(name, 0, size).end(size), content, size)
			return err
		})
	}
	p := c.newPiece()
	defer p.free()
	for done := int64(0); ; {
		left := int64(-1)
		if size >= 0 {
			left = size - done
		}
		if err := p.read(content, left); err != nil {
			return err
		}
		if p.n == 0 && done > 0 {
			return nil
		}
		if _, err := c.simple(ctx, id, p.after(message(name, done, int64(p.n)))); err != nil {
			return err
		}
		if done += int64(p.n); done == size || p.n == 0 {
			return nil
		}
	}
}
