package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// size of a window, in CSS pixels.
type size struct{ width, height int64 }

var (
	desktop = size{1280, 860}
	phone   = size{390, 844}
)

// chromium starts a browser for a test. Its windows are private: they share
// neither cookies nor cache.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		testenvtest.Skip(t, "needs a browser, and -short means none")
	}
	path := testenvtest.Program(t, "chromium", "chromium")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("lang", "en"),
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
	return ctx
}

// window is one private window of a browser, which is watched for anything
// that a visitor's console would show in red.
type window struct {
	t    *testing.T
	ctx  context.Context
	shop *process
	size size

	mu       sync.Mutex
	expected map[int64]bool // statuses that the test provokes
	wrong    []string
}

func (p *process) window(t *testing.T, browser context.Context, s size) *window {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	ctx, cancelTimeout := context.WithTimeout(ctx, time.Minute)
	w := &window{t: t, ctx: ctx, shop: p, size: s, expected: map[int64]bool{}}
	t.Cleanup(func() {
		w.healthy()
		cancelTimeout()
		cancel()
	})
	require.NoError(t, chromedp.Listen(ctx, w.watch))
	w.run(emulate(s))
	return w
}

func emulate(s size) chromedp.Action[chromedp.Void] {
	if s.width < 600 {
		return chromedp.EmulateViewport(s.width, s.height, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	return chromedp.EmulateViewport(s.width, s.height)
}

// watch notes console errors, exceptions, policy violations, and requests that
// failed.
func (w *window) watch(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.note("exception: %s", (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var words []string
			for _, argument := range e.Args {
				words = append(words, string(argument.Value)+argument.Description)
			}
			w.note("console: %s", strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		// What the network says is noted below, by status.
		if (e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning) && e.Entry.Source != log.EntrySourceNetwork {
			w.note("%s %s: %s (%s)", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventResponseReceived:
		w.mu.Lock()
		expected := w.expected[e.Response.Status]
		w.mu.Unlock()
		if e.Response.Status >= http.StatusBadRequest && !expected {
			w.note("%s answered %d", e.Response.URL, e.Response.Status)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled && e.ErrorText != "net::ERR_ABORTED" { // leaving a page stops what it still loads
			w.note("%s failed: %s %s", e.Type, e.ErrorText, e.BlockedReason)
		}
	}
}

func (w *window) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// healthy requires that nothing went wrong in the window so far.
func (w *window) healthy() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(w.t, w.wrong)
}

// expecting allows answers of a status for as long as do takes.
func (w *window) expecting(status int64, do func()) {
	w.t.Helper()
	set := func(on bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.expected[status] = on
	}
	set(true)
	do()
	set(false)
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	require.NoError(w.t, chromedp.Do(w.ctx, actions...))
}

// leads carries out actions that open another page, waits until it is there,
// and checks what every page must hold.
func (w *window) leads(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, actions...)
	require.NoError(w.t, err, "no page came after %s", w.path())
	w.sound()
}

func (w *window) visit(path string) {
	w.t.Helper()
	w.leads(chromedp.Navigate(w.shop.URL + path))
}

// css selects the first element that fits.
type css = chromedp.CSS

// click follows a link or presses a button that leads to another page.
func (w *window) click(at css) {
	w.t.Helper()
	w.leads(chromedp.ScrollIntoView(at), chromedp.Click(at, chromedp.NodeVisible))
}

// press clicks something that stays on the page.
func (w *window) press(at css) {
	w.t.Helper()
	w.run(chromedp.ScrollIntoView(at), chromedp.Click(at, chromedp.NodeVisible))
}

// key types keys wherever the focus is.
func (w *window) key(keys string) {
	w.t.Helper()
	w.run(chromedp.KeyEvent(keys))
}

// fill replaces what a field holds.
func (w *window) fill(at css, text string) {
	w.t.Helper()
	w.run(chromedp.WaitVisible(at))
	eval[chromedp.Void](w, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.select(); })()`, at))
	w.key(text)
}

// eval evaluates JavaScript from outside the page: it works with scripts off.
func eval[T any](w *window, script string) T {
	w.t.Helper()
	value, err := chromedp.Run(w.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(w.t, err)
	return value
}

func (w *window) path() string {
	w.t.Helper()
	return eval[string](w, `location.pathname`)
}

func (w *window) text(at css) string {
	w.t.Helper()
	require.NotZero(w.t, w.count(at), "%s has no %s", w.path(), at)
	text, err := chromedp.Run(w.ctx, chromedp.Text(at, chromedp.NodeVisible))
	require.NoError(w.t, err)
	return strings.TrimSpace(text)
}

func (w *window) count(all css) int {
	w.t.Helper()
	return eval[int](w, fmt.Sprintf(`document.querySelectorAll(%q).length`, all))
}

// eventually waits until a script's answer is true, across pages.
func (w *window) eventually(script string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		yes, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](script))
		return err == nil && yes // between two pages there is nobody to ask
	}, waitLong, waitStep, script)
}

// soundness is what a page says of itself.
type soundness struct {
	Headings   int
	Language   string
	Title      string
	Overflow   int64    // pixels that stick out of the window
	Widest     string   // what does
	Broken     []string // pictures that did not load
	NoText     []string // pictures without alternative text
	Nameless   []string // controls without a name
	SmallTouch []string // buttons smaller than a finger
	Duplicate  []string // ids
}

const soundnessScript = `(() => {
  const shown = (e) => e.checkVisibility() && e.getClientRects().length > 0;
  const tag = (e) => e.outerHTML.slice(0, 120);
  const out = {Headings: document.querySelectorAll("h1").length, Language: document.documentElement.lang, Title: document.title,
    Overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth, Widest: "", Broken: [], NoText: [], Nameless: [], SmallTouch: [], Duplicate: []};
  if (out.Overflow > 0) {
    for (const e of document.body.querySelectorAll("*")) if (shown(e) && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1) { out.Widest = tag(e); break; }
  }
  for (const img of document.images) {
    if (img.complete && img.naturalWidth === 0) out.Broken.push(img.currentSrc || img.src);
    if (!img.hasAttribute("alt")) out.NoText.push(img.src);
  }
  for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")) {
    if (!shown(e)) continue;
    const name = e.getAttribute("aria-label") || (e.labels && [...e.labels].map((l) => l.textContent).join(" ")) || e.textContent.trim() || [...e.querySelectorAll("img")].map((i) => i.alt).join(" ") || e.title;
    if (!name || !name.trim()) out.Nameless.push(tag(e));
    if (e.tagName === "BUTTON" && e.getBoundingClientRect().height < 24) out.SmallTouch.push(tag(e));
  }
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) out.Duplicate.push(e.id); ids.add(e.id); }
  return out;
})()`

// sound requires of the page what every page must hold.
func (w *window) sound() {
	w.t.Helper()
	w.healthy()
	s := eval[soundness](w, soundnessScript)
	at := w.path()
	require.Equal(w.t, 1, s.Headings, "%s: headings of the first level", at)
	require.NotEmpty(w.t, s.Language, at)
	require.NotEmpty(w.t, s.Title, at)
	require.LessOrEqual(w.t, s.Overflow, int64(0), "%s sticks out sideways at %d pixels: %s", at, w.size.width, s.Widest)
	require.Empty(w.t, s.Broken, "%s: pictures that did not load", at)
	require.Empty(w.t, s.NoText, "%s: pictures without a text", at)
	require.Empty(w.t, s.Nameless, "%s: controls without a name", at)
	require.Empty(w.t, s.SmallTouch, "%s: buttons smaller than 24 pixels", at)
	require.Empty(w.t, s.Duplicate, "%s: ids used twice", at)
}
