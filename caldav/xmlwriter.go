package caldav

import (
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	xmlType   = "application/xml; charset=utf-8"
	xmlHeader = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	// rootNamespaces declares the prefixes that all fragments of this package use.
	rootNamespaces = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"` +
		` xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"`
)

var prefixes = map[string]string{nsDAV: "D:", nsCal: "C:", nsCS: "CS:", nsApple: "A:"}

// escape makes s fit for text. CR stays as &#13;, because parsers turn a bare
// one into LF (XML 1.0 §2.11); what XML cannot say at all becomes U+FFFD.
func escape(s string) string {
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/16 + 16)
	escapeTo(&b, s)
	return b.String()
}

// escapeTo writes s as escape makes it.
func escapeTo(b *strings.Builder, s string) {
	for len(s) > 0 {
		i := 0
		for i < len(s) && plain(s[i]) {
			i++
		}
		b.WriteString(s[:i])
		s = s[i:]
		if s == "" {
			break
		}
		if s[0] == '\r' { // at the end of every line
			b.WriteString("&#13;")
			s = s[1:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r < 0x20, r == utf8.RuneError && n == 1, r == 0xFFFE, r == 0xFFFF:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
		s = s[n:]
	}
}

var attrEscapes = strings.NewReplacer(`"`, "&#34;", "\n", "&#10;", "\t", "&#9;")

// escapeAttr makes s fit for an attribute in double quotes.
func escapeAttr(s string) string { return attrEscapes.Replace(escape(s)) }

// plain tells whether the byte stands for itself in XML.
func plain(c byte) bool {
	switch c {
	case '&', '<', '>':
		return false
	}
	return c >= 0x20 && c < 0x80 || c == '\n' || c == '\t'
}

// elementXML writes an element around inner XML.
func elementXML(n xml.Name, inner string) string {
	tag, decl := tagOf(n)
	if inner == "" {
		return "<" + tag + decl + "/>"
	}
	return "<" + tag + decl + ">" + inner + "</" + tag + ">"
}

// tagOf returns how a name is written, and the declaration it needs.
func tagOf(n xml.Name) (tag, decl string) {
	if p, ok := prefixes[n.Space]; ok {
		return p + n.Local, ""
	}
	if n.Space == "" {
		return n.Local, ` xmlns=""`
	}
	return "x:" + n.Local, ` xmlns:x="` + escapeAttr(n.Space) + `"`
}

// hrefXML writes a DAV:href; the path is encoded already.
func hrefXML(path string) string { return "<D:href>" + escape(path) + "</D:href>" }

// innerXML writes the element's content so that it can stand anywhere: every element declares its
// own namespace.
func (e *element) innerXML() string {
	var b strings.Builder
	e.writeInner(&b)
	return b.String()
}

func (e *element) writeInner(b *strings.Builder) {
	for _, n := range e.content {
		if n.el == nil {
			b.WriteString(escape(n.text))
			continue
		}
		tag, decl := n.el.name.Local, ` xmlns="`+escapeAttr(n.el.name.Space)+`"`
		b.WriteString("<" + tag + decl)
		for i, a := range n.el.attrs {
			switch a.Name.Space {
			case "":
				b.WriteString(" " + a.Name.Local)
			case nsXML:
				b.WriteString(" xml:" + a.Name.Local)
			default:
				p := "a" + strconv.Itoa(i)
				b.WriteString(" xmlns:" + p + `="` + escapeAttr(a.Name.Space) + `" ` + p + ":" + a.Name.Local)
			}
			b.WriteString(`="` + escapeAttr(a.Value) + `"`)
		}
		b.WriteString(">")
		n.el.writeInner(b)
		b.WriteString("</" + tag + ">")
	}
}
