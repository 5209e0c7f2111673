package ical

import "strings"

// A Component is one BEGIN…END block.
type Component struct {
	Name     string // upper case
	Lines    []*Line
	Children []*Component
	Parent   *Component

	o     *Object
	start int // of the BEGIN line
	body  int // behind the BEGIN line
	foot  int // of the END line
	end   int // behind the END line
}

// A Line is one content line. Pointers to it stay valid as long as its Object.
type Line struct {
	Name   string // upper case
	Params []Param
	Value  string // unfolded, as it stands

	o          *Object
	raw        string // unfolded, without line end
	colon      int    // in raw, before the value
	start, end int    // in Data, folds and line end included
}

// A Param is one parameter, its values unquoted and RFC 6868 decoded.
type Param struct {
	Name   string // upper case
	Values []string
}

// First returns the first line of that name (upper case), nil if there is none.
func (c *Component) First(name string) *Line {
	for _, l := range c.Lines {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// All returns the lines of that name.
func (c *Component) All(name string) []*Line {
	var lines []*Line
	for _, l := range c.Lines {
		if l.Name == name {
			lines = append(lines, l)
		}
	}
	return lines
}

// Text returns the unescaped text of the first line of that name, "" if there is none.
func (c *Component) Text(name string) string {
	if l := c.First(name); l != nil {
		return l.Text()
	}
	return ""
}

// Find returns the child components of that name.
func (c *Component) Find(name string) []*Component {
	var found []*Component
	for _, child := range c.Children {
		if child.Name == name {
			found = append(found, child)
		}
	}
	return found
}

// Text returns the value unescaped leniently (RFC 5545 §3.3.11): an unescaped comma stays, an
// unknown escape keeps its character, a backslash at the end stays.
func (l *Line) Text() string { return unescapeText(l.Value) }

// Texts returns the value split at unescaped commas, each unescaped. An empty value gives none.
func (l *Line) Texts() []string {
	if l.Value == "" {
		return nil
	}
	var texts []string
	from := 0
	for i := 0; i < len(l.Value); i++ {
		switch l.Value[i] {
		case '\\':
			i++
		case ',':
			texts = append(texts, unescapeText(l.Value[from:i]))
			from = i + 1
		}
	}
	return append(texts, unescapeText(l.Value[from:]))
}

// Param returns the first value of the parameter (name in upper case), "" if there is none.
func (l *Line) Param(name string) string {
	for i := range l.Params {
		if p := &l.Params[i]; p.Name == name && len(p.Values) > 0 {
			return p.Values[0]
		}
	}
	return ""
}

// Raw returns the line as it stands, unfolded, without its line end.
func (l *Line) Raw() string { return l.raw }

// A headScanner goes over the name and parameters of an unfolded content line.
type headScanner struct {
	raw string
	pos int
}

// name reads the name; pos is then at ";" or ":". problem says what is wrong.
func (s *headScanner) name() (name, problem string) {
	i := strings.IndexAny(s.raw, ":;")
	if i < 0 {
		return "", "no colon: " + clip(s.raw)
	}
	name, s.pos = s.raw[:i], i
	if !validName(name) {
		return "", "not a property name: " + clip(name)
	}
	return name, ""
}

// more tells whether a parameter follows.
func (s *headScanner) more() bool { return s.pos < len(s.raw) && s.raw[s.pos] == ';' }

// param reads the parameter at pos, a ";", gives its name in upper case and each value to add; pos
// is then at the next ";" or at the ":" before the value.
//
// A quote inside an unquoted value is an ordinary character (CN=Bob "the Builder"): the grammar
// forbids it, but it can end nothing there, and clients write it.
func (s *headScanner) param(add func(string)) (name, problem string) {
	s.pos++
	from := s.pos
	for s.pos < len(s.raw) && s.raw[s.pos] != '=' && s.raw[s.pos] != ':' && s.raw[s.pos] != ';' {
		s.pos++
	}
	name = s.raw[from:s.pos]
	switch {
	case s.pos == len(s.raw):
		return "", "no colon"
	case s.raw[s.pos] != '=':
		return "", "a parameter without a value: " + clip(name)
	case !validName(name):
		return "", "not a parameter name: " + clip(name)
	}
	name = strings.ToUpper(name)
	for {
		s.pos++ // "=" or ","
		from := s.pos
		if s.pos < len(s.raw) && s.raw[s.pos] == '"' {
			i := strings.IndexByte(s.raw[s.pos+1:], '"')
			if i < 0 {
				return "", "a quote is not closed in parameter " + clip(name)
			}
			add(decodeParam(s.raw[from+1 : from+1+i]))
			s.pos += i + 2
		} else {
			for s.pos < len(s.raw) && s.raw[s.pos] != ',' && s.raw[s.pos] != ';' && s.raw[s.pos] != ':' {
				s.pos++
			}
			add(decodeParam(s.raw[from:s.pos]))
		}
		if s.pos == len(s.raw) {
			return "", "no colon after parameter " + clip(name)
		}
		switch s.raw[s.pos] {
		case ',':
		case ';', ':':
			return name, ""
		default:
			return "", "text after a quoted value in parameter " + clip(name)
		}
	}
}

// validName tells whether a property or parameter may be called s. RFC 5545 has letters, digits and
// "-"; other visible characters occur and do no harm.
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '"' || c == ',' || c == '=' {
			return false
		}
	}
	return s != ""
}
