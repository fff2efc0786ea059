package media

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// Srcset returns the value of an img element's srcset attribute: base is the address of the file, as URL
// returns it, file tells its dimensions. Widths are those that the variants really have;
// of those with the same width only the first is listed, and crops are left out. The
// addresses carry a piece of the hash, so that browsers may keep them for good.
func (vs Variants) Srcset(base string, file File) string {
	return vs.srcset(base, file, func(v Variant) (string, bool) { return VariantURL(base, file, v.Name), true })
}

// SrcsetWebP is Srcset for a source element of type image/webp: its addresses lead to WebP whoever asks. What
// has a Format of its own or would be too large for WebP is left out.
func (vs Variants) SrcsetWebP(base string, file File) string {
	return vs.srcset(base, file, func(v Variant) (string, bool) {
		ok := v.Format == "" || v.Format == WebP
		v.Format = WebP
		return WebPURL(base, file, v.Name), ok && v.bears(file.Width, file.Height) == nil
	})
}

func (vs Variants) srcset(base string, file File, address func(Variant) (string, bool)) string {
	var b strings.Builder
	last := 0
	for _, v := range vs {
		if v.Fit == Cover || file.Width <= 0 || file.Height <= 0 {
			continue
		}
		width, _ := v.Size(file.Width, file.Height)
		target, ok := address(v)
		if width == last || !ok {
			continue
		}
		last = width
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %dw", target, width)
	}
	return b.String()
}

// shortHash is how many digits of the hash an address carries.
const shortHash = 16

// VariantURL returns the address of a variant: base is the address of the file, served by a Handler.
func VariantURL(base string, file File, variant string) string {
	query := paramVariant + "=" + variant
	if len(file.SHA256) >= shortHash {
		query = paramHash + "=" + file.SHA256[:shortHash] + "&" + query
	}
	if strings.Contains(base, "?") {
		return base + "&" + query
	}
	return base + "?" + query
}

// WebPURL is VariantURL for the variant as WebP, whoever asks. The Handler's store has Options.WebP, and the variant no other Format.
func WebPURL(base string, file File, variant string) string {
	return VariantURL(base, file, variant) + "&" + paramFormat + "=" + formatWebP
}

// PictureOptions of Variants.Picture.
type PictureOptions struct {
	Alt   string // what the picture shows, for those who do not see it
	Sizes string // how wide it is on the page, such as "(max-width: 600px) 50vw, 400px"; default "100vw"
	Class string // of the img element
	Lazy  bool   // load it only when it is nearly in view
}

// Picture returns a picture element: WebP for browsers that take it, in the sizes of the set, and an img with its dimensions for
// the others and for caches that heed no Vary header. All that goes in is escaped, so that a template may take it as
// template.HTML. It is "" for a file without dimensions or a set of nothing but crops.
func (vs Variants) Picture(base string, file File, options *PictureOptions) string {
	var o PictureOptions
	if options != nil {
		o = *options
	}
	largest := Variant{}
	for _, v := range vs {
		width, _ := v.Size(file.Width, file.Height)
		best, _ := largest.Size(file.Width, file.Height)
		if v.Fit != Cover && (largest.Name == "" || width > best) {
			largest = v
		}
	}
	all := vs.Srcset(base, file)
	if all == "" {
		return ""
	}
	if o.Sizes == "" {
		o.Sizes = "100vw"
	}
	width, height := largest.Size(file.Width, file.Height)
	var b strings.Builder
	attribute := func(name, value string) { b.WriteString(" " + name + `="` + html.EscapeString(value) + `"`) }
	b.WriteString("<picture>")
	if webp := vs.SrcsetWebP(base, file); webp != "" {
		b.WriteString("<source")
		attribute("type", WebP)
		attribute("srcset", webp)
		attribute("sizes", o.Sizes)
		b.WriteString(">")
	}
	b.WriteString("<img")
	attribute("src", VariantURL(base, file, largest.Name))
	attribute("srcset", all)
	attribute("sizes", o.Sizes)
	attribute("width", strconv.Itoa(width))
	attribute("height", strconv.Itoa(height))
	attribute("alt", o.Alt)
	if o.Class != "" {
		attribute("class", o.Class)
	}
	if o.Lazy {
		attribute("loading", "lazy")
	}
	b.WriteString(` decoding="async"></picture>`)
	return b.String()
}
