package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/check"
)

// headlessCheck walks the journey: through the shop that answers at a given
// -addr, or else through one that it opens for the purpose.
func headlessCheck(ctx context.Context, cfg *config, stdout, stderr io.Writer) error {
	if cfg.addrGiven && answers(ctx, "http://"+cfg.addr) {
		if cfg.adminPassword == "" {
			return errors.New("-headless-check of a running shop needs its -admin-password")
		}
		return check.Run(ctx, check.Options{URL: "http://" + cfg.addr, AdminPassword: cfg.adminPassword, Out: stdout})
	}
	own := *cfg
	own.development = true // the walk reads its codes in the outbox
	own.warmUp = false     // the walk is over before it would help
	if !cfg.addrGiven {
		own.addr = "127.0.0.1:0"
	}
	if own.adminPassword == "" && own.data == "" {
		own.adminPassword = rand.Text()
	}
	if own.adminPassword == "" {
		return errors.New("-headless-check with -data needs the -admin-password of that shop")
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: max(own.logLevel, slog.LevelWarn)}))
	listener, err := listen(ctx, own.addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	app, err := openApp(ctx, &own, "http://"+listener.Addr().String(), log, stdout)
	if err != nil {
		return err
	}
	walking, stop := context.WithCancel(ctx)
	walked := make(chan error, 1)
	err = app.run(walking, listener, func() {
		fmt.Fprintf(stdout, "storefront ready on http://%s\n", listener.Addr())
		go func() {
			defer stop()
			walked <- check.Run(ctx, check.Options{URL: "http://" + listener.Addr().String(), AdminPassword: own.adminPassword, Out: stdout})
		}()
	})
	stop()
	return errors.Join(<-walked, err, app.Close())
}

// answers reports whether a shop is open at an address.
func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
