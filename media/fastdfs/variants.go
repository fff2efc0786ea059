package fastdfs

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/seed82d84382/commerce/media"
)

// A variant is a slave file of its picture. Slaves cannot be sent in pieces, so a large one, whose pixels a stranger may have chosen, is an
// ordinary file instead, and the slave only names it: in its metadata, and in its content for as long as it has none.

const (
	keyAt         = ".at" // of a slave that only names a file: its id
	keyVariant    = ".v." // and the label, of a picture: the extension of a variant and, of a large one, a space and the id of its file
	pointerPrefix = "\x00fastdfs variant at "
)

// putVariant stores a variant and returns the name of the slave and, of a large one, the id of its file. The master learns of both first, so
// that its Delete finds every file there can be.
func (d driver) putVariant(ctx context.Context, upload *media.Upload, options *UploadOptions) (id, at string, err error) {
	if upload.Size > int64(d.client.pieceSize()) && !d.client.config.Trusted {
		return d.putLargeVariant(ctx, upload, options)
	}
	if err := d.announce(ctx, upload, options.Ext, ""); err != nil {
		return "", "", err
	}
	id, err = d.client.uploadSlave(ctx, upload.From, upload.Label, upload.Content, upload.Size, options)
	return id, "", err
}

func (d driver) putLargeVariant(ctx context.Context, upload *media.Upload, options *UploadOptions) (id, at string, err error) {
	if at, err = d.client.upload(ctx, CommandUpload, upload.Content, upload.Size, options); err != nil {
		return "", "", err
	}
	if err = d.announce(ctx, upload, options.Ext, at); err == nil {
		pointer := pointerPrefix + at
		if id, err = d.client.uploadSlave(ctx, upload.From, upload.Label, strings.NewReader(pointer), int64(len(pointer)), options); err == nil {
			return id, at, nil
		}
	}
	d.client.discard(ctx, at)
	if errors.Is(err, media.ErrExists) { // somebody was faster, and the master is to know that one's file
		if other, readErr := d.client.metadata(ctx, slaveName(upload.From, upload.Label, options.Ext)); readErr == nil && other[keyAt] != "" {
			err = errors.Join(err, d.announce(ctx, upload, options.Ext, other[keyAt]))
		}
	}
	return "", "", err
}

func (d driver) announce(ctx context.Context, upload *media.Upload, ext, at string) error {
	return d.client.setMetadata(ctx, upload.From, 'M', map[string]string{keyVariant + upload.Label: strings.TrimSuffix(ext+" "+at, " ")})
}

// deleteVariants deletes what the metadata of a picture names.
func (d driver) deleteVariants(ctx context.Context, name string, metadata map[string]string) error {
	var files []string
	for key, value := range metadata {
		if label, ok := strings.CutPrefix(key, keyVariant); ok {
			ext, at, _ := strings.Cut(value, " ")
			files = append(files, slaveName(name, label, ext), at)
		}
	}
	files = append(files, metadata[keyAt])
	for _, file := range files {
		if !isID(file) {
			continue
		}
		if err := d.client.Delete(ctx, file); err != nil && !errors.Is(err, media.ErrNotFound) {
			return err
		}
	}
	return nil
}

// located returns the id of the file that has the content of another.
func (d driver) located(ctx context.Context, file media.File) (string, error) {
	if file.Size <= int64(d.client.pieceSize()) || !isSlave(file.Name) {
		return file.Name, nil
	}
	metadata, err := d.client.metadata(ctx, file.Name)
	if err != nil && !hasStatus(err, statusNotFound) {
		return "", err
	}
	if at := metadata[keyAt]; isID(at) {
		return at, nil
	}
	return file.Name, nil
}

// unfinished reports whether a file without metadata is a slave that names another file, which some client is just storing.
func (d driver) unfinished(ctx context.Context, f media.File) (bool, error) {
	if f.Size > int64(len(pointerPrefix)+groupSize+1+maxName) || f.Size < int64(len(pointerPrefix)) || !isSlave(f.Name) {
		return false, nil
	}
	content, err := d.client.download(ctx, f.Name, 0, int64(len(pointerPrefix)))
	if err != nil {
		return false, err
	}
	defer content.Close()
	head, err := io.ReadAll(content)
	return string(head) == pointerPrefix, err
}

func isSlave(name string) bool {
	f, err := ParseFileID(name)
	return err == nil && f.Slave()
}
