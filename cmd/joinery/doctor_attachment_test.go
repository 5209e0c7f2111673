package main

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"joinery/store"
)

// TestDoctorTellsOfAttachments has an event with a file, and then breaks what can break.
func TestDoctorTellsOfAttachments(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "[caldav]\nmax_attachment_size = 1048576\nattachment_quota = 4194304\n")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	line := func(code int, name string) string {
		t.Helper()
		got, out, _ := c.do("", "doctor")
		l, ok := doctorLines(t, out)[name]
		if !ok || got != code {
			t.Fatalf("status %d, want %d and %s in\n%s", got, code, name, out)
		}
		return l
	}
	if l := line(0, "ok attachments"); l != "there are none" {
		t.Errorf("of no attachments it is said: %s", l)
	}

	path := filepath.Join(c.dir, "joinery.db")
	ctx := context.Background()
	st, err := store.Open(ctx, "sqlite:"+path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var o store.Object
	err = st.Update(ctx, func(tx *store.Tx) error {
		u, err := tx.UserByLogin("anna")
		if err != nil {
			return err
		}
		list, err := tx.Calendars(u.ID)
		if err != nil {
			return err
		}
		o = store.Object{CalendarID: list[0].ID, Name: "a.ics", UID: "a", Component: "VEVENT", Data: []byte("x")}
		return tx.PutObject(&o)
	})
	if err != nil {
		t.Fatal(err)
	}
	attach := func(name string, size int) *store.Attachment {
		t.Helper()
		a := &store.Attachment{UserID: o.UserID, Name: name, Type: "text/plain"}
		if err := st.AddAttachment(ctx, a, strings.NewReader(strings.Repeat("x", size)), store.AttachmentLimits{Size: 4 << 20, Quota: 4 << 20}); err != nil {
			t.Fatal(err)
		}
		return a
	}
	refer := func(data string, ids ...int64) {
		t.Helper()
		err := st.Update(ctx, func(tx *store.Tx) error {
			o.Data = []byte(data)
			if err := tx.PutObject(&o); err != nil {
				return err
			}
			return tx.SetAttachments(o.ID, ids)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	agenda := attach("agenda.txt", 1<<20)
	folded := "ATTACH;MANAGED-ID=" + agenda.ManagedID[:10] + "\r\n " + agenda.ManagedID[10:] + ":https://x.example/\r\n"
	refer(folded, agenda.ID)
	if l := line(0, "ok attachments"); !strings.Contains(l, "files: 1, of 1 MiB; 0 MiB") {
		t.Errorf("of one attachment it is said: %s", l)
	}
	refer("", agenda.ID)
	if l := line(0, "warn attachments"); !strings.Contains(l, "do not name them: agenda.txt of anna") {
		t.Errorf("of an event that does not name its file it is said: %s", l)
	}
	minutes := attach("minutes.txt", 3<<20)
	refer(folded+"ATTACH;MANAGED-ID="+minutes.ManagedID+":https://x.example/\r\n", agenda.ID, minutes.ID)
	if l := line(0, "warn attachments, quota"); !strings.Contains(l, "anna has 4 of 4 MiB") || !strings.Contains(l, "attachment_quota") {
		t.Errorf("of a full quota it is said: %s", l)
	}

	event := func(organizer string) string {
		return strings.Join([]string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", "UID:a", "DTSTAMP:20261122T090000Z",
			"DTSTART:20261222T090000Z", "ORGANIZER:mailto:" + organizer, "ATTACH;FILENAME=agenda.txt;MANAGED-ID=" + agenda.ManagedID + ":http://127.",
			" 0.0.1:0/a/" + agenda.Token + "/agenda.txt", "ATTACH;FILENAME=minutes.txt:https://elsewhere.example/a/x/minutes.txt",
			"BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:-PT5M", "ATTACH:http://127.0.0.1:0/a/x/bell", "END:VALARM",
			"DESCRIPTION:" + minutes.ManagedID, "END:VEVENT", "END:VCALENDAR", ""}, "\r\n")
	}
	refer(event("anna@example.org"), agenda.ID, minutes.ID)

	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, test := range []struct {
		breaks, mends string
		code          int
		name          string
		parts         []string
	}{
		{`UPDATE attachments SET size = size + 1 WHERE id = 1`, `UPDATE attachments SET size = size - 1 WHERE id = 1`,
			1, "FAIL attachments", []string{"missing of: agenda.txt of anna", "attached to its event again"}},
		{`UPDATE attachments SET released_at = 1`, `UPDATE attachments SET released_at = 0`,
			1, "FAIL attachments", []string{"about to be removed: agenda.txt of anna, minutes.txt of anna", "backup"}},
		{`UPDATE attachments SET gone = TRUE WHERE id = 1`, `UPDATE attachments SET gone = FALSE`,
			0, "warn attachments", []string{"not there: agenda.txt of anna", "Attach them again"}},
		{`DELETE FROM attachment_objects WHERE attachment_id = 2`, ``,
			0, "warn attachments", []string{"files 1, references 0, parts 0", "take up room"}},
	} {
		if _, err := db.Exec(test.breaks); err != nil {
			t.Fatal(err)
		}
		l := line(test.code, test.name)
		for _, part := range test.parts {
			if !strings.Contains(l, part) {
				t.Errorf("after %s: %q is not in %q", test.breaks, part, l)
			}
		}
		if _, err := db.Exec(test.mends); err != nil {
			t.Fatal(err)
		}
	}
	// What somebody else organises is theirs to mend.
	if _, err := db.Exec(`UPDATE attachments SET gone = TRUE`); err != nil {
		t.Fatal(err)
	}
	refer(event("boris@example.org"), agenda.ID)
	line(0, "ok attachments")
}
