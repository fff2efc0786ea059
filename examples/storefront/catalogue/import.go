package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/database"
)

// ImportOptions change how products are imported.
type ImportOptions struct {
	// BadLine is called for a line that could not be read. When it returns nil,
	// the line is skipped; otherwise the import ends with that error, and
	// nothing is imported. Default: returns the line's error.
	BadLine func(*LineError) error
	// Progress is called about every hundred products with the number so far.
	Progress func(products int)
}

// Imported says what an import did.
type Imported struct {
	Products int
	Skipped  int // lines that BadLine let pass
}

// importBatch is the number of products a statement inserts.
const importBatch = 100

// Import replaces all products by those given, in one transaction: all of them
// or, on any error, none. The fingerprint is kept with them. Memory does not
// grow with their number.
func (t *Table) Import(ctx context.Context, fingerprint string, products iter.Seq2[Product, error], options *ImportOptions) (imported Imported, err error) {
	if options == nil {
		options = &ImportOptions{}
	}
	tx, err := t.db.Begin(ctx)
	if err != nil {
		return Imported{}, fmt.Errorf("catalogue: import: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `DELETE FROM catalogue_products`); err != nil {
		return Imported{}, fmt.Errorf("catalogue: import: %w", err)
	}
	batch := make([]Product, 0, importBatch)
	flush := func() error {
		if err := insert(ctx, tx, imported.Products, batch); err != nil {
			return fmt.Errorf("catalogue: import: %w", err)
		}
		imported.Products += len(batch)
		batch = batch[:0]
		if options.Progress != nil {
			options.Progress(imported.Products)
		}
		return nil
	}
	for p, err := range products {
		if line, ok := errors.AsType[*LineError](err); ok && options.BadLine != nil {
			if err = options.BadLine(line); err == nil {
				imported.Skipped++
				continue
			}
		}
		if err != nil {
			return Imported{}, err
		}
		if batch = append(batch, p); len(batch) == importBatch {
			if err := flush(); err != nil {
				return Imported{}, err
			}
		}
	}
	if len(batch) > 0 {
		if err := flush(); err != nil {
			return Imported{}, err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO catalogue_source (one, fingerprint) VALUES (1, ?)
		ON CONFLICT (one) DO UPDATE SET fingerprint = excluded.fingerprint`, fingerprint)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return Imported{}, fmt.Errorf("catalogue: import: %w", err)
	}
	return imported, nil
}

func insert(ctx context.Context, tx *database.Tx, position int, products []Product) error {
	args := make([]any, 0, 8*len(products))
	for i := range products {
		p := &products[i]
		document, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("product %s: %w", p.ID, err)
		}
		args = append(args, position+i+1, p.ID, p.SKU, p.Category, p.Brand, p.Popularity, unixSeconds(p.Released), document)
	}
	rows := strings.Repeat(",(?,?,?,?,?,?,?,?)", len(products))[1:]
	_, err := tx.ExecContext(ctx, `INSERT INTO catalogue_products (position, id, sku, category, brand, popularity, released, product) VALUES `+rows, args...)
	return err
}

// readerVersion is part of every fingerprint: a new reader reads old files
// again.
const readerVersion = "2"

// DemoFingerprint identifies the demo catalogue of this build.
func DemoFingerprint() string { return fingerprint(sha256.Sum256(demoNDJSON)) }

// FileFingerprint identifies the content of a catalogue file.
func FileFingerprint(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	return fingerprint([sha256.Size]byte(sum.Sum(nil))), nil
}

func fingerprint(sum [sha256.Size]byte) string {
	return readerVersion + ":" + hex.EncodeToString(sum[:])
}
