package fastdfs

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"os"

	"github.com/seed82d84382/commerce/media"
)

// Download is the content of a file on its way. It must be closed; one that has not been read to its end costs its
// connection. It is for one goroutine at a time.
type Download struct {
	client *Client
	ctx    context.Context
	id     string
	group  string
	name   string
	offset int64 // of the next byte within the file
	left   int64
	size   int64
	conn   *conn // nil when there is nothing to read from it

	checked bool // sum is compared with want at the end
	sum     uint32
	want    uint32
	// fixed says that the content of the file never changes, so that a transfer that broke off can go on from another storage.
	fixed bool
	tries int
	err   error
}

// maxTries is how often a download that broke off goes on elsewhere.
const maxTries = 3

// Download opens a file, or length bytes of it from offset on; a negative length means all to the end, and a length past the end
// is cut. Reading goes on only as long as ctx does. media.ErrNotFound if there is no such file.
//
// When all of a normal file is read, its checksum is compared with the one in its name: the last Read or WriteTo returns
// ErrCorrupt if they differ. Where that is not possible (ranges, slaves, appenders), WriteTo to a file or a connection lets the
// operating system move the bytes. A transfer of a normal file that breaks off goes on from another storage.
func (c *Client) Download(ctx context.Context, id string, offset, length int64) (*Download, error) {
	d, err := c.download(ctx, id, offset, length)
	if err != nil {
		return nil, named("download", err)
	}
	return d, nil
}

func (c *Client) download(ctx context.Context, id string, offset, length int64) (*Download, error) {
	group, name, err := splitID(id)
	if err != nil {
		return nil, err
	}
	if offset < 0 || length == 0 {
		return nil, invalid("range", "has a negative offset, or no length")
	}
	d := &Download{client: c, ctx: ctx, id: id, group: group, name: name, offset: offset}
	want := length
	if f, err := ParseFileID(id); err == nil {
		if size, known := f.Size(); known {
			d.fixed, d.want = true, f.CRC32
			d.checked = offset == 0 && (length < 0 || length >= size)
			if offset < size && (length < 0 || length > size-offset) {
				want = size - offset
			}
		}
	}
	err = d.start(max(length, 0), want)
	if length < 0 && hasStatus(err, statusInvalid) {
		// So do servers answer that are asked for nothing: an empty file, or what follows the last byte.
		info, infoErr := c.info(ctx, id, false)
		if infoErr == nil && info.Size == offset {
			return d, nil
		}
	}
	if err != nil {
		return nil, err
	}
	d.size = d.left
	return d, nil
}

// start asks for what is still to come: length bytes from d.offset on, 0 for all. want is how many that are, if it is known.
func (d *Download) start(length, want int64) error {
	return d.client.fetch(d.ctx, d.id, func(conn *conn) error {
		conn.begin(d.ctx)
		h, err := conn.ask(newRequest(CommandDownload, 32+len(d.name)).int64(d.offset).int64(length).fixed(d.group, groupSize).text(d.name).end(0))
		if err == nil && (length > 0 && h.length > length || d.fixed && h.length != want) {
			err = conn.lost(CommandDownload, false, protocolError("%d bytes where %d were asked for", h.length, want))
		}
		if err != nil {
			conn.finish()
			conn.release()
			return err
		}
		d.conn, d.left = conn, h.length
		d.leave()
		return nil
	})
}

// Size is the number of bytes that come in all.
func (d *Download) Size() int64 { return d.size }

// leave gives the connection back when all has been read.
func (d *Download) leave() {
	if d.conn != nil && d.left == 0 {
		d.drop(d.conn.r != d.conn.w)
	}
}

func (d *Download) drop(poisoned bool) {
	if d.conn == nil {
		return
	}
	if poisoned {
		d.conn.poisoned = true
	}
	d.conn.finish()
	d.conn.release()
	d.conn = nil
}

// Read implements io.Reader.
func (d *Download) Read(p []byte) (int, error) {
	if d.err != nil {
		return 0, d.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	for d.left > 0 {
		n, err := d.conn.read(p[:min(int64(len(p)), d.left)])
		if n > 0 {
			d.took(p[:n])
			return n, nil
		}
		if err := d.goOn(err); err != nil {
			return 0, err
		}
	}
	d.err = d.end()
	return 0, d.err
}

func (d *Download) took(p []byte) {
	if d.checked {
		d.sum = crc32.Update(d.sum, crc32.IEEETable, p)
	}
	d.offset += int64(len(p))
	d.left -= int64(len(p))
	d.leave()
}

// end is what follows the last byte.
func (d *Download) end() error {
	if d.checked && d.sum != d.want {
		return named("download", ErrCorrupt)
	}
	return io.EOF
}

// goOn continues a broken transfer from another storage, if that is possible.
func (d *Download) goOn(cause error) error {
	cause = d.conn.lost(CommandDownload, false, cause)
	d.drop(true)
	d.client.known.dropFile(d.id)
	if d.fixed && d.tries < maxTries && d.ctx.Err() == nil {
		d.tries++
		if err := d.start(d.left, d.left); err == nil {
			return nil
		} else if errors.Is(err, media.ErrNotFound) {
			cause = err
		}
	}
	d.err = named("download", cause)
	return d.err
}

// WriteTo implements io.WriterTo.
func (d *Download) WriteTo(w io.Writer) (written int64, err error) {
	direct := false
	if !d.checked {
		switch w.(type) {
		case *os.File, *net.TCPConn, *net.UnixConn:
			direct = true
		}
	}
	p := pieces.Get().(*piece)
	defer p.free()
	for d.left > 0 && d.err == nil {
		var n int64
		if direct && d.conn.r == d.conn.w {
			d.conn.extend()
			n, err = io.Copy(w, io.LimitReader(d.conn.net, min(step, d.left)))
			d.offset += n
			d.left -= n
			d.leave()
			if err != nil {
				d.err = err
				return written + n, err
			}
			if n == 0 {
				if err := d.goOn(io.ErrUnexpectedEOF); err != nil {
					return written, err
				}
			}
			written += n
			continue
		}
		buf := p.buf
		if direct { // only what has been read ahead
			buf = buf[:min(len(buf), d.conn.w-d.conn.r)]
		}
		read, err := d.Read(buf)
		if read > 0 {
			wrote, err := w.Write(buf[:read])
			written += int64(wrote)
			if err != nil {
				return written, err
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return written, err
		}
	}
	if d.err == nil {
		d.err = d.end()
	}
	if !errors.Is(d.err, io.EOF) {
		return written, d.err
	}
	return written, nil
}

// Close implements io.Closer. Idempotent.
func (d *Download) Close() error {
	d.drop(true)
	d.left = 0
	d.err = media.ErrClosed
	return nil
}

// ask sends a request and reads the header of its answer; begin and finish are the caller's.
func (c *conn) ask(req request) (header, error) {
	if err := c.send(req); err != nil {
		return header{}, err
	}
	return c.answer(req.command())
}

// read reads from the body of an answer: first what has been read ahead.
func (c *conn) read(p []byte) (int, error) {
	if c.r < c.w {
		n := copy(p, c.buf[c.r:c.w])
		c.r += n
		return n, nil
	}
	c.extend()
	n, err := c.net.Read(p)
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}
