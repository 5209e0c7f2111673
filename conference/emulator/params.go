package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/mail"
	"net/url"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// params is a tree of parameters: of a urlencoded body with bracketed names, a[b][0]=c, or of
// JSON. It remembers what was read.
type params struct {
	value    string
	leaf     bool
	fromJSON bool // flags may be true and false everywhere
	read     bool
	children map[string]*params
}

var errMalformed = errors.New("malformed parameters")

// parseForm reads a urlencoded body or query as PHP does; the last of equal names counts.
func parseForm(s string) (*params, error) {
	root := &params{}
	for _, pair := range strings.Split(s, "&") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(strings.TrimSpace(name))
		if err != nil {
			return nil, errMalformed
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, errMalformed
		}
		keys, err := splitName(name)
		if err != nil {
			return nil, err
		}
		at := root
		for _, key := range keys {
			if at, err = at.child(key); err != nil {
				return nil, err
			}
		}
		if at.children != nil {
			return nil, errMalformed
		}
		at.leaf, at.value = true, value
	}
	return root, nil
}

// splitName splits a[b][0] into a, b, 0; the key of a[] is empty.
func splitName(name string) ([]string, error) {
	first, rest, nested := strings.Cut(name, "[")
	if first == "" {
		return nil, errMalformed
	}
	keys := []string{first}
	for nested {
		var key, after string
		key, after, nested = strings.Cut(rest, "]")
		if !nested || strings.Contains(key, "[") || len(keys) > 8 {
			return nil, errMalformed
		}
		keys = append(keys, key)
		if after == "" {
			break
		}
		if after[0] != '[' {
			return nil, errMalformed
		}
		rest = after[1:]
	}
	return keys, nil
}

// child returns the child named key, made if needed; the empty key is the next free number.
func (p *params) child(key string) (*params, error) {
	if p.leaf {
		return nil, errMalformed
	}
	if p.children == nil {
		p.children = make(map[string]*params)
	}
	if key == "" {
		n := 0
		for p.children[strconv.Itoa(n)] != nil {
			n++
		}
		key = strconv.Itoa(n)
	}
	c := p.children[key]
	if c == nil {
		c = &params{fromJSON: p.fromJSON}
		p.children[key] = c
	}
	return c, nil
}

// parseJSON reads a JSON object into the same tree. An empty body is an error.
func parseJSON(body []byte) (*params, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errMalformed
	}
	if v == nil {
		return nil, errMalformed
	}
	root := &params{fromJSON: true}
	root.fill(v)
	return root, nil
}

func (p *params) fill(v any) {
	switch v := v.(type) {
	case map[string]any:
		p.children = make(map[string]*params)
		for key, inner := range v {
			if inner == nil {
				continue
			}
			c := &params{fromJSON: true}
			p.children[key] = c
			c.fill(inner)
		}
	case []any:
		p.children = make(map[string]*params)
		for i, inner := range v {
			c := &params{fromJSON: true}
			p.children[strconv.Itoa(i)] = c
			c.fill(inner)
		}
	case string:
		p.leaf, p.value = true, v
	case json.Number:
		p.leaf, p.value = true, v.String()
	case bool:
		p.leaf, p.value = true, strconv.FormatBool(v)
	}
}

// at returns the node at a path, nil if there is none; reading from nil finds nothing.
func (p *params) at(path ...string) *params {
	for _, key := range path {
		if p == nil {
			return nil
		}
		p = p.children[key]
	}
	return p
}

// text returns the value at a path and whether there is one.
func (p *params) text(path ...string) (string, bool) {
	n := p.at(path...)
	if n == nil || !n.leaf {
		return "", false
	}
	n.read = true
	return n.value, true
}

// has tells whether anything stands under name.
func (p *params) has(name string) bool { return p.at(name) != nil }

// list returns the children of name in the order of their numbers.
func (p *params) list(name string) []*params {
	n := p.at(name)
	if n == nil {
		return nil
	}
	keys := make([]string, 0, len(n.children))
	for key := range n.children {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, errA := strconv.Atoi(keys[i])
		b, errB := strconv.Atoi(keys[j])
		if errA != nil || errB != nil {
			return keys[i] < keys[j]
		}
		return a < b
	})
	var list []*params
	for _, key := range keys {
		list = append(list, n.children[key])
	}
	return list
}

// texts returns the values of a list such as tags[0], tags[1].
func (p *params) texts(name string) []string {
	var values []string
	for _, n := range p.list(name) {
		if value, ok := n.text(); ok {
			values = append(values, value)
		}
	}
	return values
}

// unread lists the parameters that nothing asked for, sorted.
func (p *params) unread() []string {
	var names []string
	var walk func(*params, string)
	walk = func(n *params, name string) {
		if n.leaf && !n.read {
			names = append(names, name)
		}
		for key, c := range n.children {
			if name == "" {
				walk(c, key)
			} else {
				walk(c, name+"["+key+"]")
			}
		}
	}
	walk(p, "")
	sort.Strings(names)
	return names
}

// id returns a positive number, and false if there is no such parameter.
func (p *params) id(name string) (int64, bool, error) {
	s, ok := p.text(name)
	if !ok {
		if p.has(name) {
			return 0, false, badParameter(name)
		}
		return 0, false, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, false, badParameter(name)
	}
	return n, true, nil
}

// ids returns a list of ids; an element that is none is an error.
func (p *params) ids(name string) ([]int64, error) {
	var ids []int64
	for _, s := range p.texts(name) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 {
			return nil, badParameter(name)
		}
		ids = append(ids, n)
	}
	return ids, nil
}

// word returns a parameter that must be true or false (section 4.1), otherwise what is default.
func (p *params) word(name string, otherwise bool) (bool, error) {
	s, ok := p.text(name)
	switch {
	case !ok && !p.has(name):
		return otherwise, nil
	case s == "true":
		return true, nil
	case s == "false":
		return false, nil
	}
	return false, badParameter(name)
}

// bit returns a flag of accessSettings, 0 or 1; JSON may say true and false.
func (p *params) bit(path ...string) (bool, bool, error) {
	s, ok := p.text(path...)
	switch {
	case !ok && p.at(path...) == nil:
		return false, false, nil
	case s == "1", p.fromJSON && s == "true":
		return true, true, nil
	case s == "0", p.fromJSON && s == "false":
		return false, true, nil
	}
	return false, false, badParameter(path[0] + "[" + path[len(path)-1] + "]")
}

// oneOf returns a parameter that must be one of the allowed values, otherwise what is default.
func (p *params) oneOf(name, otherwise string, allowed ...string) (string, error) {
	s, ok := p.text(name)
	if !ok && !p.has(name) {
		return otherwise, nil
	}
	for _, a := range allowed {
		if s == a {
			return s, nil
		}
	}
	return "", badParameter(name)
}

// moment reads name[date][year|month|day] and name[time][hour|minute], the wall clock of loc.
// A day that does not exist (31 April) is an error.
func (p *params) moment(name string, loc *time.Location) (time.Time, bool, error) {
	if !p.has(name) {
		return time.Time{}, false, nil
	}
	var n [5]int
	for i, path := range [][2]string{{"date", "year"}, {"date", "month"}, {"date", "day"}, {"time", "hour"}, {"time", "minute"}} {
		s, _ := p.text(name, path[0], path[1])
		var err error
		if n[i], err = strconv.Atoi(s); err != nil {
			return time.Time{}, false, badParameter(name + "[" + path[0] + "][" + path[1] + "]")
		}
	}
	day := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	if n[0] < 1970 || n[0] > 9999 || int(day.Month()) != n[1] || day.Day() != n[2] || n[3] < 0 || n[3] > 23 || n[4] < 0 || n[4] > 59 {
		return time.Time{}, false, badParameter(name)
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], 0, 0, loc), true, nil
}

var isoDuration = regexp.MustCompile(`^PT(?:\d+H)?(?:\d+M)?(?:\d+S)?$`)

// duration returns a parameter such as PT1H30M0S.
func (p *params) duration(name, otherwise string) (string, error) {
	s, ok := p.text(name)
	if !ok && !p.has(name) {
		return otherwise, nil
	}
	if !isoDuration.MatchString(s) || s == "PT" {
		return "", badParameter(name)
	}
	return s, nil
}

// address checks a bare e-mail address.
func address(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", false
	}
	return s, true
}
