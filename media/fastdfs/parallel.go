package fastdfs

import (
	"context"
	"hash/crc32"
	"io"

	"golang.org/x/sync/errgroup"
)

// ParallelOptions of a DownloadParallel. nil means the zero value.
type ParallelOptions struct {
	Connections int   // at a time; default 4
	PartSize    int64 // bytes of a part; default 8 MiB
}

// DownloadParallel writes a file to w by several connections at a time and returns its size. The checksum of a normal file is
// compared as by Download: ErrCorrupt if it differs. After an error w holds any part of the file.
func (c *Client) DownloadParallel(ctx context.Context, id string, w io.WriterAt, options *ParallelOptions) (int64, error) {
	size, err := c.downloadParallel(ctx, id, w, options)
	return size, named("download", err)
}

func (c *Client) downloadParallel(ctx context.Context, id string, w io.WriterAt, options *ParallelOptions) (int64, error) {
	var o ParallelOptions
	if options != nil {
		o = *options
	}
	if o.Connections == 0 {
		o.Connections = 4
	}
	if o.PartSize == 0 {
		o.PartSize = 8 << 20
	}
	if o.Connections < 1 || o.PartSize < 1 {
		return 0, invalid("options", "Connections or PartSize is negative")
	}
	f, parseErr := ParseFileID(id)
	size, known := f.Size()
	if parseErr != nil || !known {
		known = false
		info, err := c.info(ctx, id, false)
		if err != nil {
			return 0, err
		}
		size = info.Size
	}
	if size == 0 {
		_, err := c.info(ctx, id, false)
		return 0, err
	}
	parts := make([]uint32, (size+o.PartSize-1)/o.PartSize)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Connections)
	for i := range parts {
		group.Go(func() error {
			offset := int64(i) * o.PartSize
			sum := crc32.NewIEEE()
			err := c.downloadPart(ctx, id, offset, min(o.PartSize, size-offset), io.MultiWriter(io.NewOffsetWriter(w, offset), sum))
			parts[i] = sum.Sum32()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if !known {
		return size, nil
	}
	whole := parts[0]
	for i, sum := range parts[1:] {
		whole = combineCRC(whole, sum, min(o.PartSize, size-int64(i+1)*o.PartSize))
	}
	if whole != f.CRC32 {
		return size, ErrCorrupt
	}
	return size, nil
}

func (c *Client) downloadPart(ctx context.Context, id string, offset, length int64, w io.Writer) error {
	d, err := c.download(ctx, id, offset, length)
	if err != nil {
		return err
	}
	defer d.Close()
	d.checked = false // the sums of the parts are put together instead
	n, err := d.WriteTo(w)
	if err == nil && n != length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// combineCRC gives the CRC-32 of two pieces put together, from that of each and the length of the second. To append a zero bit
// is a linear map on the 32 bits of the sum; squaring its matrix doubles the number of bits (Mark Adler, crc32_combine in zlib).
func combineCRC(first, second uint32, length int64) uint32 {
	if length <= 0 {
		return first
	}
	var bit matrix
	bit[0] = crc32.IEEE
	for n := 1; n < 32; n++ {
		bit[n] = 1 << (n - 1)
	}
	power := bit.square().square() // four zero bits
	for ; length > 0; length >>= 1 {
		power = power.square() // first eight, so one byte
		if length&1 != 0 {
			first = power.times(first)
		}
	}
	return first ^ second
}

// matrix is a square one over bits; an element is a column.
type matrix [32]uint32

func (m *matrix) times(vector uint32) (sum uint32) {
	for i := 0; vector != 0; i, vector = i+1, vector>>1 {
		if vector&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func (m *matrix) square() *matrix {
	var s matrix
	for i := range m {
		s[i] = m.times(m[i])
	}
	return &s
}
