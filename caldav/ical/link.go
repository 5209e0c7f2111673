package ical

import (
	"fmt"
	"strings"
)

// The fences of Apple's block for conferences in DESCRIPTION; other programs look for them too.
const (
	fenceOpen  = "----( Video Call )----"
	fenceClose = "---===---"
)

// The properties of ours that stand in an event, each once.
const (
	PropBooking = "X-JOINERY-BOOKING" // the booking's public id; parameter X-GENERATION, as libical drops others
	PropState   = "X-JOINERY-STATE"   // ready, failed, imported; parameter X-REASON
	// PropRequest is the client's: it asks for a conference (docs/conferences.md).
	PropRequest = "X-JOINERY-CONFERENCE"
)

// Block is the text between the fences: lines, the empty ones left out.
func Block(lines ...string) string {
	var b strings.Builder
	b.WriteString(fenceOpen)
	for _, l := range lines {
		if l = strings.TrimSpace(l); l != "" {
			b.WriteString("\n" + l)
		}
	}
	b.WriteString("\n" + fenceClose)
	return b.String()
}

// ContainsLink tells whether link stands in text as a whole, not as the beginning of a longer one.
func ContainsLink(text, link string) bool {
	if link == "" {
		return false
	}
	for at := 0; ; {
		i := strings.Index(text[at:], link)
		if i < 0 {
			return false
		}
		end := at + i + len(link)
		if end == len(text) || !continuesLink(text[end:]) {
			return true
		}
		at = end
	}
}

// continuesLink tells whether rest makes a link before it longer: a letter, digit or path mark, or a
// dot or question mark that is not the end of a sentence.
func continuesLink(rest string) bool {
	c := rest[0]
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("/-_~%=&#+@", c) >= 0:
		return true
	case c == '.' || c == '?' || c == ':':
		return len(rest) > 1 && continuesLink(rest[1:])
	}
	return false
}

// Marks are what of ours may stand in a component.
type Marks struct {
	Link  string   // the present link, empty for none
	Old   []string // links that are ours no longer
	Block string   // the block as last written
}

func (m Marks) links() []string {
	if m.Link == "" {
		return m.Old
	}
	return append([]string{m.Link}, m.Old...)
}

// Found says where something of ours stands in a component.
type Found struct {
	InLocation    bool // the present link
	InDescription bool
	InURL         bool
	InConference  bool
	Block         bool // a block with the present link, or the block as last written
	Old           bool // a link that is ours no longer, anywhere
	Booking       string
	Generation    int
	Location      string // LOCATION without links of ours, trimmed
}

// Link tells whether the present link stands anywhere.
func (f Found) Link() bool { return f.InLocation || f.InDescription || f.InURL || f.InConference }

// Find looks for m in c.
func Find(c *Component, m Marks) Found {
	var f Found
	location, description := c.Text("LOCATION"), c.Text("DESCRIPTION")
	url := strings.TrimSpace(c.Text("URL"))
	f.InLocation = ContainsLink(location, m.Link)
	f.InDescription = ContainsLink(description, m.Link) || ContainsLink(htmlDescription(c), m.Link)
	f.InURL = m.Link != "" && url == m.Link
	for _, l := range c.All("CONFERENCE") {
		v := strings.TrimSpace(l.Value)
		f.InConference = f.InConference || m.Link != "" && v == m.Link
		f.Old = f.Old || contains(m.Old, v)
	}
	for _, o := range m.Old {
		f.Old = f.Old || ContainsLink(location, o) || ContainsLink(description, o) || url == o
	}
	if l := c.First("DESCRIPTION"); l != nil {
		_, _, f.Block = blockSpan(l.Value, m.Block, presentOnly(m.Link))
	}
	if l := c.First(PropBooking); l != nil {
		f.Booking = strings.TrimSpace(l.Value)
		fmt.Sscanf(l.Param("X-GENERATION"), "%d", &f.Generation)
	}
	if l := c.First("LOCATION"); l != nil {
		raw := l.Value
		for _, link := range m.links() {
			raw = withoutLink(raw, link)
		}
		f.Location = strings.TrimSpace(unescape(raw))
	}
	return f
}

func presentOnly(link string) []string {
	if link == "" {
		return nil
	}
	return []string{link}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// OurLinks lists what in c looks like a conference that Joinery wrote: links of CONFERENCE lines and
// links inside fences. A link that only stands in a text is not among them.
func OurLinks(c *Component) []string {
	var out []string
	add := func(s string) {
		if s = strings.TrimSpace(s); strings.HasPrefix(s, "http") && !contains(out, s) && len(out) < 20 {
			out = append(out, s)
		}
	}
	for _, l := range c.All("CONFERENCE") {
		add(l.Value)
	}
	text := c.Text("DESCRIPTION")
	for from, to, ok := nextBlock(text, 0); ok; from, to, ok = nextBlock(text, to) {
		for _, word := range strings.Fields(text[from:to]) {
			add(word)
		}
	}
	return out
}

// nextBlock finds the next fenced block in text from at on, whoever wrote it.
func nextBlock(text string, at int) (from, to int, ok bool) {
	i := strings.Index(text[at:], fenceOpen)
	if i < 0 {
		return 0, 0, false
	}
	from = at + i
	j := strings.Index(text[from:], fenceClose)
	if j < 0 {
		return 0, 0, false
	}
	return from, from + j + len(fenceClose), true
}

// WithoutBlock returns a text without fenced blocks.
func WithoutBlock(text string) string {
	var b strings.Builder
	end := 0
	for from, to, ok := nextBlock(text, 0); ok; from, to, ok = nextBlock(text, to) {
		b.WriteString(text[end:from])
		end = to
	}
	b.WriteString(text[end:])
	return strings.TrimSpace(b.String())
}
