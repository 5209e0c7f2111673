package itip

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"joinery/caldav/ical"
)

// What a message from outside may hold.
const (
	maxIncoming = 1 << 20 // bytes
	maxParts    = 200
	maxComment  = 4000 // bytes of all comments
	maxName     = 200  // bytes
)

// ReadIncoming reads an iTIP object that somebody mailed. from is the address that spoke, as far as the mail
// says: it picks the ATTENDEE where there are several; where none is it, the only one counts. The error is
// ErrNoMessage where data are no message of an attendee, else it says what in it cannot be read.
//
// An attendee on whose behalf from writes (SENT-BY) is picked too. A part of a REPLY that answers nothing
// (NEEDS-ACTION) is left out, so that Parts may be empty. Components that do not have the attendee are
// passed over. Data are bounded to 1 MiB, Parts to 200.
func ReadIncoming(data []byte, from string) (*Incoming, error) {
	o, err := ical.Parse(data, ical.Limits{Size: maxIncoming})
	if err != nil {
		return nil, fmt.Errorf("reading the object: %w", err)
	}
	in := &Incoming{Method: strings.ToUpper(strings.TrimSpace(o.Root.Text("METHOD")))}
	switch in.Method {
	case MethodReply, MethodCounter, MethodRefresh:
	default:
		return nil, ErrNoMessage
	}
	if len(o.Root.Find("VEVENT")) == 0 {
		return nil, ErrNoMessage
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", in.Method, err)
	}
	all := ev.All()
	switch {
	case strings.TrimSpace(ev.UID) == "":
		return nil, fmt.Errorf("the %s has no UID", in.Method)
	case len(all) > maxParts:
		return nil, fmt.Errorf("the %s has more than %d components", in.Method, maxParts)
	}
	in.UID, in.Sequence = ev.UID, SequenceOf(ev)
	if organizer := ev.Organizer(); organizer != nil {
		in.Organizer = organizer.Address
	}
	if in.Address, err = speaker(all, ical.Address(from)); err != nil {
		return nil, fmt.Errorf("reading the %s: %w", in.Method, err)
	}
	var comments []string
	for _, v := range all {
		a := attendee(v, in.Address)
		if a == nil {
			continue
		}
		in.Name = cmp.Or(in.Name, plainText(words(a.Name), maxName))
		if at := stampOf(o, v); at.After(in.Stamp) {
			in.Stamp = at
		}
		for _, l := range v.Component.All("COMMENT") {
			if text := plainText(l.Text(), maxComment); text != "" && !slices.Contains(comments, text) {
				comments = append(comments, text)
			}
		}
		if in.Method == MethodRefresh {
			continue
		}
		p, err := partOf(in.Method, v, a)
		if err != nil {
			return nil, fmt.Errorf("reading the %s: %w", in.Method, err)
		}
		if p.PartStat != "NEEDS-ACTION" || in.Method == MethodCounter {
			in.Parts = append(in.Parts, p)
		}
	}
	in.Comment = plainText(strings.Join(comments, "\n"), maxComment)
	return in, nil
}

// speaker is the attendee who speaks: from, or on whose behalf from writes, or the only one.
func speaker(all []*ical.VEvent, from string) (string, error) {
	sentBy := ""
	var others []string
	for _, v := range all {
		for _, a := range v.Attendees {
			switch {
			case a.Address == "":
			case a.Address == from:
				return from, nil
			case a.SentBy == from && from != "" && sentBy == "":
				sentBy = a.Address
			case !slices.Contains(others, a.Address):
				others = append(others, a.Address)
			}
		}
	}
	switch {
	case sentBy != "":
		return sentBy, nil
	case len(others) == 1:
		return others[0], nil
	case len(others) == 0:
		return "", errors.New("no attendee")
	}
	return "", errors.New("several attendees, and none of them is who wrote")
}

// partOf is what a says to v.
func partOf(method string, v *ical.VEvent, a *ical.Attendee) (Part, error) {
	p := Part{PartStat: a.PartStat}
	switch a.PartStat {
	case "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED", "NEEDS-ACTION":
	default:
		return Part{}, fmt.Errorf("not an answer to an event: PARTSTAT=%s", plainText(a.PartStat, 40))
	}
	if v.RecurrenceID != nil {
		p.Occurrence = v.RecurrenceID.Time
		// Exchange names the day of an all-day series by its midnight.
		if wall := clock(p.Occurrence, p.Occurrence.Location()); v.Start.AllDay && wall.Equal(wall.Truncate(24*time.Hour)) {
			p.Occurrence = wall
		}
	}
	if method == MethodCounter && v.Component.First("DTSTART") != nil {
		p.Start, p.End, p.Floating = v.Start.Time, v.End.Time, v.Start.AllDay || v.Start.Floating
	}
	if a.PartStat != "DELEGATED" {
		return p, nil
	}
	for _, address := range people(a.Line, "DELEGATED-TO") {
		known := slices.ContainsFunc(p.DelegatedTo, func(d Delegate) bool { return d.Address == address })
		if !Mailable(address) || known || len(p.DelegatedTo) == maxDelegates {
			continue
		}
		d := Delegate{Address: address}
		if line := attendee(v, address); line != nil {
			d.Name = plainText(words(line.Name), maxName)
		}
		p.DelegatedTo = append(p.DelegatedTo, d)
	}
	return p, nil
}

// stampOf is v's DTSTAMP, zero where there is none that can be read.
func stampOf(o *ical.Object, v *ical.VEvent) time.Time {
	l := v.Component.First("DTSTAMP")
	if l == nil {
		return time.Time{}
	}
	t, err := o.Time(l)
	if err != nil {
		return time.Time{}
	}
	return t.Time.UTC()
}

// plainText is what somebody wrote, trimmed, without control characters but line ends and tabs, and cut to
// most bytes.
func plainText(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), ""))
	s = strings.TrimSpace(s)
	if len(s) <= most {
		return s
	}
	n := most - len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
