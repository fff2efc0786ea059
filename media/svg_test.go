package media

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckSVG(t *testing.T) {
	t.Parallel()
	const start = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`
	for name, good := range map[string]string{
		"shapes":      start + `<g fill="url(#p)"><rect width="1" height="1"/><path d="M0 0"/></g></svg>`,
		"declaration": `<?xml version="1.0" encoding="UTF-8"?><!-- drawn --><svg><title>Tea &amp; cups</title></svg>`,
		"use":         start + `<symbol id="a"/><use href="#a"/><use xlink:href="#a"/></svg>`,
		"bitmap":      start + `<image href="data:image/png;base64,AAAA"/></svg>`,
		"style":       start + `<style>.a { fill: url(#p); stroke: red }</style><rect style="fill:url('#p')"/></svg>`,
		"editor":      start + `<metadata><x:what xmlns:x="http://example.com/editor" x:note="hi"/></metadata></svg>`,
		"cdata":       start + `<style><![CDATA[ .a > .b { fill: red } ]]></style></svg>`,
	} {
		require.NoError(t, checkSVG(strings.NewReader(good)), name)
	}
	for name, bad := range map[string]string{
		"script":              start + `<script>alert(1)</script></svg>`,
		"script of a prefix":  `<x:svg xmlns:x="http://www.w3.org/2000/svg"><x:script/></x:svg>`,
		"script of a page":    start + `<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script></svg>`,
		"handler":             start + `<rect onload="alert(1)"/></svg>`,
		"handler on the root": `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"handler in capitals": start + `<rect ONCLICK="alert(1)"/></svg>`,
		"foreign object":      start + `<foreignObject/></svg>`,
		"link":                start + `<a href="javascript:alert(1)"/></svg>`,
		"animation":           start + `<animate attributeName="href" to="javascript:alert(1)"/></svg>`,
		"set":                 start + `<set attributeName="onload" to="alert(1)"/></svg>`,
		"remote image":        start + `<image href="https://example.com/pixel.png"/></svg>`,
		"remote use":          start + `<use xlink:href="other.svg#a"/></svg>`,
		"svg in data":         start + `<image href="data:image/svg+xml;base64,AAAA"/></svg>`,
		"base":                start + `<g xml:base="https://example.com/"/></svg>`,
		"import":              start + `<style>@import "https://example.com/a.css";</style></svg>`,
		"import with a cut":   start + `<style>@im<!-- -->port "https://example.com/a.css";</style></svg>`,
		"escape":              start + `<style>@\69mport "https://example.com/a.css";</style></svg>`,
		"remote fill":         start + `<rect fill="url(https://example.com/#a)"/></svg>`,
		"remote style":        start + `<rect style="fill: URL( 'https://example.com/#a' )"/></svg>`,
		"second url":          start + `<rect style="fill:url(#a);mask:url(//example.com)"/></svg>`,
		"document type":       `<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>`,
		"entity":              start + `<text>&xxe;</text></svg>`,
		"style sheet":         `<?xml-stylesheet href="https://example.com/a.css"?><svg/>`,
		"not closed":          start + `<g>`,
		"two roots":           `<svg/><svg/>`,
		"utf-16":              "\xff\xfe<\x00s\x00v\x00g\x00/\x00>\x00",
		"other encoding":      `<?xml version="1.0" encoding="UTF-7"?><svg/>`,
		"deep":                strings.Repeat("<g>", maxSVGDepth+1) + strings.Repeat("</g>", maxSVGDepth+1),
		"nothing":             "  ",
	} {
		require.ErrorIs(t, checkSVG(strings.NewReader(bad)), ErrInvalid, name)
	}
}

func TestLooksSVG(t *testing.T) {
	t.Parallel()
	for _, yes := range []string{"<svg>", "<SVG/>", "\xef\xbb\xbf \n<svg x", "<?xml version='1.0'?>\n<!-- x --><!DOCTYPE svg>\n<svg>", `<s:svg xmlns:s="x">`} {
		require.Equal(t, SVG, Sniff([]byte(yes)), yes)
	}
	for _, no := range []string{"", "svg", "<svgs>", "text <svg>", "<!-- <svg>", "<html><svg>", "<?xml <svg>"} {
		require.NotEqual(t, SVG, Sniff([]byte(no)), no)
	}
}

func FuzzCheckSVG(f *testing.F) {
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><style>@import</style><rect style="fill:url(#a)"/></svg>`)
	f.Add(`<svg><script/></svg>`)
	f.Fuzz(func(t *testing.T, s string) {
		if checkSVG(strings.NewReader(s)) != nil {
			return
		}
		for _, never := range []string{"<script", "<foreignobject", "<!doctype", "<!entity"} {
			// Within comments and CDATA they are only text.
			if strings.Contains(strings.ToLower(s), never) && !strings.Contains(s, "<!--") && !strings.Contains(s, "<![CDATA[") && !strings.Contains(s, "xmlns") {
				t.Fatalf("accepted %q", s)
			}
		}
	})
}
