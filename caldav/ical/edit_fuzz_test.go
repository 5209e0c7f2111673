package ical

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// FuzzEdit does whatever to an object's lines and components, and holds the outcome to what each call
// promises: what was not named stays to the byte, what was is there once, in its place. Each three bytes of
// calls are one call: what to do, with which line or component, with which part of text.
func FuzzEdit(f *testing.F) {
	for _, body := range recordings(f) {
		f.Add([]byte(body), []byte("\x00\x05\x01\x01\x07\x02\x02\x09\x03\x03\x0b\x00\x04\x02\x01\x05\x01\x02\x06\x03\x00"), "Tea, and\r\nmore; \xd0\xbe\xd0\xb1")
	}
	f.Fuzz(func(t *testing.T, data, calls []byte, text string) {
		o, err := Parse(data, Limits{Size: 1 << 16, Components: 100, Depth: 8})
		if err != nil || len(calls) > 300 {
			return
		}
		m := newEditModel(o)
		for ; len(calls) >= 3; calls = calls[3:] {
			m.call(int(calls[0]), int(calls[1]), text[:min(len(text), int(calls[2]))])
		}
		var out []byte
		if spent, limit := allocated(func() { out = m.edit.Bytes() }), allocatedPerByte*(len(data)+m.added)+64<<10; spent > uint64(limit) {
			t.Errorf("writing %d bytes took %d", len(out), spent)
		}
		if !bytes.Equal(out, m.edit.Bytes()) || m.edit.Changed() == bytes.Equal(out, data) {
			t.Error("writing it again, or asking whether it changed, says something else")
		}
		again, err := Parse(out, Limits{Size: 1 << 30, Components: 1000, Depth: 32})
		if m.rootGone {
			return
		}
		if err != nil {
			t.Fatalf("the edited object is refused: %v\n%q", err, out)
		}
		if got, want := treeOf(again.Root), m.tree(o.Root); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// allocatedPerByte is how many bytes may be allocated for each byte of an object: lines of three bytes
// need some hundred for what is known of them.
const allocatedPerByte = 512

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// An editModel does to lists of lines what an Edit does to bytes.
type editModel struct {
	edit       *Edit
	lines      []*Line
	components []*Component
	content    map[*Line]string // "": removed
	removed    map[*Line]string // what a line was before it was removed
	appended   map[*Component][]string
	children   map[*Component][]string
	gone       map[*Component]bool
	rootGone   bool
	added      int // bytes
}

func newEditModel(o *Object) *editModel {
	m := &editModel{edit: o.Edit(), content: map[*Line]string{}, removed: map[*Line]string{}, appended: map[*Component][]string{},
		children: map[*Component][]string{}, gone: map[*Component]bool{}}
	var walk func(c *Component)
	walk = func(c *Component) {
		m.components = append(m.components, c)
		for _, l := range c.Lines {
			m.lines = append(m.lines, l)
			m.content[l] = l.Raw()
		}
		for _, child := range c.Children {
			walk(child)
		}
	}
	walk(o.Root)
	return m
}

func (m *editModel) call(what, which int, text string) {
	m.added += 2*len(text) + 64
	c := m.components[which%len(m.components)]
	if what%8 >= 5 {
		switch what % 8 {
		case 5:
			line := FormatLine("X-ADDED", []Param{{Name: "A", Values: []string{text}}}, EscapeText(text))
			m.edit.Add(c, line)
			m.appended[c] = append(m.appended[c], line)
		case 6:
			line := "X-IN:" + EscapeText(text)
			m.edit.AddComponent(c, "BEGIN:X-NEW\n"+line+"\nEND:X-NEW")
			m.children[c] = append(m.children[c], line)
		case 7:
			m.edit.RemoveComponent(c)
			m.gone[c] = true
			m.rootGone = m.rootGone || c.Parent == nil
		}
		return
	}
	if len(m.lines) == 0 {
		return
	}
	l := m.lines[which%len(m.lines)]
	m.added += len(l.Raw())
	before := m.content[l]
	if before == "" {
		before = m.removed[l]
	}
	switch what % 8 {
	case 0:
		m.content[l] = "X-PUT:" + EscapeText(text)
		m.edit.Replace(l, m.content[l])
	case 1:
		set := before[:valueAt(before)] + EscapeText(text)
		if set != l.Raw() {
			set = unbroken(set) // a CR in a parameter is lost
		}
		m.content[l] = set
		m.edit.SetValue(l, EscapeText(text))
	case 2:
		m.edit.SetParam(l, "X-P", text)
		m.content[l] = m.edit.content(l) // what comes of it is FuzzParse's subject
	case 3:
		m.edit.Remove(l)
		m.removed[l], m.content[l] = l.Raw(), "" // a removed line counts as it was
	case 4:
		m.edit.Replace(l, l.Raw())
		m.content[l] = l.Raw()
	}
}

// tree writes what c must have become.
func (m *editModel) tree(c *Component) string {
	first := slices.IndexFunc(c.Lines, func(l *Line) bool { return len(c.Children) > 0 && l.start > c.Children[0].start })
	if first < 0 {
		first = len(c.Lines)
	}
	var lines []string
	for i, l := range c.Lines {
		if i == first {
			lines = append(lines, m.appended[c]...)
		}
		if content := m.content[l]; content != "" {
			lines = append(lines, content)
		}
	}
	if first == len(c.Lines) {
		lines = append(lines, m.appended[c]...)
	}
	var inner []string
	for _, child := range c.Children {
		if !m.gone[child] {
			inner = append(inner, m.tree(child))
		}
	}
	for _, line := range m.children[c] {
		inner = append(inner, treeText("X-NEW", []string{line}, nil))
	}
	return treeText(c.Name, lines, inner)
}

func treeOf(c *Component) string {
	var lines, inner []string
	for _, l := range c.Lines {
		lines = append(lines, l.Raw())
	}
	for _, child := range c.Children {
		inner = append(inner, treeOf(child))
	}
	return treeText(c.Name, lines, inner)
}

func treeText(name string, lines, inner []string) string {
	return fmt.Sprintf("%s%q(%s)", name, lines, strings.Join(inner, "\n"))
}
