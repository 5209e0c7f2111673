package ical

import (
	"strings"
	"testing"
)

const testLink = "https://my.mts-link.ru/j/70010/881200345"

// event wraps lines into an object.
func linkEvent(t *testing.T, lines ...string) *Object {
	t.Helper()
	data := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTART:20270309T123000Z\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	o, err := Parse([]byte(data), Limits{})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return o
}

func theEvent(o *Object) *Component { return o.Root.Find("VEVENT")[0] }

func applied(t *testing.T, o *Object, p Presentation) (*Object, bool) {
	t.Helper()
	e := o.Edit()
	in := e.Present(theEvent(o), p)
	out, err := Parse(e.Bytes(), Limits{})
	if err != nil {
		t.Fatalf("parse what was written: %v\n%s", err, e.Bytes())
	}
	return out, in
}

func ready() Presentation {
	return Presentation{
		Marks: Marks{Link: testLink, Block: Block("MTS Link", testLink)}, NewBlock: Block("MTS Link", testLink), Location: true,
		IsWord:  func(s string) bool { return strings.EqualFold(s, "webinar") },
		Booking: "b1", Generation: 1, State: "ready", Label: "MTS Link",
	}
}

func TestContainsLink(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{testLink, true}, {"see " + testLink + ".", true}, {testLink + "6", false}, {testLink + "/session/1", false},
		{"(" + testLink + ")", true}, {testLink + "?x=1", false}, {testLink + "?", true}, {"", false},
		{testLink + "6 and " + testLink, true}, {testLink + ", then", true}, {testLink + "…", true},
	} {
		if got := ContainsLink(c.text, testLink); got != c.want {
			t.Errorf("%q: got %v, want %v", c.text, got, c.want)
		}
	}
}

func TestLocationTokens(t *testing.T) {
	for raw, want := range map[string]string{
		`Room 5\; Webinar`: "Room 5|Webinar", `Webinar`: "Webinar", ` вебинар `: "вебинар", `a\,b;c,d\ne`: "a|b|c|d|e",
		`Back\\slash\; x`: `Back\slash|x`, ``: "", `;;`: "",
	} {
		var got []string
		for _, tok := range LocationTokens(raw) {
			got = append(got, tok.Text)
			if unescape(raw[tok.From:tok.To]) != tok.Text {
				t.Errorf("%q: token %q does not stand at its place", raw, tok.Text)
			}
		}
		if g := strings.Join(got, "|"); g != want {
			t.Errorf("%q: got %q, want %q", raw, g, want)
		}
	}
}

func TestPresentAndAbsentAgain(t *testing.T) {
	html := `<html><body><b>Agenda</b></body></html>`
	for name, c := range map[string]struct {
		lines    []string
		location string // after presenting
		in       bool
		left     string // LOCATION after taking it away again
	}{
		"word":            {[]string{"LOCATION:Webinar"}, testLink, true, ""},
		"word and room":   {[]string{`LOCATION:Room 5\; webinar`}, "Room 5; " + testLink, true, "Room 5"},
		"word first":      {[]string{`LOCATION: Вебинар-зал \, WEBINAR \, Room 5`}, " Вебинар-зал , " + testLink + " , Room 5", true, " Вебинар-зал , Room 5"},
		"empty":           {[]string{"LOCATION:"}, testLink, true, ""},
		"absent":          {nil, testLink, true, ""},
		"room":            {[]string{"LOCATION:Room 5"}, "Room 5", false, "Room 5"},
		"description":     {[]string{"LOCATION:Room 5", `DESCRIPTION:Agenda\n1. start\;`}, "Room 5", false, "Room 5"},
		"html":            {[]string{"LOCATION:Room 5", "X-ALT-DESC;FMTTYPE=text/html:" + EscapeText(html)}, "Room 5", false, "Room 5"},
		"altrep":          {[]string{"LOCATION:Room 5", `DESCRIPTION;ALTREP="data:text/html,` + encodeComponent(html) + `":Agenda`}, "Room 5", false, "Room 5"},
		"altrep base64":   {[]string{"LOCATION:Room 5", `DESCRIPTION;ALTREP="data:text/html;base64,PGI+QWdlbmRhPC9iPg==":Agenda`}, "Room 5", false, "Room 5"},
		"foreign url":     {[]string{"LOCATION:Room 5", "URL:https://example.org/agenda"}, "Room 5", false, "Room 5"},
		"foreign meeting": {[]string{"LOCATION:Room 5", "CONFERENCE;VALUE=URI:tel:+49-30-1"}, "Room 5", false, "Room 5"},
	} {
		t.Run(name, func(t *testing.T) {
			o := linkEvent(t, c.lines...)
			with, in := applied(t, o, ready())
			v := theEvent(with)
			if got := v.Text("LOCATION"); got != c.location || in != c.in {
				t.Errorf("LOCATION: got %q (%v), want %q (%v)", got, in, c.location, c.in)
			}
			if !ContainsLink(v.Text("DESCRIPTION"), testLink) || !strings.Contains(v.Text("DESCRIPTION"), fenceOpen+"\nMTS Link\n"+testLink+"\n"+fenceClose) {
				t.Errorf("DESCRIPTION lacks the block: %q", v.Text("DESCRIPTION"))
			}
			if h := htmlDescription(theEvent(o)); h != "" && !strings.Contains(htmlDescription(v), `<a href="`+testLink+`">`) {
				t.Errorf("the HTML description lacks the link: %q", htmlDescription(v))
			}
			f := Find(v, Marks{Link: testLink})
			if !f.Link() || !f.Block || !f.InConference || f.Booking != "b1" || f.Generation != 1 {
				t.Errorf("found %+v", f)
			}
			for _, again := range []Presentation{ready(), {Marks: ready().Marks, NewBlock: ready().NewBlock, Location: true, Booking: "b1", Generation: 1, State: "ready", Label: "MTS Link"}} {
				if twice, _ := applied(t, with, again); string(twice.Data) != string(with.Data) {
					t.Errorf("presenting twice changed the bytes:\n%s\n%s", with.Data, twice.Data)
				}
			}
			gone, _ := applied(t, with, Presentation{Marks: Marks{Old: []string{testLink}, Block: ready().Block}})
			if strings.Contains(strings.ReplaceAll(string(gone.Data), "\r\n ", ""), "881200345") {
				t.Errorf("the link is left:\n%s", gone.Data)
			}
			if got := theEvent(gone).Text("LOCATION"); got != c.left {
				t.Errorf("LOCATION without it: got %q, want %q", got, c.left)
			}
			if strings.HasPrefix(c.location, "Room") && !c.in && unfolded(gone) != unfolded(o) {
				t.Errorf("taking it away did not restore the bytes:\n%s\n%s", o.Data, gone.Data)
			}
		})
	}
}

func unfolded(o *Object) string { return strings.ReplaceAll(string(o.Data), "\r\n ", "") }

func TestBlockWrappedByClient(t *testing.T) {
	o := linkEvent(t, `DESCRIPTION:Agenda\n\n----( Video Call )----\n MTS Link \nhttps://my.mts-link.ru/j/70010/8812\n00345\n---===---\nafter`)
	gone, _ := applied(t, o, Presentation{Marks: Marks{Old: []string{testLink}, Block: ready().Block}})
	if got, want := theEvent(gone).Text("DESCRIPTION"), "Agenda\nafter"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	foreign := linkEvent(t, `DESCRIPTION:x\n----( Video Call )----\nhttps://zoom.us/j/1\n---===---`)
	same, _ := applied(t, foreign, Presentation{Marks: Marks{Old: []string{testLink}, Block: ready().Block}})
	if string(same.Data) != string(foreign.Data) {
		t.Errorf("another service's block was touched:\n%s", same.Data)
	}
}

func TestPresentReplacesOldLink(t *testing.T) {
	old := "https://my.mts-link.ru/j/70010/111"
	p := ready()
	p.Old = []string{old}
	o := linkEvent(t, "LOCATION:"+old, "URL:"+old, "CONFERENCE;VALUE=URI:"+old, `DESCRIPTION:x\n\n`+EscapeText(Block("MTS Link", old))+`\ny`,
		"X-JOINERY-BOOKING;X-GENERATION=1:b1", "X-JOINERY-BOOKING;X-GENERATION=0:b0")
	out, in := applied(t, o, p)
	if text := strings.ReplaceAll(string(out.Data), "\r\n ", ""); strings.Contains(text, old) || !in {
		t.Errorf("the old link is left (%v):\n%s", in, text)
	}
	v := theEvent(out)
	if got := v.Text("URL"); got != testLink {
		t.Errorf("URL: got %q", got)
	}
	if n := len(v.All("CONFERENCE")); n != 1 {
		t.Errorf("%d CONFERENCE lines", n)
	}
	if n := len(v.All(PropBooking)); n != 1 {
		t.Errorf("%d lines %s", n, PropBooking)
	}
	if got, want := v.Text("DESCRIPTION"), "x\n\n"+p.NewBlock+"\ny"; got != want {
		t.Errorf("DESCRIPTION: got %q, want %q", got, want)
	}
}

func TestOldLinkInsideAToken(t *testing.T) {
	old := "https://my.mts-link.ru/j/70010/111"
	o := linkEvent(t, "LOCATION:Room 5 "+old+`\; floor 2`)
	gone, _ := applied(t, o, Presentation{Marks: Marks{Old: []string{old}}})
	if got, want := theEvent(gone).Text("LOCATION"), "Room 5; floor 2"; got != want {
		t.Errorf("taken away: got %q, want %q", got, want)
	}
	p := ready()
	p.Old = []string{old}
	swapped, in := applied(t, o, p)
	if got, want := theEvent(swapped).Text("LOCATION"), "Room 5 "+testLink+"; floor 2"; got != want || !in {
		t.Errorf("replaced: got %q (%v), want %q", got, in, want)
	}
}

// A LOCATION of many tokens costs what its length costs, not its square.
func TestManyTokens(t *testing.T) {
	tokens := func(n int) float64 {
		o := linkEvent(t, "LOCATION:"+strings.Repeat("Webinar;"+testLink+";", n))
		p := ready()
		p.Link, p.Old = "https://my.mts-link.ru/j/70010/2", []string{testLink}
		return testing.AllocsPerRun(1, func() {
			e := o.Edit()
			e.Present(theEvent(o), p)
		})
	}
	few, many := tokens(200), tokens(2000)
	if many > 15*few {
		t.Errorf("ten times the tokens took %.0f allocations instead of %.0f", many, few)
	}
}

func TestWithoutBlock(t *testing.T) {
	for text, want := range map[string]string{
		"Agenda": "Agenda", "": "",
		"Agenda\n\n" + Block("MTS Link", testLink) + "\nafter":   "Agenda\n\n\nafter",
		Block("a") + " between " + Block("b"):                    "between",
		"x " + fenceOpen + " never closed":                       "x " + fenceOpen + " never closed",
		Block("a") + "\n" + fenceClose + " y " + fenceOpen + "z": fenceClose + " y " + fenceOpen + "z",
	} {
		if got := WithoutBlock(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
