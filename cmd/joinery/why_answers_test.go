package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// TestWhyTellsOfAnswers holds what why says of who answered what, and of the mails that came in.
func TestWhyTellsOfAnswers(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, stop := c.serve()
	if code, text := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/plans.ics", webinar("plans@example.org")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	stop()
	if out := c.works("", "why", "--incoming"); out != "no mail came in of which no UID could be read\n" {
		t.Errorf("without any it says %q", out)
	}
	ctx := context.Background()
	st, err := store.Open(ctx, "sqlite:"+filepath.Join(c.dir, "joinery.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	said := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	err = st.Update(ctx, func(tx *store.Tx) error {
		events, err := tx.EventsByUID("plans@example.org")
		if err != nil {
			return err
		}
		for _, a := range []store.Answer{
			{Address: "boris@example.org", PartStat: "ACCEPTED", Stamp: said, Source: string(change.FromMail), Told: true},
			{Address: "vera@example.net", PartStat: "TENTATIVE", Stamp: said, Source: string(change.FromPage), Sequence: 2,
				Comment: "Can we\nbe later?", Start: said.Add(time.Hour), End: said.Add(2 * time.Hour)},
			{Address: "gleb@example.net", PartStat: "ACCEPTED", RecurrenceID: "20990112T100000Z", Stamp: said, Source: string(change.FromCalendar),
				Waiting: said.Add(time.Minute), Told: true},
		} {
			a.EventID = events[0].ID
			if err := tx.PutAnswer(&a); err != nil {
				return err
			}
		}
		for _, i := range []store.Incoming{
			{UID: "plans@example.org", Address: "boris@example.org", MessageID: "r1@example.org", Method: "REPLY", Outcome: "applied"},
			{UID: "plans@example.org", Address: "eve@example.com", MessageID: "r2@example.com", Method: "REPLY", Outcome: "unvouched", Detail: "no DKIM signature"},
			{UID: "gone@example.org", Address: "vera@example.net", Method: "COUNTER", Outcome: "unknown"},
			{MessageID: "r3@example.com", Outcome: "unreadable", Detail: "a line is too long"},
		} {
			if err := tx.AddIncoming(&i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	normal := func(out string) string {
		return replaced(out, `(?s)^.*?(answers\n)`, "${1}", `(?s)history\n.*?\n\n`, "…\n\n", `20[2-8]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ (REPLY|COUNTER|mail)`, "TIME ${1}")
	}
	golden(t, "why-answers.txt", normal(c.works("", "why", "plans@example.org"))+"---\n"+
		normal(c.works("", "why", "gone@example.org"))+"---\n"+normal(c.works("", "why", "--incoming")))
	c.fails("", []string{"why", "other@example.org"}, "no event has the UID other@example.org")
	c.fails("", []string{"why", "--incoming", "plans@example.org"}, "takes no arguments")
}
