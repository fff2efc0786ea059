package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
	"github.com/seed82d84382/commerce/media/fsmedia"
	"github.com/seed82d84382/commerce/media/webpenc"
)

// fastdfsEnv names the trackers too.
const fastdfsEnv = "STOREFRONT_FASTDFS"

// fastdfsInProcess stands for trackers and storages inside this process.
const fastdfsInProcess = "test"

// fastdfsTimeout is for the first answer of a tracker.
const fastdfsTimeout = 10 * time.Second

// checkFastDFS validates -fastdfs. A cluster in process forgets its files at exit, while the data
// directory would remember their names.
func (c *config) checkFastDFS() error {
	if c.fastdfs == fastdfsInProcess && c.data != "" {
		return errors.New("-fastdfs test keeps pictures in memory only: leave out -data")
	}
	return nil
}

// openImages opens where product images are kept: in FastDFS if there are trackers, else under the data directory.
func (b *backends) openImages(ctx context.Context, cfg *config, dir *dataDir, log *slog.Logger) (err error) {
	options := media.Options{BaseURL: "/img/", Logger: log, WebP: webpenc.New()}
	switch cfg.fastdfs {
	case "":
		b.images, err = fsmedia.Open(dir.join("images"), &fsmedia.Options{Options: options})
	case fastdfsInProcess:
		var cluster *fastdfstest.Cluster
		if cluster, err = fastdfstest.New(nil); err != nil {
			return fmt.Errorf("-fastdfs test: %w", err)
		}
		b.close = append(b.close, func() error { cluster.Close(); return nil })
		err = b.openFastDFS(ctx, cluster.Config(), options)
	default:
		err = b.openFastDFS(ctx, &fastdfs.Config{Trackers: strings.Split(cfg.fastdfs, ",")}, options)
	}
	return closing(b, err, func() error { return b.images.Close() })
}

func (b *backends) openFastDFS(ctx context.Context, config *fastdfs.Config, options media.Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, fastdfsTimeout)
	defer cancel()
	config.Store = options
	if b.images, err = fastdfs.Open(ctx, config); err != nil {
		return fmt.Errorf("-fastdfs: %w", err)
	}
	return nil
}
