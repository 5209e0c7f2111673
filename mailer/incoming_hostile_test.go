package mailer

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
)

// vouchedFor puts the mail server's word on top of a mail from example.com.
func vouchedFor(mail string) []byte {
	return []byte("Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\n" + mail)
}

// answerHead is the header of an answer but for its Content-Type, and answerBody its calendar.
var answerHead, answerBody, _ = strings.Cut(plainAnswer, "Content-Type: text/calendar; method=REPLY; charset=utf-8\n\n")

// calendarPartOf is the answer as a part.
const calendarPartOf = "Content-Type: text/calendar; method=REPLY\n\n"

// TestBounds takes mails that are larger in some way than any answer is.
func TestBounds(t *testing.T) {
	const applied = "REPLY boris@example.com ACCEPTED: applied"
	nested := func(depth int) string {
		s := calendarPartOf + answerBody
		for n := range depth {
			s = fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n%s\n--b%d--\n", n, n, s, n)
		}
		return s
	}
	mixed := func(parts ...string) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + strings.Join(parts, "\n--b\n") + "\n--b--\n"
	}
	text := "Content-Type: text/plain\n\nx\n"
	answer := calendarPartOf + answerBody
	b := newInboxBench(t, nil)
	for name, c := range map[string]struct{ body, want string }{
		"plain":                       {answer, applied},
		"as deep as allowed":          {nested(mostDepth), applied},
		"too deep":                    {nested(mostDepth + 1), OutcomeIgnored},
		"far too deep":                {nested(2000), OutcomeIgnored},
		"as many parts as allowed":    {mixed(strings.Repeat(text+"\n--b\n", mostParts-2) + answer), applied},
		"too many parts":              {mixed(strings.Repeat(text+"\n--b\n", mostParts) + answer), OutcomeIgnored},
		"too many parts after it":     {mixed(answer, strings.Repeat(text+"\n--b\n", mostParts)+text), applied},
		"too many calendars":          {mixed(strings.Repeat("Content-Type: text/calendar\n\nx\n\n--b\n", mostCalendars) + answer), OutcomeIgnored},
		"a large calendar":            {mixed("Content-Type: text/calendar; method=REPLY\n\n" + strings.Repeat("X-A:y\n", 200000)), "REPLY boris@example.com: unreadable"},
		"a large calendar beside it":  {mixed("Content-Type: text/calendar\n\n"+strings.Repeat("X-A:y\n", 200000), answer), applied},
		"a part's header of 1 MiB":    {mixed("X-A: "+strings.Repeat("a", 1<<20)+"\n\nx\n", answer), OutcomeIgnored},
		"a part's header after it":    {mixed(answer, "X-A: "+strings.Repeat("a", 1<<20)+"\n\nx\n"), applied},
		"a part's header of lines":    {mixed(strings.Repeat("X-A: a\n", 100000)+"\nx\n", answer), OutcomeIgnored},
		"a long line before it":       {mixed("Content-Type: text/plain\n\n"+strings.Repeat("x", 1<<20)+"\n", answer), applied},
		"a preamble with long lines":  {strings.Replace(mixed(answer), "\n\n--b", "\n\n"+strings.Repeat("x", 100000)+"\n--b", 1), OutcomeIgnored},
		"dashes in a text":            {mixed("Content-Type: text/plain\n\n"+strings.Repeat("-- sql\n", 20000), answer), applied},
		"a boundary within another":   {mixed("Content-Type: multipart/mixed; boundary=bb\n\n--bb\n"+answer+"\n--bb--\n", text), applied},
		"the same boundary inside":    {mixed(mixed(answer), text), applied},
		"an empty boundary":           {"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n" + answer, OutcomeIgnored},
		"no boundary":                 {"Content-Type: multipart/mixed\n\n--b\n" + answer, OutcomeIgnored},
		"a boundary never closed":     {"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + answer, applied},
		"no parts":                    {"Content-Type: multipart/mixed; boundary=b\n\nx\n", OutcomeIgnored},
		"an encoded multipart":        {"Content-Transfer-Encoding: base64\n" + mixed(answer), applied},
		"an unknown encoding":         {"Content-Transfer-Encoding: x-uuencode\n" + answer, applied},
		"an unknown charset":          {"Content-Type: text/calendar; charset=x-unknown\n\n" + answerBody, applied},
		"a charset that is none":      {"Content-Type: text/calendar; charset=\"\x01\x00;;\"\n\n" + answerBody, applied},
		"UTF-16 that is none":         {"Content-Type: text/calendar; charset=utf-16\n\n" + answerBody, applied},
		"parameters that are none":    {"Content-Type: text/calendar; method=REPLY; method=X; a b c; =; charset\n\n" + answerBody, applied},
		"an attached mail":            {mixed("Content-Type: message/rfc822\n\n" + answerHead + answer), OutcomeIgnored},
		"a type in capitals":          {"CONTENT-TYPE: TEXT/CALENDAR; METHOD=reply\n\n" + answerBody, applied},
		"NULs":                        {"Content-Type: text/calendar; method=REPLY\n\n" + strings.ReplaceAll(answerBody, "REPLY", "RE\x00PLY"), "REPLY boris@example.com: unreadable"},
		"a calendar of NULs":          {"Content-Type: text/calendar; method=REPLY\n\n" + strings.Repeat("\x00", 1000), "REPLY boris@example.com: unreadable"},
		"an empty calendar":           {"Content-Type: text/calendar; method=REPLY\n\n", "REPLY boris@example.com: unreadable"},
		"base64 that is none":         {"Content-Type: text/calendar; method=REPLY\nContent-Transfer-Encoding: base64\n\n!!!!\n", "REPLY boris@example.com: unreadable"},
		"base64 with a list's footer": {"Content-Type: text/calendar; method=REPLY\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(answerBody)) + "\n_______\nlist\n", applied},
		"deep components":             {answerPrefix + strings.Repeat("BEGIN:X\n", 10000), "REPLY boris@example.com: unreadable"},
		"a line of 900 kB":            {answerPrefix + "BEGIN:VEVENT\nUID:" + strings.Repeat("u", 900<<10) + "\nEND:VEVENT\nEND:VCALENDAR\n", "REPLY boris@example.com: unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			mail := strings.Replace(answerHead+c.body, "signed-1", strings.ReplaceAll(name, " ", "."), 1)
			for _, mail := range []string{mail, strings.ReplaceAll(strings.Replace(mail, "Message-ID: <", "Message-ID: <crlf.", 1), "\n", "\r\n")} {
				if got := b.take(vouchedFor(mail)); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

const answerPrefix = "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REPLY\n"

// TestHostileHeaders takes mails with headers that nobody writes.
func TestHostileHeaders(t *testing.T) {
	body := calendarPartOf + answerBody
	b := newInboxBench(t, nil)
	for name, c := range map[string]struct{ head, want string }{
		"300 kB":                 {"X-A: " + strings.Repeat("a", 300<<10) + "\n" + answerHead, OutcomeIgnored},
		"300 kB of lines":        {strings.Repeat("X-A: a\n", 50000) + answerHead, OutcomeIgnored},
		"200 kB":                 {"X-A: " + strings.Repeat("a", 200<<10) + "\n" + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"a mailbox's first line": {"From boris@example.com Sun Nov  1 10:15:08 2026\n" + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"lines that are none":    {"\x00\x01\x02\nno colon\n: empty\n" + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"From with a space":      {"From : mallory@example.com\n" + answerHead, "REPLY boris@example.com: mismatch"},
		"From without a value":   {"From:\n" + answerHead, "REPLY boris@example.com: mismatch"},
		"folded":                 {strings.Replace(answerHead, "From: Boris <", "From:\n Boris\n\t<", 1), "REPLY boris@example.com ACCEPTED: applied"},
		"From in encoded words":  {strings.Replace(answerHead, "Boris <boris@example.com>", "=?utf-8?q?Boris_=3Cboris=40example.com=3E?=", 1), "REPLY boris@example.com: mismatch"},
		"NUL in From":            {strings.Replace(answerHead, "boris@", "boris\x00@", 1), "REPLY boris@example.com: mismatch"},
		"no Message-ID":          {strings.Replace(answerHead, "Message-ID: <signed-1@example.com>\n", "", 1), "REPLY boris@example.com ACCEPTED: applied"},
		"a Message-ID of 100 kB": {strings.Replace(answerHead, "signed-1", "signed-1"+strings.Repeat("s", 100<<10), 1), "REPLY boris@example.com ACCEPTED: applied"},
		"100 results":            {strings.Repeat("Authentication-Results: mx.example.org; x=y\n", 100) + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"parentheses in results": {"Authentication-Results: mx.example.org " + strings.Repeat("(", 50000) + "\n" + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"a continuation on top":  {" x\n" + answerHead, "REPLY boris@example.com ACCEPTED: applied"},
		"nothing":                {"", OutcomeIgnored},
		"only line ends":         {"\n\n\n", OutcomeIgnored},
		"only the header":        {answerHead + "\x00", OutcomeIgnored},
	} {
		c.head = strings.Replace(c.head, "signed-1", strings.ReplaceAll(name, " ", "."), 1)
		mail := vouchedFor(c.head + body)
		switch name {
		case "nothing", "only line ends", "only the header":
			mail = []byte(c.head)
		case "a continuation on top", "a mailbox's first line":
			line, rest, _ := strings.Cut(c.head, "\n")
			mail = append([]byte(line+"\n"), vouchedFor(rest+body)...)
		}
		if got := b.take(mail); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", name, got, c.want)
		}
		for _, r := range append(b.rows("planning-1@example.org"), b.rows("")...) {
			if len(r.MessageID) > 250 || len(r.Detail) > 600 || strings.ContainsAny(r.Detail+r.Address+r.UID, "\x00\n") {
				t.Errorf("%s: recorded %+v", name, r)
			}
		}
	}
}

// endless is a mail whose attachment goes on for size bytes.
func endless(size int64) io.Reader {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	head := strings.ReplaceAll("Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\n"+answerHead+
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream; name=film.mp4\nContent-Transfer-Encoding: base64\n\n", "\n", "\r\n")
	tail := strings.ReplaceAll("\n--b\n"+calendarPartOf+answerBody+"\n--b--\n", "\n", "\r\n")
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&repeated{line: line}, size/int64(len(line))*int64(len(line))), strings.NewReader(tail))
}

type repeated struct {
	line string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.line[r.at:])
		n += c
		r.at = (r.at + c) % len(r.line)
	}
	return n, nil
}

// TestMemory holds that an attachment of 50 MB is passed over without being kept, and that nothing is read
// after 64 MiB.
func TestMemory(t *testing.T) {
	b := newInboxBench(t, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	handled, err := b.inbox.Take(context.Background(), endless(50<<20), "")
	runtime.ReadMemStats(&after)
	if err != nil || !handled || len(b.answers.told) != 1 {
		t.Errorf("handled %v, %v, told %d", handled, err, len(b.answers.told))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d KiB were allocated", used>>10)
	}
	counted := &countedReader{r: endless(1 << 40)}
	if handled, err := b.inbox.Take(context.Background(), counted, ""); handled || err != nil || counted.n > mostMail+1<<20 {
		t.Errorf("handled %v, %v, %d bytes were read", handled, err, counted.n)
	}
}

type countedReader struct {
	r io.Reader
	n int
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestFaults holds that a mail which did not arrive whole, and a fault of ours, is taken again, and that
// nothing is recorded of it before.
func TestFaults(t *testing.T) {
	whole := vouchedFor(answerHead + calendarPartOf + answerBody)
	broken := errors.New("connection reset")
	b := newInboxBench(t, nil)
	for cut := 0; cut < len(whole); cut += 37 {
		handled, err := b.inbox.Take(context.Background(), io.MultiReader(bytes.NewReader(whole[:cut]), failing{broken}), "")
		if handled || !errors.Is(err, broken) || len(b.answers.told) > 0 {
			t.Fatalf("cut at %d: handled %v, %v, told %d", cut, handled, err, len(b.answers.told))
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.inbox.Take(ctx, bytes.NewReader(whole), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	b.answers.err = errors.New("the disk is full")
	if handled, err := b.inbox.Take(context.Background(), bytes.NewReader(whole), ""); handled || !errors.Is(err, b.answers.err) {
		t.Errorf("handled %v, %v", handled, err)
	}
	if rows := b.rows("planning-1@example.org"); len(rows) > 0 {
		t.Errorf("recorded %+v", rows)
	}
	b.answers.err = nil
	if got := b.take(whole); got != "REPLY boris@example.com ACCEPTED: applied" {
		t.Error(got)
	}
	b.answers.panics = true
	if got := b.take(bytes.ReplaceAll(whole, []byte("signed-1"), []byte("signed-2"))); got != " : unreadable" {
		t.Errorf("a panic: %q", got)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestClockAhead holds that an answer of a clock that is years ahead does not outdo later ones.
func TestClockAhead(t *testing.T) {
	b := newInboxBench(t, nil)
	mail := vouchedFor(answerHead + calendarPartOf + strings.Replace(answerBody, "20261101T101500Z", "20991101T101500Z", 1))
	b.take(mail)
	if len(b.answers.told) != 1 || !b.answers.told[0].Stamp.Equal(inboxNow) {
		t.Errorf("told %+v", b.answers.told)
	}
	b.now = b.now.Add(time.Hour)
	if got := b.take(mail); len(b.answers.told) > 0 {
		t.Errorf("taken again: %s, told %+v", got, b.answers.told)
	}
}

// TestRefreshes holds that an event is sent again at most once in a while.
func TestRefreshes(t *testing.T) {
	b := newInboxBench(t, nil)
	mail := string(incomingMails(t)["refresh"])
	again := strings.ReplaceAll(mail, "c2c2d3e4f5", "another")
	for _, step := range []struct {
		mail    string
		after   time.Duration
		outcome string
		asked   int
	}{
		{mail, 0, OutcomeRefreshed, 1}, {mail, 0, OutcomeIgnored, 1}, {again, time.Minute, string(change.OutcomeSame), 1},
		{mail, time.Hour, OutcomeIgnored, 1}, {strings.ReplaceAll(mail, "c2c2d3e4f5", "third"), 0, OutcomeRefreshed, 2},
	} {
		b.now = b.now.Add(step.after)
		before := len(b.rows("planning-1@example.org"))
		b.take([]byte(step.mail))
		rows := b.rows("planning-1@example.org")
		outcome := OutcomeIgnored // no row was added
		if len(rows) > before {
			outcome = rows[len(rows)-1].Outcome
		}
		if len(b.answers.asked) != step.asked || outcome != step.outcome {
			t.Errorf("%+v: asked %d times, %s", step, len(b.answers.asked), outcome)
		}
	}
}

// TestAnswerAsItIsTold holds what the write path is told besides what the outcomes show.
func TestAnswerAsItIsTold(t *testing.T) {
	b := newInboxBench(t, nil)
	b.take(vouchedFor(answerHead + calendarPartOf + strings.Replace(answerBody, "SEQUENCE:0", "SEQUENCE:3", 1)))
	if len(b.answers.told) != 1 {
		t.Fatal("it was not told")
	}
	a := b.answers.told[0]
	if a.EventID != b.event || a.Sequence != 3 || !a.Stamp.Equal(time.Date(2026, 11, 1, 10, 15, 0, 0, time.UTC)) || a.By.User != nil || a.By.UserAgent != "mail" {
		t.Errorf("told %+v", a)
	}
	b.take(incomingMails(t)["reply-for-alias"])
	if a := b.answers.told[0]; a.By.User == nil || a.By.User.Login != "mikhail" || a.Address != "mikhail@example.org" {
		t.Errorf("told %+v", a)
	}
}

// FuzzTake takes anything.
func FuzzTake(f *testing.F) {
	for _, mail := range incomingMails(f) {
		f.Add(mail)
	}
	b := newInboxBench(f, nil)
	f.Fuzz(func(t *testing.T, mail []byte) {
		b.answers.told = nil
		if _, err := b.inbox.Take(context.Background(), bytes.NewReader(mail), ""); err != nil {
			t.Error(err)
		}
		for _, a := range b.answers.told {
			if len(a.Parts) == 0 || !itip.Mailable(a.Address) {
				t.Errorf("told %+v", a)
			}
		}
	})
}

// FuzzRead reads anything: what stands in a header, and what is kept of a mail.
func FuzzRead(f *testing.F) {
	f.Add([]byte("mx.example.org 1; dkim = pass (x) header.d = \"a.b\""))
	f.Add([]byte("\"Boris\" (x) <boris@example.com>"))
	f.Add([]byte("Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n"))
	f.Add([]byte("text/calendar; name=\"=?utf-8?q?x?=.ics\"; charset=utf-16"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := string(data)
		if a := mailbox(s); a != "" && (strings.Count(a, "@") != 1 || strings.ContainsAny(a, "<>,; \x00")) {
			t.Errorf("mailbox %q", a)
		}
		authResults(s)
		contentType(s)
		messageIDs(s)
		for _, d := range deliveryReports(data) {
			d.scheduleStatus()
		}
		unicodeOf(data, s, s)
		m, err := readMail(context.Background(), bytes.NewReader(data), func(mailHeader) bool { return true })
		if err != nil {
			t.Error(err)
		}
		if len(m.calendars) > mostCalendars || len(m.kept) > len(data) {
			t.Errorf("%d calendars, %d bytes kept of %d", len(m.calendars), len(m.kept), len(data))
		}
	})
}
