package media

import (
	"fmt"
	"strconv"
	"strings"
)

// Fit says how an image fills the box of a variant. No fit ever enlarges.
type Fit int

const (
	// Contain scales until the whole image fits into the box.
	Contain Fit = iota
	// Cover scales until the box is full and crops what stands out, around the focus.
	Cover
)

// Focus is the point that a crop keeps as near to its middle as it can, measured from
// the middle of the image: X from -1 (left edge) to 1 (right edge), Y from -1 (top) to 1 (bottom).
type Focus struct{ X, Y float64 }

// FocusKey is the metadata key that gives an image a focal point of its own, in
// the form "x,y", such as "-0.2,0.5". It stands in for the focus of a
// variant that has none.
const FocusKey = "focus"

// The limits on variants.
const (
	MaxVariantSide     = 8192    // pixels
	MaxWebPPixels      = 8 << 20 // width × height of a variant that is WebP
	DefaultQuality     = 82      // of JPEG, 1 to 100
	DefaultWebPQuality = 80      // of WebP, 1 to 100
)

// Variant specifies a size of an image.
type Variant struct {
	Name          string // in addresses: 1 to 32 of a-z, 0-9 and '-'
	Width, Height int    // the box in pixels, 1 to MaxVariantSide; one of them may be 0: as it comes
	Fit           Fit
	Focus         Focus
	// Format is JPEG, PNG or, with Options.WebP, WebP. Default: JPEG of a JPEG, PNG of a PNG or GIF; of
	// WebP, PNG if it is transparent anywhere, else JPEG. Transparency becomes white in a JPEG.
	// A Handler sends what has no Format as WebP to whoever takes that.
	Format  string
	Quality int // of JPEG and WebP, 1 to 100; default DefaultQuality or DefaultWebPQuality
}

// Variants is a set of sizes with names.
type Variants []Variant

// Shop is the set that a shop needs: for lists, for cards, for the product page, and to zoom in. Each fits into a square.
var Shop = Variants{
	{Name: "thumb", Width: 160, Height: 160},
	{Name: "card", Width: 400, Height: 400},
	{Name: "product", Width: 800, Height: 800},
	{Name: "zoom", Width: 1600, Height: 1600},
}

// Find returns the variant of a name.
func (vs Variants) Find(name string) (Variant, bool) {
	for _, v := range vs {
		if v.Name == name {
			return v, true
		}
	}
	return Variant{}, false
}

// Size returns the dimensions that the variant of an image of width × height has.
func (v Variant) Size(width, height int) (int, int) {
	w, h := v.Width, v.Height
	if w == 0 {
		w = MaxVariantSide * 16
	}
	if h == 0 {
		h = MaxVariantSide * 16
	}
	if v.Fit == Cover && v.Width > 0 && v.Height > 0 {
		return min(w, width), min(h, height)
	}
	if width <= w && height <= h {
		return width, height
	}
	// Whole numbers: width/w against height/h without rounding.
	if int64(width)*int64(h) > int64(height)*int64(w) {
		return w, max(1, int((int64(height)*int64(w)+int64(width)/2)/int64(width)))
	}
	return max(1, int((int64(width)*int64(h)+int64(height)/2)/int64(height))), h
}

func (v Variant) check() error {
	if len(v.Name) > 32 || strings.Trim(v.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return invalid("variant", "name has at most 32 of a-z, 0-9 and '-'")
	}
	if v.Width < 0 || v.Height < 0 || v.Width > MaxVariantSide || v.Height > MaxVariantSide || v.Width == 0 && v.Height == 0 {
		return invalid("variant", "%q is %d×%d, allowed is up to %d a side, and not 0×0", v.Name, v.Width, v.Height, MaxVariantSide)
	}
	if v.Fit != Contain && v.Fit != Cover {
		return invalid("variant", "%q has the unknown fit %d", v.Name, v.Fit)
	}
	if v.Fit == Cover && (v.Width == 0 || v.Height == 0) {
		return invalid("variant", "%q covers a box that needs both width and height", v.Name)
	}
	if !v.Focus.ok() {
		return invalid("variant", "%q has a focus outside -1 to 1", v.Name)
	}
	if v.Format != "" && v.Format != JPEG && v.Format != PNG && v.Format != WebP {
		return invalid("variant", "%q has the format %q, allowed are %s, %s and %s", v.Name, v.Format, JPEG, PNG, WebP)
	}
	if v.Quality < 0 || v.Quality > 100 {
		return invalid("variant", "%q has the quality %d, allowed is 1 to 100", v.Name, v.Quality)
	}
	return nil
}

// checkVariants checks variants that are asked for by name.
func checkVariants(variants Variants, encoder WebPEncoder) error {
	seen := map[string]bool{}
	for _, v := range variants {
		if err := v.check(); err != nil {
			return err
		}
		if err := v.needs(encoder); err != nil {
			return err
		}
		if v.Name == "" || seen[v.Name] {
			return invalid("variant", "name %q is empty or there twice", v.Name)
		}
		seen[v.Name] = true
	}
	return nil
}

// needs checks that there is an encoder if the variant needs one.
func (v Variant) needs(encoder WebPEncoder) error {
	if v.Format == WebP && encoder == nil {
		return invalid("variant", "%q is WebP, but Options.WebP has no encoder", v.Name)
	}
	return nil
}

// bears reports whether an image of width × height, as it is to be seen, has the variant: as WebP not if it were too large.
func (v Variant) bears(width, height int) error {
	if v.Format != WebP {
		return nil
	}
	w, h := v.Size(width, height)
	if pixels := int64(w) * int64(h); pixels > MaxWebPPixels {
		return tooLarge("variant", "of %d×%d pixels is over the limit of %d for WebP", w, h, MaxWebPPixels)
	}
	return nil
}

func (f Focus) ok() bool { return f.X >= -1 && f.X <= 1 && f.Y >= -1 && f.Y <= 1 }

// String returns the specification in the form that ParseVariant reads, such as
// "card=400x400" or "hero=1200x400,cover,focus:0.25:-0.5,jpeg,q80".
func (v Variant) String() string {
	var b strings.Builder
	if v.Name != "" {
		b.WriteString(v.Name + "=")
	}
	fmt.Fprintf(&b, "%dx%d", v.Width, v.Height)
	if v.Fit == Cover {
		b.WriteString(",cover")
	}
	if v.Focus != (Focus{}) {
		b.WriteString(",focus:" + number(v.Focus.X) + ":" + number(v.Focus.Y))
	}
	switch v.Format {
	case JPEG:
		b.WriteString(",jpeg")
	case PNG:
		b.WriteString(",png")
	case WebP:
		b.WriteString(",webp")
	}
	if v.Quality != 0 {
		b.WriteString(",q" + strconv.Itoa(v.Quality))
	}
	return b.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// ParseVariant reads a specification as String writes it, for flags and
// configuration files: an optional "name=", "WIDTHxHEIGHT" (0: as it comes),
// then any of "contain", "cover", "focus:X:Y", "jpeg", "png", "webp", "qN", separated by commas.
// It returns an *InvalidError.
func ParseVariant(spec string) (Variant, error) {
	if len(spec) > 200 {
		return Variant{}, invalid("variant", "has %d bytes, allowed are 200", len(spec))
	}
	var v Variant
	rest := spec
	if name, after, ok := strings.Cut(spec, "="); ok {
		v.Name, rest = name, after
	}
	box, options, more := strings.Cut(rest, ",")
	width, height, ok := strings.Cut(box, "x")
	var ok1, ok2 bool
	v.Width, ok1 = parseWhole(width)
	v.Height, ok2 = parseWhole(height)
	if !ok || !ok1 || !ok2 {
		return Variant{}, invalid("variant", "box %q is not WIDTHxHEIGHT", box)
	}
	for more {
		var option string
		option, options, more = strings.Cut(options, ",")
		if err := v.parseOption(option); err != nil {
			return Variant{}, err
		}
	}
	return v, v.check()
}

func (v *Variant) parseOption(option string) error {
	switch {
	case option == "contain":
		v.Fit = Contain
	case option == "cover":
		v.Fit = Cover
	case option == "jpeg":
		v.Format = JPEG
	case option == "png":
		v.Format = PNG
	case option == "webp":
		v.Format = WebP
	case strings.HasPrefix(option, "focus:"):
		focus, ok := parseFocus(option[len("focus:"):], ":")
		if !ok {
			return invalid("variant", "%q is not focus:X:Y with -1 to 1", option)
		}
		v.Focus = focus
	case strings.HasPrefix(option, "q"):
		q, ok := parseWhole(option[1:])
		if !ok || q < 1 {
			return invalid("variant", "%q is not q1 to q100", option)
		}
		v.Quality = q
	default:
		return invalid("variant", "option %q is unknown", option)
	}
	return nil
}

func parseWhole(s string) (int, bool) {
	if len(s) == 0 || len(s) > 5 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func parseFocus(s, separator string) (Focus, bool) {
	x, y, ok := strings.Cut(s, separator)
	if !ok || len(s) > 64 {
		return Focus{}, false
	}
	var f Focus
	var err1, err2 error
	f.X, err1 = strconv.ParseFloat(x, 64)
	f.Y, err2 = strconv.ParseFloat(y, 64)
	// Adding zero turns -0 into 0, so that equal points are written alike.
	f.X, f.Y = f.X+0, f.Y+0
	return f, err1 == nil && err2 == nil && f.ok()
}
