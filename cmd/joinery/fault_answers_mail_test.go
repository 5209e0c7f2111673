package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"html"
)

// A postedAnswer is a mail that came in.
type postedAnswer struct {
	id, from string
	raw      []byte
	op       *answerOp // nil: it may not count
	want     []string  // outcomes of which it must have one; nil: any
	taken    bool
}

// letters are the messages about an event that somebody got so far, the last one last.
func (a *answersRun) lettersTo(address, uid string) []*faultLetter {
	p := &a.post
	p.Lock()
	defer p.Unlock()
	if time.Since(p.read) > 100*time.Millisecond {
		p.read = time.Now()
		list, err := readFaultMails(a.house.world.mailLog())
		a.house.try("read the mails", err)
		for _, m := range list[p.known:] {
			if l, err := readFaultLetter(m); err == nil && l.method != "" {
				key := l.to + " " + l.sheet.text("UID")
				p.byUser[key] = append(p.byUser[key], l)
			}
		}
		p.known = len(list)
	}
	return slices.Clone(p.byUser[address+" "+uid])
}

// letter is the last REQUEST about e that p got, or, if late, an earlier one.
func (p *answerer) letter(e *answeredEvent, late bool) *faultLetter {
	list := slices.DeleteFunc(p.a.lettersTo(p.address, e.m.uid), func(l *faultLetter) bool { return l.method != "REQUEST" })
	switch {
	case len(list) == 0 || late && len(list) < 2:
		return nil
	case late:
		return list[p.random.IntN(len(list)-1)]
	}
	return list[len(list)-1]
}

// reply answers by mail.
func (p *answerer) reply(ctx context.Context, e *answeredEvent, counter, late bool) {
	l := p.letter(e, late)
	if l == nil {
		return
	}
	component, part := p.chosen(l.sheet)
	if component == nil {
		return
	}
	stamp := p.a.clock.now().UTC().Truncate(time.Second).Add(time.Second)
	op := &answerOp{way: "mail", late: late, must: true, sequence: faultNumber(component.text("SEQUENCE"), 0)}
	if late {
		stamp = faultInstant("X:" + component.text("DTSTAMP")).Add(2 * time.Second)
	}
	part.ps = p.random.pick("ACCEPTED", "ACCEPTED", "TENTATIVE", "DECLINED")
	method, lines := "REPLY", []string{}
	if counter {
		method, part.ps = "COUNTER", "TENTATIVE"
		if component.recurring() {
			return // another time for a series is another rule
		}
	}
	start, end := component.instant("DTSTART"), component.instant("DTEND")
	if counter {
		start, end = start.Add(25*time.Hour), end.Add(25*time.Hour)
	}
	for _, l := range component.lines {
		switch name := faultLineName(l); {
		case name == "RECURRENCE-ID", name == "UID", name == "ORGANIZER", name == "SEQUENCE", name == "SUMMARY":
			lines = append(lines, l)
		}
	}
	lines = append(lines, faultTime("DTSTART", "UTC", start), faultTime("DTEND", "UTC", end), faultTime("DTSTAMP", "UTC", stamp),
		"ATTENDEE;PARTSTAT="+part.ps+":mailto:"+p.address)
	op.stamp, op.parts = stamp, []answerPart{part}
	if counter || p.random.IntN(4) == 0 {
		op.comment = p.a.comment(e, p.address, op)
		lines = append(lines, "COMMENT:"+op.comment)
	}
	m := p.a.compound(p, method, lines)
	m.op = op
	if late {
		op.way = "late mail"
	}
	if counter {
		op.way = "counter"
	}
	p.send(ctx, e, m)
}

// again sends a mail once more that was taken.
func (p *answerer) again(ctx context.Context, e *answeredEvent) {
	p.a.mu.Lock()
	var list []*postedAnswer
	for _, m := range p.a.posted {
		if m.from == p.address && m.taken && m.op != nil && m.op.event == e {
			list = append(list, m)
		}
	}
	p.a.mu.Unlock()
	if len(list) == 0 {
		return
	}
	m := list[p.random.IntN(len(list))]
	again := &answerOp{way: "repeated mail", parts: m.op.parts, stamp: m.op.stamp, late: true, sequence: m.op.sequence, repeats: m.id}
	p.take(ctx, e, again, m)
}

// send hands a new mail over.
func (p *answerer) send(ctx context.Context, e *answeredEvent, m *postedAnswer) {
	p.a.mu.Lock()
	p.a.posted = append(p.a.posted, m)
	p.a.mu.Unlock()
	p.take(ctx, e, m.op, m)
}

func (p *answerer) take(ctx context.Context, e *answeredEvent, op *answerOp, m *postedAnswer) {
	if op != nil {
		op.begin(e)
	}
	if !p.a.handOver(ctx, m, p.random.IntN(6) == 0) {
		return
	}
	p.a.mu.Lock()
	m.taken = true
	p.a.mu.Unlock()
	if op != nil {
		p.done(e, op)
	}
}

// compound makes a mail with a message of p.
func (a *answersRun) compound(p *answerer, method string, lines []string) *postedAnswer {
	m := &postedAnswer{id: fmt.Sprintf("answer-%d@partner.test", a.name()), from: p.address}
	vouched := []string{faultVouch + "; dmarc=pass header.from=" + strings.SplitN(p.address, "@", 2)[1]}
	if p.device != nil {
		vouched = []string{faultVouch + "; auth=pass smtp.auth=" + p.address}
	} else if a.unverified && p.random.IntN(2) == 0 {
		vouched = nil
	}
	m.raw = faultAnswerMail(m.id, p.address, vouched, method, lines)
	return m
}

// faultAnswerMail is a mail as clients of attendees write it.
func faultAnswerMail(id, from string, results []string, method string, lines []string) []byte {
	var b strings.Builder
	for _, r := range results {
		b.WriteString("Authentication-Results: " + r + "\r\n")
	}
	calendar := (&faultSheet{lines: slices.Concat([]string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Somebody//Else//EN", "METHOD:" + method, "BEGIN:VEVENT",
	}, lines, []string{"END:VEVENT", "END:VCALENDAR"})}).String()
	fmt.Fprintf(&b, "From: <%s>\r\nTo: <anna@example.org>\r\nSubject: Re\r\nMessage-ID: <%s>\r\nDate: Mon, 22 Mar 2027 06:00:00 +0000\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n"+
		"--b\r\nContent-Type: text/calendar; charset=utf-8; method=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n", from, id, method)
	for text := base64.StdEncoding.EncodeToString([]byte(calendar)); text != ""; {
		n := min(len(text), 76)
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	b.WriteString("--b--\r\n")
	return []byte(b.String())
}

// forge sends a mail that may not count.
func (p *answerer) forge(ctx context.Context, e *answeredEvent) {
	a := p.a
	l := p.letter(e, false)
	if l == nil {
		return
	}
	line := "ATTENDEE;PARTSTAT=DECLINED:mailto:" + p.address
	from, want := p.address, []string{"forged"}
	results := []string{faultVouch + "; dmarc=fail header.from=" + strings.SplitN(p.address, "@", 2)[1]}
	switch x := p.random.IntN(4); {
	case x == 0:
		from, want = "mallory@evil.test", []string{"mismatch"}
		results = []string{faultVouch + "; dmarc=pass header.from=evil.test"}
	case x == 1:
		from, want = "mallory@evil.test", []string{"uninvited", "cancelled"}
		line = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:" + from
		results = []string{faultVouch + "; dmarc=pass header.from=evil.test"}
	case x == 2 && !a.unverified:
		want, results = []string{"unvouched"}, []string{"mx.evil.test; dmarc=pass header.from=partner.test"}
	}
	m := &postedAnswer{id: fmt.Sprintf("forged-%d@evil.test", a.name()), from: from, want: want}
	stamp := a.clock.now().UTC().Add(time.Minute)
	m.raw = faultAnswerMail(m.id, from, results, "REPLY", []string{
		"UID:" + e.m.uid, "ORGANIZER:mailto:" + e.m.owner.email, "SEQUENCE:99", faultTime("DTSTAMP", "UTC", stamp), line, "COMMENT:forged",
	})
	a.count("forged")
	p.send(ctx, e, m)
}

// handOver hands a mail to the server until it is taken. With cut the first connection breaks before
// the server's answer.
func (a *answersRun) handOver(ctx context.Context, m *postedAnswer, cut bool) bool {
	for ctx.Err() == nil {
		err := a.handOverOnce(m, cut)
		if err == nil {
			return true
		}
		if cut {
			a.count("cut connections")
		}
		cut = false
		faultSleep(ctx, 30*time.Millisecond)
	}
	return false
}

func (a *answersRun) handOverOnce(m *postedAnswer, cut bool) error {
	c, err := net.DialTimeout("tcp", a.lmtp, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	answer := func(want string) error {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return err
			}
			if !strings.HasPrefix(line, want) {
				return errors.New(line)
			}
			if len(line) > 3 && line[3] == ' ' {
				return nil
			}
		}
	}
	if err := answer("220"); err != nil {
		return err
	}
	for _, step := range [][2]string{
		{"LHLO mx.example.org\r\n", "250"}, {"MAIL FROM:<" + m.from + ">\r\n", "250"}, {"RCPT TO:<anna@example.org>\r\n", "250"}, {"DATA\r\n", "354"},
	} {
		if _, err := io.WriteString(c, step[0]); err != nil {
			return err
		}
		if err := answer(step[1]); err != nil {
			return err
		}
	}
	if _, err := c.Write(append(slices.Clone(m.raw), ".\r\n"...)); err != nil {
		return err
	}
	if cut {
		return errors.New("the connection is cut")
	}
	return answer("250")
}

var (
	faultAnswerPage = regexp.MustCompile(`/r/[A-Za-z0-9_-]{16,}`)
	faultField      = regexp.MustCompile(`name="(sequence|shown|on)"(?: id="on")? value="([^"]*)"`)
)

// page answers on the page that a mail leads to.
func (p *answerer) page(ctx context.Context, e *answeredEvent) {
	l := p.letter(e, false)
	if l == nil {
		return
	}
	path := faultAnswerPage.FindString(strings.ReplaceAll(string(l.raw), "=\r\n", ""))
	if path == "" {
		path = faultAnswerPage.FindString(faultText(l.raw))
	}
	if path == "" {
		p.a.house.fail(e.m.uid, "the mail %s leads to no answer page", l.id)
		return
	}
	status, _, body := p.browse(ctx, http.MethodGet, path, nil)
	if status != http.StatusOK || !strings.Contains(body, `id="send"`) {
		p.a.count("page closed")
		return
	}
	form, dates := url.Values{}, []string{}
	for _, f := range faultField.FindAllStringSubmatch(body, -1) {
		value := html.UnescapeString(f[2])
		if f[1] != "on" {
			form.Set(f[1], value)
		} else if value != "" {
			dates = append(dates, value)
		}
	}
	whole := strings.Contains(body, `name="on" value=""`) || len(dates) == 0
	part := answerPart{ps: p.random.pick("ACCEPTED", "ACCEPTED", "TENTATIVE", "DECLINED")}
	part.needKey, part.needStart = faultShownAs(form.Get("shown"))
	if !whole || len(dates) > 0 && p.random.IntN(2) == 0 {
		on := dates[p.random.IntN(len(dates))]
		form.Set("on", on)
		part.needKey, part.needStart = faultShownAs(on)
		part.key = part.needKey
	}
	form.Set("answer", strings.ToLower(part.ps))
	op := &answerOp{way: "page", parts: []answerPart{part}, sequence: faultNumber(form.Get("sequence"), 0)}
	propose := p.random.IntN(6) == 0 && (len(dates) == 0 || part.key != 0)
	if propose {
		form.Set("day", time.Unix(part.needStart, 0).UTC().AddDate(0, 0, 3).Format(time.DateOnly))
		form.Set("from", "10:00")
		form.Set("to", "11:00")
	}
	if propose || p.random.IntN(4) == 0 {
		op.comment = p.a.comment(e, p.address, op)
		form.Set("comment", op.comment)
	}
	op.begin(e)
	for tries := 0; ctx.Err() == nil; tries++ {
		status, to, _ := p.browse(ctx, http.MethodPost, path, form)
		if status == 0 {
			continue
		}
		u, err := url.Parse(to)
		outcome := ""
		if err == nil {
			outcome = u.Query().Get("done")
		}
		switch {
		case status == http.StatusSeeOther && slices.Contains(answerCounted, outcome):
			op.must, op.outcome = true, outcome
		case tries > 0:
			// The first may have counted; what was answered now came after something else.
		default:
			op.void, op.outcome = true, fmt.Sprint(status, outcome)
		}
		p.done(e, op)
		return
	}
}

// answerCounted are the outcomes of answers that count.
var answerCounted = []string{"applied", "same", "waiting", "proposed"}

// faultShownAs reads how the page names what it shows.
func faultShownAs(text string) (key, start int64) {
	name, at, _ := strings.Cut(text, "@")
	if name != "" {
		key = faultInstant("X:" + name).Unix()
	}
	return key, int64(faultNumber(at, 0))
}

// browse asks for a page until it is answered; of a POST the answer may be lost: status 0.
func (p *answerer) browse(ctx context.Context, method, path string, form url.Values) (status int, location, body string) {
	for ctx.Err() == nil {
		if err := p.a.house.world.awaitUp(ctx); err != nil {
			break
		}
		req, err := http.NewRequestWithContext(ctx, method, "http://"+p.a.house.world.listen+path, strings.NewReader(form.Encode()))
		if err != nil {
			p.a.house.fail("", "%v", err)
			break
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := p.browser.RoundTrip(req)
		if err == nil {
			data, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err == nil {
				return res.StatusCode, res.Header.Get("Location"), string(data)
			}
		}
		var op *net.OpError
		if method == http.MethodPost && !(errors.As(err, &op) && op.Op == "dial") {
			return 0, "", ""
		}
		faultSleep(ctx, 30*time.Millisecond)
	}
	return 0, "", ""
}
