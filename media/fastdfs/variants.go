package fastdfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path"
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

// isVariant reports whether a name is that of a variant: a slave whose prefix is a label of package media. Without metadata it is not
// finished: some client is just storing it, or has died over it.
func isVariant(name string) bool {
	if !isSlave(name) {
		return false
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	const labelSize = 15
	label := stem[max(0, len(stem)-labelSize):]
	return label[0] == 'v' && strings.Trim(label, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// complete gives its metadata to a variant that is there without, if its content is what has just been made again.
func (d driver) complete(ctx context.Context, upload *media.Upload, ext string) error {
	name := slaveName(upload.From, upload.Label, ext)
	_, err := d.client.metadata(ctx, name)
	if !hasStatus(err, statusNotFound) {
		return err
	}
	own := describe(upload.File(name))
	small := upload.Size <= int64(d.client.pieceSize()) || d.client.config.Trusted
	if !small {
		content, err := d.client.readSmall(ctx, name)
		at, ok := strings.CutPrefix(content, pointerPrefix)
		if err != nil || !ok || !isID(at) {
			return err
		}
		own[keyAt], name = at, at
		if err := d.announce(ctx, upload, ext, at); err != nil { // the master has just been told of another
			return err
		}
	}
	download, err := d.client.download(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	defer download.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, download); err != nil || hex.EncodeToString(sum.Sum(nil)) != upload.SHA256 {
		return err
	}
	return d.client.setMetadata(ctx, slaveName(upload.From, upload.Label, ext), 'O', own)
}

// readSmall reads the beginning of a file, at least as much as a slave that names another has.
func (c *Client) readSmall(ctx context.Context, id string) (string, error) {
	download, err := c.download(ctx, id, 0, int64(len(pointerPrefix)+groupSize+1+maxName))
	if err != nil {
		return "", err
	}
	defer download.Close()
	content, err := io.ReadAll(download)
	return string(content), err
}

func isSlave(name string) bool {
	f, err := ParseFileID(name)
	return err == nil && f.Slave()
}
