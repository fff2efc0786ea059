package fastdfs

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// UploadOptions of a new file. nil means the zero value.
type UploadOptions struct {
	// Ext is the extension without its dot: at most 6 bytes out of a-z A-Z 0-9 - _ and inner dots.
	Ext string
	// Group pins the file to a group. Default: Config.Group, else the tracker chooses.
	Group string
	// Trusted sends content that is larger than the server's buffer in one request. A server that refuses such a request
	// early (disk full, slave exists) goes on to read the rest of the content as further requests, so
	// whoever made the content could delete other files with it. Untrusted content, the default, therefore is
	// sent in pieces that the server takes in whole before it decides; that costs one round trip
	// per Config.BufferSize, and one at the end. Leave it unset for whatever strangers have sent.
	Trusted bool
}

// reserve is the room kept for the message around a piece of content.
const reserve = 512

// pieceSize is how much content fits the server's buffer together with its message.
func (c *Client) pieceSize() int { return c.config.BufferSize - reserve }

// piece is a buffer for content, with room before it for the message.
type piece struct {
	buf []byte
	n   int
}

var pieces = sync.Pool{New: func() any { return &piece{buf: make([]byte, DefaultBufferSize)} }}

func (c *Client) newPiece() *piece {
	if c.config.BufferSize == DefaultBufferSize {
		return pieces.Get().(*piece)
	}
	return &piece{buf: make([]byte, c.config.BufferSize)}
}

func (p *piece) free() {
	if len(p.buf) == DefaultBufferSize {
		pieces.Put(p)
	}
}

// read fills the piece with size bytes, or with what there is until the end of the content if size is negative.
func (p *piece) read(content *source, size int64) (err error) {
	if size < 0 {
		p.n, err = content.upTo(p.buf[reserve:])
		return err
	}
	p.n, err = content.full(p.buf[reserve : reserve+min(size, int64(len(p.buf)-reserve))])
	return err
}

// after puts a message before the content, in the same bytes.
func (p *piece) after(req request) request {
	req = req.end(int64(p.n))
	start := reserve - len(req)
	copy(p.buf[start:], req)
	return request(p.buf[start : reserve+p.n])
}

// cleanUpTimeout bounds what is done after a failure whose context may have ended.
const cleanUpTimeout = 5 * time.Second

// Upload stores content as a new file and returns its id. size is the number of bytes that r must give, or -1 for
// all until io.EOF. The checksum in the id is compared with that of the bytes sent.
//
// An upload is never tried again once its content has been sent: ErrOutcomeUnknown says that the answer was lost, and that there may be a
// file that nobody knows. media.ErrFull if there is no room.
func (c *Client) Upload(ctx context.Context, r io.Reader, size int64, options *UploadOptions) (string, error) {
	id, err := c.upload(ctx, CommandUpload, r, size, options)
	return id, named("upload", err)
}

// UploadAppender stores content, which may be none, as a new appender file, which can be changed later.
func (c *Client) UploadAppender(ctx context.Context, r io.Reader, size int64, options *UploadOptions) (string, error) {
	id, err := c.upload(ctx, CommandUploadAppender, r, size, options)
	return id, named("upload appender", err)
}

func (c *Client) uploadOptions(size int64, options *UploadOptions) (UploadOptions, error) {
	var o UploadOptions
	if options != nil {
		o = *options
	}
	if o.Group == "" {
		o.Group = c.config.Group
	}
	o.Trusted = o.Trusted || c.config.Trusted
	if size < -1 {
		return o, invalid("size", "is %d, allowed are -1 (unknown), 0 and more", size)
	}
	if o.Group != "" {
		if err := checkGroup(o.Group); err != nil {
			return o, err
		}
	}
	return o, checkExt(o.Ext)
}

func (c *Client) upload(ctx context.Context, command Command, r io.Reader, size int64, options *UploadOptions) (string, error) {
	o, err := c.uploadOptions(size, options)
	if err != nil {
		return "", err
	}
	content := &source{r: r}
	if o.Trusted && size > int64(c.pieceSize()) {
		return c.uploadStream(ctx, command, content, size, o)
	}
	first := c.newPiece()
	defer first.free()
	if err := first.read(content, size); err != nil {
		return "", err
	}
	if size < 0 && first.n < c.pieceSize() {
		size = int64(first.n) // that was all
	}
	if size == int64(first.n) {
		return c.uploadPiece(ctx, command, first, content, o)
	}
	return c.uploadPieces(ctx, command, first, content, size, o)
}

func newUpload(command Command, path uint8, size int64, ext string) request {
	return newRequest(command, 15).byte(path).int64(size).fixed(ext, extSize)
}

// uploadPiece makes a file of one piece.
func (c *Client) uploadPiece(ctx context.Context, command Command, p *piece, content *source, o UploadOptions) (id string, err error) {
	err = c.store(ctx, o.Group, true, func(conn *conn, target Target) error {
		body, err := conn.roundTrip(ctx, p.after(newUpload(command, target.StorePath, int64(p.n), o.Ext)))
		if err == nil {
			id, err = parseNewID(body)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return id, c.verify(ctx, id, content, int64(p.n))
}

// uploadStream makes a file of trusted content in one request.
func (c *Client) uploadStream(ctx context.Context, command Command, content *source, size int64, o UploadOptions) (id string, err error) {
	err = c.store(ctx, o.Group, false, func(conn *conn, target Target) error {
		body, err := conn.stream(ctx, newUpload(command, target.StorePath, size, o.Ext).end(size), content, size)
		if err == nil {
			id, err = parseNewID(body)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return id, c.verify(ctx, id, content, size)
}

// uploadPieces makes an appender file of the first piece, adds the others, and gives it a normal name if that is wanted. It
// leaves nothing behind when it fails, as far as the server can be reached.
func (c *Client) uploadPieces(ctx context.Context, command Command, p *piece, content *source, size int64, o UploadOptions) (string, error) {
	id, err := c.uploadPiece(ctx, CommandUploadAppender, p, content, o)
	if err != nil {
		return "", err
	}
	total, err := c.addPieces(ctx, id, p, content, int64(p.n), size)
	if err == nil && command == CommandUploadAppender {
		return id, nil
	}
	temporary := id
	if err == nil {
		if id, err = c.regenerate(ctx, temporary); err == nil {
			return id, c.verify(ctx, id, content, total)
		}
	}
	c.discard(ctx, temporary)
	return "", err
}

// addPieces writes the rest of size bytes, or all that is left if that is negative, from offset on. Every piece says where it
// belongs, so one whose answer was lost can be sent again.
func (c *Client) addPieces(ctx context.Context, id string, p *piece, content *source, offset, size int64) (int64, error) {
	for size < 0 || offset < size {
		left := int64(-1)
		if size >= 0 {
			left = size - offset
		}
		if err := p.read(content, left); err != nil {
			return offset, err
		}
		if p.n == 0 {
			break
		}
		err := c.modifyPiece(ctx, id, offset, p)
		for try := 0; errors.Is(err, ErrOutcomeUnknown) && ctx.Err() == nil && try < 2; try++ {
			err = c.modifyPiece(ctx, id, offset, p)
		}
		if err != nil {
			return offset, err
		}
		offset += int64(p.n)
	}
	return offset, nil
}

func (c *Client) modifyPiece(ctx context.Context, id string, offset int64, p *piece) error {
	_, name, err := splitID(id)
	if err != nil {
		return err
	}
	req := newRequest(CommandModify, 24+len(name)).int64(int64(len(name))).int64(offset).int64(int64(p.n)).text(name)
	_, err = c.simple(ctx, id, p.after(req))
	return err
}

// verify compares the name that the server gave to a file with what has been sent, and deletes the file if they differ.
func (c *Client) verify(ctx context.Context, id string, content *source, size int64) error {
	f, err := ParseFileID(id)
	told, known := f.Size()
	known = known && err == nil // else it is named by a rule we do not know
	if !known || told == size && (content.raw || f.CRC32 == content.sum) {
		return nil
	}
	c.discard(ctx, id)
	return ErrCorrupt
}

// discard removes a file that nobody will ask for, if that is possible.
func (c *Client) discard(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if err := c.Delete(ctx, id); err != nil && !errors.Is(err, media.ErrNotFound) {
		c.config.Store.Logger.WarnContext(ctx, "fastdfs: unfinished file stays", "id", id, "error", err)
	}
}

// store makes an exchange with a storage that takes new files. It moves on to another one as long as nothing has been
// stored: when no connection can be made or, if the exchange can be repeated, when a storage that was remembered refuses.
func (c *Client) store(ctx context.Context, group string, repeatable bool, exchange func(*conn, Target) error) error {
	target, cached := c.known.store(group)
	tried := map[string]bool{}
	attempt := func() error {
		tried[target.Address] = true
		conn, err := c.connect(ctx, target.Address)
		if err != nil {
			return err
		}
		defer conn.release()
		return exchange(conn, target)
	}
	var failed error
	if cached {
		err := attempt()
		if err == nil {
			return nil
		}
		failed = err
		c.known.dropStores()
		if !errors.Is(err, ErrUnreachable) && !(repeatable && refused(err)) || ctx.Err() != nil {
			return err
		}
		clear(tried) // a refusal may have been about the store path
	}
	answer, err := c.queryStores(ctx, CommandQueryStore, CommandQueryStoreIn, group)
	if err != nil {
		return errors.Join(failed, err)
	}
	target = answer[0]
	if err = attempt(); err == nil {
		c.known.addStore(group, target)
		return nil
	}
	c.known.dropStores()
	if !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		return err
	}
	others, queryErr := c.queryStores(ctx, CommandQueryStores, CommandQueryStoresIn, target.Group)
	if queryErr != nil {
		return err
	}
	for _, target = range others {
		if tried[target.Address] {
			continue
		}
		if err = attempt(); !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// UploadSlave stores content under a name that is made of its master's: the master's up to its extension, then
// prefix, then the extension of the options. The prefix is 1 to 16 bytes out of a-z A-Z 0-9 - _ and dots.
//
// media.ErrExists if there is one of that name, media.ErrNotFound if there is no such master. A slave
// cannot be sent in pieces: ErrUntrusted if the content is larger than Config.BufferSize and not Trusted.
func (c *Client) UploadSlave(ctx context.Context, master, prefix string, r io.Reader, size int64, options *UploadOptions) (string, error) {
	id, err := c.uploadSlave(ctx, master, prefix, r, size, options)
	return id, named("upload slave", err)
}

func (c *Client) uploadSlave(ctx context.Context, master, prefix string, r io.Reader, size int64, options *UploadOptions) (id string, err error) {
	o, err := c.uploadOptions(size, options)
	if err != nil {
		return "", err
	}
	_, name, err := splitID(master)
	if err != nil {
		return "", err
	}
	if err := checkSlave(master, name, prefix, o.Ext); err != nil {
		return "", err
	}
	content := &source{r: r}
	message := func(size int64) request {
		return newRequest(CommandUploadSlave, 38+len(name)).int64(int64(len(name))).int64(size).fixed(prefix, prefixSize).fixed(o.Ext, extSize).text(name)
	}
	var send func(*conn) ([]byte, error)
	if size > int64(c.pieceSize()) {
		if !o.Trusted {
			return "", ErrUntrusted
		}
		var refusal error
		send = func(conn *conn) (body []byte, err error) {
			if refusal == nil { // content that has begun to flow cannot be sent to another storage
				body, refusal = conn.stream(ctx, message(size).end(size), content, size)
			}
			return body, refusal
		}
	} else {
		p := c.newPiece()
		defer p.free()
		if err := p.read(content, size); err != nil {
			return "", err
		}
		if size < 0 && p.n == c.pieceSize() {
			return "", invalid("size", "must be known for more than %d bytes", p.n)
		}
		send = func(conn *conn) ([]byte, error) { return conn.roundTrip(ctx, p.after(message(int64(p.n)))) }
	}
	err = c.update(ctx, master, func(conn *conn) error {
		body, err := send(conn)
		if err == nil {
			id, err = parseNewID(body)
		}
		return err
	})
	return id, err
}

func checkSlave(master, name, prefix, ext string) error {
	if len(prefix) < 1 || len(prefix) > prefixSize {
		return invalid("prefix", "has %d bytes, allowed are 1 to %d", len(prefix), prefixSize)
	}
	if err := checkChars("prefix", prefix); err != nil {
		return err
	}
	if prefix == "-m" && ext == "" {
		return invalid("prefix", "-m without an extension is the name of the metadata")
	}
	slave := slaveName(name, prefix, ext)
	if len(slave) > maxName {
		return invalid("prefix", "makes a name of %d bytes, allowed are %d", len(slave), maxName)
	}
	normal := plainName
	if f, err := ParseFileID(master); err == nil && f.InTrunk() {
		normal = trunkName
	}
	if strings.HasPrefix(name, "M") && len(slave) <= normal {
		return invalid("prefix", "is too short: trackers would take the name for that of a normal file")
	}
	return nil
}
