package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
)

// A faultLetter is one distinct message to one person.
type faultLetter struct {
	id, to string
	raw    []byte
	method string // empty: not about an event, a note to its organiser
	sheet  *faultSheet
	at     time.Time // of its first acceptance
}

// content is what the message says: two distinct messages of the same content are one too many.
func (l *faultLetter) content() string {
	s := l.sheet.clone()
	s.removeAll("DTSTAMP")
	return l.method + "\n" + strings.Join(s.lines, "\n")
}

// mails holds the SMTP server's log to what people are owed: the last that each has is the event as it
// is now, or a CANCEL.
func (r *faultRun) mails(standing []faultStanding) {
	byUID := r.letters()
	for _, s := range standing {
		r.owed(s, byUID[s.m.uid])
		delete(byUID, s.m.uid)
	}
	for uid := range byUID {
		r.fail(uid, "mails went out about an event that nobody saved")
	}
}

// letters are the distinct messages about events, by UID and then by address, in the order of their
// acceptance. What is wrong with single ones is noted.
func (r *faultRun) letters() map[string]map[string][]*faultLetter {
	r.counts.mails, r.counts.notes, r.counts.repeats = 0, 0, 0
	accepted, err := readFaultMails(r.world.mailLog())
	r.try("read the mails", err)
	byUID := map[string]map[string][]*faultLetter{}
	known := map[string]*faultLetter{}
	for _, m := range accepted {
		id := faultMessageID(m.Raw)
		if len(m.To) != 1 || id == "" {
			r.fail("", "a mail has recipients %v and Message-ID %q; want one of each", m.To, id)
			continue
		}
		if first, again := known[id]; again {
			r.counts.repeats++
			if !bytes.Equal(first.raw, m.Raw) || first.to != m.To[0] {
				r.fail("", "two different mails have the Message-ID %s", id)
			}
			continue
		}
		l, err := readFaultLetter(m)
		if err != nil {
			r.fail("", "mail %s to %s: %v", id, m.To[0], err)
			continue
		}
		known[id] = l
		r.counts.mails++
		if l.method == "" {
			r.counts.notes++
			if !slices.ContainsFunc(r.users, func(u *faultUser) bool { return u.email == l.to }) && !slices.Contains(r.waiters, l.to) {
				r.fail("", "a note about a conference went to %s, who organises nothing", l.to)
			}
			continue
		}
		uid := l.sheet.text("UID")
		if byUID[uid] == nil {
			byUID[uid] = map[string][]*faultLetter{}
		}
		byUID[uid][l.to] = append(byUID[uid][l.to], l)
	}
	return byUID
}

// owed holds the mails about one event to what stands.
func (r *faultRun) owed(s faultStanding, mails map[string][]*faultLetter) {
	uid := s.m.uid
	for to, list := range mails {
		if !s.m.ever[to] {
			r.fail(uid, "%s got %d mails and never was on the event", to, len(list))
		}
		seen := map[string]string{}
		for _, l := range list {
			if other := seen[l.content()]; other != "" {
				r.fail(uid, "%s got the same twice, as %s and as %s", to, other, l.id)
			}
			seen[l.content()] = l.id
		}
		if list[0].method != "REQUEST" {
			r.fail(uid, "the first mail to %s: got %s, want REQUEST", to, list[0].method)
		}
	}
	var invited []string
	if s.own != nil && !s.own.cancelled {
		invited = s.own.people
	}
	for _, to := range invited {
		list := mails[to]
		if len(list) == 0 {
			r.fail(uid, "%s got no mail", to)
			continue
		}
		if text := list[len(list)-1].tells(s); text != "" {
			r.fail(uid, "the last of %d mails to %s: %s", len(list), to, text)
		}
	}
	for to, list := range mails {
		if last := list[len(list)-1]; !slices.Contains(invited, to) && last.method != "CANCEL" {
			r.fail(uid, "%s is not on the event any more; the last mail: got %s, want CANCEL", to, last.method)
		}
	}
}

// tells says in what the message is not the event as it stands; empty if it is.
func (l *faultLetter) tells(s faultStanding) string {
	var want []string
	if s.own.wants {
		want = s.links
	}
	got := faultLinks(l.sheet.unescaped())
	switch {
	case l.method != "REQUEST":
		return fmt.Sprintf("got %s, want REQUEST", l.method)
	case l.sheet.text("SUMMARY") != s.own.title:
		return fmt.Sprintf("SUMMARY: got %q, want %q", l.sheet.text("SUMMARY"), s.own.title)
	case faultAgenda(l.sheet.text("DESCRIPTION")) != s.own.agenda:
		return fmt.Sprintf("DESCRIPTION: got %q, want %q", faultAgenda(l.sheet.text("DESCRIPTION")), s.own.agenda)
	case !l.sheet.instant("DTSTART").Equal(s.own.start) || !l.sheet.instant("DTEND").Equal(s.own.end):
		return fmt.Sprintf("time: got %v to %v, want %v to %v", l.sheet.instant("DTSTART"), l.sheet.instant("DTEND"), s.own.start, s.own.end)
	case !slices.Equal(l.sheet.people(), s.own.people):
		return fmt.Sprintf("ATTENDEE: got %v, want %v", l.sheet.people(), s.own.people)
	case !slices.Equal(got, want):
		return fmt.Sprintf("links: got %v, want %v", got, want)
	}
	return ""
}

// readFaultLetter decodes a mail. One without text/calendar has no method.
func readFaultLetter(m faultMail) (*faultLetter, error) {
	l := &faultLetter{id: faultMessageID(m.Raw), to: strings.ToLower(m.To[0]), raw: m.Raw, at: m.At}
	entity, err := message.Read(bytes.NewReader(m.Raw))
	if err != nil {
		return nil, err
	}
	if header := entity.Header.Get("To"); !strings.Contains(strings.ToLower(header), l.to) {
		return nil, fmt.Errorf("the header To says %q", header)
	}
	err = entity.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, params, err := part.Header.ContentType()
		if err != nil {
			return err
		}
		if kind != "text/calendar" {
			return nil
		}
		data, err := io.ReadAll(part.Body)
		if err != nil {
			return err
		}
		l.method, l.sheet = strings.ToUpper(params["method"]), parseFaultSheet(string(data))
		if l.method == "" {
			return errors.New("text/calendar has no method")
		}
		if inside := faultMethod.FindStringSubmatch(string(data)); inside == nil || inside[1] != l.method {
			return fmt.Errorf("the part's method is %s, its METHOD is another", l.method)
		}
		return nil
	})
	return l, err
}

var faultMethod = regexp.MustCompile(`(?m)^METHOD:(\w+)`)
