package main

import (
	"context"
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
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/otp"
	jobbox "github.com/seed82d84382/commerce/notify/outbox"
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
	codeKey  []byte        // see openCodeKey
	// orderJobs takes jobs in the transactions of db: queue itself, or an outbox, from which
	// relay brings them there.
	orderJobs *notify.Queue
	relay     *jobbox.Relay // nil without an outbox
	sessions  session.Driver
	codes     *otp.Codes
	images    *media.Store
	index     *search.Index
	mails     email.Sender
	texts     sms.Sender
	outbox    *outbox.Outbox // nil outside development
	close     []func() error
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
		func() error { return b.openRedis(ctx, cfg.redis) },
		func() error { return b.openCodeKey(cfg, dir) },
		func() error { return b.openQueue(ctx, cfg, log) },
		func() (err error) {
			if b.redis != nil {
				b.sessions, err = b.sessionsInRedis()
				return err
			}
			b.sessions, err = sqlstore.New(ctx, b.local.Pool(), nil)
			return err
		},
		func() error { return b.openImages(ctx, cfg, dir, log) },
		func() error { return b.openIndex(ctx, cfg, dir, log) },
		func() error { return b.openCodes(cfg) },
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

// openCodes keeps log-in codes in Redis, or in memory: a restart voids them then, and a
// shopper asks for another.
func (b *backends) openCodes(cfg *config) error {
	store := otp.NewMemoryStore(nil)
	if b.redis != nil {
		var err error
		if store, err = b.codesInRedis(); err != nil {
			return err
		}
	}
	pepper, err := b.key("code pepper")
	if err != nil {
		return err
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
