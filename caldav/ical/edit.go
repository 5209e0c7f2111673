package ical

import (
	"bytes"
	"slices"
	"strings"
)

// An Edit collects changes to an Object. The Object stays as it is. Lines and components that are
// nil or belong to another Object are ignored.
type Edit struct {
	o       *Object
	lines   map[*Line]string // new content; "" removes
	inserts []insert
	removed []*Component
}

// An insert is new text at an offset. Lines come before components there, each in the order of the
// calls.
type insert struct {
	at        int
	component bool
	lines     []string
}

// Edit begins an edit of o.
func (o *Object) Edit() *Edit { return &Edit{o: o, lines: map[*Line]string{}} }

// Replace puts the content line (unfolded, without line end) in l's place. The last of several
// calls on one line counts.
func (e *Edit) Replace(l *Line, content string) {
	if l == nil || l.o != e.o {
		return
	}
	if content == l.raw {
		delete(e.lines, l)
		return
	}
	e.lines[l] = unbroken(content)
}

// SetValue replaces only l's value (already escaped); name and parameters stay to the byte, but for a carriage
// return or a NUL, which may not stand in a line.
func (e *Edit) SetValue(l *Line, value string) {
	if l == nil || l.o != e.o {
		return
	}
	content := e.content(l)
	e.Replace(l, content[:valueAt(content)]+value)
}

// SetParam sets a parameter of l to one value, or removes it where value is empty; the others stay
// to the byte, and so does one that has that value already. Several calls on one line, also with
// SetValue, add up.
func (e *Edit) SetParam(l *Line, name, value string) {
	if l == nil || l.o != e.o {
		return
	}
	content := e.content(l)
	s := headScanner{raw: content}
	if _, problem := s.name(); problem != "" {
		return // only a Replace with something else than a content line leads here
	}
	name = strings.ToUpper(name)
	var b strings.Builder
	b.WriteString(content[:s.pos])
	done := value == ""
	for s.more() {
		from := s.pos
		var values []string
		found, problem := s.param(func(v string) { values = append(values, v) })
		if problem != "" {
			return
		}
		switch {
		case found != name, !done && len(values) == 1 && values[0] == value:
			b.WriteString(content[from:s.pos])
			done = done || found == name
		case !done:
			b.WriteString(";" + name + "=" + encodeParam(value))
			done = true
		}
	}
	if !done {
		b.WriteString(";" + name + "=" + encodeParam(value))
	}
	b.WriteString(content[s.pos:])
	e.Replace(l, b.String())
}

// content is l as it would be written now. A removed line counts as it was.
func (e *Edit) content(l *Line) string {
	if content := e.lines[l]; content != "" {
		return content
	}
	return l.raw
}

// valueAt finds where a content line's value begins.
func valueAt(content string) int {
	s := headScanner{raw: content}
	_, problem := s.name()
	for problem == "" && s.more() {
		_, problem = s.param(func(string) {})
	}
	if problem != "" {
		return len(content)
	}
	return s.pos + 1
}

// Remove removes l. A later Replace, SetValue or SetParam brings it back.
func (e *Edit) Remove(l *Line) {
	if l != nil && l.o == e.o {
		e.lines[l] = ""
	}
}

// Add adds a content line at the end of c's own lines, before its first child.
func (e *Edit) Add(c *Component, content string) {
	if c != nil && c.o == e.o {
		e.inserts = append(e.inserts, insert{at: c.linesEnd(), lines: []string{content}})
	}
}

// RemoveComponent removes c with its children. Whatever else was or will be done inside it is lost.
func (e *Edit) RemoveComponent(c *Component) {
	if c != nil && c.o == e.o {
		e.removed = append(e.removed, c)
	}
}

// AddComponent adds a component's text (unfolded lines, BEGIN to END, separated by \n) at the end
// of parent's children.
func (e *Edit) AddComponent(parent *Component, text string) {
	if parent == nil || parent.o != e.o {
		return
	}
	at := parent.linesEnd()
	if n := len(parent.Children); n > 0 {
		at = parent.Children[n-1].end
	}
	e.inserts = append(e.inserts, insert{at: at, component: true, lines: strings.Split(text, "\n")})
}

// linesEnd is the offset behind c's last line before its first child.
func (c *Component) linesEnd() int {
	limit := c.foot
	if len(c.Children) > 0 {
		limit = c.Children[0].start
	}
	at := c.body
	for _, l := range c.Lines {
		if l.start >= limit {
			break
		}
		at = l.end
	}
	return at
}

// Bytes returns the edited object: new lines are folded at 75 octets without splitting a UTF-8
// character and end as the neighbouring lines do. Without changes it is the Object's Data.
func (e *Edit) Bytes() []byte {
	changes := e.changes()
	if len(changes) == 0 {
		return e.o.Data
	}
	data := e.o.Data
	out := make([]byte, 0, len(data)+1024)
	pos := 0
	for _, c := range changes {
		if c.start < pos { // inside a component that is removed
			continue
		}
		out = append(out, data[pos:c.start]...)
		eol := lineEnd(data[:max(c.end, c.start)])
		for _, content := range c.lines {
			if content = strings.TrimRight(content, "\r"); content != "" {
				out = appendFolded(out, content, eol)
			}
		}
		pos = c.end
	}
	return append(out, data[pos:]...)
}

// A change puts lines in the place of the bytes from start to end; an insert has start equal to end.
type change struct {
	start, end int
	rank       int // at the same start: new lines, new components, what is replaced
	lines      []string
}

// changes are the changes in the order of the object, those inside a removed component behind it.
func (e *Edit) changes() []change {
	var changes []change
	for _, in := range e.inserts {
		c := change{start: in.at, end: in.at, lines: in.lines}
		if in.component {
			c.rank = 1
		}
		changes = append(changes, c)
	}
	for l, content := range e.lines {
		changes = append(changes, change{start: l.start, end: l.end, rank: 2, lines: []string{content}})
	}
	for _, c := range e.removed {
		changes = append(changes, change{start: c.start, end: c.end, rank: 2})
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return a.rank - b.rank
	})
	return changes
}

// lineEnd is how the last line of data ends; CRLF where there is none.
func lineEnd(data []byte) string {
	if n := len(data); n >= 2 && data[n-1] == '\n' && data[n-2] != '\r' {
		return "\n"
	}
	return "\r\n"
}

// Changed tells whether Bytes differs from the Object's Data.
func (e *Edit) Changed() bool {
	return len(e.lines)+len(e.inserts)+len(e.removed) > 0 && !bytes.Equal(e.Bytes(), e.o.Data)
}
