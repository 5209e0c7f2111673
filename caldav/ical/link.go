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
	// PropRequest is the client's: it asks for a conference (design §4).
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

// blockSpan finds the block in a raw DESCRIPTION: the remembered text, also wrapped anew, or fences
// around one of links. The span takes the empty lines before it along.
func blockSpan(raw, remembered string, links []string) (from, to int, ok bool) {
	if remembered != "" {
		if i := strings.Index(raw, EscapeText(remembered)); i >= 0 {
			from, to = i, i+len(EscapeText(remembered))
			return leadingBreaks(raw, from), to, true
		}
	}
	for at := 0; ; {
		i := strings.Index(raw[at:], fenceOpen)
		if i < 0 {
			return 0, 0, false
		}
		from = at + i
		j := strings.Index(raw[from:], fenceClose)
		if j < 0 {
			return 0, 0, false
		}
		to = from + j + len(fenceClose)
		text := unescape(raw[from:to])
		if remembered != "" && squeeze(text) == squeeze(remembered) {
			return leadingBreaks(raw, from), to, true
		}
		for _, l := range links {
			if ContainsLink(text, l) || containsWrapped(text, l) {
				return leadingBreaks(raw, from), to, true
			}
		}
		at = to
	}
}

// containsWrapped tells whether link stands in text broken over two lines, as clients wrap them.
func containsWrapped(text, link string) bool {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if ContainsLink(strings.TrimSpace(lines[i-1])+strings.TrimSpace(lines[i]), link) {
			return true
		}
	}
	return false
}

// squeeze makes texts comparable that differ only in how they are wrapped.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// leadingBreaks moves from back over at most two escaped line ends.
func leadingBreaks(raw string, from int) int {
	for n := 0; n < 2; n++ {
		if !strings.HasSuffix(raw[:from], `\n`) && !strings.HasSuffix(raw[:from], `\N`) {
			break
		}
		from -= 2
	}
	return from
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

// withoutLink returns a raw LOCATION without link.
func withoutLink(raw, link string) string {
	if !strings.Contains(raw, EscapeText(link)) {
		return raw
	}
	return editTokens(raw, func(token string) string { return cutLink(token, EscapeText(link), "") })
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// A Presentation is how a conference is to stand in a component.
type Presentation struct {
	Marks                          // Link empty: no link is to stand; Block: as last written
	NewBlock   string              // the block that is to stand, empty: none
	Location   bool                // the link may stand in LOCATION
	IsWord     func(string) bool   // a token that asks, in whose place the link goes; nil: none
	Booking    string              // X-JOINERY-BOOKING, empty: none is to stand
	Generation int                 //
	State      string              // X-JOINERY-STATE, empty: none is to stand
	Reason     string              // its X-REASON
	Label      string              // of CONFERENCE
	Resources  func(a string) bool // attendees that answer for the service
	PartStat   string              // what they answer, empty: left alone
}

// Present edits c so that p stands in it, each thing once, and all else stays to the byte. Doing it
// again changes nothing. It tells whether the link then stands in LOCATION.
func (e *Edit) Present(c *Component, p Presentation) (inLocation bool) {
	inLocation = e.presentLocation(c, p)
	e.presentDescription(c, p)
	e.presentURL(c, p)
	e.presentConference(c, p)
	e.SetOnce(c, PropBooking, p.Booking, Param{Name: "X-GENERATION", Values: []string{fmt.Sprint(p.Generation)}})
	var reason []Param
	if p.Reason != "" {
		reason = []Param{{Name: "X-REASON", Values: []string{p.Reason}}}
	}
	e.SetOnce(c, PropState, p.State, reason...)
	if p.Resources != nil && p.PartStat != "" {
		for _, l := range c.All("ATTENDEE") {
			if p.Resources(Address(l.Value)) && !strings.EqualFold(l.Param("PARTSTAT"), p.PartStat) {
				e.SetParam(l, "PARTSTAT", p.PartStat)
			}
		}
	}
	return inLocation
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

func (e *Edit) presentURL(c *Component, p Presentation) {
	l := c.First("URL")
	switch {
	case l == nil || strings.TrimSpace(l.Value) == "":
		if p.Link == "" {
			return
		}
		if l == nil {
			e.Add(c, "URL:"+p.Link)
		} else {
			e.SetValue(l, p.Link)
		}
	case contains(p.Old, strings.TrimSpace(l.Value)):
		if p.Link != "" {
			e.SetValue(l, p.Link)
		} else {
			e.Remove(l)
		}
	}
}

func (e *Edit) presentConference(c *Component, p Presentation) {
	have := false
	for _, l := range c.All("CONFERENCE") {
		v := strings.TrimSpace(l.Value)
		switch {
		case p.Link != "" && v == p.Link:
			if have {
				e.Remove(l)
			}
			have = true
		case contains(p.Old, v):
			e.Remove(l)
		}
	}
	if p.Link != "" && !have {
		e.Add(c, FormatLine("CONFERENCE", []Param{
			{Name: "VALUE", Values: []string{"URI"}},
			{Name: "FEATURE", Values: []string{"AUDIO", "VIDEO"}},
			{Name: "LABEL", Values: []string{p.Label}},
		}, p.Link))
	}
}

// SetOnce sees to it that c has exactly one line of that name, with value (escaped by the caller) and
// params, or none where value is empty.
func (e *Edit) SetOnce(c *Component, name, value string, params ...Param) {
	lines := c.All(name)
	if value == "" {
		for _, l := range lines {
			e.Remove(l)
		}
		return
	}
	if len(lines) == 0 {
		e.Add(c, FormatLine(name, params, value))
		return
	}
	for _, l := range lines[1:] {
		e.Remove(l)
	}
	l := lines[0]
	same := l.Value == value && len(l.Params) >= len(params)
	for _, p := range params {
		same = same && l.Param(p.Name) == p.Values[0]
	}
	if len(params) == 0 && len(l.Params) > 0 && l.Param("X-REASON") != "" {
		same = false
	}
	if !same {
		e.Replace(l, FormatLine(name, params, value))
	}
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
	for {
		i := strings.Index(text, fenceOpen)
		if i < 0 {
			return out
		}
		j := strings.Index(text[i:], fenceClose)
		if j < 0 {
			return out
		}
		for _, line := range strings.Fields(text[i+len(fenceOpen) : i+j]) {
			add(line)
		}
		text = text[i+j+len(fenceClose):]
	}
}

// WithoutBlock returns a text without fenced blocks.
func WithoutBlock(text string) string {
	for {
		i := strings.Index(text, fenceOpen)
		if i < 0 {
			return strings.TrimSpace(text)
		}
		j := strings.Index(text[i:], fenceClose)
		if j < 0 {
			return strings.TrimSpace(text)
		}
		text = text[:i] + text[i+j+len(fenceClose):]
	}
}
