package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// language is what the journey expects of one.
type language struct {
	code, tag     string
	word, product string // what is typed, and the product it finds
	begun         string // typed so far, and completed to the word
	filter        css    // narrows what was found, and keeps the product
	typo, typoFor string
}

var (
	english = language{"en", "en", "green tea", "tea-longjing-100", "gree", `input[name=brand][value=Yunling]`, "teapto", "teapot"}
	chinese = language{"zh", "zh-Hans", "绿茶", "tea-longjing-100", "lvch", `input[name=origin][value=Hangzhou]`, "teapto", "teapot"}
)

// TestShopperBuys walks from the door to the paid order, in both languages and
// on both sizes of screen.
func TestShopperBuys(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	shop := open(t, t.TempDir())
	for i, test := range []struct {
		size size
		lang language
	}{{desktop, english}, {phone, chinese}, {phone, english}, {desktop, chinese}} {
		name := test.lang.code + "-desktop"
		if test.size == phone {
			name = test.lang.code + "-phone"
		}
		t.Run(name, func(t *testing.T) {
			w := shop.window(t, browser, test.size)
			w.visit("/")
			if test.lang == chinese {
				w.click(`.language button`)
			}
			require.Equal(t, test.lang.tag, eval[string](w, `document.documentElement.lang`))
			w.screen("home-" + name)

			w.suggestions(test.lang, name)
			w.browse(test.lang, name)
			w.signUp(fmt.Sprintf("+4477009001%02d", i))
			w.buy(test.lang, name)
			w.visit("/account")
			require.NotZero(t, w.count(`a[href^="/order/"]`))
			w.screen("account-" + name)
		})
	}
}

// suggestions types into the search field, chooses by arrow key, and searches.
func (w *window) suggestions(lang language, name string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(css(`#q`), lang.begun))
	w.eventually(`document.querySelectorAll("#suggestions li").length > 0 && !document.querySelector("#suggestions").hidden`)
	w.screen("suggestions-" + name)
	require.Contains(w.t, eval[string](w, `document.querySelector("#suggestions").innerText`), lang.word)
	w.key(kb.ArrowDown)
	require.Equal(w.t, eval[string](w, `document.querySelector("#suggestions li[aria-selected=true]").textContent`), eval[string](w, `document.querySelector("#q").value`))
	w.leads(chromedp.KeyEvent(kb.Enter))
	require.Equal(w.t, "/search", w.path())
	require.NotZero(w.t, w.count(`.card`), "a suggestion finds something")
}

// browse finds the product by typing, narrows, misspells, finds nothing, and
// opens the product.
func (w *window) browse(lang language, name string) {
	w.t.Helper()
	search := func(words string) {
		w.fill(`#q`, words)
		w.leads(chromedp.KeyEvent(kb.Enter))
	}
	search(lang.typo)
	require.NotZero(w.t, w.count(`.card`), "a typo is forgiven")
	require.Contains(w.t, w.text(`.notice`), lang.typoFor)
	search("qzxvwkjq")
	require.NotZero(w.t, w.count(`.empty .card`), "an empty result helps on")
	w.screen("nothing-found-" + name)
	search(lang.word)
	require.NotZero(w.t, w.count(`.card mark`), "what was found is marked")
	all := w.count(`.card`)
	if w.size == phone {
		w.press(`.filters summary`)
	}
	w.click(lang.filter) // applies at once
	require.NotZero(w.t, w.count(`.chips a`))
	require.LessOrEqual(w.t, w.count(`.card`), all)
	w.screen("search-" + name)
	w.click(css(fmt.Sprintf(`.card a[href="/product/%s"]`, lang.product)))
	require.NotEmpty(w.t, w.text(`#stock`))
	w.screen("product-" + name)
	w.click(`.views li:nth-child(3) a`)
	w.screen("product-at-home-" + name)
}

// signUp opens an account by code; a wrong code does not do.
func (w *window) signUp(phone string) {
	w.t.Helper()
	w.visit("/login")
	w.fill(`form[action="/login/code"] input[name=phone]`, phone)
	w.click(`form[action="/login/code"] button[type=submit]`)
	code, err := w.shop.code(w.ctx, phone, "")
	require.NoError(w.t, err)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	w.expecting(422, func() {
		w.fill(`#code`, wrong)
		w.click(`form[action="/login/verify"] button[type=submit]`)
		require.NotZero(w.t, w.count(`.field-error`))
	})
	w.fill(`#code`, code)
	w.click(`form[action="/login/verify"] button[type=submit]`)
	require.Equal(w.t, "/account", w.path())
}

// buy fills the cart, holds the stock, pays, and reads the mail.
func (w *window) buy(lang language, name string) {
	w.t.Helper()
	w.visit("/product/" + lang.product)
	w.fill(`#quantity`, "2")
	w.click(`#buy`)
	w.visit("/product/cup-celadon-set4")
	w.click(`#buy`)
	require.Equal(w.t, 2, w.count(`.cart > div .line`))
	w.screen("cart-" + name)
	w.click(`a[href="/checkout"]`)
	email := name + "@example.com"
	w.fill(`#name`, "Wang Walker")
	w.fill(`#email`, email)
	w.fill(`#address`, "1 Lantern Lane, Shanghai")
	w.click(`form[action="/checkout"] button[type=submit]`)
	require.True(w.t, strings.HasPrefix(w.path(), "/order/"))
	before := w.text(`#countdown`)
	w.eventually(fmt.Sprintf(`document.querySelector("#countdown").textContent !== %q`, before)) // it runs
	w.screen("checkout-" + name)
	w.click(`#pay`)
	require.NotZero(w.t, w.count(`.notice.success`))
	w.screen("paid-" + name)
	require.Eventually(w.t, func() bool {
		outbox, err := w.shop.get(w.ctx, "/dev/outbox")
		return err == nil && strings.Contains(outbox, email)
	}, waitLong, waitStep, "the order mail")
}

// TestOnlyOneGetsTheLast lets two shoppers race for the single teapot.
func TestOnlyOneGetsTheLast(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	shop := open(t, t.TempDir())
	one, two := shop.window(t, browser, desktop), shop.window(t, browser, phone)
	for i, w := range []*window{one, two} {
		w.visit("/product/teapot-yixing-160")
		w.click(`#buy`)
		w.signUp(fmt.Sprintf("+4477009002%02d", i))
		w.visit("/checkout")
		w.fill(`#name`, "Racer")
		w.fill(`#email`, fmt.Sprintf("racer%d@example.com", i))
		w.fill(`#address`, "2 Finish Line")
	}
	one.click(`form[action="/checkout"] button[type=submit]`)
	require.True(t, strings.HasPrefix(one.path(), "/order/"))
	two.expecting(409, func() {
		two.click(`form[action="/checkout"] button[type=submit]`)
	})
	require.NotZero(t, two.count(`.notice.warning`), "told kindly")
	require.Zero(t, two.count(`#countdown`))
	two.screen("too-late")
	// The page of a third visitor learns of it by itself.
	three := shop.window(t, browser, desktop)
	three.visit("/product/teapot-yixing-160")
	require.NotZero(t, three.count(`#buy[disabled]`))
	one.click(`form[action$="/cancel"] button`)
	three.eventually(`document.querySelector("#buy:not([disabled])") !== null`)
}

// TestAdminKeepsShop walks through the admin's pages.
func TestAdminKeepsShop(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	shop := open(t, t.TempDir())
	for _, s := range []struct {
		size size
		name string
	}{{desktop, "desktop"}, {phone, "phone"}} {
		t.Run(s.name, func(t *testing.T) {
			w := shop.window(t, browser, s.size)
			w.visit("/admin")
			require.Equal(t, "/admin/login", w.path())
			w.expecting(422, func() {
				w.fill(`#password`, "wide open door")
				w.click(`form[action="/admin/login"] button`)
			})
			w.fill(`#password`, adminPassword)
			w.click(`form[action="/admin/login"] button`)
			require.Equal(t, "/admin/stock", w.path())
			w.screen("admin-stock-" + s.name)
			if s.size == phone {
				w.click(`.language button`) // the admin reads Chinese too
			}
			w.fill(`#admin-q`, "notebook")
			w.leads(chromedp.KeyEvent(kb.Enter))
			w.click(`tbody a[href^="/admin/stock/"]`)
			before := w.text(`#on-hand`)
			w.fill(`#receive-quantity`, "12")
			w.fill(`#receive-reason`, "delivery 17")
			w.click(`form[action$="/receive"] button`)
			require.NotEqual(t, before, w.text(`#on-hand`))
			w.fill(`#adjust-quantity`, "-12")
			w.fill(`#adjust-reason`, "water damage")
			w.click(`form[action$="/adjust"] button`)
			require.Equal(t, before, w.text(`#on-hand`))
			require.GreaterOrEqual(t, w.count(`tbody tr`), 2, "movements")
			w.screen("admin-item-" + s.name)
			w.upload()
			w.visit("/admin/low")
			require.NotZero(t, w.count(`tbody tr`))
			w.visit("/admin/search")
			w.click(`form[action$="/reindex"] button`)
			w.eventually(`document.querySelector(".notice.success") !== null`)
			w.sound()
			w.visit("/admin/queues/")
			w.screen("admin-queues-" + s.name)
		})
	}
}

// upload gives the product on the page a picture that the browser makes.
func (w *window) upload() {
	w.t.Helper()
	file := picture(w.t)
	w.run(chromedp.SetUploadFiles(css(`#image`), []string{file}))
	w.click(`form[action$="/image"] button`)
	require.Zero(w.t, w.count(`.field-error`))
}

// TestKeyboardAlone buys something without a mouse: every step is reached with
// Tab, and where the focus is can be seen.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir()).window(t, chromium(t), desktop)
	w.visit("/")
	w.key(kb.Tab)
	require.True(t, w.focused(`.skip`), "the first stop skips to the content")
	w.tabTo(`#q`)
	w.key("gooseneck")
	w.leads(chromedp.KeyEvent(kb.Enter))
	w.tabTo(`.card a`)
	w.leads(chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "/product/kettle-gooseneck-900", w.path())
	w.tabTo(`#buy`)
	w.leads(chromedp.KeyEvent(kb.Enter))
	w.tabTo(`a[href="/checkout"]`)
	w.leads(chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "/login", w.path())
	const number = "+447700900300"
	w.tabTo(`#phone`)
	w.key(number)
	w.leads(chromedp.KeyEvent(kb.Enter))
	code, err := w.shop.code(w.ctx, number, "")
	require.NoError(t, err)
	require.True(t, w.focused(`#code`), "the field for the code has the focus")
	w.key(code)
	w.leads(chromedp.KeyEvent(kb.Enter))
	require.Equal(t, "/checkout", w.path(), "after logging in the shopper is where they wanted to go")
	for _, field := range [][2]string{{`#name`, "Key Board"}, {`#email`, "keys@example.com"}, {`#address`, "104 Home Row"}} {
		w.tabTo(css(field[0]))
		w.key(field[1])
	}
	w.tabTo(`form[action="/checkout"] button[type=submit]`)
	w.leads(chromedp.KeyEvent(kb.Enter))
	w.tabTo(`#pay`)
	w.leads(chromedp.KeyEvent(kb.Enter))
	require.NotZero(t, w.count(`.notice.success`))
}

func (w *window) focused(at css) bool {
	w.t.Helper()
	return eval[bool](w, fmt.Sprintf(`document.activeElement.matches(%q)`, at))
}

const focusVisible = `(() => {
  const e = document.activeElement, s = getComputedStyle(e);
  return e === document.body || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0);
})()`

// tabTo presses Tab until the focus is on what the selector names.
func (w *window) tabTo(at css) {
	w.t.Helper()
	for range 80 {
		w.key(kb.Tab)
		if !eval[bool](w, focusVisible) {
			require.Fail(w.t, "the focus cannot be seen", eval[string](w, `document.activeElement.outerHTML.slice(0, 120)`))
		}
		if w.focused(at) {
			return
		}
	}
	require.Fail(w.t, "out of reach of the Tab key", at)
}

// TestWithoutScripts buys something in a browser that runs none.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir()).window(t, chromium(t), phone)
	_, err := chromedp.Call(w.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	w.visit("/")
	require.Zero(t, w.count(`html.scripted`), "scripts are off")
	w.fill(`#q`, "green tea")
	w.click(`.search-button`)
	require.NotZero(t, w.count(`.card`))
	w.press(`.filters summary`)
	w.press(`input[name=brand][value=Yunling]`)
	w.click(`.filter-form button[type=submit]`)
	require.NotZero(t, w.count(`.chips a`))
	w.click(`.card a`)
	w.click(`#buy`)
	w.signUp("+447700900400")
	w.visit("/checkout")
	w.fill(`#name`, "Plain Page")
	w.fill(`#email`, "plain@example.com")
	w.fill(`#address`, "1 Markup Street")
	w.click(`form[action="/checkout"] button[type=submit]`)
	require.NotEmpty(t, w.text(`#countdown`))
	w.click(`#pay`)
	require.NotZero(t, w.count(`.notice.success`))
}

// TestDevicesAreLoggedOut logs out everywhere from one of two browsers.
func TestDevicesAreLoggedOut(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	shop := open(t, t.TempDir())
	one, two := shop.window(t, browser, desktop), shop.window(t, browser, phone)
	const number = "+447700900500"
	one.signUp(number)
	one.fill(`#new-password`, "a lantern in the fog")
	one.click(`form[action="/account/password"] button`)
	two.visit("/login")
	two.press(`details.sheet summary`)
	two.fill(`#password-phone`, number)
	two.fill(`#password`, "a lantern in the fog")
	two.click(`form[action="/login/password"] button`)
	one.visit("/account")
	require.Equal(t, 2, one.count(`.device`))
	one.screen("devices")
	one.click(`form[action="/account/logout-all"] button`)
	for _, w := range []*window{one, two} {
		w.visit("/account")
		require.Equal(t, "/login", w.path())
	}
}
