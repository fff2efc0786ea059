package fastdfs

import (
	"context"
	"time"
)

// Info is what a storage says about a file.
type Info struct {
	Size    int64     // bytes
	ModTime time.Time // on the storage asked; changes when an appender does
	CRC32   uint32    // IEEE, of the content; 0 if it was not asked for
	Source  string    // address of the storage that took the upload; empty if the cluster does not know it
}

// Info describes a file. Checksum asks for CRC32: that of a normal file is in its name, but of a slave or an appender the storage
// then reads all of the content. media.ErrNotFound if there is no such file.
func (c *Client) Info(ctx context.Context, id string, checksum bool) (Info, error) {
	info, err := c.info(ctx, id, checksum)
	return info, named("file info", err)
}

func (c *Client) info(ctx context.Context, id string, checksum bool) (info Info, err error) {
	group, name, err := splitID(id)
	if err != nil {
		return Info{}, err
	}
	req := newRequest(CommandFileInfo, groupSize+len(name)).fixed(group, groupSize).text(name).end(0)
	if !checksum {
		req[9] = flagNoChecksum
	}
	err = c.fetch(ctx, id, func(conn *conn) error {
		defer conn.release()
		body, err := conn.roundTrip(ctx, req)
		if err == nil {
			info, err = parseInfo(body)
		}
		return err
	})
	return info, err
}

// parseInfo knows both widths of the address at the end.
func parseInfo(body []byte) (Info, error) {
	if len(body) != 40 && len(body) != 70 {
		return Info{}, protocolError("file info of %d bytes", len(body))
	}
	f := fields{b: body}
	info := Info{Size: f.int64(), ModTime: time.Unix(f.int64(), 0).UTC(), CRC32: uint32(f.int64())} // the sum comes with its sign extended
	if info.Size < 0 {
		return Info{}, protocolError("file of %d bytes", info.Size)
	}
	info.Source = f.text(len(f.b))
	return info, nil
}
