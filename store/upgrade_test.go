package store

import (
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"time"
)

func TestUpgradeFromTheFirstSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 1))
	if got, want := s.Installation(), "0123456789abcdef"; got != want {
		t.Errorf("installation: got %q, want %q", got, want)
	}
	err := s.Update(t.Context(), func(tx *Tx) error {
		u, err := tx.UserByAddress("anna@example.org")
		if err != nil {
			return err
		}
		c, err := tx.CalendarBySlug(u.ID, "calendar")
		if err != nil {
			return err
		}
		o, err := tx.ObjectByName(c.ID, "a.ics")
		if err != nil {
			return err
		}
		e, err := tx.EventByUID(u.ID, o.UID)
		if err != nil {
			return err
		}
		bookings, err := tx.Bookings(e.ID)
		if err != nil {
			return err
		}
		if len(bookings) != 1 {
			t.Fatalf("bookings: got %d, want 1", len(bookings))
		}
		r, err := tx.RoomByLink("https://events.example/1")
		if err != nil {
			return err
		}
		if r.BookingID != bookings[0].ID || r.Refs["event"] != "7" {
			t.Errorf("room: got %+v", r)
		}
		if _, err := tx.Delivery(e.ID, "boris@example.org", false); err != nil {
			return err
		}
		if changes, _, _, err := tx.Changes(c.ID, 1, 0); err != nil || len(changes) != 2 {
			t.Errorf("changes: got %v (%v), want 2", changes, err)
		}
		w, err := tx.WorkOf("booking", e.ID)
		if err != nil || w.Attempts != 3 {
			t.Errorf("work: got %+v (%v)", w, err)
		}
		if _, err := tx.RevisionByETag(o.ID, "e0"); err != nil {
			return err
		}
		// What came later is empty, and can be written.
		if b := bookings[0]; b.Token != "" || b.Warning != "" || r.Occurrence != "" || r.Status != "" || !r.AskAt.IsZero() || r.People != "" {
			t.Errorf("new columns: got %+v, %+v", b, r)
		}
		bookings[0].Token, r.Occurrence = "t", "20260105T090000Z"
		if err := errors.Join(tx.PutBooking(&bookings[0]), tx.PutRoom(r)); err != nil {
			return err
		}
		if token, err := tx.TokenByName("t"); err != nil || token.BookingID != bookings[0].ID {
			t.Errorf("token: got %+v (%v)", token, err)
		}
		return tx.PutObject(o)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheSecondSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 2))
	err := s.Update(t.Context(), func(tx *Tx) error {
		token, err := tx.TokenByName("old-token")
		if err != nil {
			return err
		}
		b, err := tx.BookingByID(token.BookingID)
		if err != nil {
			return err
		}
		if b.PublicID != "series" || b.Token != "token" || b.Warning != "fields" {
			t.Errorf("booking: got %+v", b)
		}
		r, err := tx.RoomByKey("0123456789abcdef-14")
		if err != nil {
			return err
		}
		if r.BookingID != b.ID || r.Occurrence != "20300324T101640Z" || r.Status != "ended" || r.StatusAt.IsZero() || r.AskAt.IsZero() || r.People != "[]" {
			t.Errorf("room: got %+v", r)
		}
		people, err := tx.Registrations(r.ID)
		if err != nil || len(people) != 1 || people[0].Address != "boris@example.org" || people[0].Link != "https://events.example/2/personal" {
			t.Errorf("registrations: got %+v (%v)", people, err)
		}
		visits, err := tx.Visits(r.ID)
		if err != nil || len(visits) != 1 || visits[0].Seconds != 1800 || !visits[0].Left.IsZero() {
			t.Errorf("visits: got %+v (%v)", visits, err)
		}
		strays, err := tx.Strays("mtslink")
		if err != nil || len(strays) != 1 || strays[0].Ref != "77" {
			t.Errorf("strays: got %+v (%v)", strays, err)
		}
		return tx.PutRoom(r)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheThirdSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 3))
	err := s.Update(t.Context(), func(tx *Tx) error {
		u, err := tx.UserByID(3)
		if err != nil {
			return err
		}
		if u.Kind != UserRoom || u.DefaultCalendar != 5 {
			t.Errorf("user: got %+v", u)
		}
		e, err := tx.EventByID(9)
		if err != nil {
			return err
		}
		if !e.Delivered || e.Uninvited {
			t.Errorf("event: got %+v", e)
		}
		d, err := tx.DeliveryByToken("answer-token-of-boris")
		if err != nil {
			return err
		}
		if d.EventID != 9 || d.Reported != "5.1" || d.Forced {
			t.Errorf("delivery: got %+v", d)
		}
		said, err := tx.Answers(9)
		if err != nil || len(said) != 1 {
			t.Fatalf("answers: got %+v (%v)", said, err)
		}
		a := &said[0]
		if a.RecurrenceID != "20300324T101640Z" || a.Start.IsZero() || a.Comment != "Later?" || !a.Told || a.Token != "" || a.Refusal != RefusalNone {
			t.Errorf("answer: got %+v", a)
		}
		a.Token, a.Refusal = "decision", RefusalOwed
		if err := tx.PutAnswer(a); err != nil {
			return err
		}
		if a, err = tx.AnswerByToken("decision"); err != nil || a.Refusal != RefusalOwed {
			t.Errorf("answer by its token: got %+v (%v)", a, err)
		}
		mails, err := tx.IncomingOf("a", 10)
		if err != nil || len(mails) != 1 || mails[0].Outcome != "applied" {
			t.Errorf("incoming: got %+v (%v)", mails, err)
		}
		inbox, err := tx.Inbox(3)
		if err != nil {
			return err
		}
		return tx.PutObject(&Object{CalendarID: inbox.ID, Name: "m.ics", UID: "a", Component: "VEVENT", Data: []byte("x"), ETag: "m"})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheFourthSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 4))
	err := s.Update(t.Context(), func(tx *Tx) error {
		e, err := tx.EventByID(9)
		if err != nil {
			return err
		}
		if !e.Uninvited || e.Delivered {
			t.Errorf("event: got %+v", e)
		}
		a, err := tx.AnswerByToken("decision-of-anna")
		if err != nil {
			return err
		}
		if a.EventID != 9 || a.Address != "vera@example.org" || a.Refusal != RefusalOwed || a.RecurrenceID != "" {
			t.Errorf("answer: got %+v", a)
		}
		a.Token, a.Refusal, e.Uninvited = "", RefusalTold, false
		if err := errors.Join(tx.PutAnswer(a), tx.PutEvent(e)); err != nil {
			return err
		}
		if said, err := tx.Answers(9); err != nil || len(said) != 1 || said[0].Refusal != RefusalTold {
			t.Errorf("answers: got %+v (%v)", said, err)
		}
		// What came later is empty, and can be written.
		if of, err := tx.AttachmentsOf(7); err != nil || len(of) != 0 {
			t.Errorf("attachments: got %v (%v)", of, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	attached(t, s, 3, "new", manyBytes, 7)
}

func TestUpgradeFromTheFifthSchema(t *testing.T) {
	now := time.UnixMicro(1900000000000000)
	s, err := Open(t.Context(), "sqlite:"+oldDatabase(t, 5), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var a *Attachment
	err = s.View(t.Context(), func(tx *Tx) error {
		if a, err = tx.AttachmentByToken("token-of-the-agenda"); err != nil {
			return err
		}
		if a.UserID != 3 || a.ManagedID != "m1" || a.Name != "agenda.txt" || a.Type != "text/plain" || a.Size != 6 || !a.Released.IsZero() {
			t.Errorf("attachment: got %+v", a)
		}
		if of, err := tx.AttachmentsOf(7); err != nil || !slices.Equal(of, []int64{a.ID}) {
			t.Errorf("attachments: got %v (%v)", of, err)
		}
		if _, err := tx.AttachmentByManagedID("m3"); !errors.Is(err, ErrNotFound) {
			t.Errorf("what is gone: got %v", err)
		}
		props, err := tx.Properties(PropertiesOfObject, 7)
		if err != nil || len(props) != 0 {
			t.Errorf("properties: got %v (%v)", props, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(s.OpenAttachment(t.Context(), a)); err != nil || string(b) != "agenda" {
		t.Errorf("bytes: got %q (%v)", b, err)
	}
	if got, want := useOf(t, s, 3), (AttachmentUse{Held: 6, Total: 14, Count: 3}); got != want {
		t.Errorf("use: got %+v, want %+v", got, want)
	}
	// The one that was released goes with the one that is gone already; the one in use stays.
	for more := true; more; {
		err := s.Update(t.Context(), func(tx *Tx) (err error) {
			more, err = tx.PurgeAttachments(now, now, 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got, want := useOf(t, s, 3), (AttachmentUse{Held: 6, Total: 6, Count: 1}); got != want {
		t.Errorf("use after what is old was removed: got %+v, want %+v", got, want)
	}
}

func TestUpgradeFromTheSixthSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 6))
	err := s.Update(t.Context(), func(tx *Tx) error {
		for kind, subject := range map[PropertyKind]int64{PropertiesOfObject: 7, PropertiesOfHome: 3} {
			props, err := tx.Properties(kind, subject)
			if err != nil || !maps.Equal(props, map[string]string{"{urn:x}note": "kept"}) {
				t.Errorf("properties of %s: got %v (%v)", kind, props, err)
			}
		}
		if n, size, err := tx.CountProperties(3); err != nil || n != 2 || size != 30 {
			t.Errorf("count: %d, %d bytes (%v)", n, size, err)
		}
		if err := tx.PutProperties(PropertiesOfObject, 7, 3, map[string]string{"{urn:x}note": "new"}); err != nil {
			return err
		}
		// An object from before is found in ranges, by what time it lies in, and says nothing of what it takes.
		spans, err := tx.SpansInRange(5, "VEVENT", Range{From: time.UnixMicro(1900001000000000), To: time.UnixMicro(1900002000000000)})
		if err != nil || len(spans) != 1 || spans[0].ID != 7 || spans[0].Takes != "" {
			t.Errorf("range: got %+v (%v)", spans, err)
		}
		return tx.DeleteObject(7)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpgradeFromTheSeventhSchema(t *testing.T) {
	s := openPath(t, oldDatabase(t, 7))
	from, to := time.UnixMicro(1950000000000000), time.UnixMicro(1950003600000000)
	err := s.Update(t.Context(), func(tx *Tx) error {
		want := []Span{{7, from.UTC(), to.UTC(), "BUSY"}, {8, from.AddDate(0, 0, -3).UTC(), to.UTC(), ""}}
		spans, err := tx.SpansInRange(5, "VEVENT", Range{From: from, To: to, Seasons: 1}) // whose seasons nobody knows are in all
		slices.SortFunc(spans, func(a, b Span) int { return int(a.ID - b.ID) })
		if err != nil || !slices.Equal(spans, want) {
			t.Errorf("range: got %+v (%v), want %+v", spans, err, want)
		}
		o, err := tx.ObjectByID(7)
		if err != nil {
			return err
		}
		o.Takes = "BUSY-TENTATIVE"
		if err := tx.PutObject(o); err != nil {
			return err
		}
		if o, err = tx.ObjectByID(7); err != nil || o.Takes != "BUSY-TENTATIVE" {
			t.Errorf("object: got %+v (%v)", o, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
