package fastdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// Open returns a store on a FastDFS cluster. It makes sure that a tracker answers. Close closes its connections.
func Open(ctx context.Context, config *Config) (*media.Store, error) {
	client, err := NewClient(config)
	if err != nil {
		return nil, err
	}
	if err := client.Ping(ctx); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	store, err := media.New(driver{client}, &client.config.Store)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return store, nil
}

// ClientOf returns the client of a store that Open made, for what only FastDFS can do. The store closes it.
func ClientOf(store *media.Store) (*Client, bool) {
	d, ok := store.Driver().(driver)
	return d.client, ok
}

type driver struct{ client *Client }

// What the driver keeps about a file in its metadata. Users' own keys cannot begin with a dot.
const (
	keySize     = ".size"
	keyType     = ".type"
	keySHA256   = ".sha256"
	keyWidth    = ".width"
	keyHeight   = ".height"
	keyModTime  = ".mtime" // milliseconds since 1970
	ownPrefix   = "."
	decimal     = 10
	defaultType = "application/octet-stream"
)

// Put implements media.Driver. The cluster names the file; nothing has ever to be replaced under a name that was
// only wished for.
func (d driver) Put(ctx context.Context, upload *media.Upload) (media.File, error) {
	if _, err := ParseFileID(upload.Name); err == nil && upload.Replace {
		return media.File{}, fmt.Errorf("files are never replaced: %w", errors.ErrUnsupported)
	}
	options := &UploadOptions{Ext: extension(upload.Name, upload.Type)}
	var id, at string
	var err error
	if upload.From != "" {
		if id, at, err = d.putVariant(ctx, upload, options); errors.Is(err, media.ErrExists) {
			err = errors.Join(err, d.complete(ctx, upload, options.Ext))
		}
	} else {
		id, err = d.client.upload(ctx, CommandUpload, upload.Content, upload.Size, options)
	}
	if err != nil {
		return media.File{}, err
	}
	f := upload.File(id)
	own := describe(f)
	if at != "" {
		own[keyAt] = at
	}
	if err := d.client.setMetadata(ctx, id, 'O', own); err != nil {
		d.client.discard(ctx, id)
		if at != "" {
			d.client.discard(ctx, at)
		}
		return media.File{}, err
	}
	return f, nil
}

// Open implements media.Driver.
func (d driver) Open(ctx context.Context, file media.File, offset, length int64) (io.ReadCloser, error) {
	if !isID(file.Name) {
		return nil, media.ErrNotFound
	}
	at, err := d.located(ctx, file)
	if err != nil {
		return nil, err
	}
	download, err := d.client.download(ctx, at, offset, length)
	if err != nil { // a nil *Download in the interface would not be nil
		return nil, err
	}
	return download, nil
}

// Stat implements media.Driver.
func (d driver) Stat(ctx context.Context, name string) (media.File, error) {
	f, _, err := d.stat(ctx, name)
	return f, err
}

// stat also returns what else the driver knows of a file. Of a file that another program has put there, the cluster
// tells size and time, and its extension the type.
func (d driver) stat(ctx context.Context, name string) (media.File, map[string]string, error) {
	if !isID(name) {
		return media.File{}, nil, media.ErrNotFound
	}
	metadata, err := d.client.metadata(ctx, name)
	if err != nil && !hasStatus(err, statusNotFound) {
		return media.File{}, nil, err
	}
	f, own := media.File{Name: name}, map[string]string{}
	for key, value := range metadata {
		if strings.HasPrefix(key, ownPrefix) {
			own[key] = value
			continue
		}
		if f.Metadata == nil {
			f.Metadata = map[string]string{}
		}
		f.Metadata[key] = value
	}
	if f.Size, err = strconv.ParseInt(own[keySize], decimal, 64); err != nil {
		return d.foreign(ctx, f)
	}
	f.Type, f.SHA256 = own[keyType], own[keySHA256]
	f.Width, _ = strconv.Atoi(own[keyWidth])
	f.Height, _ = strconv.Atoi(own[keyHeight])
	milliseconds, _ := strconv.ParseInt(own[keyModTime], decimal, 64)
	f.ModTime = time.UnixMilli(milliseconds).UTC()
	return f, own, nil
}

func (d driver) foreign(ctx context.Context, f media.File) (media.File, map[string]string, error) {
	info, err := d.client.info(ctx, f.Name, false)
	if err != nil {
		return media.File{}, nil, err
	}
	f.Size, f.ModTime, f.Type = info.Size, info.ModTime, defaultType
	if isVariant(f.Name) {
		return media.File{}, nil, media.ErrNotFound
	}
	if at := strings.LastIndexByte(f.Name, '.'); at >= 0 {
		if byExtension, _, err := mime.ParseMediaType(mime.TypeByExtension(f.Name[at:])); err == nil {
			f.Type = byExtension
		}
	}
	return f, nil, nil
}

// describe is the metadata of a file: the user's and the driver's.
func describe(f media.File) map[string]string {
	all := map[string]string{
		keySize: strconv.FormatInt(f.Size, decimal), keyType: f.Type, keySHA256: f.SHA256,
		keyModTime: strconv.FormatInt(f.ModTime.UnixMilli(), decimal),
	}
	if f.Width > 0 {
		all[keyWidth], all[keyHeight] = strconv.Itoa(f.Width), strconv.Itoa(f.Height)
	}
	for key, value := range f.Metadata {
		all[key] = value
	}
	return all
}

// Delete implements media.Driver. Variants go first: without the master nobody would know of them.
func (d driver) Delete(ctx context.Context, name string) error {
	if !isID(name) {
		return media.ErrNotFound
	}
	metadata, err := d.client.metadata(ctx, name)
	if err != nil && !hasStatus(err, statusNotFound) {
		return err
	}
	if err := d.deleteVariants(ctx, name, metadata); err != nil {
		return err
	}
	return d.client.Delete(ctx, name)
}

// SetMetadata implements media.MetadataSetter.
func (d driver) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	f, own, err := d.stat(ctx, name)
	if err != nil {
		return err
	}
	f.Metadata = metadata
	if own == nil { // of another program, which may count on finding only its own
		return d.client.setMetadata(ctx, name, 'O', metadata)
	}
	all := describe(f)
	for key, value := range own {
		all[key] = value
	}
	return d.client.setMetadata(ctx, name, 'O', all)
}

// URL implements media.URLer.
func (d driver) URL(name string) string { return d.client.URL(name, nil) }

// SignURL implements media.URLSigner. The web servers count from the time of issue, so an
// address that is to expire earlier or later than after their token_ttl is dated back or ahead.
func (d driver) SignURL(_ context.Context, name string, expires time.Time) (string, error) {
	signed := ""
	if len(d.client.config.TokenSecret) > 0 {
		signed = d.client.URL(name, &URLOptions{IssuedAt: expires.Add(-d.client.config.TokenTTL)})
	}
	if signed == "" {
		return "", errors.ErrUnsupported
	}
	return signed, nil
}

// Derive implements media.Deriver: variants are slave files.
func (d driver) Derive(name, label, ext string) (string, error) {
	group, rest, err := splitID(name)
	if err != nil {
		return "", errors.ErrUnsupported
	}
	if checkSlave(name, rest, label, ext) != nil || checkExt(ext) != nil {
		return "", errors.ErrUnsupported
	}
	return group + "/" + slaveName(rest, label, ext), nil
}

// Close implements media.Driver.
func (d driver) Close() error { return d.client.Close() }

func isID(name string) bool {
	_, _, err := splitID(name)
	return err == nil
}

// extension is that of the name as far as FastDFS can keep it, else one for the type.
func extension(name, mediaType string) string {
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	if ext != "" && checkExt(ext) == nil {
		return ext
	}
	return extensions[mediaType]
}

// extensions are for names whose own extension is too long or missing.
var extensions = map[string]string{
	media.JPEG: "jpg", media.PNG: "png", media.GIF: "gif", media.WebP: "webp", media.SVG: "svg", "image/avif": "avif", "image/tiff": "tif",
	"image/heic": "heic", "application/pdf": "pdf", "application/zip": "zip", "text/plain": "txt", "text/html": "html", "text/csv": "csv",
	"text/markdown": "md", "application/json": "json", "video/mp4": "mp4", "video/webm": "webm", "audio/mpeg": "mp3",
}
