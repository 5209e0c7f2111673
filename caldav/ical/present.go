package ical

import (
	"fmt"
	"strings"
)

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
