package ical

import (
	"net/url"
	"strings"
	"unicode"
)

// Address makes a calendar user address comparable: lower case, without "mailto:", percent escapes
// and a display form ("Name <a@b>"); other schemes whole.
func Address(value string) string {
	s := strings.TrimSpace(value)
	mail, isMail := cutMailto(s)
	if isMail {
		mail, _, _ = strings.Cut(mail, "?") // RFC 6068 header fields
		if plain, err := url.PathUnescape(mail); err == nil && !strings.ContainsFunc(plain, unicode.IsControl) {
			mail = plain
		}
		s = mail
	}
	if open := strings.LastIndexByte(s, '<'); open >= 0 && strings.HasSuffix(s, ">") {
		s = strings.TrimSpace(s[open+1 : len(s)-1])
		if inner, ok := cutMailto(s); ok {
			s = inner
		}
	}
	return strings.ToLower(strings.TrimSpace(s))
}

func cutMailto(s string) (string, bool) {
	const scheme = "mailto:"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return s, false
	}
	return strings.TrimSpace(s[len(scheme):]), true
}

// An Attendee is an ATTENDEE or ORGANIZER line.
type Attendee struct {
	Line     *Line
	Address  string // as Address makes it; by the EMAIL parameter where the value is no mail address
	Name     string // CN
	PartStat string // upper case; NEEDS-ACTION if absent
	Role     string // upper case; REQ-PARTICIPANT if absent
	CUType   string // upper case; INDIVIDUAL if absent
	Agent    string // SCHEDULE-AGENT, upper case; SERVER if absent
	Language string
	RSVP     bool
	SentBy   string // as Address makes it
}

// ParseAttendee reads an ATTENDEE or ORGANIZER line.
func ParseAttendee(l *Line) Attendee {
	upper := func(name, absent string) string {
		if v := strings.ToUpper(strings.TrimSpace(l.Param(name))); v != "" {
			return v
		}
		return absent
	}
	a := Attendee{
		Line:     l,
		Address:  Address(l.Value),
		Name:     strings.TrimSpace(l.Param("CN")),
		PartStat: upper("PARTSTAT", "NEEDS-ACTION"),
		Role:     upper("ROLE", "REQ-PARTICIPANT"),
		CUType:   upper("CUTYPE", "INDIVIDUAL"),
		Agent:    upper("SCHEDULE-AGENT", "SERVER"),
		Language: strings.TrimSpace(l.Param("LANGUAGE")),
		RSVP:     upper("RSVP", "FALSE") == "TRUE",
		SentBy:   Address(l.Param("SENT-BY")),
	}
	// Apple writes urn:uuid: or a principal's path as the value (RFC 7986 §6.2 has EMAIL for it).
	if !mailAddress(a.Address) {
		if email := Address(l.Param("EMAIL")); mailAddress(email) {
			a.Address = email
		}
	}
	return a
}

// mailAddress tells a mail address from another URI and from no address at all.
func mailAddress(s string) bool {
	at := strings.IndexByte(s, '@')
	return at > 0 && !strings.ContainsAny(s[:at], ":/")
}
