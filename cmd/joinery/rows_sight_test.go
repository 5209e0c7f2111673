package main

import (
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"

	"joinery/conference/emulator"
)

// What a world shows: the accounts' own state, and the mail that was taken.

// only is the one conference that both accounts hold together; nothing is left half made.
func (w *world) only() emulator.Conference {
	w.Helper()
	list := w.conferences()
	if len(list) != 1 {
		w.Fatalf("the accounts hold %d conferences, want 1: %+v", len(list), list)
	}
	return list[0]
}

// conferences are those that both accounts hold now.
func (w *world) conferences() []emulator.Conference {
	w.Helper()
	list := append(w.mts.State().Conferences, w.beta.State().Conferences...)
	for _, c := range list {
		if c.Status == "SHELL" {
			w.Errorf("an event without session was left: %+v", c)
		}
		if c.Key == "" {
			w.Errorf("a conference without our key: %+v", c)
		}
	}
	return list
}

// none checks that the accounts hold nothing.
func (w *world) none() {
	w.Helper()
	if list := w.conferences(); len(list) != 0 {
		w.Errorf("the accounts hold %d conferences, want none: %+v", len(list), list)
	}
}

// untouchedAccounts checks that the accounts were never asked to make anything.
func (w *world) untouchedAccounts() {
	w.Helper()
	w.none()
	for _, m := range []*emulator.MTSLink{w.mts, w.beta} {
		if n := m.State().Calls["POST /events"]; n != 0 {
			w.Errorf("an account was asked for %d conferences, want none", n)
		}
	}
}

// named is the one conference of that name.
func (w *world) named(name string) emulator.Conference {
	w.Helper()
	var found []emulator.Conference
	for _, c := range w.conferences() {
		if c.Name == name {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		w.Fatalf("there are %d conferences called %q, want 1: %+v", len(found), name, w.conferences())
	}
	return found[0]
}

// A rowsLetter is a mail that was taken.
type rowsLetter struct {
	from, subject        string
	method               string // of the calendar part; NOTE where there is none
	text, html, calendar string
}

// letters are the mails to an address, in order.
func (w *world) letters(address string) []rowsLetter {
	var out []rowsLetter
	for _, m := range w.mail.Messages() {
		if !slices.Contains(m.Envelope.To, address) {
			continue
		}
		l := rowsLetter{method: "NOTE", from: strings.Join(m.Headers["From"], " "), subject: strings.Join(m.Headers["Subject"], " ")}
		for _, p := range m.Parts {
			switch {
			case p.MediaType == "text/calendar":
				l.method, l.calendar = strings.ToUpper(p.Params["method"]), p.Text
			case p.MediaType == "text/plain":
				l.text = p.Text
			case p.MediaType == "text/html":
				l.html = p.Text
			}
		}
		out = append(out, l)
	}
	return out
}

// letter is the nth mail to an address, counted from 0.
func (w *world) letter(address string, n int) rowsLetter {
	w.Helper()
	list := w.letters(address)
	if n >= len(list) {
		w.Fatalf("%s has %d mails only", address, len(list))
	}
	return list[n]
}

// wantMail checks the methods of the mails to an address, in order, and returns the last mail.
func (w *world) wantMail(address string, methods ...string) rowsLetter {
	w.Helper()
	letters := w.letters(address)
	var got []string
	for _, l := range letters {
		got = append(got, l.method)
	}
	if !slices.Equal(got, methods) {
		w.Fatalf("mails to %s: got %v, want %v", address, got, methods)
	}
	if len(letters) == 0 {
		return rowsLetter{}
	}
	return letters[len(letters)-1]
}

// wantLinkMail checks that a mail shows the link in each of its forms, with the service's name.
func (w *world) wantLinkMail(l rowsLetter, link string) {
	w.Helper()
	w.contains(l.text, link, "MTS Link")
	w.contains(l.html, link, "MTS Link")
	w.contains(joined(logical(l.calendar)), link)
}

// wantNoMail checks that nobody got anything.
func (w *world) wantNoMail() {
	w.Helper()
	for _, m := range w.mail.Messages() {
		w.Errorf("an unexpected mail to %v: %v", m.Envelope.To, m.Headers["Subject"])
	}
}

// newRecorded sends a request to an account without a network and returns the status.
func newRecorded(m *emulator.MTSLink, method, path, body string) int {
	r := httptest.NewRecorder()
	m.ServeHTTP(r, httptest.NewRequest(method, path, strings.NewReader(body)))
	return r.Code
}

type smtpError = smtp.SMTPError

// refuseRecipient refuses one address, as a server that has no such mailbox.
func refuseRecipient(stage, addr, refused string) *smtpError {
	if stage == "rcpt" && addr == refused {
		return &smtpError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	}
	return nil
}
