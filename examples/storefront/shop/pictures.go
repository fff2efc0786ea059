package shop

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"strings"

	"github.com/seed82d84382/commerce/media"
)

// Pictures knows which stored image shows which product. It is safe for
// concurrent use.
type Pictures struct {
	db     *sql.DB
	images *media.Store
}

// NewPictures keeps pictures in images and their names in the shop's database,
// whose tables Open made.
func NewPictures(db *sql.DB, images *media.Store) *Pictures { return &Pictures{db, images} }

// MaxPicture is the largest picture that may be uploaded, in bytes.
const MaxPicture = 10 << 20

// Of returns the stored files of products by SKU; a product without one is left out.
func (p *Pictures) Of(ctx context.Context, skus []string) (map[string]media.File, error) {
	files := make(map[string]media.File, len(skus))
	if len(skus) == 0 {
		return files, nil
	}
	args := make([]any, len(skus))
	for i, sku := range skus {
		args[i] = sku
	}
	rows, err := p.db.QueryContext(ctx, `SELECT sku, name, sha256, width, height FROM pictures WHERE sku IN (?`+strings.Repeat(",?", len(skus)-1)+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("shop: pictures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var sku string
		var f media.File
		if err := rows.Scan(&sku, &f.Name, &f.SHA256, &f.Width, &f.Height); err != nil {
			return nil, fmt.Errorf("shop: pictures: %w", err)
		}
		files[sku] = f
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("shop: pictures: %w", err)
	}
	return files, nil
}

// Set stores a JPEG or PNG picture and shows it for a product from now on.
// Errors are those of media.Store.Save. The same picture is stored once, for
// however many products; an old one stays, since others may show it.
func (p *Pictures) Set(ctx context.Context, sku string, content io.Reader) (media.File, error) {
	file, err := p.images.Save(ctx, "products/picture", content, &media.SaveOptions{
		MaxBytes: MaxPicture, Types: []string{media.JPEG, media.PNG}, ByContent: true,
	})
	if err != nil {
		return media.File{}, err
	}
	_, err = p.db.ExecContext(ctx, `INSERT INTO pictures (sku, name, sha256, width, height) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (sku) DO UPDATE SET name = excluded.name, sha256 = excluded.sha256, width = excluded.width, height = excluded.height`,
		sku, file.Name, file.SHA256, file.Width, file.Height)
	if err != nil {
		return media.File{}, fmt.Errorf("shop: set picture: %w", err)
	}
	return file, nil
}
