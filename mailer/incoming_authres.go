package mailer

import (
	"errors"
	"strings"
)

// An authResult is one result in an Authentication-Results field (RFC 8601 §2.2).
type authResult struct {
	method string            // lower case, without version
	result string            // lower case
	props  map[string]string // by "ptype.property" in lower case
}

func (r authResult) String() string { return r.method + "=" + r.result }

// errResults tells of a field that cannot be read, so that nothing in it counts.
var errResults = errors.New("the field cannot be read")

// authResults reads an Authentication-Results field: who says it, and what.
func authResults(value string) (server string, results []authResult, err error) {
	plain, err := withoutComments(value)
	if err != nil {
		return "", nil, err
	}
	pieces := splitOutside(plain, ';')
	id := strings.Fields(pieces[0])
	if len(id) == 0 || len(id) > 2 || len(id) == 2 && id[1] != "1" || strings.Contains(id[0], "=") {
		return "", nil, errResults // Exchange Online names nobody
	}
	for _, p := range pieces[1:] {
		if r, ok := parseResult(p); ok {
			results = append(results, r)
		}
	}
	return strings.ToLower(strings.Trim(id[0], `"`)), results, nil
}

// serverOf is who says a field that cannot be read, as far as that stands at its beginning; else empty.
func serverOf(value string) string {
	id, _, _ := strings.Cut(strings.TrimSpace(value), ";")
	if end := strings.IndexAny(id, " \t("); end >= 0 {
		id = id[:end]
	}
	return strings.ToLower(strings.Trim(id, `"`))
}

// parseResult reads a resinfo; "none" is no result.
func parseResult(s string) (authResult, bool) {
	words := splitWords(s)
	if len(words) == 0 {
		return authResult{}, false
	}
	method, result, ok := strings.Cut(words[0], "=")
	method, _, _ = strings.Cut(method, "/")
	r := authResult{strings.ToLower(method), strings.ToLower(result), map[string]string{}}
	for _, w := range words[1:] {
		name, v, _ := strings.Cut(w, "=")
		name = strings.ToLower(name)
		if _, twice := r.props[name]; !twice {
			r.props[name] = strings.ReplaceAll(v, `"`, "")
		}
	}
	return r, ok && method != "" && result != ""
}

// splitWords splits at white space outside of quoted strings; around an equals sign it does not count.
func splitWords(s string) []string {
	var out []string
	join := false
	for _, w := range strings.Fields(s) {
		last := len(out) - 1
		switch {
		case last >= 0 && strings.Count(out[last], `"`)%2 == 1:
			out[last] += " " + w
		case last >= 0 && (join || w[0] == '='):
			out[last] += w
		default:
			out = append(out, w)
		}
		join = strings.HasSuffix(w, "=") && strings.Count(w, "=") == 1
	}
	return out
}

// withoutComments puts a space in place of each comment. Text without end, and control characters, are an
// error: the rest could be read in two ways.
func withoutComments(s string) (string, error) {
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c < ' ' && c != '\t', c == 127:
			return "", errResults
		case c == '\\' && (quoted || depth > 0):
			i++ // what is escaped stands in no name that counts
		case quoted:
			quoted = c != '"'
			out.WriteByte(c)
		case c == '(':
			depth++
			out.WriteByte(' ')
		case depth > 0:
			if c == ')' {
				depth--
			}
		case c == ')':
			return "", errResults
		default:
			quoted = c == '"'
			out.WriteByte(c)
		}
	}
	if depth > 0 || quoted {
		return "", errResults
	}
	return out.String(), nil
}
