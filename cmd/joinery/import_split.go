package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A splitObject is one calendar object resource (RFC 4791 §4.1) of a file.
type splitObject struct {
	uid  string
	line int // of its first component, from 1
	body []byte
	data []byte // the whole VCALENDAR
}

var plainUID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._-]{0,180}$`)

// name is the last segment of the object's path.
func (o splitObject) name() string {
	if plainUID.MatchString(o.uid) {
		return o.uid + ".ics"
	}
	sum := sha256.Sum256([]byte(o.uid))
	return hex.EncodeToString(sum[:16]) + ".ics"
}

// A piece is a component right below VCALENDAR.
type piece struct {
	name, uid, tzid string
	line            int
	text            []byte
}

// A splitter takes a file's VCALENDARs apart.
type splitter struct {
	stack   []string
	current piece
	pieces  []piece // without zones
	zones   []piece
	prodid  string // of the first calendar
}

// splitCalendar makes objects of a file with one VCALENDAR or several: the components of one UID
// together, with the VTIMEZONEs that they name. The components' lines stay as they are but for their
// ends; METHOD and properties of the calendar as a whole are left out. What has no UID is an error.
func splitCalendar(data []byte) ([]splitObject, error) {
	var s splitter
	number := 0
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for len(data) > 0 {
		raw, lines := nextLine(data)
		data = data[len(raw):]
		if err := s.line(raw); err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if len(s.stack) == 2 && s.current.line == 0 {
			s.current.line = number + 1
		}
		number += lines
	}
	if len(s.stack) > 0 || len(s.pieces) == 0 {
		return nil, errors.New("it holds no events, or ends before END:VCALENDAR; is it an iCalendar file, and whole?")
	}
	return s.objects(), nil
}

// nextLine is the first content line with its folds, and how many physical lines it has.
func nextLine(data []byte) (raw []byte, lines int) {
	end := 0
	for {
		n := bytes.IndexByte(data[end:], '\n')
		if n < 0 {
			return data, lines + 1
		}
		end, lines = end+n+1, lines+1
		if end == len(data) || data[end] != ' ' && data[end] != '\t' {
			return data[:end], lines
		}
	}
}

// unfold undoes the folds of a content line (RFC 5545 §3.1).
func unfold(raw []byte) string {
	return strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "").Replace(strings.TrimRight(string(raw), "\r\n"))
}

// crlf gives a content line and its folds the line ends of RFC 5545 §3.1.
func crlf(raw []byte) []byte {
	raw = bytes.ReplaceAll(bytes.TrimRight(raw, "\r\n"), []byte("\r\n"), []byte("\n"))
	return append(bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n")), "\r\n"...)
}

var errNotCalendar = errors.New("this is not an iCalendar file")

func (s *splitter) line(raw []byte) error {
	text := unfold(raw)
	name, value, _ := strings.Cut(text, ":")
	name, _, _ = strings.Cut(name, ";")
	name, value = strings.ToUpper(strings.TrimSpace(name)), strings.TrimSpace(value)
	if name == "BEGIN" {
		s.stack = append(s.stack, strings.ToUpper(value))
		if len(s.stack) == 2 {
			s.current = piece{name: s.stack[1]}
		}
		if s.stack[0] != "VCALENDAR" || len(s.stack) > 16 {
			return errNotCalendar
		}
	}
	switch depth := len(s.stack); {
	case depth == 0 && text != "":
		return errNotCalendar
	case depth == 1 && name == "PRODID" && s.prodid == "":
		s.prodid = text
	case depth >= 2 && text != "":
		s.current.text = append(s.current.text, crlf(raw)...)
		if depth == 2 && name == "UID" {
			s.current.uid = value
		}
		if depth == 2 && name == "TZID" {
			s.current.tzid = value
		}
	}
	if name == "END" {
		return s.end(strings.ToUpper(value))
	}
	return nil
}

func (s *splitter) end(name string) error {
	last := len(s.stack) - 1
	if last < 0 || s.stack[last] != name {
		return fmt.Errorf("END:%s closes what was not begun", name)
	}
	s.stack = s.stack[:last]
	if last != 1 {
		return nil
	}
	switch {
	case name == "VTIMEZONE":
		s.zones = append(s.zones, s.current)
	case s.current.uid == "":
		return fmt.Errorf("the %s that ends here has no UID; give it one", name)
	default:
		s.pieces = append(s.pieces, s.current)
	}
	return nil
}

// objects puts together what belongs together, in the file's order.
func (s *splitter) objects() []splitObject {
	var list []splitObject
	known := map[string]int{}
	for _, p := range s.pieces {
		i, ok := known[p.uid]
		if !ok {
			i = len(list)
			known[p.uid] = i
			list = append(list, splitObject{uid: p.uid, line: p.line})
		}
		list[i].body = append(list[i].body, p.text...)
	}
	if s.prodid == "" {
		s.prodid = "PRODID:-//joinery//import//EN"
	}
	for i := range list {
		o := &list[i]
		o.data = []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + s.prodid + "\r\n")
		body, taken := unfold(o.body), map[string]bool{}
		for _, z := range s.zones {
			if z.tzid != "" && !taken[z.tzid] && names(body, z.tzid) {
				taken[z.tzid] = true
				o.data = append(o.data, z.text...)
			}
		}
		o.data = append(append(o.data, o.body...), "END:VCALENDAR\r\n"...)
	}
	return list
}

// names tells whether a TZID parameter of body names a zone. That a text may look like one does no
// harm: a zone too many is nothing.
func names(body, tzid string) bool {
	for _, form := range []string{";TZID=" + tzid + ":", ";TZID=" + tzid + ";", `;TZID="` + tzid + `"`} {
		if strings.Contains(body, form) {
			return true
		}
	}
	return false
}
