package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/examples/storefront/outbox"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fsmedia"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/sms"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/sqlstore"
)

// backends are the SDK's portable types over what this shop keeps its things
// in. This file alone knows which backend stands behind each of them; everything
// else of the shop works with any.
type backends struct {
	db       *database.DB // accounts, carts, orders; and what shares their transactions
	local    *database.DB // SQLite, for what is this process's own; db itself unless that is a server
	products *catalogue.Table
	stock    *inventory.Inventory
	queue    *notify.Queue
	redis    *redis.Client // nil without -redis
	sessions session.Driver
	codes    *otp.Codes
	images   *media.Store
	index    *search.Index
	mails    email.Sender
	texts    sms.Sender
	outbox   *outbox.Outbox // nil outside development
	close    []func() error
}

// openBackends opens the embedded profile: everything under the data directory,
// nothing to install. What it returns is to be closed even with an error.
func openBackends(ctx context.Context, cfg *config, dir *dataDir, log *slog.Logger, stdout io.Writer) (*backends, error) {
	b := &backends{}
	for _, open := range []func() error{
		func() error { return b.openDatabase(ctx, cfg, dir) },
		func() (err error) {
			b.products, err = catalogue.Open(ctx, b.db)
			return err
		},
		func() (err error) {
			b.stock, err = openStock(ctx, cfg, b.db, log)
			return closing(b, err, func() error { return b.stock.Close() })
		},
		func() (err error) {
			b.queue, err = openQueue(ctx, b.db, log)
			return closing(b, err, func() error { return b.queue.Close() })
		},
		func() error { return b.openRedis(ctx, cfg.redis) },
		func() (err error) {
			if b.redis != nil {
				b.sessions, err = b.sessionsInRedis()
				return err
			}
			b.sessions, err = sqlstore.New(ctx, b.local.Pool(), nil)
			return err
		},
		func() (err error) {
			b.images, err = fsmedia.Open(dir.join("images"), &fsmedia.Options{Options: media.Options{BaseURL: "/img/", Logger: log}})
			return closing(b, err, func() error { return b.images.Close() })
		},
		func() error { return b.openIndex(ctx, cfg, dir, log) },
		func() error { return b.openCodes(cfg, dir) },
		func() error { return b.openMessages(cfg, dir, stdout) },
	} {
		if err := open(); err != nil {
			return b, err
		}
	}
	return b, nil
}

func closing(b *backends, err error, close func() error) error {
	if err == nil {
		b.close = append(b.close, close)
	}
	return err
}

const pepperBytes = 32

// openCodes keeps log-in codes in memory: a restart voids them, and a shopper asks for another.
func (b *backends) openCodes(cfg *config, dir *dataDir) (err error) {
	store, pepper := otp.NewMemoryStore(nil), make([]byte, pepperBytes)
	rand.Read(pepper)
	if b.redis != nil {
		if store, pepper, err = b.codesInRedis(dir); err != nil {
			return err
		}
	}
	perAddress := otp.Limit{Max: max(20, cfg.loginLimit), Window: time.Hour}
	if cfg.development {
		perAddress.Max = -1 // every shopper of a development shop has the same address
	}
	b.codes, err = otp.New(store, &otp.Options{Pepper: pepper, SendsPerIP: perAddress, GuessesPerIP: perAddress})
	return err
}

// openMessages writes mails into files and text messages to the console, or,
// outside development, to a file that only the owner reads.
func (b *backends) openMessages(cfg *config, dir *dataDir, stdout io.Writer) (err error) {
	box := outbox.New(dir.join("outbox"), time.Now)
	if b.mails, err = box.MailSender(); err != nil {
		return err
	}
	if cfg.development {
		b.outbox, b.texts = box, box.TextSender(sms.NewConsole(stdout))
		return nil
	}
	file, err := os.OpenFile(dir.join("outbox/texts.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("text messages: %w", err)
	}
	b.close = append(b.close, file.Close)
	b.texts = sms.NewConsole(file)
	return nil
}

// Close closes what was opened, last first.
func (b *backends) Close() error {
	var err error
	for len(b.close) > 0 {
		last := len(b.close) - 1
		err = errors.Join(err, b.close[last]())
		b.close = b.close[:last]
	}
	return err
}
