package main

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A faultSheet is an iCalendar object as a client edits it: unfolded lines. It knows nothing of the
// server's own parser, so that one misreading cannot hide in both.
type faultSheet struct {
	lines []string
}

func parseFaultSheet(data string) *faultSheet {
	data = strings.ReplaceAll(data, "\r\n", "\n")
	data = strings.ReplaceAll(strings.ReplaceAll(data, "\n ", ""), "\n\t", "")
	return &faultSheet{lines: strings.Split(strings.TrimRight(data, "\n"), "\n")}
}

// String is the object with its lines folded.
func (s *faultSheet) String() string {
	var b strings.Builder
	for _, l := range s.lines {
		width := 0
		for _, r := range l {
			n := len(string(r))
			if width+n > 74 {
				b.WriteString("\r\n ")
				width = 1
			}
			b.WriteRune(r)
			width += n
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

func (s *faultSheet) clone() *faultSheet { return &faultSheet{lines: slices.Clone(s.lines)} }

// event yields the places of the VEVENT's own lines; of several VEVENTs those of the first that is no
// override.
func (s *faultSheet) event(yield func(i int) bool) {
	from := max(0, slices.Index(s.lines, "BEGIN:VEVENT"))
	for _, at := range s.bounds() {
		if !slices.ContainsFunc(s.lines[at[0]:at[1]], isFaultOverride) {
			from = at[0]
			break
		}
	}
	depth := 0
	for i := from; i < len(s.lines); i++ {
		switch l := s.lines[i]; {
		case strings.HasPrefix(l, "BEGIN:"):
			depth++
		case strings.HasPrefix(l, "END:"):
			if depth--; depth == 0 {
				return
			}
		case depth == 1:
			if !yield(i) {
				return
			}
		}
	}
}

func faultLineName(l string) string {
	return strings.ToUpper(l[:max(0, strings.IndexAny(l+":", ":;"))])
}

// faultLineValue is what stands after the first colon outside quotes.
func faultLineValue(l string) string {
	quoted := false
	for i := range len(l) {
		switch {
		case l[i] == '"':
			quoted = !quoted
		case l[i] == ':' && !quoted:
			return l[i+1:]
		}
	}
	return ""
}

// all returns the VEVENT's lines of that name.
func (s *faultSheet) all(name string) []string {
	var out []string
	s.event(func(i int) bool {
		if faultLineName(s.lines[i]) == name {
			out = append(out, s.lines[i])
		}
		return true
	})
	return out
}

// text is the unescaped value of the VEVENT's first line of that name.
func (s *faultSheet) text(name string) string {
	if all := s.all(name); len(all) > 0 {
		return faultUnescape(faultLineValue(all[0]))
	}
	return ""
}

// remove takes out the VEVENT's lines that match.
func (s *faultSheet) remove(match func(l string) bool) {
	var gone []int
	s.event(func(i int) bool {
		if match(s.lines[i]) {
			gone = append(gone, i)
		}
		return true
	})
	for _, i := range slices.Backward(gone) {
		s.lines = slices.Delete(s.lines, i, i+1)
	}
}

func (s *faultSheet) removeAll(name string) {
	s.remove(func(l string) bool { return faultLineName(l) == name })
}

// add puts a line after the VEVENT's UID.
func (s *faultSheet) add(line string) {
	at := -1
	s.event(func(i int) bool {
		if faultLineName(s.lines[i]) == "UID" {
			at = i + 1
		}
		return at < 0
	})
	s.lines = slices.Insert(s.lines, at, line)
}

// set makes line the VEVENT's only one of its name, where the first of them stood.
func (s *faultSheet) set(line string) {
	name, at := faultLineName(line), -1
	s.event(func(i int) bool {
		if at < 0 && faultLineName(s.lines[i]) == name {
			at = i
		}
		return true
	})
	if at < 0 {
		s.add(line)
		return
	}
	s.lines[at] = line
	first := true
	s.remove(func(l string) bool {
		if faultLineName(l) != name {
			return false
		}
		keep := first
		first = false
		return !keep
	})
}

// instant reads DTSTART or DTEND; zero where there is none that can be read.
func (s *faultSheet) instant(name string) time.Time {
	if all := s.all(name); len(all) > 0 {
		return faultInstant(all[0])
	}
	return time.Time{}
}

// faultInstant reads a line with one time; zero where it cannot be read.
func faultInstant(line string) time.Time {
	loc := time.UTC
	head, _, _ := strings.Cut(line, ":")
	for _, p := range strings.Split(head, ";") {
		if id, ok := strings.CutPrefix(p, "TZID="); ok {
			var err error
			if loc, err = time.LoadLocation(strings.Trim(id, `"`)); err != nil {
				return time.Time{}
			}
		}
	}
	t, err := time.ParseInLocation("20060102T150405", strings.TrimSuffix(faultLineValue(line), "Z"), loc)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// people are the invited addresses, sorted; without the organiser, the service's resource and the room.
func (s *faultSheet) people() []string {
	organizer := ""
	if all := s.all("ORGANIZER"); len(all) > 0 {
		organizer = faultAddress(all[0])
	}
	var out []string
	for _, l := range s.all("ATTENDEE") {
		if a := faultAddress(l); a != organizer && a != faultResource && a != faultRoom {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

func faultAddress(line string) string {
	v := strings.ToLower(faultLineValue(line))
	return strings.TrimPrefix(v, "mailto:")
}

var (
	faultEscaper   = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)
	faultUnescaper = strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, "\n", `\N`, "\n")
)

func faultEscape(s string) string   { return faultEscaper.Replace(s) }
func faultUnescape(s string) string { return faultUnescaper.Replace(s) }

// faultZones are the zones that clients think in, each as it stands in their objects.
var faultZones = map[string]string{
	"Europe/Moscow": "BEGIN:VTIMEZONE\nTZID:Europe/Moscow\nBEGIN:STANDARD\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nTZNAME:MSK\n" +
		"DTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE",
	"Asia/Yekaterinburg": "BEGIN:VTIMEZONE\nTZID:Asia/Yekaterinburg\nBEGIN:STANDARD\nTZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nTZNAME:+05\n" +
		"DTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE",
	"Europe/Kyiv": "BEGIN:VTIMEZONE\nTZID:Europe/Kyiv\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nTZNAME:EEST\n" +
		"DTSTART:19700329T030000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nBEGIN:STANDARD\nTZOFFSETFROM:+0300\n" +
		"TZOFFSETTO:+0200\nTZNAME:EET\nDTSTART:19701025T040000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE",
	"Europe/Berlin": "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n" +
		"DTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nBEGIN:STANDARD\nTZOFFSETFROM:+0200\n" +
		"TZOFFSETTO:+0100\nTZNAME:CET\nDTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE",
	"UTC": "",
}

// faultTime writes a property with the instant t in a zone.
func faultTime(name, zone string, t time.Time) string {
	if zone == "UTC" {
		return name + ":" + t.UTC().Format("20060102T150405Z")
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		panic(err) // a name of this file
	}
	return name + ";TZID=" + zone + ":" + t.In(loc).Format("20060102T150405")
}

// faultMark is a name that no other save has.
func faultMark() string { return rand.Text()[:12] }

// stamp makes the sheet a save of its own.
func (s *faultSheet) stamp(now time.Time) {
	s.set("X-TEST-MARK:" + faultMark())
	s.set("LAST-MODIFIED:" + now.UTC().Format("20060102T150405Z"))
	s.set("DTSTAMP:" + now.UTC().Format("20060102T150405Z"))
}

func (s *faultSheet) mark() string { return s.text("X-TEST-MARK") }

// newFaultSheet is a new event as a client makes it.
func newFaultSheet(uid, zone, title, agenda string, start, end time.Time) *faultSheet {
	text := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Joinery//fault program//EN\n"
	if zone != "UTC" {
		text += faultZones[zone] + "\n"
	}
	text += fmt.Sprintf("BEGIN:VEVENT\nUID:%s\n%s\n%s\nSUMMARY:%s\nDESCRIPTION:%s\nX-TEST-UNKNOWN;X-PARAM=\"a;b:c\":kept as it is\nTRANSP:OPAQUE\n"+
		"BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Reminder\nTRIGGER:-PT15M\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n",
		uid, faultTime("DTSTART", zone, start), faultTime("DTEND", zone, end), faultEscape(title), faultEscape(agenda))
	return parseFaultSheet(text)
}
