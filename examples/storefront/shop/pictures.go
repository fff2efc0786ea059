package shop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"strings"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/media"
)

// Pictures knows which stored image shows which product: the photo that somebody
// uploaded, or else a drawing of it. It is safe for concurrent use.
type Pictures struct {
	db      *database.DB
	images  *media.Store
	flights singleflight.Group
	drawing *semaphore.Weighted
	rush    rush
}

// NewPictures keeps pictures in images and their names in the shop's database,
// whose tables Open made.
func NewPictures(db *database.DB, images *media.Store) *Pictures {
	return &Pictures{db: db, images: images, drawing: semaphore.NewWeighted(2)}
}

// MaxPicture is the largest picture that may be uploaded, in bytes.
const MaxPicture = 10 << 20

// drawingQuality is of the JPEG files that drawings are stored as.
const drawingQuality = 90

// Of returns the stored file of a view of products, by SKU. A product that was
// never drawn in that view is left out: ask for it with Draw. A photo is view 0.
func (p *Pictures) Of(ctx context.Context, products []catalogue.Product, view int) (map[string]media.File, error) {
	files := make(map[string]media.File, len(products))
	keys := make([]string, len(products))
	for i := range products {
		keys[i] = drawingKey(&products[i], view)
	}
	drawn, err := p.files(ctx, `SELECT "key", name, sha256, width, height FROM drawings WHERE "key" IN `, keys)
	if err != nil {
		return nil, err
	}
	for i := range products {
		if file, ok := drawn[keys[i]]; ok {
			files[products[i].SKU] = file
		}
	}
	if view != 0 {
		return files, nil
	}
	for i := range products {
		keys[i] = products[i].SKU
	}
	photos, err := p.files(ctx, `SELECT sku, name, sha256, width, height FROM photos WHERE sku IN `, keys)
	if err != nil {
		return nil, err
	}
	for sku, file := range photos {
		files[sku] = file
	}
	return files, nil
}

// HasPhoto reports whether a product is shown by a photo instead of drawings.
func (p *Pictures) HasPhoto(ctx context.Context, sku string) (bool, error) {
	photos, err := p.files(ctx, `SELECT sku, name, sha256, width, height FROM photos WHERE sku IN `, []string{sku})
	return len(photos) > 0, err
}

func (p *Pictures) files(ctx context.Context, query string, keys []string) (map[string]media.File, error) {
	files := make(map[string]media.File, len(keys))
	if len(keys) == 0 {
		return files, nil
	}
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	rows, err := p.db.QueryContext(ctx, query+`(?`+strings.Repeat(",?", len(keys)-1)+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("shop: pictures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var f media.File
		if err := rows.Scan(&key, &f.Name, &f.SHA256, &f.Width, &f.Height); err != nil {
			return nil, fmt.Errorf("shop: pictures: %w", err)
		}
		files[key] = f
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("shop: pictures: %w", err)
	}
	return files, nil
}

// SetPhoto stores a JPEG or PNG picture and shows it for a product from now on.
// Errors are those of media.Store.Save. The same picture is stored once, for
// however many products; an old one stays, since others may show it.
func (p *Pictures) SetPhoto(ctx context.Context, sku string, content io.Reader) (media.File, error) {
	file, err := p.images.Save(ctx, "products/photo", content, &media.SaveOptions{
		MaxBytes: MaxPicture, Types: []string{media.JPEG, media.PNG}, ByContent: true,
	})
	if err != nil {
		return media.File{}, err
	}
	return file, p.keep(ctx, `INSERT INTO photos (sku, name, sha256, width, height) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (sku) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, width = excluded.width, height = excluded.height`, sku, file)
}

func (p *Pictures) keep(ctx context.Context, statement, key string, file media.File) error {
	if _, err := p.db.ExecContext(ctx, statement, key, file.Name, file.SHA256, file.Width, file.Height); err != nil {
		return fmt.Errorf("shop: keep picture: %w", err)
	}
	return nil
}

// Draw returns the stored file of a view of a product, and draws it when it is
// the first to ask. However many ask at once, it is drawn once.
func (p *Pictures) Draw(ctx context.Context, product *catalogue.Product, view int) (media.File, error) {
	file, ok, err := p.stored(ctx, product, view)
	if err != nil || ok {
		return file, err
	}
	p.rush.begin()
	defer p.rush.end()
	key := drawingKey(product, view)
	result := p.flights.DoChan(key, func() (any, error) {
		// Whoever asked first may leave: the drawing is for everyone.
		return p.draw(context.WithoutCancel(ctx), key, product, view)
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return media.File{}, r.Err
		}
		return r.Val.(media.File), nil
	case <-ctx.Done():
		return media.File{}, ctx.Err()
	}
}

func (p *Pictures) stored(ctx context.Context, product *catalogue.Product, view int) (media.File, bool, error) {
	files, err := p.Of(ctx, []catalogue.Product{*product}, view)
	file, ok := files[product.SKU]
	return file, ok, err
}

func (p *Pictures) draw(ctx context.Context, key string, product *catalogue.Product, view int) (media.File, error) {
	if err := p.drawing.Acquire(ctx, 1); err != nil {
		return media.File{}, err
	}
	defer p.drawing.Release(1)
	var content bytes.Buffer
	if err := jpeg.Encode(&content, catalogue.Draw(*product, view), &jpeg.Options{Quality: drawingQuality}); err != nil {
		return media.File{}, fmt.Errorf("shop: draw %s: %w", product.SKU, err)
	}
	file, err := p.images.Save(ctx, "drawings/drawing.jpg", &content, &media.SaveOptions{Types: []string{media.JPEG}, ByContent: true})
	if err != nil {
		return media.File{}, fmt.Errorf("shop: draw %s: %w", product.SKU, err)
	}
	return file, p.keep(ctx, `INSERT INTO drawings ("key", name, sha256, width, height) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT ("key") DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, width = excluded.width, height = excluded.height`, key, file)
}

// drawingVersion is part of every key: new shapes are drawn anew.
const drawingVersion = 1

// drawingKey names a drawing by everything it depends on. Hundreds of cyan
// cartridges of one brand are one drawing.
func drawingKey(product *catalogue.Product, view int) string {
	depends, err := json.Marshal([]any{
		drawingVersion, view, product.Drawing, product.Category, product.Brand, product.Attributes["colour"],
	})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	sum := sha256.Sum256(depends)
	return hex.EncodeToString(sum[:16])
}
