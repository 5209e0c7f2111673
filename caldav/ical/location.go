package ical

import "strings"

// A Token is one part of a LOCATION between separators, by its place in the raw value.
type Token struct {
	From, To int    // trimmed, in the raw value
	Text     string // unescaped
}

// LocationTokens splits a raw LOCATION at semicolons, commas and line ends, escaped or not.
func LocationTokens(raw string) []Token {
	var out []Token
	from := 0
	add := func(to int) {
		a, b := from, to
		for a < b && isBlank(raw[a]) {
			a++
		}
		for b > a && isBlank(raw[b-1]) {
			b--
		}
		if a < b {
			out = append(out, Token{a, b, unescape(raw[a:b])})
		}
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw):
			switch raw[i+1] {
			case ';', ',', 'n', 'N':
				add(i)
				from = i + 2
			}
			i++
		case c == ';' || c == ',':
			add(i)
			from = i + 1
		}
	}
	add(len(raw))
	return out
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func unescape(raw string) string { return (&Line{Value: raw}).Text() }

// editTokens rewrites the tokens of a raw LOCATION: edit gets each one as it stands, and returns what
// is to stand there, or "" to take it away with the separator that joined it to its neighbour.
func editTokens(raw string, edit func(token string) string) string {
	var b strings.Builder
	end, kept, cut := 0, false, false
	for _, t := range LocationTokens(raw) {
		text := edit(raw[t.From:t.To])
		if text == "" {
			cut = true
		} else {
			if kept || !cut {
				b.WriteString(raw[end:t.From])
			}
			b.WriteString(text)
			kept, cut = true, false
		}
		end = t.To
	}
	if !cut {
		b.WriteString(raw[end:])
	}
	return b.String()
}

// cutLink takes link out of text, with the blank beside it; put stands in its place, once.
func cutLink(text, link, put string) string {
	i := strings.Index(text, link)
	if i < 0 {
		return text
	}
	rest := text[i+len(link):]
	if rest != "" && continuesLink(rest) {
		return text[:i+len(link)] + cutLink(rest, link, put)
	}
	if put == "" {
		return strings.TrimSpace(strings.TrimRight(text[:i], " \t") + rest)
	}
	return text[:i] + put + rest
}

// withoutLink returns a raw LOCATION without link.
func withoutLink(raw, link string) string {
	if !strings.Contains(raw, EscapeText(link)) {
		return raw
	}
	return editTokens(raw, func(token string) string { return cutLink(token, EscapeText(link), "") })
}

func (e *Edit) presentLocation(c *Component, p Presentation) bool {
	l := c.First("LOCATION")
	if l == nil {
		if p.Link != "" && p.Location {
			e.Add(c, "LOCATION:"+EscapeText(p.Link))
			return true
		}
		return false
	}
	put := ContainsLink(l.Text(), p.Link)
	raw := editTokens(l.Value, func(token string) string {
		text := unescape(token)
		next := func() string {
			if p.Link == "" || !p.Location || put {
				return ""
			}
			put = true
			return EscapeText(p.Link)
		}
		if p.IsWord != nil && p.Link != "" && p.IsWord(text) {
			return next()
		}
		for _, old := range p.Old {
			if ContainsLink(text, old) {
				token = cutLink(token, EscapeText(old), next())
			}
		}
		return token
	})
	if p.Link != "" && p.Location && strings.TrimSpace(raw) == "" {
		raw, put = EscapeText(p.Link), true
	}
	if put && strings.TrimSpace(raw) == EscapeText(p.Link) && raw != l.Value {
		// A phone's keyboard leaves a blank behind the word; a link stands alone.
		raw = strings.TrimSpace(raw)
	}
	switch {
	case raw == l.Value:
	case strings.TrimSpace(raw) == "":
		e.Remove(l)
	default:
		e.SetValue(l, raw)
	}
	return put
}
