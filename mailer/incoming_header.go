package mailer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// A headerField is a header field as it stands, folded lines and all.
type headerField struct {
	name  string // lower case
	value string // unfolded, trimmed
	raw   []byte // with CRLF at the end of each line
}

// A mailHeader is a header's fields from the top. Lines that are no fields are left out.
type mailHeader []headerField

// get is the value of the topmost field of a name, in lower case; empty if there is none.
func (h mailHeader) get(name string) string {
	for i := range h {
		if h[i].name == name {
			return h[i].value
		}
	}
	return ""
}

// all are the values of the fields of a name, from the top.
func (h mailHeader) all(name string) []string {
	var out []string
	for i := range h {
		if h[i].name == name {
			out = append(out, h[i].value)
		}
	}
	return out
}

// errHeaderSize tells of a header that no mail needs.
var errHeaderSize = errors.New("the header is too large")

// readHeader reads fields up to the empty line, of at most limit bytes. A header that ends without one ends
// the mail.
func readHeader(r *bufio.Reader, limit int) (mailHeader, error) {
	var h mailHeader
	field := func(raw []byte) {
		name, value, ok := bytes.Cut(raw, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || !fieldName(name) {
			return
		}
		unfolded := strings.NewReplacer("\r\n", "", "\n", "").Replace(string(value))
		h = append(h, headerField{strings.ToLower(string(name)), strings.TrimSpace(unfolded), raw})
	}
	var raw []byte
	for size := 0; ; {
		var line []byte
		for {
			part, err := r.ReadSlice('\n')
			if size += len(part); size > limit {
				return nil, errHeaderSize
			}
			line = append(line, part...)
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if err != nil && len(line) == 0 {
				field(raw)
				return h, nil
			}
			break
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			field(raw)
			return h, nil
		}
		line = append(line, '\r', '\n')
		if line[0] == ' ' || line[0] == '\t' {
			raw = append(raw, line...)
			continue
		}
		field(raw)
		raw = line
	}
}

// fieldName tells a field's name from other text (RFC 5322 §2.2).
func fieldName(s []byte) bool {
	for _, c := range s {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(s) > 0
}

// contentType reads a Content-Type or Content-Disposition, as far as it can be read: clients write
// parameters with spaces and bare Cyrillic. Type and names of parameters are in lower case.
func contentType(value string) (string, map[string]string) {
	if typ, params, err := mime.ParseMediaType(value); err == nil {
		return typ, params
	}
	pieces := splitOutside(value, ';')
	params := map[string]string{}
	for _, p := range pieces[1:] {
		name, v, ok := strings.Cut(p, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; !ok || twice {
			continue
		}
		params[name] = strings.Trim(strings.TrimSpace(v), `"`)
	}
	return strings.ToLower(strings.TrimSpace(pieces[0])), params
}

// splitOutside splits s at sep outside of quoted strings; there is at least one piece.
func splitOutside(s string, sep byte) []string {
	var out []string
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[min(from, len(s)):])
}

// decoded is a header's text with its encoded words read.
func decoded(s string) string {
	words := mime.WordDecoder{CharsetReader: charset.Reader}
	if plain, err := words.DecodeHeader(s); err == nil {
		return plain
	}
	return s
}

// messageIDs are the Message-IDs that a field names, without angle brackets.
func messageIDs(value string) []string {
	var out []string
	for len(out) < 20 {
		open := strings.IndexByte(value, '<')
		if open < 0 {
			break
		}
		value = value[open+1:]
		id, rest, ok := strings.Cut(value, ">")
		if !ok {
			break
		}
		if value = rest; id != "" && len(id) <= 250 && !strings.ContainsAny(id, " \t<") {
			out = append(out, id)
		}
	}
	return out
}

// mailbox reads a From of exactly one address, in lower case. It is empty for several and for groups, and
// for what could be read in two ways: whoever signed it may have read it in the other.
func mailbox(value string) string {
	if !utf8.ValidString(value) && !ascii(strings.ToValidUTF8(value, "")) {
		return ""
	}
	var plain strings.Builder // without comments and quoted strings
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c < ' ' && c != '\t', c == 127:
			return ""
		case c == '\\' && (quoted || depth > 0):
			i++
		case quoted:
			quoted = c != '"'
		case c == '(':
			depth++
		case depth > 0:
			if c == ')' {
				depth--
			}
		case c == '"':
			quoted = true
			plain.WriteByte(' ')
		default:
			plain.WriteByte(c)
		}
	}
	s := strings.TrimSpace(plain.String())
	if quoted || depth > 0 || strings.ContainsAny(s, ",;:)") {
		return ""
	}
	if open := strings.IndexByte(s, '<'); open >= 0 {
		if !strings.HasSuffix(s, ">") || strings.Count(s, "<") > 1 || strings.Count(s, ">") > 1 {
			return ""
		}
		s = strings.TrimSpace(s[open+1 : len(s)-1])
	}
	if strings.ContainsAny(s, " \t<>\\[]") || strings.Count(s, "@") != 1 || len(s) > 254 || !utf8.ValidString(s) {
		return ""
	}
	local, domain, _ := strings.Cut(s, "@")
	if local == "" || domain == "" {
		return ""
	}
	return strings.ToLower(s)
}
