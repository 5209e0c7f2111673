//go:build linux

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A pythonMail is what testdata/real/mail.py reads in a mail.
type pythonMail struct {
	Structure any
	Defects   []string
	From      [][2]string // name, address
	Sender    [][2]string
	ReplyTo   [][2]string `json:"reply_to"`
	To        [][2]string
	Subject   string
	MessageID string `json:"message_id"`
	Parts     []struct {
		Type        string
		Params      map[string]string
		Disposition string
		Filename    string
		Text        string
	}
	Calendar struct {
		Method, UID, Organizer, Location string
		Attendees, Errors                []string
	}
}

// readByPython reads a mail with Python's email package and its calendar with icalendar.
func readByPython(t *testing.T, raw []byte) pythonMail {
	t.Helper()
	cmd := exec.Command(debianPython, "testdata/real/mail.py")
	cmd.Stdin = bytes.NewReader(raw)
	var errText bytes.Buffer
	cmd.Stderr = &errText
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, errText.String(), raw)
	}
	var m pythonMail
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// mailWorld is a world whose mail goes through p.
func mailWorld(t *testing.T, p *postfix, more ...func(*config)) *world {
	t.Helper()
	w := newWorld(t, append([]func(*config){func(c *config) {
		c.Mail.Relay = "smtp://" + p.smtp
		c.Mail.Address = serviceAddress
	}}, more...)...)
	w.addUser(dmitri, "Dmitri", "en")
	w.addUser(galina, "Galina", "uk")
	w.addUser(oleg, "Oleg", "en")
	return w
}

// startMail starts the mail server with everybody's mailbox.
func startMail(t *testing.T) (*dovecot, *postfix) {
	t.Helper()
	need(t, "postfix", "postfix", "postconf")
	needPython(t, "python3-icalendar", "import email, icalendar")
	d := startDovecot(t, anna, boris, vera, dmitri, galina, oleg)
	return d, startPostfix(t, d)
}

// arrived waits until so many mails are in somebody's mailbox, and returns the last.
func (d *dovecot) arrived(t *testing.T, mailbox string, n int) []byte {
	t.Helper()
	var list [][]byte
	soon(t, func() string {
		if list, _ = d.mails(t, mailbox); len(list) >= n {
			return ""
		}
		return fmt.Sprintf("%s has %d mails, want %d", mailbox, len(list), n)
	})
	if len(list) != n {
		t.Fatalf("%s has %d mails, want %d", mailbox, len(list), n)
	}
	return list[n-1]
}

// invited are the lines of an event of organizer's, who asks for a conference and invites people.
func invited(organizer string, people ...string) []string {
	lines := []string{"LOCATION:Webinar", "ORGANIZER:mailto:" + organizer, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:" + organizer}
	for _, p := range people {
		lines = append(lines, "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:"+p)
	}
	return lines
}

// wantInvitation checks a mail that went through Postfix into Dovecot, as two libraries read it.
func (w *world) wantInvitation(raw []byte, uid, organizer, recipient, method, link string) pythonMail {
	w.Helper()
	m, ours := readByPython(w.T, raw), decodeMail(raw)
	if len(m.Defects) > 0 || ours.Problem != "" || len(m.Calendar.Errors) > 0 {
		w.Errorf("the mail is malformed: %v, %s, %v", m.Defects, ours.Problem, m.Calendar.Errors)
	}
	want := []any{"multipart/mixed", []any{"multipart/alternative", "text/plain", "text/html", "text/calendar"}, "application/ics"}
	if fmt.Sprint(m.Structure) != fmt.Sprint(want) {
		w.Fatalf("the mail is %v, want %v", m.Structure, want)
	}
	if len(m.To) != 1 || m.To[0][1] != recipient {
		w.Errorf("it is to %v, want %s", m.To, recipient)
	}
	if m.MessageID == "" || m.Subject == "" {
		w.Errorf("it has the subject %q and the id %q", m.Subject, m.MessageID)
	}
	for i, p := range m.Parts {
		text := ours.Parts[i].Text
		if p.Type != "text/calendar" && !strings.HasPrefix(p.Type, "text/") {
			data, err := base64.StdEncoding.DecodeString(ours.Parts[i].Base64)
			if err != nil {
				w.Fatal(err)
			}
			text = string(data)
		}
		if lines := strings.NewReplacer("\r\n", "\n"); lines.Replace(p.Text) != lines.Replace(text) {
			w.Errorf("part %d is\n%q\nto one library and\n%q\nto the other", i, p.Text, text)
		}
		if link != "" {
			w.contains(joined(logical(strings.ReplaceAll(p.Text, "&amp;", "&"))), link)
		}
	}
	calendar, file := m.Parts[2], m.Parts[3]
	if !strings.EqualFold(calendar.Params["method"], method) || !strings.EqualFold(calendar.Params["charset"], "utf-8") || calendar.Disposition == "attachment" {
		w.Errorf("the calendar part is %v %s, want method=%s", calendar.Params, calendar.Disposition, method)
	}
	if file.Filename != "invite.ics" || file.Disposition != "attachment" {
		w.Errorf("the file is %q, %s", file.Filename, file.Disposition)
	}
	c := m.Calendar
	if c.Method != method || c.UID != uid || !strings.EqualFold(c.Organizer, "mailto:"+organizer) || !slices.Contains(c.Attendees, "mailto:"+recipient) {
		w.Errorf("icalendar reads %+v, want %s of %s for %s", c, method, uid, recipient)
	}
	return m
}

// TestRealMail sends through a real Postfix into real mailboxes of Dovecot and reads them there.
func TestRealMail(t *testing.T) {
	t.Parallel()
	d, p := startMail(t)
	w := mailWorld(t, p)

	w.anna.put(aPath, event("a", invited(anna, boris, vera)...))
	raw := d.arrived(t, vera, 1)
	link := w.only().Link
	m := w.wantInvitation(raw, "a", anna, vera, "REQUEST", link)
	if len(m.From) != 1 || m.From[0][1] != anna || len(m.ReplyTo) != 0 {
		t.Errorf("the mail is from %v, Reply-To %v, want from %s", m.From, m.ReplyTo, anna)
	}
	if !strings.HasPrefix(string(raw), "Return-Path: <"+anna+">") {
		t.Errorf("bounces do not go to %s: %.60q", anna, raw)
	}
	w.wantInvitation(d.arrived(t, boris, 1), "a", anna, boris, "REQUEST", link)

	// Who may not send for galina's domain says whom the mail is from, and where an answer goes.
	theirs := w.device(galina, "Thunderbird/153.0")
	theirs.put("/calendars/"+galina+"/calendar/g.ics", event("g", invited(galina, boris)...))
	m = w.wantInvitation(d.arrived(t, boris, 2), "g", galina, boris, "REQUEST", w.named("Rows of g").Link)
	if len(m.From) != 1 || m.From[0][1] != serviceAddress || m.From[0][0] != "Galina via Joinery" {
		t.Errorf("the mail is from %v, want Galina via Joinery", m.From)
	}
	if len(m.ReplyTo) != 1 || m.ReplyTo[0][1] != galina || len(m.Sender) != 1 || m.Sender[0][1] != serviceAddress {
		t.Errorf("Reply-To is %v and Sender %v, want %s and %s", m.ReplyTo, m.Sender, galina, serviceAddress)
	}

	// A change, then the end of it.
	w.idle()
	text := w.anna.get(aPath).body
	w.anna.put(aPath, moved(text, 0))
	w.anna.put(aPath, with(moved(text, 3600e9), "SUMMARY:Later"))
	m = w.wantInvitation(d.arrived(t, vera, 2), "a", anna, vera, "REQUEST", link)
	w.contains(m.Subject, "Later")
	w.idle()
	w.anna.delete(aPath)
	w.wantInvitation(d.arrived(t, vera, 3), "a", anna, vera, "CANCEL", "")
	if got, _ := d.mails(t, anna); len(got) != 0 {
		t.Errorf("anna got %d mails of her own event", len(got))
	}
}
