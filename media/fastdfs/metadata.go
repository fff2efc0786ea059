package fastdfs

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// The limits on metadata, in bytes. Servers do not refuse longer ones, they store them damaged.
const (
	MaxMetadataName  = 64
	MaxMetadataValue = 256
)

const (
	recordSeparator = "\x01"
	fieldSeparator  = "\x02"
)

// SetMetadata replaces the metadata of a file. None deletes it. It returns a *media.InvalidError for names and values
// that are too long, or hold the bytes 0 to 2, and media.ErrNotFound if there is no such file.
func (c *Client) SetMetadata(ctx context.Context, id string, metadata map[string]string) error {
	return named("set metadata", c.setMetadata(ctx, id, 'O', metadata))
}

// MergeMetadata adds to the metadata of a file; what has the same name is replaced.
func (c *Client) MergeMetadata(ctx context.Context, id string, metadata map[string]string) error {
	return named("merge metadata", c.setMetadata(ctx, id, 'M', metadata))
}

func (c *Client) setMetadata(ctx context.Context, id string, mode byte, metadata map[string]string) error {
	group, name, err := splitID(id)
	if err != nil {
		return err
	}
	records, err := encodeMetadata(metadata)
	if err != nil {
		return err
	}
	if len(records) > c.pieceSize() {
		return invalid("metadata", "has %d bytes, allowed are %d", len(records), c.pieceSize())
	}
	req := newRequest(CommandSetMetadata, 33+len(name)+len(records)).int64(int64(len(name))).int64(int64(len(records))).byte(mode)
	_, err = c.simple(ctx, id, req.fixed(group, groupSize).text(name).text(records).end(0))
	return err
}

// A storage empties the file of metadata and then writes it anew, and answers who reads in
// between with an input/output error, since it has fewer bytes than a moment ago.
//
// Source: getFileContent and writeToFile in libfastcommon's shared_func.c, version 1.0.86.
const (
	metadataReads = 4
	metadataPause = 5 * time.Millisecond
)

// Metadata returns the metadata of a file. A file without any gives an empty map; media.ErrNotFound if there is no such file.
func (c *Client) Metadata(ctx context.Context, id string) (map[string]string, error) {
	metadata, err := c.metadata(ctx, id)
	for again := 1; again < metadataReads && hasStatus(err, statusIO) && pause.For(ctx, metadataPause) == nil; again++ {
		metadata, err = c.metadata(ctx, id)
	}
	if hasStatus(err, statusNotFound) { // which also says that there is no metadata
		if _, err = c.info(ctx, id, false); err == nil {
			metadata = map[string]string{}
		}
	}
	return metadata, named("get metadata", err)
}

func (c *Client) metadata(ctx context.Context, id string) (map[string]string, error) {
	group, name, err := splitID(id)
	if err != nil {
		return nil, err
	}
	body, err := c.simple(ctx, id, newRequest(CommandGetMetadata, groupSize+len(name)).fixed(group, groupSize).text(name).end(0))
	if err != nil {
		return nil, err
	}
	return decodeMetadata(body), nil
}

// encodeMetadata writes the records by ascending names, as servers keep them.
func encodeMetadata(metadata map[string]string) (string, error) {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(metadata)) {
		value := metadata[name]
		if len(name) < 1 || len(name) > MaxMetadataName {
			return "", invalid("metadata", "has a name of %d bytes, allowed are 1 to %d", len(name), MaxMetadataName)
		}
		if len(value) > MaxMetadataValue {
			return "", invalid("metadata", "has a value of %d bytes, allowed are %d", len(value), MaxMetadataValue)
		}
		if strings.ContainsAny(name+value, "\x00\x01\x02") {
			return "", invalid("metadata", "holds one of the bytes 0 to 2, which separate it")
		}
		if i > 0 {
			b.WriteString(recordSeparator)
		}
		b.WriteString(name + fieldSeparator + value)
	}
	return b.String(), nil
}

// decodeMetadata reads what any client may have written: of a name that is there twice the last value counts, and
// a record without separator is a name without value.
func decodeMetadata(body []byte) map[string]string {
	metadata := map[string]string{}
	for record := range bytes.SplitSeq(body, []byte(recordSeparator)) {
		name, value, _ := bytes.Cut(record, []byte(fieldSeparator))
		if len(name) > 0 {
			metadata[string(name)] = string(value)
		}
	}
	return metadata
}
