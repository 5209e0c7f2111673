package caldav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"
)

// Bounds of XML that clients send.
const (
	maxXMLSize     = 1 << 20
	maxXMLDepth    = 64
	maxXMLElements = 50_000
)

// An element is a parsed XML element with its namespaces resolved.
type element struct {
	name    xml.Name
	attrs   []xml.Attr // without declarations of namespaces
	lang    string     // xml:lang in scope
	content []node
}

// A node is a child element, or text where el is nil.
type node struct {
	el   *element
	text string
}

// is tells whether e has this name.
func (e *element) is(space, local string) bool {
	return e != nil && e.name.Space == space && e.name.Local == local
}

// children returns the child elements.
func (e *element) children() []*element {
	if e == nil {
		return nil
	}
	var cs []*element
	for _, n := range e.content {
		if n.el != nil {
			cs = append(cs, n.el)
		}
	}
	return cs
}

// child returns the first child of that name, nil if there is none.
func (e *element) child(space, local string) *element {
	for _, c := range e.children() {
		if c.is(space, local) {
			return c
		}
	}
	return nil
}

// size counts the elements in e, at any depth.
func (e *element) size() int {
	n := 0
	for _, c := range e.children() {
		n += 1 + c.size()
	}
	return n
}

// attr returns the attribute without namespace of that name.
func (e *element) attr(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// text returns the element's own text.
func (e *element) text() string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	for _, n := range e.content {
		if n.el == nil {
			b.WriteString(n.text)
		}
	}
	return b.String()
}

// trimmed returns the element's own text without surrounding space.
func (e *element) trimmed() string { return strings.TrimSpace(e.text()) }

// readXML reads the request's body; nil if it is empty. Its Content-Type is not looked at: some
// clients send none.
func readXML(r *http.Request) (*element, error) {
	data, err := readBody(r, maxXMLSize)
	if err != nil {
		if errors.Is(err, errTooLarge) {
			return nil, refuse(http.StatusRequestEntityTooLarge, "the XML is larger than %d bytes", maxXMLSize)
		}
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	root, err := parseXML(data)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not the XML that is expected here: %v", err)
	}
	return root, nil
}

var errTooLarge = errors.New("body too large")

// readBody reads the body, at most limit bytes of it.
func readBody(r *http.Request, limit int) ([]byte, error) {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding %q is not taken", enc)
	}
	if r.ContentLength > int64(limit) {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, refuse(http.StatusRequestTimeout, "the body came too slowly")
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body broke off")
	}
	if len(data) > limit {
		return nil, errTooLarge
	}
	return data, nil
}

// parseXML reads one document, in UTF-8 or UTF-16, without DTD, entities of its own, or undeclared prefixes.
func parseXML(data []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(xmlInUTF8(data)))
	d.CharsetReader = declaredEncoding
	p := xmlReader{scopes: []map[string]string{{"xml": nsXML}}}
	for {
		// Raw tokens, because the decoder's own translation lets undeclared prefixes pass.
		tok, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := p.token(tok); err != nil {
			return nil, err
		}
	}
	if len(p.open) > 0 {
		return nil, fmt.Errorf("element %s is not closed", p.raw[len(p.raw)-1].Local)
	}
	if p.root == nil {
		return nil, errors.New("there is no element")
	}
	return p.root, nil
}

type xmlReader struct {
	root   *element
	open   []*element
	raw    []xml.Name          // the names as written, to match the ends
	scopes []map[string]string // what each open element declares, outermost first; nil: nothing
	count  int
}

func (p *xmlReader) token(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		if len(p.open) == 0 || p.raw[len(p.raw)-1] != t.Name {
			return fmt.Errorf("end of %s stands where it does not belong", t.Name.Local)
		}
		p.open = p.open[:len(p.open)-1]
		p.raw = p.raw[:len(p.raw)-1]
		p.scopes = p.scopes[:len(p.scopes)-1]
	case xml.CharData:
		if len(p.open) == 0 {
			if len(bytes.TrimSpace(t)) > 0 && !bytes.Equal(t, []byte("\ufeff")) {
				return errors.New("text outside of the element")
			}
			return nil
		}
		e := p.open[len(p.open)-1]
		e.content = append(e.content, node{text: string(t)})
	case xml.Directive:
		return errors.New("a document type is not taken")
	case xml.ProcInst, xml.Comment:
	}
	return nil
}

func (p *xmlReader) start(t xml.StartElement) error {
	if p.count++; p.count > maxXMLElements {
		return errors.New("too many elements")
	}
	if len(p.open) >= maxXMLDepth {
		return errors.New("elements are nested too deeply")
	}
	if len(p.open) == 0 && p.root != nil {
		return errors.New("more than one element")
	}
	var scope map[string]string // what this element declares: a copy of what its parents do would cost as much for each
	declare := func(prefix, uri string) {
		if scope == nil {
			scope = map[string]string{}
		}
		scope[prefix] = uri
	}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			if reserved(a.Value) {
				return errReserved
			}
			declare("", a.Value)
		case a.Name.Space == "xmlns":
			if a.Value == "" {
				return fmt.Errorf("prefix %s is declared empty", a.Name.Local)
			}
			if a.Name.Local == "xmlns" || a.Value == nsXMLNS || (a.Value == nsXML) != (a.Name.Local == "xml") {
				return errReserved
			}
			declare(a.Name.Local, a.Value)
		}
	}
	if t.Name.Space == "xml" {
		return errReserved
	}
	if !isLocalName(t.Name.Local) {
		return fmt.Errorf("%q is no name", t.Name.Local)
	}
	e := &element{}
	if len(p.open) > 0 {
		e.lang = p.open[len(p.open)-1].lang
	}
	p.scopes = append(p.scopes, scope)
	uri, ok := p.namespace(t.Name.Space)
	if !ok && t.Name.Space != "" {
		return fmt.Errorf("prefix %s is not declared", t.Name.Space)
	}
	e.name = xml.Name{Space: uri, Local: t.Name.Local}
	named := map[xml.Name]bool{}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		if a.Name.Space == "xml" && a.Name.Local == "lang" {
			e.lang = a.Value
		}
		if !isLocalName(a.Name.Local) {
			return fmt.Errorf("%q is no name", a.Name.Local)
		}
		n := xml.Name{Local: a.Name.Local}
		if a.Name.Space != "" {
			if n.Space, ok = p.namespace(a.Name.Space); !ok {
				return fmt.Errorf("prefix %s is not declared", a.Name.Space)
			}
		}
		if named[n] {
			return fmt.Errorf("attribute %s stands there twice", n.Local)
		}
		named[n] = true
		e.attrs = append(e.attrs, xml.Attr{Name: n, Value: a.Value})
	}
	if len(p.open) == 0 {
		p.root = e
	} else {
		parent := p.open[len(p.open)-1]
		parent.content = append(parent.content, node{el: e})
	}
	p.open = append(p.open, e)
	p.raw = append(p.raw, t.Name)
	return nil
}

// The namespaces that cannot be declared anew (Namespaces in XML §3).
const (
	nsXML   = "http://www.w3.org/XML/1998/namespace"
	nsXMLNS = "http://www.w3.org/2000/xmlns/"
)

func reserved(uri string) bool { return uri == nsXML || uri == nsXMLNS }

var errReserved = errors.New("a namespace of XML itself is used for something else")

// isLocalName tells whether a name can stand behind a prefix or alone (an NCName). The decoder lets more pass,
// such as the 1 of <E:1/>, and what a client sends here stands in our answers under other prefixes.
func isLocalName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			tok, err := xml.NewDecoder(strings.NewReader("<" + s + "/>")).RawToken()
			el, ok := tok.(xml.StartElement)
			return err == nil && ok && el.Name.Local == s && !strings.Contains(s, ":")
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.'):
			return false
		}
	}
	return s != ""
}

// namespace is what a prefix stands for here.
func (p *xmlReader) namespace(prefix string) (uri string, ok bool) {
	for i := len(p.scopes) - 1; i >= 0 && !ok; i-- {
		uri, ok = p.scopes[i][prefix]
	}
	return uri, ok
}
