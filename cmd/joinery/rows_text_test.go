package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Texts of events, edited as clients do: by logical lines, without any code of ours.

// tomorrow is the start of most events; the same also when an hour strikes meanwhile.
var tomorrow = sync.OnceValue(func() time.Time { return time.Now().UTC().Truncate(time.Hour).Add(26 * time.Hour) })

const utcStamp = "20060102T150405Z"

// event is an event of tomorrow with the given lines; a line whose name the event has already
// replaces it.
func event(uid string, lines ...string) string {
	start := tomorrow()
	text := []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Rows//EN", "BEGIN:VEVENT", "UID:" + uid,
		"DTSTAMP:" + time.Now().UTC().Format(utcStamp), "SUMMARY:Rows of " + uid,
		"DTSTART:" + start.Format(utcStamp), "DTEND:" + start.Add(time.Hour).Format(utcStamp), "END:VEVENT", "END:VCALENDAR",
	}
	body := strings.Join(text, "\r\n") + "\r\n"
	for _, l := range lines {
		if name := lineName(l); slices.Contains([]string{"SUMMARY", "DTSTART", "DTEND"}, name) {
			body = with(body, l)
		} else {
			body = plus(body, l)
		}
	}
	return body
}

// invitation are the lines of anna's event with boris and vera.
func invitation(more ...string) []string {
	return append([]string{
		"ORGANIZER;CN=Anna:mailto:" + anna,
		"ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:" + anna,
		"ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:" + boris,
		"ATTENDEE;CN=Vera;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:" + vera,
	}, more...)
}

// logical splits a text into unfolded lines.
func logical(text string) []string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n ", "")
	text = strings.ReplaceAll(text, "\n\t", "")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func joined(lines []string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func lineName(l string) string {
	if i := strings.IndexAny(l, ";:"); i >= 0 {
		return strings.ToUpper(l[:i])
	}
	return strings.ToUpper(l)
}

// with replaces the first line of the same name, or adds one.
func with(text, line string) string {
	lines := logical(text)
	for i, l := range lines {
		if lineName(l) == lineName(line) {
			lines[i] = line
			return joined(lines)
		}
	}
	return plus(text, line)
}

// plus adds a line to the event.
func plus(text, line string) string {
	lines := logical(text)
	i := slices.Index(lines, "END:VEVENT")
	return joined(slices.Insert(lines, i, line))
}

// without takes all lines of these names out, ours too.
func without(text string, names ...string) string {
	return joined(slices.DeleteFunc(logical(text), func(l string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			return lineName(l) == n || strings.HasSuffix(n, "*") && strings.HasPrefix(lineName(l), n[:len(n)-1])
		})
	}))
}

// swap replaces a part of the unfolded text, which must be there.
func (w *world) swap(text, old, new string) string {
	w.Helper()
	text = joined(logical(text))
	if !strings.Contains(text, old) {
		w.Fatalf("%q is not in\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, new)
}

// all lists the unfolded lines of that name.
func all(text, name string) []string {
	var out []string
	for _, l := range logical(text) {
		if lineName(l) == name {
			out = append(out, l)
		}
	}
	return out
}

// first is the first unfolded line of that name, empty if there is none.
func first(text, name string) string {
	for _, l := range all(text, name) {
		return l
	}
	return ""
}

// value is the value of the first line of that name, unescaped.
func value(text, name string) string {
	for _, l := range all(text, name) {
		quoted := false
		for i, c := range l {
			if c == '"' {
				quoted = !quoted
			}
			if c == ':' && !quoted {
				return strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(l[i+1:])
			}
		}
	}
	return ""
}

// attendee is the line of an attendee.
func attendee(text, address string) string {
	for _, l := range all(text, "ATTENDEE") {
		if strings.HasSuffix(strings.ToLower(l), ":mailto:"+address) {
			return l
		}
	}
	return ""
}

// moved is the event at another time.
func moved(text string, by time.Duration) string {
	start := tomorrow().Add(by)
	return with(with(text, "DTSTART:"+start.Format(utcStamp)), "DTEND:"+start.Add(time.Hour).Format(utcStamp))
}

// ours are the properties that a write-back may touch.
var ours = []string{"LOCATION", "URL", "DESCRIPTION", "CONFERENCE", "X-JOINERY-BOOKING", "X-JOINERY-STATE"}

// bytesBut is a text to the byte, without the physical lines of these properties.
func bytesBut(text string, names ...string) string {
	var out strings.Builder
	skip := false
	for _, l := range strings.SplitAfter(text, "\n") {
		if !strings.HasPrefix(l, " ") && !strings.HasPrefix(l, "\t") {
			skip = slices.Contains(names, lineName(strings.TrimRight(l, "\r\n")))
		}
		if !skip {
			out.WriteString(l)
		}
	}
	return out.String()
}

// wantUntouched checks that all but our properties stands as it was sent, to the byte.
func (w *world) wantUntouched(sent, got string, but ...string) {
	w.Helper()
	w.wantSame(bytesBut(sent, append(but, ours...)...), bytesBut(got, append(but, ours...)...))
}

// wantSame checks that a text stands as it was sent, to the byte, but for what delivery says of people.
func (w *world) wantSame(sent, got string) {
	w.Helper()
	people := func(text string) []string { return append(all(text, "ORGANIZER"), all(text, "ATTENDEE")...) }
	told := regexp.MustCompile(`;SCHEDULE-STATUS=[0-9.]+`)
	a, b := bytesBut(sent, "ORGANIZER", "ATTENDEE"), bytesBut(got, "ORGANIZER", "ATTENDEE")
	if a != b {
		w.Errorf("what is the client's was changed: sent\n%q\ngot\n%q", a, b)
	}
	a, b = strings.Join(people(sent), "\n"), told.ReplaceAllString(strings.Join(people(got), "\n"), "")
	if a != b {
		w.Errorf("people were changed: sent\n%s\ngot\n%s", a, b)
	}
}

const (
	openFence  = "----( Video Call )----"
	closeFence = "---===---"
)

// wantLink checks that a text says in every place that it has the conference at link.
func (w *world) wantLink(text, link string) {
	w.Helper()
	if link == "" {
		w.Fatal("the provider gave no link")
	}
	complain := func(what string) { w.Helper(); w.Errorf("%s, with %s in\n%s", what, link, joined(logical(text))) }
	if !strings.Contains(value(text, "LOCATION"), link) {
		complain("the link is not in LOCATION")
	}
	if value(text, "URL") != link {
		complain("URL is not the link")
	}
	w.wantBlock(text, link)
	if c := all(text, "CONFERENCE"); len(c) != 1 || !strings.HasSuffix(c[0], ":"+link) || !strings.Contains(c[0], "VALUE=URI") {
		complain("not one CONFERENCE with the link")
	}
	if len(all(text, "X-JOINERY-BOOKING")) != 1 || len(all(text, "X-JOINERY-STATE")) != 1 || value(text, "X-JOINERY-STATE") != "ready" {
		complain("the state is not there once")
	}
}

// wantBlock checks for one block with the provider's name and the link on a line of its own.
func (w *world) wantBlock(text, link string) {
	w.Helper()
	d := value(text, "DESCRIPTION")
	if strings.Count(d, openFence) != 1 || strings.Count(d, closeFence) != 1 {
		w.Errorf("there is not one block in %q", d)
		return
	}
	_, d, _ = strings.Cut(d, openFence)
	d, _, _ = strings.Cut(d, closeFence)
	lines := strings.Split(d, "\n")
	if !slices.Contains(lines, link) || !slices.Contains(lines, "MTS Link") {
		w.Errorf("the block does not name service and link: %q", d)
	}
}

// wantNoTrace checks that nothing of ours stands in a text.
func (w *world) wantNoTrace(text string) {
	w.Helper()
	plain := joined(logical(text))
	for _, trace := range []string{"https://my.mts-link.ru/", openFence, closeFence, "X-JOINERY-BOOKING", "X-JOINERY-STATE", "\r\nCONFERENCE"} {
		if strings.Contains(plain, trace) {
			w.Errorf("%q stands in\n%s", trace, plain)
		}
	}
}

// contains checks that every part stands in a text.
func (w *world) contains(text string, parts ...string) {
	w.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			w.Errorf("%q is not in\n%s", p, text)
		}
	}
}

func (w *world) lacks(text string, parts ...string) {
	w.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			w.Errorf("%q is in\n%s", p, text)
		}
	}
}

// same checks two values.
func same[T comparable](w *world, what string, got, want T) {
	w.Helper()
	if got != want {
		w.Errorf("%s: got %s, want %s", what, fmt.Sprint(got), fmt.Sprint(want))
	}
}
