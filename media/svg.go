package media

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

const (
	svgNamespace   = "http://www.w3.org/2000/svg"
	xhtmlNamespace = "http://www.w3.org/1999/xhtml"
	maxSVGDepth    = 256
)

// svgElements are the elements that only draw. Everything else of the SVG
// namespace can run, load or embed, or is not known to be harmless.
var svgElements = func() map[string]bool {
	names := `svg g defs symbol use switch title desc metadata style view
		path rect circle ellipse line polyline polygon text tspan textPath image
		linearGradient radialGradient stop pattern clipPath mask marker filter
		feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting
		feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR
		feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset fePointLight
		feSpecularLighting feSpotLight feTile feTurbulence`
	set := map[string]bool{}
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}()

// checkSVG refuses a drawing that is not well-formed UTF-8 XML, that declares
// a document type or entities, or that holds anything able to run or to load from elsewhere.
func checkSVG(r io.Reader) error {
	d := xml.NewDecoder(r)
	depth, roots := 0, 0
	var style strings.Builder // all text since a style began; comments must not cut its words
	inStyle := 0              // the depth of that style, or 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			if roots != 1 || depth != 0 {
				return invalid("content", "is a damaged SVG")
			}
			return nil
		}
		if err != nil {
			return svgError(err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return invalid("content", "is an SVG with a document type")
		case xml.ProcInst:
			if t.Target != "xml" {
				return invalid("content", "is an SVG with a processing instruction")
			}
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > maxSVGDepth {
				return invalid("content", "is an SVG nested more than %d deep", maxSVGDepth)
			}
			if err := checkElement(t); err != nil {
				return err
			}
			if t.Name.Local == "style" && inStyle == 0 {
				inStyle = depth
			}
		case xml.EndElement:
			if inStyle == depth {
				if !harmlessStyle(style.String()) {
					return invalid("content", "is an SVG whose style loads from elsewhere")
				}
				inStyle = 0
				style.Reset()
			}
			depth--
		case xml.CharData:
			if inStyle != 0 {
				style.Write(t)
			}
		}
	}
}

func svgError(err error) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return invalid("content", "is a damaged SVG: %s in line %d", syntax.Msg, syntax.Line)
	}
	return invalid("content", "is a damaged SVG, or is not in UTF-8")
}

func checkElement(t xml.StartElement) error {
	switch {
	case t.Name.Space == xhtmlNamespace,
		(t.Name.Space == svgNamespace || t.Name.Space == "") && !svgElements[t.Name.Local]:
		return invalid("content", "is an SVG with the element %q", shorten(t.Name.Local))
	}
	for _, a := range t.Attr {
		name := strings.ToLower(a.Name.Local)
		switch {
		case strings.HasPrefix(name, "on"):
			return invalid("content", "is an SVG with the event handler %q", shorten(a.Name.Local))
		case name == "href" || name == "src":
			if !harmlessReference(a.Value) {
				return invalid("content", "is an SVG with a reference to elsewhere")
			}
		case name == "base":
			return invalid("content", "is an SVG with a base address")
		case a.Name.Space != "xmlns" && name != "xmlns" && !harmlessStyle(a.Value):
			return invalid("content", "is an SVG whose attribute %q loads from elsewhere", shorten(a.Name.Local))
		}
	}
	return nil
}

// harmlessReference: to a part of the same drawing, or a bitmap within it.
func harmlessReference(value string) bool {
	value = strings.ToLower(strings.TrimSpace(value))
	if strings.HasPrefix(value, "#") {
		return true
	}
	for _, t := range Images {
		if strings.HasPrefix(value, "data:"+t+";base64,") {
			return true
		}
	}
	return false
}

// harmlessStyle: no escapes to hide behind, and no function or rule that loads, other than from the same drawing.
func harmlessStyle(value string) bool {
	value = strings.ToLower(value)
	for _, word := range []string{"\\", "@import", "javascript:", "expression(", "image-set("} {
		if strings.Contains(value, word) {
			return false
		}
	}
	for rest := value; ; {
		_, after, found := strings.Cut(rest, "url(")
		if !found {
			return true
		}
		if !strings.HasPrefix(strings.TrimLeft(after, " \t\r\n\"'"), "#") {
			return false
		}
		rest = after
	}
}

// looksSVG reports whether the first element is svg: behind any byte order mark, declaration,
// document type and comments.
func looksSVG(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for {
		head = bytes.TrimLeft(head, " \t\r\n")
		end := ""
		switch {
		case bytes.HasPrefix(head, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(head, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(head, []byte("<!")):
			end = ">"
		default:
			return svgStart(head)
		}
		_, rest, found := bytes.Cut(head, []byte(end))
		if !found {
			return false
		}
		head = rest
	}
}

// svgStart: "<svg", with or without a namespace prefix.
func svgStart(head []byte) bool {
	if len(head) == 0 || head[0] != '<' {
		return false
	}
	name := head[1:]
	if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
		name = name[:end]
	}
	if _, local, ok := bytes.Cut(name, []byte(":")); ok {
		name = local
	}
	return bytes.EqualFold(name, []byte("svg"))
}
