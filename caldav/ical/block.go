package ical

import (
	"encoding/base64"
	"html"
	"net/url"
	"strings"
)

// presentDescription brings the block in DESCRIPTION and in its HTML forms to p.NewBlock.
func (e *Edit) presentDescription(c *Component, p Presentation) {
	l := c.First("DESCRIPTION")
	if l == nil {
		if p.NewBlock != "" {
			e.Add(c, "DESCRIPTION:"+EscapeText(p.NewBlock))
		}
	} else {
		raw := placeBlock(l.Value, p)
		switch {
		case raw == l.Value:
		case raw == "":
			e.Remove(l)
		default:
			e.SetValue(l, raw)
		}
		if alt := l.Param("ALTREP"); alt != "" && raw != "" {
			if text, encode, ok := htmlData(alt); ok {
				if edited := placeHTML(text, p); edited != text {
					e.SetParam(l, "ALTREP", encode(edited))
				}
			}
		}
	}
	for _, l := range c.All("X-ALT-DESC") {
		if text := l.Text(); strings.EqualFold(l.Param("FMTTYPE"), "text/html") {
			if edited := placeHTML(text, p); edited != text {
				e.SetValue(l, EscapeText(edited))
			}
		}
	}
}

// placeBlock returns a raw DESCRIPTION with p.NewBlock in place of the block that stands there, or
// at its end, or without block. Other text of ours, a bare old link on a line of its own, goes too.
func placeBlock(raw string, p Presentation) string {
	want := EscapeText(p.NewBlock)
	from, to, ok := blockSpan(raw, p.Block, p.links())
	if ok && p.NewBlock != "" {
		lead := raw[from:to][:strings.Index(raw[from:to], fenceOpen[:4])]
		raw = raw[:from] + lead + want + raw[to:]
		// A second block of ours, after a client merged two texts, goes.
		rest := from + len(lead) + len(want)
		raw = raw[:rest] + withoutBlocks(raw[rest:], p)
	} else {
		raw = withoutBlocks(raw, p)
		if p.NewBlock != "" {
			if strings.TrimSpace(unescape(raw)) != "" {
				raw += `\n\n`
			} else {
				raw = ""
			}
			raw += want
		}
	}
	return withoutOldLines(raw, p.Old)
}

// maxBlocks bounds how many blocks of ours are taken out of one text; nobody writes more.
const maxBlocks = 100

func withoutBlocks(raw string, p Presentation) string {
	for range maxBlocks {
		from, to, ok := blockSpan(raw, p.Block, p.links())
		if !ok {
			return raw
		}
		raw = raw[:from] + raw[to:]
	}
	return raw
}

// withoutOldLines takes old links out of a raw text: with their line where it holds nothing else.
func withoutOldLines(raw string, old []string) string {
	for _, link := range old {
		esc := EscapeText(link)
		if !strings.Contains(raw, esc) {
			continue
		}
		if strings.Count(raw, esc) > maxBlocks {
			raw = strings.ReplaceAll(raw, esc, "")
			continue
		}
		for at := 0; ; {
			i := strings.Index(raw[at:], esc)
			if i < 0 {
				break
			}
			from, to := at+i, at+i+len(esc)
			if to < len(raw) && raw[to] != '\\' && continuesLink(raw[to:]) {
				at = to
				continue
			}
			startsLine := from == 0 || strings.HasSuffix(raw[:from], `\n`) || strings.HasSuffix(raw[:from], `\N`)
			rest := raw[to:]
			endsLine := rest == "" || strings.HasPrefix(rest, `\n`) || strings.HasPrefix(rest, `\N`)
			if startsLine && endsLine {
				if from > 0 {
					from -= 2
				} else if rest != "" {
					to += 2
				}
			}
			raw, at = raw[:from]+raw[to:], from
		}
	}
	return raw
}

// htmlDescription is the text of a component's HTML descriptions, for finding links in them.
func htmlDescription(c *Component) string {
	var b strings.Builder
	if l := c.First("DESCRIPTION"); l != nil {
		if text, _, ok := htmlData(l.Param("ALTREP")); ok {
			b.WriteString(html.UnescapeString(text) + "\n")
		}
	}
	for _, l := range c.All("X-ALT-DESC") {
		b.WriteString(html.UnescapeString(l.Text()) + "\n")
	}
	return b.String()
}

// htmlData decodes a data URI of HTML, and tells how to encode it again in the same way.
func htmlData(uri string) (text string, encode func(string) string, ok bool) {
	if len(uri) < 5 || !strings.EqualFold(uri[:5], "data:") {
		return "", nil, false
	}
	head, data, found := strings.Cut(uri, ",")
	if !found || !strings.HasPrefix(strings.ToLower(head), "data:text/html") {
		return "", nil, false
	}
	if strings.HasSuffix(strings.ToLower(head), ";base64") {
		b, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return "", nil, false
		}
		return string(b), func(s string) string { return head + "," + base64.StdEncoding.EncodeToString([]byte(s)) }, true
	}
	s, err := url.PathUnescape(data)
	if err != nil {
		return "", nil, false
	}
	return s, func(s string) string { return head + "," + encodeComponent(s) }, true
}

// encodeComponent percent-encodes as browsers' encodeURIComponent does.
func encodeComponent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
	}
	return b.String()
}

// htmlBlock is the block as HTML, its link clickable.
func htmlBlock(block, link string) string {
	lines := strings.Split(block, "\n")
	for i, l := range lines {
		lines[i] = html.EscapeString(l)
		if l == link && link != "" {
			lines[i] = `<a href="` + html.EscapeString(link) + `">` + html.EscapeString(link) + `</a>`
		}
	}
	return "<p>" + strings.Join(lines, "<br>") + "</p>"
}

// placeHTML does for HTML what placeBlock does for text.
func placeHTML(text string, p Presentation) string {
	want := ""
	if p.NewBlock != "" {
		want = htmlBlock(p.NewBlock, p.Link)
		if strings.Contains(text, want) {
			return text
		}
	}
	at := -1
	for range maxBlocks {
		from, to, ok := htmlSpan(text, p)
		if !ok {
			break
		}
		text = text[:from] + text[to:]
		if at < 0 {
			at = from
		}
	}
	for _, old := range p.Old {
		// A bare link of ours outside the block; as an attribute and as text.
		if strings.Count(text, old) <= maxBlocks && ContainsLink(text, old) {
			text = withoutBareLinks(text, old)
		}
	}
	if want == "" {
		return text
	}
	if at < 0 || at > len(text) {
		at = len(text)
		if i := strings.LastIndex(strings.ToLower(text), "</body>"); i >= 0 {
			at = i
		}
	}
	return text[:at] + want + text[at:]
}

// htmlSpan finds a block of ours in HTML: fences around one of our links, or the block as last
// written. A paragraph that holds nothing else goes along.
func htmlSpan(text string, p Presentation) (from, to int, ok bool) {
	for at := 0; ; {
		if from, to, ok = nextBlock(text, at); !ok {
			return 0, 0, false
		}
		inside := html.UnescapeString(text[from:to])
		ours := p.Block != "" && squeeze(withoutTags(inside)) == squeeze(p.Block)
		for _, l := range p.links() {
			ours = ours || ContainsLink(inside, l)
		}
		if ours {
			if strings.HasSuffix(text[:from], "<p>") && strings.HasPrefix(text[to:], "</p>") {
				from, to = from-len("<p>"), to+len("</p>")
			}
			return from, to, true
		}
		at = to
	}
}

// withoutTags replaces tags by spaces.
func withoutTags(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '<')
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i] + " ")
		j := strings.IndexByte(text[i:], '>')
		if j < 0 {
			return b.String()
		}
		text = text[i+j+1:]
	}
}

// withoutBareLinks takes every whole link out of HTML.
func withoutBareLinks(text, link string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, link)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		if rest := text[i+len(link):]; rest != "" && continuesLink(rest) {
			b.WriteString(link)
		}
		text = text[i+len(link):]
	}
}

// blockSpan finds the block in a raw DESCRIPTION: the remembered text, also wrapped anew, or fences
// around one of links. The span takes the empty lines before it along.
func blockSpan(raw, remembered string, links []string) (from, to int, ok bool) {
	if remembered != "" {
		if i := strings.Index(raw, EscapeText(remembered)); i >= 0 {
			from, to = i, i+len(EscapeText(remembered))
			return leadingBreaks(raw, from), to, true
		}
	}
	for at := 0; ; {
		if from, to, ok = nextBlock(raw, at); !ok {
			return 0, 0, false
		}
		text := unescape(raw[from:to])
		if remembered != "" && squeeze(text) == squeeze(remembered) {
			return leadingBreaks(raw, from), to, true
		}
		for _, l := range links {
			if ContainsLink(text, l) || containsWrapped(text, l) {
				return leadingBreaks(raw, from), to, true
			}
		}
		at = to
	}
}

// containsWrapped tells whether link stands in text broken over two lines, as clients wrap them.
func containsWrapped(text, link string) bool {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if ContainsLink(strings.TrimSpace(lines[i-1])+strings.TrimSpace(lines[i]), link) {
			return true
		}
	}
	return false
}

// squeeze makes texts comparable that differ only in how they are wrapped.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// leadingBreaks moves from back over at most two escaped line ends.
func leadingBreaks(raw string, from int) int {
	for n := 0; n < 2; n++ {
		if !strings.HasSuffix(raw[:from], `\n`) && !strings.HasSuffix(raw[:from], `\N`) {
			break
		}
		from -= 2
	}
	return from
}
