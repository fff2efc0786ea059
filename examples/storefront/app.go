package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/examples/storefront/web"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/outbox"
	"github.com/seed82d84382/commerce/notify/sms"
	"github.com/seed82d84382/commerce/session"
)

// app is an open shop.
type app struct {
	url    string
	shop   *shop.Shop
	worker *notify.Worker
	relay  *outbox.Relay // nil: jobs go straight to the queue
	web    http.Handler
	warmUp func(context.Context) error // nil: nothing is drawn ahead
	log    *slog.Logger
	close  []func() error // last opened first
}

// openApp opens the data directory and everything in it, and brings the
// catalogue in. What it says to the owner of the shop goes to stdout.
func openApp(ctx context.Context, cfg *config, url string, log *slog.Logger, stdout io.Writer) (_ *app, err error) {
	a := &app{url: url, log: log}
	if cfg.publicURL != nil {
		a.url = cfg.publicURL.Scheme + "://" + cfg.publicURL.Host
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	dir, err := openDataDir(cfg.data)
	if err != nil {
		return nil, err
	}
	a.onClose(dir.Close)
	if dir.temporary {
		fmt.Fprintf(stdout, "data in %s, removed at exit (keep a shop with -data DIR)\n", dir.path)
	}
	b, err := openBackends(ctx, cfg, dir, log, stdout)
	a.onClose(b.Close)
	if err != nil {
		return nil, err
	}
	a.relay = b.relay
	sealKey, err := b.key("seal")
	if err != nil {
		return nil, err
	}
	a.shop, err = shop.Open(ctx, shop.Options{
		DB: b.db, Products: b.products, Stock: b.stock, Jobs: notify.NewClient(b.queue, nil), OrderJobs: notify.NewClient(b.orderJobs, nil),
		Codes: b.codes, SealKey: sealKey, Hold: cfg.hold, URL: a.url, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if err := tellAdmin(ctx, a.shop, cfg.adminPassword, stdout); err != nil {
		return nil, err
	}
	indexer := shop.NewIndexer(b.products, b.index, log)
	a.onClose(indexer.Close)
	if err := stockShelves(ctx, cfg, b.products, a.shop, indexer, stdout); err != nil {
		return nil, err
	}
	if err := a.employ(b); err != nil {
		return nil, err
	}
	if err := a.open(cfg, b, indexer); err != nil {
		return nil, err
	}
	return a, nil
}

// tellAdmin sets the admin's password, and prints one that it made.
func tellAdmin(ctx context.Context, s *shop.Shop, given string, stdout io.Writer) error {
	generated, err := s.EnsureAdmin(ctx, given)
	if err == nil && generated != "" {
		_, err = fmt.Fprintf(stdout, "admin password (shown once): %s\n", generated)
	}
	return err
}

// employ makes the worker that sends what the shop queues.
func (a *app) employ(b *backends) error {
	texts, err := shop.Messages()
	if err != nil {
		return err
	}
	mailer, err := email.NewMailer(b.mails, texts, &email.MailerOptions{From: "Lantern <orders@lantern.example>"})
	if err != nil {
		return err
	}
	a.worker = notify.NewWorker(b.queue, &notify.WorkerOptions{Concurrency: 8, Lease: takeOver, StopTimeout: stopTimeout})
	a.shop.HandleJobs(a.worker, mailer, sms.NewTexter(b.texts, texts))
	return nil
}

// open makes the pages, with a session manager each for shoppers and for the admin.
func (a *app) open(cfg *config, b *backends, indexer *shop.Indexer) error {
	https := cfg.publicURL != nil && cfg.publicURL.Scheme == "https"
	if !https && !isLoopback(cfg.addr) {
		a.log.Warn("plain HTTP on a network: put TLS in front of the shop and say so with -url https://…")
	}
	shoppers, err := session.New(b.sessions, &session.Options{
		Idle: 24 * time.Hour, Absolute: 7 * 24 * time.Hour, // of guests; web sets shorter ones at a log-in
		Cookie: session.CookieOptions{Name: "shop", Insecure: !https}, Logger: a.log,
		AuthHash: func(ctx context.Context, id string) (string, error) {
			account, err := a.shop.Account(ctx, id)
			if errors.Is(err, shop.ErrNotFound) {
				return "", fmt.Errorf("%w: %w", session.ErrNotFound, err)
			}
			if err != nil {
				return "", err
			}
			return account.AuthHash(), nil
		},
	})
	if err != nil {
		return err
	}
	a.onClose(shoppers.Close)
	admins, err := session.New(b.sessions, &session.Options{
		SweepEvery: -1, // the shoppers' manager sweeps the store for both
		Cookie:     session.CookieOptions{Name: "admin", Insecure: !https, SameSite: http.SameSiteStrictMode}, Logger: a.log,
		AuthHash: func(ctx context.Context, id string) (string, error) {
			if id != web.AdminUser {
				return "", session.ErrNotFound
			}
			return a.shop.AdminHash(ctx)
		},
	})
	if err != nil {
		return err
	}
	a.onClose(admins.Close)
	pictures := shop.NewPictures(b.db, b.images)
	if cfg.warmUp {
		a.warmUp = func(ctx context.Context) error { return warmUp(ctx, b.products, a.shop, pictures) }
	}
	pages, err := web.New(&web.Options{
		Shop: a.shop, Products: b.products, Pictures: pictures, Indexer: indexer,
		Sessions: shoppers, AdminSessions: admins, Search: b.index, Images: b.images,
		Queue: b.queue, Outbox: b.outbox,
		HTTPS: https, TrustProxy: cfg.trustProxy, LoginLimit: cfg.loginLimit, Hold: cfg.hold, Log: a.log, Now: time.Now,
	})
	a.web = pages
	return err
}

func (a *app) onClose(f func() error) { a.close = append(a.close, f) }

// Close closes what openApp opened, in the opposite order.
func (a *app) Close() error {
	var err error
	for len(a.close) > 0 {
		last := len(a.close) - 1
		err = errors.Join(err, a.close[last]())
		a.close = a.close[:last]
	}
	return err
}
