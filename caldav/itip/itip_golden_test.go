package itip

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

// The golden table: one file a case in testdata/itip, named by the section of the RFC or the client whose
// behaviour it holds. base.txt has the blocks that they begin with. What is expected was written from the
// RFCs, and there is no flag that writes it.
//
//	title
//	source: section or client
//	owner: the addresses whose calendar it is (anna@example.org if absent)
//	force: whom a message is asked for that is not owed (SCHEDULE-FORCE-SEND, REFRESH)
//	sent: the highest SEQUENCE that was sent (that of old if absent)
//	decline: whose COUNTER is declined, its occurrence or *, its SEQUENCE
//
//	old: and new: the object before and after; none of it where there is none
//	@block                a block, one VEVENT
//	  +LINE               a line more
//	  -START              without the lines that begin so
//	  OLD => NEW          text in another's place
//
//	METHOD people SEQUENCE [components]
//	  + LINE              a line that is in the message, after unfolding
//	  - START             how no line of it begins
//	quiet people          they are told nothing, and it is remembered that they know
//	nothing               no message at all
//	error                 of decline
//
// People are named by the local part of their address; components by RECURRENCE-ID, the master by *.
// What is in no case's words is checked of every message: see restrictions.
type itipCase struct {
	title, source string
	owner         []string
	force         []string
	sent          int
	decline       []string
	old, new      []string // components
	want          []wanted
}

// A wanted is one message that a case expects.
type wanted struct {
	head    string // METHOD person SEQUENCE [components]; quiet person
	has, no []string
}

// An outgoing is a message of the pure function.
type outgoing struct {
	to       string
	sequence int
	quiet    bool
	data     []byte
}

// head is o as a case expects it.
func (o outgoing) head(t *testing.T) string {
	t.Helper()
	local, _, _ := strings.Cut(o.to, "@")
	if o.quiet {
		return "quiet " + local
	}
	ev := mustEvent(t, o.data)
	var ids []string
	for _, v := range ev.All() {
		id := "*"
		if l := v.Component.First("RECURRENCE-ID"); l != nil {
			id = l.Value
		}
		ids = append(ids, id)
	}
	return fmt.Sprintf("%s %s %d [%s]", ev.Object.Root.Text("METHOD"), local, o.sequence, strings.Join(ids, " "))
}

// messages are what the owner's save, deletion or answer sends: from old, which everybody knows, to now.
// It is the mailer's way from one version to another, in one step: every message is taken at once.
func messages(t *testing.T, c *itipCase, old, now *ical.Event) []outgoing {
	t.Helper()
	of := now
	if of == nil {
		of = old
	}
	if of == nil {
		return nil
	}
	organizer := of.Organizer()
	if organizer == nil && old != nil {
		organizer = old.Organizer()
	}
	if organizer == nil {
		return nil
	}
	if slices.Contains(c.owner, organizer.Address) {
		return organizerMessages(t, c, old, now)
	}
	return attendeeMessages(t, c, old, now)
}

func organizerMessages(t *testing.T, c *itipCase, old, now *ical.Event) []outgoing {
	t.Helper()
	known := map[string]*Known{}
	var people []string
	event, sent := 0, c.sent
	if old != nil {
		event = SequenceOf(old)
		if o := old.Organizer(); o != nil && slices.Contains(c.owner, o.Address) {
			views := NewViews(old)
			for _, address := range Recipients(old, c.owner, nil) {
				if known[address] = views.Of(address); known[address] != nil {
					people = append(people, address)
				}
			}
		}
		sent = max(sent, event)
	}
	before := sent
	var views *Views
	invited := map[string]bool{}
	if now != nil {
		event = SequenceOf(now)
		views = NewViews(now)
		for _, address := range Recipients(now, c.owner, nil) {
			invited[address] = true
			if !slices.Contains(people, address) {
				people = append(people, address)
			}
		}
	}
	var out []outgoing
	for _, address := range people {
		var target *Known
		switch {
		case invited[address]:
			target = views.Of(address)
		case views != nil && now.Organizer() != nil:
			target = views.Off()
		}
		have := known[address]
		last, told := before, have != nil
		local, _, _ := strings.Cut(address, "@")
		for steps := 0; ; steps++ {
			m, err := Compare(have, target)
			if err != nil {
				t.Fatal(err)
			}
			if (m == nil || m.Quiet) && slices.Contains(c.force, local) && steps == 0 {
				m = &Message{Method: MethodRequest, Object: target.Data, View: target.Data}
			}
			if m == nil {
				break
			}
			if steps > 2 {
				t.Fatalf("%s is told for ever", address)
			}
			have = NewKnown(m.View)
			o := outgoing{to: address, quiet: m.Quiet}
			if !m.Quiet {
				o.sequence = Sequence(m, event, sent, last, told)
				if o.data, err = m.Calendar(address, o.sequence, dtstamp); err != nil {
					t.Fatal(err)
				}
				sent, last, told = max(sent, o.sequence), o.sequence, true
			}
			out = append(out, o)
		}
	}
	return out
}

func attendeeMessages(t *testing.T, c *itipCase, old, now *ical.Event) []outgoing {
	t.Helper()
	var before []byte
	sequence := 0
	if old != nil {
		before, sequence = ReplyView(old, c.owner, nil, 0), SequenceOf(old)
	}
	of := now
	if now == nil {
		of = old
	}
	if !Replies(of) || !Mailable(of.Organizer().Address) || of.Master != nil && of.Master.Cancelled() {
		return nil
	}
	view := ReplyView(of, c.owner, before, sequence)
	if now == nil {
		_, view = Declined(view)
	}
	answers := DiffReply(before, view)
	if local, _, _ := strings.Cut(of.Organizer().Address, "@"); slices.Contains(c.force, local) {
		answers = DiffReply(nil, view)
	}
	if len(answers) == 0 {
		return nil
	}
	data, err := Reply(of, c.owner, answers, dtstamp)
	if err != nil {
		t.Fatal(err)
	}
	return []outgoing{{to: of.Organizer().Address, sequence: SequenceOf(mustEvent(t, data)), data: data}}
}

// asked is now with the PARTSTAT that a reschedule asks for anew (RFC 6638 §3.2.8), as the save stores it.
func asked(t *testing.T, old, now *ical.Event, own []string) *ical.Event {
	t.Helper()
	if old == nil || now == nil || now.Organizer() == nil || !slices.Contains(own, now.Organizer().Address) {
		return now
	}
	edit := now.Object.Edit()
	for _, v := range now.All() {
		if !Rescheduled(old, now, v) {
			continue
		}
		for _, a := range v.Attendees {
			if !slices.Contains(own, a.Address) && a.PartStat != "NEEDS-ACTION" {
				edit.SetParam(a.Line, "PARTSTAT", "NEEDS-ACTION")
			}
		}
	}
	return mustEvent(t, edit.Bytes())
}

func mustEvent(t *testing.T, data []byte) *ical.Event {
	t.Helper()
	o, err := ical.Parse(data, ical.Limits{})
	if err != nil {
		t.Fatalf("parsing: %v\n%s", err, data)
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		t.Fatalf("reading: %v\n%s", err, data)
	}
	return ev
}

func TestGoldenTable(t *testing.T) {
	base := readBlocks(t, filepath.Join("testdata", "itip", "base.txt"))
	files, err := filepath.Glob(filepath.Join("testdata", "itip", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		if name == "base" {
			continue
		}
		cases++
		t.Run(name, func(t *testing.T) {
			c := readCase(t, path, base)
			checkCase(t, c, base["zone"])
		})
	}
	if cases < 150 {
		t.Errorf("%d cases, want at least 150", cases)
	}
}

func checkCase(t *testing.T, c *itipCase, zone []string) {
	t.Helper()
	object := func(components []string) *ical.Event {
		if components == nil {
			return nil
		}
		body := strings.Join(components, "")
		head := "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example//Client//EN\nX-WR-CALNAME:Private\n"
		if strings.Contains(body, "TZID=Europe/Berlin") {
			head += strings.Join(zone, "\n") + "\n"
		}
		return mustEvent(t, crlf(head+body+"END:VCALENDAR"))
	}
	old, now := object(c.old), object(c.new)
	var got []outgoing
	if c.decline != nil {
		got = declined(t, c, old)
	} else {
		now = asked(t, old, now, c.owner)
		got = messages(t, c, old, now)
	}
	var heads, want []string
	for _, o := range got {
		heads = append(heads, o.head(t))
	}
	for _, w := range c.want {
		want = append(want, w.head)
	}
	if !slices.Equal(heads, want) {
		t.Fatalf("%s (%s)\ngot\n  %s\nwant\n  %s", c.title, c.source, strings.Join(heads, "\n  "), strings.Join(want, "\n  "))
	}
	for i, o := range got {
		if o.quiet {
			continue
		}
		restrictions(t, o)
		for _, problem := range c.want[i].problems(t, o.data) {
			t.Errorf("%s (%s): %s: %s in\n%s", c.title, c.source, heads[i], problem, o.data)
		}
	}
}

// crlf is text, lines of iCalendar, folded and with the line ends that it is to have.
func crlf(text string) []byte {
	var out []byte
	for l := range strings.Lines(strings.TrimSpace(text)) {
		l = strings.TrimRight(l, "\r\n")
		for len(l) > 75 {
			out = append(out, l[:75]+"\r\n"...)
			l = " " + l[75:]
		}
		out = append(out, l+"\r\n"...)
	}
	return out
}

// declined is the answer to a COUNTER.
func declined(t *testing.T, c *itipCase, ev *ical.Event) []outgoing {
	t.Helper()
	var occurrence time.Time
	if c.decline[1] != "*" {
		var err error
		if occurrence, err = time.Parse("20060102T150405Z", c.decline[1]); err != nil {
			t.Fatal(err)
		}
	}
	sequence, err := strconv.Atoi(c.decline[2])
	if err != nil {
		t.Fatal(err)
	}
	data, err := DeclineCounter(ev, c.decline[0], occurrence, sequence, dtstamp)
	if err != nil {
		if len(c.want) == 1 && c.want[0].head == "error" {
			c.want = nil
		}
		return nil
	}
	return []outgoing{{to: c.decline[0], sequence: SequenceOf(mustEvent(t, data)), data: data}}
}

// problems are what of w is not so in a message.
func (w *wanted) problems(t *testing.T, data []byte) []string {
	t.Helper()
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n ", ""), "\r\n")
	var out []string
	for _, want := range w.has {
		if !slices.Contains(lines, want) {
			out = append(out, fmt.Sprintf("%q is not", want))
		}
	}
	if from := slices.Index(lines, "BEGIN:VTIMEZONE"); from >= 0 { // but for its first line
		lines = slices.Delete(lines, from+1, slices.Index(lines, "END:VTIMEZONE")+1)
	}
	for _, start := range w.no {
		if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, start) }) {
			out = append(out, fmt.Sprintf("%q is", start))
		}
	}
	return out
}

// restrictions checks what RFC 5546 §3.2.2 to §3.2.8 ask of every message of a method, and RFC 6638 §7 of
// every message of a server.
func restrictions(t *testing.T, o outgoing) {
	t.Helper()
	complain := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s\n%s", fmt.Sprintf(format, args...), o.data)
	}
	ev := mustEvent(t, o.data)
	root := ev.Object.Root
	for _, name := range []string{"METHOD", "VERSION", "PRODID"} {
		if n := len(root.All(name)); n != 1 {
			complain("%d %s, want 1", n, name)
		}
	}
	for _, l := range root.Lines {
		if strings.HasPrefix(l.Name, "X-") {
			complain("%s is the calendar's own", l.Name)
		}
	}
	method := root.Text("METHOD")
	used := map[string]bool{}
	for _, v := range ev.All() {
		c := v.Component
		count := func(low, high int, names ...string) {
			t.Helper()
			for _, name := range names {
				if n := len(c.All(name)); n < low || n > high {
					complain("%d %s in a %s, want %d to %d", n, name, method, low, high)
				}
			}
		}
		count(1, 1, "UID", "DTSTAMP", "ORGANIZER", "SEQUENCE")
		count(0, 1, "RECURRENCE-ID", "DTSTART", "DTEND", "DURATION", "SUMMARY", "STATUS", "RRULE", "DESCRIPTION", "LOCATION", "URL")
		if got := c.Text("DTSTAMP"); got != dtstamp.Format("20060102T150405Z") {
			complain("DTSTAMP %s is not the message's", got)
		}
		if c.First("DTEND") != nil && c.First("DURATION") != nil {
			complain("DTEND and DURATION")
		}
		if len(c.Find("VALARM")) > 0 {
			complain("VALARM")
		}
		if v.Sequence != o.sequence {
			complain("SEQUENCE %d, want %d", v.Sequence, o.sequence)
		}
		status := c.Text("STATUS")
		switch method {
		case MethodRequest:
			count(1, 1, "DTSTART", "SUMMARY")
			count(1, 1000, "ATTENDEE")
			count(0, 0, "REQUEST-STATUS")
			if status == "CANCELLED" {
				complain("a cancelled component in a REQUEST")
			}
		case MethodCancel:
			count(1, 1, "DTSTART") // Outlook and Gmail need it
			count(0, 1, "ATTENDEE")
			count(0, 0, "REQUEST-STATUS", "RRULE", "RDATE", "EXDATE", "DESCRIPTION", "LOCATION")
			if status != "" && status != "CANCELLED" {
				complain("STATUS %s in a CANCEL", status)
			}
		case MethodReply:
			count(0, 0, "RRULE", "RDATE", "EXDATE", "STATUS", "DESCRIPTION", "LOCATION")
			if c.First("ATTENDEE") == nil {
				complain("nobody replies")
			}
		case MethodDeclineCounter:
			count(1, 1, "ATTENDEE")
			count(0, 0, "RRULE", "RDATE", "EXDATE", "STATUS")
		}
		if a := attendee(v, o.to); a == nil && method != MethodReply {
			complain("%s is not in what is sent there", o.to)
		}
		for _, l := range c.Lines {
			if strings.HasPrefix(l.Name, "X-JOINERY") || strings.HasPrefix(l.Name, "X-MOZ") {
				complain("%s is not for others", l.Name)
			}
			for _, p := range l.Params {
				if strings.HasPrefix(p.Name, "SCHEDULE-") {
					complain("%s in a message", p.Name)
				}
			}
			used[l.Param("TZID")] = true
		}
	}
	delete(used, "")
	for _, c := range root.Find("VTIMEZONE") {
		if !used[c.Text("TZID")] {
			complain("VTIMEZONE %s is not used", c.Text("TZID"))
		}
		delete(used, c.Text("TZID"))
	}
	for tzid := range used {
		complain("TZID %s has no VTIMEZONE", tzid)
	}
	for _, line := range strings.Split(string(o.data), "\r\n") {
		if len(line) > 75 {
			complain("a line of %d octets", len(line))
		}
	}
}

// readBlocks reads base.txt: blocks of lines under their names.
func readBlocks(t *testing.T, path string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	name := ""
	for _, l := range readLines(t, path) {
		switch {
		case strings.HasPrefix(l, "@"):
			name = l[1:]
		case l != "":
			out[name] = append(out[name], l)
		}
	}
	return out
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n")
}

// readCase reads one case.
func readCase(t *testing.T, path string, base map[string][]string) *itipCase {
	t.Helper()
	c := &itipCase{owner: []string{"anna@example.org"}}
	var object *[][]string // being read
	var old, now [][]string
	var some []int // of c.want, those that the lines under them are about
	for i, l := range readLines(t, path) {
		key, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		rest, indented := strings.CutPrefix(l, "  ")
		fields := strings.Fields(l)
		switch {
		case i == 0:
			c.title = l
		case l == "":
		case key == "source":
			c.source = value
		case key == "owner":
			c.owner = strings.Fields(value)
		case key == "force":
			c.force = strings.Fields(value)
		case key == "sent":
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			c.sent = n
		case key == "decline":
			c.decline = strings.Fields(value)
		case l == "old:":
			object = &old
		case l == "new:":
			object = &now
		case strings.HasPrefix(l, "@"):
			block, ok := base[l[1:]]
			if !ok || object == nil {
				t.Fatalf("there is no block %s here", l)
			}
			*object = append(*object, slices.Clone(block))
		case indented && len(some) == 0:
			n := len(*object) - 1
			(*object)[n] = editBlock(t, (*object)[n], rest)
		case indented:
			for _, j := range some {
				switch rest[:2] {
				case "+ ":
					c.want[j].has = append(c.want[j].has, rest[2:])
				case "- ":
					c.want[j].no = append(c.want[j].no, rest[2:])
				default:
					t.Fatalf("%q is neither + nor -", l)
				}
			}
		case l == "nothing":
			some = []int{-1}
		case l == "error":
			c.want = append(c.want, wanted{head: l})
			some = []int{-1}
		default:
			some = nil
			tail := ""
			if at := slices.IndexFunc(fields, func(f string) bool { return f[0] >= '0' && f[0] <= '9' }); at > 0 {
				tail = " " + strings.Join(fields[at:], " ")
				fields = fields[:at]
			} else if fields[0] != "quiet" {
				t.Fatalf("%q is no message", l)
			}
			for _, person := range fields[1:] {
				some = append(some, len(c.want))
				c.want = append(c.want, wanted{head: fields[0] + " " + person + tail})
			}
		}
	}
	if c.title == "" || c.source == "" || some == nil || old == nil && now == nil {
		t.Fatalf("%s is no case", path)
	}
	for _, block := range old {
		c.old = append(c.old, strings.Join(block, "\n")+"\n")
	}
	for _, block := range now {
		c.new = append(c.new, strings.Join(block, "\n")+"\n")
	}
	return c
}

// editBlock does to a block what a line of a case says.
func editBlock(t *testing.T, block []string, line string) []string {
	t.Helper()
	n := len(block)
	if from, to, ok := strings.Cut(line, " => "); ok {
		text := strings.Join(block, "\n")
		if !strings.Contains(text, from) {
			t.Fatalf("%q is not in\n%s", from, text)
		}
		return strings.Split(strings.ReplaceAll(text, from, to), "\n")
	}
	switch line[0] {
	case '+':
		return slices.Insert(block, n-1, line[1:])
	case '-':
		block = slices.DeleteFunc(block, func(l string) bool { return strings.HasPrefix(l, line[1:]) })
		if len(block) == n {
			t.Fatalf("no line begins with %q", line[1:])
		}
		return block
	}
	t.Fatalf("%q is no edit", line)
	return nil
}
