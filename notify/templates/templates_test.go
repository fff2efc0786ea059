package templates_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/seed82d84382/commerce/notify/templates"
	"github.com/stretchr/testify/require"
)

func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

func shop(t testing.TB) *templates.Set {
	t.Helper()
	s, err := templates.Parse(files(
		"order.en.txt", `{{define "subject"}}Order {{.Number}}{{end}}Hello {{.Name}}, thank you.`,
		"order.en.html", `<p>Hello {{.Name}}</p>{{template "footer"}}`,
		"order.zh.txt", `{{define "subject"}}订单 {{.Number}}{{end}}{{.Name}}，谢谢。`,
		"order.zh-Hant.txt", `{{.Name}}，謝謝。`,
		"_footer.html", `{{define "footer"}}<p>The shop</p>{{end}}`,
	), nil)
	require.NoError(t, err)
	return s
}

func TestLocaleFallsBack(t *testing.T) {
	t.Parallel()
	s := shop(t)
	for asked, used := range map[string]string{
		"zh": "zh", "zh-CN": "zh", "zh_CN": "zh", "zh-Hant-HK": "zh-Hant", "en-GB": "en", "fr": "en", "": "en", "../../x": "en",
	} {
		r, err := s.Render("order", asked, map[string]any{"Name": "Mei", "Number": 1})
		require.NoError(t, err, asked)
		require.Equal(t, used, r.Locale, asked)
	}
	_, err := s.Render("other", "zh", nil)
	require.ErrorIs(t, err, templates.ErrUnknown)
}

func TestHTMLIsEscapedAndTextIsNot(t *testing.T) {
	t.Parallel()
	r, err := shop(t).Render("order", "en", map[string]any{"Name": `<b>&"`, "Number": "1\r\nBcc: eve@example.com"})
	require.NoError(t, err)
	require.Equal(t, "Hello <b>&\", thank you.\n", r.Text)
	require.Equal(t, `<p>Hello &lt;b&gt;&amp;&#34;</p><p>The shop</p>`, r.HTML)
	require.Equal(t, "Order 1 Bcc: eve@example.com", r.Subject, "a subject is one line")
}

func TestMissingValuesAndHugeOutputAreErrors(t *testing.T) {
	t.Parallel()
	_, err := shop(t).Render("order", "en", map[string]any{"Name": "Mei"})
	require.ErrorContains(t, err, "Number")
	s, err := templates.Parse(files("a.en.txt", `{{.Text}}`), &templates.Options{MaxSize: 100})
	require.NoError(t, err)
	_, err = s.Render("a", "en", map[string]any{"Text": strings.Repeat("x", 101)})
	require.ErrorContains(t, err, "more than 100 bytes")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, bad := range []fstest.MapFS{
		files("nolocale.txt", "x"), files("a.en.txt", "{{.Broken"), files("a.en.html", "x"),
	} {
		_, err := templates.Parse(bad, nil)
		require.Error(t, err)
	}
}

func TestDataKeepsNumbers(t *testing.T) {
	t.Parallel()
	sent, err := json.Marshal(templates.Data{"Total": 1000000, "Nested": map[string]any{"Big": int64(1) << 60}})
	require.NoError(t, err)
	var got templates.Data
	require.NoError(t, json.Unmarshal(sent, &got))
	s, err := templates.Parse(files("a.en.txt", `{{.Total}} {{.Nested.Big}}`), nil)
	require.NoError(t, err)
	r, err := s.Render("a", "en", got)
	require.NoError(t, err)
	require.Equal(t, "1000000 1152921504606846976\n", r.Text)
}

func ExampleSet_Render() {
	set, err := templates.Parse(files(
		"order.en.txt", `{{define "subject"}}Order {{.Number}}{{end}}Thank you, {{.Name}}!`,
		"order.zh.txt", `{{define "subject"}}订单 {{.Number}}{{end}}{{.Name}}，谢谢您！`,
	), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, _ := set.Render("order", "zh-CN", templates.Data{"Number": 1001, "Name": "梅"})
	fmt.Print(r.Subject, "\n", r.Text)
	// Output:
	// 订单 1001
	// 梅，谢谢您！
}
