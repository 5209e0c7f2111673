package ical

import (
	"strings"
	"unicode/utf8"
)

// EscapeText escapes text for a value (RFC 5545 §3.3.11); line breaks become \n, other control
// characters are left out.
func EscapeText(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' || c == ';' || c == ',':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			if i+1 == len(s) || s[i+1] != '\n' {
				b.WriteString(`\n`)
			}
		case c < ' ' && c != '\t', c == 0x7f:
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescapeText(s string) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i >= 0 && i+1 < len(s) {
		b.WriteString(s[:i])
		if c := s[i+1]; c == 'n' || c == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(c)
		}
		s = s[i+2:]
		i = strings.IndexByte(s, '\\')
	}
	b.WriteString(s)
	return b.String()
}

// FormatLine makes an unfolded content line; parameter values are RFC 6868 encoded and quoted where
// they must be. The value is taken as it is.
func FormatLine(name string, params []Param, value string) string {
	var b strings.Builder
	b.WriteString(name)
	for _, p := range params {
		b.WriteByte(';')
		b.WriteString(p.Name)
		b.WriteByte('=')
		for i, v := range p.Values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(encodeParam(v))
		}
	}
	b.WriteByte(':')
	b.WriteString(value)
	return b.String()
}

// encodeParam makes a parameter value: RFC 6868, quotes where RFC 5545 §3.1 wants them, control
// characters left out.
func encodeParam(s string) string {
	var b strings.Builder
	quote := strings.ContainsAny(s, ":;,")
	if quote {
		b.WriteByte('"')
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '^':
			b.WriteString("^^")
		case c == '"':
			b.WriteString("^'")
		case c == '\n':
			b.WriteString("^n")
		case c == '\r':
			if i+1 == len(s) || s[i+1] != '\n' {
				b.WriteString("^n")
			}
		case c < ' ' && c != '\t', c == 0x7f:
		default:
			b.WriteByte(c)
		}
	}
	if quote {
		b.WriteByte('"')
	}
	return b.String()
}

// decodeParam undoes RFC 6868; a circumflex before anything else stays.
func decodeParam(s string) string {
	if strings.IndexByte(s, '^') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '^' && i+1 < len(s) {
			switch s[i+1] {
			case 'n':
				b.WriteByte('\n')
				i++
				continue
			case '^':
				b.WriteByte('^')
				i++
				continue
			case '\'':
				b.WriteByte('"')
				i++
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// appendFolded appends a content line, folded at 75 octets (RFC 5545 §3.1) and never inside a UTF-8
// character. What would break out of the line (CR, LF, NUL) is left out.
func appendFolded(dst []byte, content, eol string) []byte {
	content = unbroken(content)
	room := 75
	for len(content) > room {
		cut := room
		for cut > room-utf8.UTFMax && !utf8.RuneStart(content[cut]) {
			cut--
		}
		if !utf8.RuneStart(content[cut]) { // not UTF-8
			cut = room
		}
		dst = append(dst, content[:cut]...)
		dst = append(dst, eol...)
		dst = append(dst, ' ')
		content = content[cut:]
		room = 74
	}
	dst = append(dst, content...)
	return append(dst, eol...)
}

// unbroken leaves out what would end the line or make the object unreadable.
func unbroken(content string) string {
	if !strings.ContainsAny(content, "\r\n\x00") {
		return content
	}
	b := make([]byte, 0, len(content)) // by bytes: strings.Map would change what is not UTF-8
	for i := 0; i < len(content); i++ {
		if c := content[i]; c != '\r' && c != '\n' && c != 0 {
			b = append(b, c)
		}
	}
	return string(b)
}
