package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

// lines hands on the first line that is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- strings.TrimSpace(string(p))
	return len(p), nil
}

// browser starts one for a test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := testenvtest.Program(t, "chromium", "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en"),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		require.NoError(t, chromedp.Cancel(ctx))
		cancel()
		cancelAllocator()
	})
	require.NoError(t, chromedp.Do(ctx))
	bounded, cancelTimeout := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancelTimeout)
	return bounded
}

// TestDashboardInABrowser searches for a failure, retries it and pauses a queue, as a person would.
func TestDashboardInABrowser(t *testing.T) {
	if testing.Short() {
		testenvtest.Skip(t, "needs a browser, and -short means none")
	}
	tab := browser(t)
	file := shop(t)
	ctx, stop := context.WithCancel(t.Context())
	out, done := make(lines, 1), make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-on", "sqlite:" + file, "serve", "-addr", "127.0.0.1:0"}, out, time.Now)
	}()
	address := <-out
	defer func() {
		stop()
		require.NoError(t, <-done)
	}()
	leads := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		_, err := chromedp.RunResponse(tab, actions...)
		require.NoError(t, err)
	}
	click := func(at chromedp.CSS) {
		t.Helper()
		leads(chromedp.Click(at, chromedp.NodeVisible))
	}
	read := func(at chromedp.CSS) string {
		t.Helper()
		text, err := chromedp.Run(tab, chromedp.Text(at, chromedp.NodeVisible))
		require.NoError(t, err)
		return text
	}
	screen := func(name string) {
		dir := os.Getenv("NOTIFY_SCREENS") // a person wants to look
		if dir == "" {
			return
		}
		picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
	}

	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(1280, 860)))
	leads(chromedp.Navigate(address))
	screen("overview")
	click(`header a[href*="state=dead"]`)
	screen("dead")
	leads(chromedp.SendKeys(chromedp.CSS(`input[name=q]`), "no such template\r"))
	click(`table a`)
	require.Contains(t, read(`section.broken`), "main_test.go", "the stack is there")
	screen("job")
	click(`form.actions button:not(.danger)`)
	require.Equal(t, "Jobs changed: 1", read(`[role="status"]`))
	click(`a.brand`)
	counts := strings.Fields(read(`section[aria-labelledby="queue-default"] .counts`))
	require.Equal(t, []string{"0", "scheduled", "1", "available", "0", "running", "0", "retrying", "1", "dead"}, counts)
	click(`section[aria-labelledby="queue-bulk"] button`)
	require.Equal(t, "Paused", read(`section[aria-labelledby="queue-bulk"] .state.paused`))
	click(`header a[href$="/workers"]`)
	require.Contains(t, read(`main`), "0/4")
	screen("workers")
	click(`header a[href$="/schedules"]`)
	require.Contains(t, read(`main`), "nightly")
	screen("schedules")

	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch)))
	for _, path := range []string{"/", "/jobs?state=dead", "/workers", "/schedules"} {
		leads(chromedp.Navigate(strings.TrimSuffix(address, "/") + path))
		screen("phone" + strings.NewReplacer("/", "-", "?", "-", "=", "-").Replace(path))
		overflow, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
		require.NoError(t, err)
		require.LessOrEqual(t, overflow, 0, "%s is wider than a phone", path)
	}
}
