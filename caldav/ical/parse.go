package ical

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits bound what Parse takes; zero values mean the defaults.
type Limits struct {
	Size       int // bytes, default 1 MiB
	Components int // default 10 000
	Depth      int // default 16
}

func (l Limits) withDefaults() Limits {
	if l.Size <= 0 {
		l.Size = 1 << 20
	}
	if l.Components <= 0 {
		l.Components = 10000
	}
	if l.Depth <= 0 {
		l.Depth = 16
	}
	return l
}

// A SyntaxError says in which line (from 1) what is wrong. Line is 0 where the object as a whole is
// meant.
type SyntaxError struct {
	Line int
	Text string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// An Object is a parsed VCALENDAR stream over its own bytes, which nobody may change.
type Object struct {
	Data []byte
	Root *Component // the VCALENDAR

	src string // Data as a string; names and values that are not folded are parts of it

	zones zoneMemo
}

// Parse reads one VCALENDAR. It accepts bare LF, folds inside UTF-8 characters, a BOM, blank lines
// at the end, and malformed zones; it refuses, with *SyntaxError, what is not iCalendar, a second
// VCALENDAR, malformed parameters (no colon, an open quote) and what exceeds lim. It never panics.
// The Object keeps data.
func Parse(data []byte, lim Limits) (*Object, error) {
	lim = lim.withDefaults()
	if len(data) > lim.Size {
		return nil, &SyntaxError{Text: fmt.Sprintf("the object is larger than %d bytes", lim.Size)}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, &SyntaxError{Line: 1 + bytes.Count(data[:i], []byte{'\n'}), Text: "a NUL byte"}
	}
	o := &Object{Data: data, src: string(data)}
	p := &parser{o: o, src: o.src, limits: lim, next: 1}
	if strings.HasPrefix(p.src, "\uFEFF") {
		p.pos = len("\uFEFF")
	}
	for p.pos < len(p.src) {
		p.scan()
		if blank(p.raw) {
			continue
		}
		if text := p.take(); text != "" {
			return nil, &SyntaxError{Line: p.number, Text: text}
		}
	}
	switch {
	case o.Root == nil:
		return nil, &SyntaxError{Text: "the object is empty"}
	case p.open != nil:
		return nil, &SyntaxError{Line: p.number, Text: "END:" + p.open.Name + " is missing"}
	}
	return o, nil
}

// A parser goes over the source once, a content line (RFC 5545 §3.1) at a time.
type parser struct {
	o          *Object
	src        string
	limits     Limits
	pos        int // of what has not been read
	next       int // number of the physical line at pos
	open       *Component
	depth      int
	components int

	// the content line being read
	number     int    // of its first physical line
	start, end int    // offsets, line end included
	raw        string // unfolded, without line end

	// Arenas: lines and parameters are cut from these, instead of one allocation each. Growing
	// leaves what was cut before in the old array, where it stays valid.
	lines  []Line
	params []Param
	values []string
}

// usualLines is how many lines most components have at most.
const usualLines = 16

// scan reads the content line at pos: a physical line and those after it that begin with a space or
// tab. Stray CRs before a line end belong to the line end.
func (p *parser) scan() {
	p.number, p.start = p.next, p.pos
	first, after := p.physical(p.pos)
	p.next++
	if !p.folded(after) {
		p.raw, p.end, p.pos = p.src[p.pos:first], after, after
		return
	}
	end := after
	for p.folded(end) {
		_, end = p.physical(end)
		p.next++
	}
	var b strings.Builder
	b.Grow(end - p.start)
	b.WriteString(p.src[p.start:first])
	for after < end {
		content, next := p.physical(after)
		b.WriteString(p.src[after+1 : max(content, after+1)])
		after = next
	}
	p.raw, p.end, p.pos = b.String(), end, end
}

// physical returns where the physical line at pos has its content's end and where the next begins.
func (p *parser) physical(pos int) (content, next int) {
	next = len(p.src)
	content = next
	if i := strings.IndexByte(p.src[pos:], '\n'); i >= 0 {
		content = pos + i
		next = content + 1
	}
	for content > pos && p.src[content-1] == '\r' {
		content--
	}
	return content, next
}

func (p *parser) folded(pos int) bool {
	return pos < len(p.src) && (p.src[pos] == ' ' || p.src[pos] == '\t')
}

// take puts the content line into the tree. It returns what is wrong, "" if nothing is.
func (p *parser) take() string {
	if p.o.Root != nil && p.open == nil {
		return "text after END:VCALENDAR; an object is one VCALENDAR"
	}
	if p.open == nil && !strings.EqualFold(strings.TrimSpace(p.raw), "BEGIN:VCALENDAR") {
		return "the object does not begin with BEGIN:VCALENDAR"
	}
	name, params, colon, text := p.split()
	if text != "" {
		return text
	}
	value := p.raw[colon+1:]
	switch name {
	case "BEGIN":
		return p.begin(strings.ToUpper(strings.TrimSpace(value)))
	case "END":
		return p.finish(strings.ToUpper(strings.TrimSpace(value)))
	}
	if len(p.lines) == cap(p.lines) {
		p.lines = make([]Line, 0, p.arena())
	}
	p.lines = append(p.lines, Line{
		Name: name, Params: params, Value: value,
		o: p.o, raw: p.raw, colon: colon, start: p.start, end: p.end,
	})
	if p.open.Lines == nil {
		p.open.Lines = make([]*Line, 0, usualLines)
	}
	p.open.Lines = append(p.open.Lines, &p.lines[len(p.lines)-1])
	return ""
}

// arena is for how many lines to make room: what is left of a short object, or so many.
func (p *parser) arena() int {
	const most = 64
	rest := p.src[p.start:]
	if len(rest) > most*most {
		return most
	}
	return min(most, 1+strings.Count(rest, "\n"))
}

func blank(line string) bool {
	for i := 0; i < len(line); i++ {
		if c := line[i]; c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

func (p *parser) begin(name string) string {
	if name == "" {
		return "BEGIN without a name"
	}
	if p.components++; p.components > p.limits.Components {
		return fmt.Sprintf("more than %d components", p.limits.Components)
	}
	if p.depth++; p.depth > p.limits.Depth {
		return fmt.Sprintf("components are nested more than %d deep", p.limits.Depth)
	}
	c := &Component{Name: name, Parent: p.open, o: p.o, start: p.start, body: p.end}
	if p.open == nil {
		p.o.Root = c
	} else {
		if name == "VCALENDAR" {
			return "a VCALENDAR inside another"
		}
		p.open.Children = append(p.open.Children, c)
	}
	p.open = c
	return ""
}

func (p *parser) finish(name string) string {
	c := p.open
	if name != c.Name {
		return "END:" + clip(name) + " where END:" + clip(c.Name) + " is due"
	}
	c.foot, c.end = p.start, p.end
	p.open = c.Parent
	p.depth--
	return ""
}

// split reads name and parameters of the content line. text says what is wrong.
func (p *parser) split() (name string, params []Param, colon int, text string) {
	firstParam := len(p.params)
	s := headScanner{raw: p.raw}
	name, text = s.name()
	if text != "" {
		return "", nil, 0, text
	}
	for s.more() {
		firstValue := len(p.values)
		param, text := s.param(func(v string) { p.values = append(p.values, v) })
		if text != "" {
			return "", nil, 0, text
		}
		n := len(p.values)
		p.params = append(p.params, Param{Name: param, Values: p.values[firstValue:n:n]})
	}
	n := len(p.params)
	return strings.ToUpper(name), p.params[firstParam:n:n], s.pos, ""
}

// clip shortens what a client sent for an error text.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
