package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// stopTimeout is how long requests and jobs under way may take once the shop is told to stop.
const stopTimeout = 15 * time.Second

// serve opens the shop and keeps it open until ctx ends.
func serve(ctx context.Context, cfg *config, stdout, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: cfg.logLevel}))
	listener, err := listen(ctx, cfg.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	app, err := openApp(ctx, cfg, "http://"+listener.Addr().String(), log, stdout)
	if err != nil {
		return err
	}
	err = app.run(ctx, listener, func() {
		fmt.Fprintf(stdout, "storefront ready on http://%s\n", listener.Addr())
	})
	return errors.Join(err, app.Close())
}

// listen takes the port before anything else, so that a second shop says so at once.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is taken by another program: choose another with -addr, or -addr 127.0.0.1:0 for a free one", addr)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s may not be listened on by this user: choose a port above 1023 with -addr", addr)
	case err != nil:
		return nil, fmt.Errorf("-addr: %w", err)
	}
	return listener, nil
}

// run serves until ctx ends or a part of the shop fails, then stops in order:
// requests first, then the jobs that they may have queued.
func (a *app) run(ctx context.Context, listener net.Listener, ready func()) error {
	server := &http.Server{
		Handler:           a.web,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // a picture over a slow line
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	group, running := errgroup.WithContext(ctx)
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-running.Done()
		defer stopBackground()
		a.log.Info("stopping")
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err := server.Shutdown(stopping); err != nil {
			return errors.Join(fmt.Errorf("stop: %w", err), server.Close())
		}
		return nil
	})
	group.Go(func() error { return a.worker.Run(background) })
	if a.relay != nil {
		group.Go(func() error { return a.relay.Run(background) })
	}
	group.Go(func() error { a.sweep(background); return nil })
	ready()
	if a.warmUp != nil {
		group.Go(func() error {
			if err := a.warmUp(running); err != nil && running.Err() == nil {
				a.log.Error("draw pictures ahead", "error", err) // they are drawn when somebody asks
			}
			return nil
		})
	}
	return group.Wait()
}

// How often the shop looks for holds whose time is over, and for carts that nobody came back to.
const (
	expireEvery = 2 * time.Second
	forgetEvery = time.Hour
)

// sweep keeps the shop tidy for as long as it is open.
func (a *app) sweep(ctx context.Context) {
	expire, forget := time.NewTicker(expireEvery), time.NewTicker(forgetEvery)
	defer expire.Stop()
	defer forget.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-expire.C:
			expired, err := a.shop.Expire(ctx)
			if err != nil && ctx.Err() == nil {
				a.log.Error("expire holds", "error", err)
			}
			if expired > 0 {
				a.log.Info("orders expired", "orders", expired)
			}
		case <-forget.C:
			if err := a.shop.ForgetCarts(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("forget carts", "error", err)
			}
		}
	}
}
