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

// browser starts one for a test, whose user reads a language.
func browser(t *testing.T, language string) context.Context {
	t.Helper()
	path := testenvtest.Program(t, "chromium", "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", language), chromedp.Flag("accept-lang", language),
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
	tab := browser(t, "en")
	address, stop := serve(t)
	defer stop()
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
	require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(1280, 860)))
	leads(chromedp.Navigate(address))
	click(`header a[href*="state=dead"]`)
	leads(chromedp.SendKeys(chromedp.CSS(`input[name=q]`), "no such template\r"))
	click(`table a`)
	require.Contains(t, read(`section.broken`), "main_test.go", "the stack is there")
	click(`form.actions button:not(.danger)`)
	require.Equal(t, "Jobs changed: 1", read(`[role="status"]`))
	click(`a.brand`)
	counts := strings.Fields(read(`section[aria-labelledby="queue-default"] .counts`))
	require.Equal(t, []string{"0", "scheduled", "1", "available", "0", "running", "0", "retrying", "1", "dead"}, counts)
	click(`section[aria-labelledby="queue-bulk"] button`)
	require.Equal(t, "Paused", read(`section[aria-labelledby="queue-bulk"] .state.paused`))
	click(`header a[href$="/workers"]`)
	require.Contains(t, read(`main`), "0/4")
	click(`header a[href$="/schedules"]`)
	require.Contains(t, read(`main`), "nightly")
}

// TestDashboardFitsEveryScreen opens every page in both languages on a desk and on a phone.
func TestDashboardFitsEveryScreen(t *testing.T) {
	if testing.Short() {
		testenvtest.Skip(t, "needs a browser, and -short means none")
	}
	address, stop := serve(t)
	defer stop()
	for language, word := range map[string]string{"en": "Queues", "zh-CN": "队列"} {
		tab := browser(t, language)
		for device, set := range map[string]chromedp.Action[chromedp.Void]{
			"desk":  chromedp.EmulateViewport(1280, 860),
			"phone": chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch),
		} {
			require.NoError(t, chromedp.Do(tab, set))
			for name, path := range map[string]string{
				"overview": "/", "jobs": "/jobs", "queue": "/jobs?queue=default", "dead": "/jobs?state=dead", "workers": "/workers",
				"schedules": "/schedules", "none": "/jobs?kind=none", "job": "",
			} {
				if name == "job" {
					_, err := chromedp.RunResponse(tab, chromedp.Navigate(strings.TrimSuffix(address, "/")+"/jobs?state=dead"))
					require.NoError(t, err)
					_, err = chromedp.RunResponse(tab, chromedp.Click(chromedp.CSS(`table a`), chromedp.NodeVisible))
					require.NoError(t, err)
				} else {
					_, err := chromedp.RunResponse(tab, chromedp.Navigate(strings.TrimSuffix(address, "/")+path))
					require.NoError(t, err)
				}
				overflow, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.documentElement.scrollWidth - innerWidth`))
				require.NoError(t, err)
				require.LessOrEqual(t, overflow, 0, "%s is wider than a %s in %s", name, device, language)
				text, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS(`header`), chromedp.NodeVisible))
				require.NoError(t, err)
				require.Contains(t, text, word)
				if dir := os.Getenv("NOTIFY_SCREENS"); dir != "" { // a person wants to look
					picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
					require.NoError(t, err)
					require.NoError(t, os.WriteFile(filepath.Join(dir, strings.Join([]string{language, device, name}, "-")+".png"), picture, 0o600))
				}
			}
		}
	}
}

// serve runs the dashboard of a shop until stop is called.
func serve(t *testing.T) (address string, stop func()) {
	t.Helper()
	file := shop(t)
	ctx, cancel := context.WithCancel(t.Context())
	out, done := make(lines, 1), make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-on", "sqlite:" + file, "serve", "-addr", "127.0.0.1:0"}, out, time.Now)
	}()
	return <-out, func() {
		cancel()
		require.NoError(t, <-done)
	}
}
