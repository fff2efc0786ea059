package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/seed82d84382/commerce/examples/internal/progress"
	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

// stockShelves brings the catalogue in: products, opening stock, search index.
// Each of the three is done once a catalogue, so that a second start is ready at
// once, and one that was broken off goes on where it has to.
func stockShelves(ctx context.Context, cfg *config, products *catalogue.Table, s *shop.Shop, indexer *shop.Indexer, console io.Writer) error {
	began := time.Now()
	imported, err := importProducts(ctx, cfg, products, s, console)
	if err != nil {
		return err
	}
	fingerprint, err := products.Fingerprint(ctx)
	if err != nil {
		return err
	}
	stocked, err := s.Once(ctx, "stocked", fingerprint, func() error { return s.StockUp(ctx) })
	if err != nil {
		return fmt.Errorf("opening stock: %w", err)
	}
	if whole, err := indexer.Whole(ctx); err != nil || !whole { // somebody removed the index, which can be had again
		if err := errors.Join(err, s.Undo(ctx, "indexed")); err != nil {
			return fmt.Errorf("search index: %w", err)
		}
	}
	indexed, err := s.Once(ctx, "indexed", fingerprint, func() error {
		total, err := products.Count(ctx, "")
		if err != nil {
			return err
		}
		bar := progress.Bar(console, int64(total), "indexing")
		defer bar.Close()
		return indexer.Run(ctx, func(done, _ int) { _ = bar.Set(done) }) // a bar that cannot be drawn stops nothing
	})
	if err != nil {
		return fmt.Errorf("search index: %w", err)
	}
	if imported || stocked || indexed {
		n, err := products.Count(ctx, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(console, "%d products ready in %v\n", n, time.Since(began).Round(10*time.Millisecond))
	}
	return nil
}

// originDemo and originFile say whose the kept products are: a start without
// -catalogue renews the demo, but leaves an imported catalogue alone.
const (
	originDemo = "demo"
	originFile = "file"
)

func importProducts(ctx context.Context, cfg *config, products *catalogue.Table, s *shop.Shop, console io.Writer) (imported bool, err error) {
	kept, err := products.Fingerprint(ctx)
	if err != nil {
		return false, err
	}
	if cfg.catalogue == "" {
		origin, err := s.Origin(ctx)
		if err != nil || origin == originFile || kept == catalogue.DemoFingerprint() {
			return false, err
		}
		if _, err := products.Import(ctx, catalogue.DemoFingerprint(), catalogue.Products(catalogue.Demo()), nil); err != nil {
			return false, err
		}
		return true, s.SetOrigin(ctx, originDemo)
	}
	fingerprint, err := catalogue.FileFingerprint(cfg.catalogue)
	if err != nil {
		return false, err
	}
	if kept != fingerprint {
		if err := importFile(ctx, cfg, fingerprint, products, console); err != nil {
			return false, err
		}
	}
	return kept != fingerprint, s.SetOrigin(ctx, originFile)
}

// reportedLines bounds how many bad lines are named one by one.
const reportedLines = 20

func importFile(ctx context.Context, cfg *config, fingerprint string, products *catalogue.Table, console io.Writer) error {
	file, err := os.Open(cfg.catalogue)
	if err != nil {
		return fmt.Errorf("-catalogue: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("-catalogue: %w", err)
	}
	bar := progress.Bar(console, info.Size(), "importing")
	defer bar.Close()
	reader := progressbar.NewReader(file, bar)
	bad := 0
	options := &catalogue.ImportOptions{BadLine: func(line *catalogue.LineError) error {
		if cfg.onBadLine == "abort" {
			return line
		}
		if bad++; bad <= reportedLines {
			fmt.Fprintf(console, "\n%v: skipped", line)
		}
		return nil
	}}
	result, err := products.Import(ctx, fingerprint, catalogue.Read(&reader), options)
	if err != nil {
		return fmt.Errorf("%s: nothing was imported: %w", cfg.catalogue, err)
	}
	if bad > 0 {
		fmt.Fprintf(console, "\n%d of %d lines skipped\n", result.Skipped, result.Skipped+result.Products)
	}
	return nil
}
