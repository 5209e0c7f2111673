package store_test

import (
	"reflect"
	"testing"
	"time"

	"joinery/store"
)

// Every row comes back as it was put, after the insert and after an update.
func TestRowsRoundTrip(t *testing.T) {
	s := openStore(t, store.Options{Now: newClock().now})
	at := time.Date(2031, 2, 3, 4, 5, 6, 7000, time.UTC)
	update(t, s, func(tx *store.Tx) error {
		check := func(what string, got, want any, err error) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", what, err)
			} else if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", what, got, want)
			}
		}
		u := &store.User{Login: "Anna", Name: "Анна", Locale: "ru", Zone: "Europe/Moscow", Password: "x",
			Addresses: []string{"Anna@Example.org", "a@example.org", "anna@example.org"}}
		check("create user", nil, nil, tx.CreateUser(u))
		if want := []string{"anna@example.org", "a@example.org"}; !reflect.DeepEqual(u.Addresses, want) {
			t.Errorf("addresses: got %q, want %q", u.Addresses, want)
		}
		u.Name, u.Addresses = "Анна П.", []string{"b@example.org"}
		check("update user", nil, nil, tx.UpdateUser(u))
		gotUser, err := tx.UserByLogin("aNNa")
		check("user", gotUser, u, err)

		c := &store.Calendar{UserID: u.ID, Slug: "work", Name: "Work", Components: []string{"VEVENT", "VTODO"},
			Props: map[string]string{"{x:}y": "<a/>"}, Transparent: true, Order: "3"}
		check("create calendar", nil, nil, tx.CreateCalendar(c))
		c.Color, c.Timezone, c.Conference, c.Description = "#ff0000", "BEGIN:VCALENDAR", "always", "d"
		was := c.PropSeq
		check("update calendar", nil, nil, tx.UpdateCalendar(c))
		if c.PropSeq <= was {
			t.Errorf("PropSeq: got %d, want more than %d", c.PropSeq, was)
		}
		gotCal, err := tx.CalendarBySlug(u.ID, "work")
		check("calendar", gotCal, c, err)

		o := &store.Object{CalendarID: c.ID, Name: "a b.ics", UID: "u1", Component: "VEVENT", Data: []byte("one"),
			ETag: "e1", ScheduleTag: "s1", Start: at, End: at.Add(time.Hour)}
		check("insert object", nil, nil, tx.PutObject(o))
		if o.UserID != u.ID {
			t.Errorf("object's user: got %d, want %d", o.UserID, u.ID)
		}
		o.Data, o.ETag, o.Own, o.Recurring, o.End = []byte("two"), "e2", true, true, time.Time{}
		check("replace object", nil, nil, tx.PutObject(o))
		gotObj, err := tx.ObjectByName(c.ID, "a b.ics")
		check("object", gotObj, o, err)
		rev, err := tx.RevisionByETag(o.ID, "e1")
		check("revision", rev, &store.Revision{ID: 1, ObjectID: o.ID, ETag: "e1", ScheduleTag: "s1",
			Data: []byte("one"), Created: tx.Now()}, err)

		e := &store.Event{UserID: u.ID, UID: "u1", ObjectID: o.ID, Role: store.RoleOrganizer, Saved: at}
		check("insert event", nil, nil, tx.PutEvent(e))
		e.Deleted, e.Data, e.Silent, e.Imported, e.Sequence, e.ObjectID = at, []byte("gone"), true, true, 4, 0
		check("update event", nil, nil, tx.PutEvent(e))
		gotEvent, err := tx.EventByUID(u.ID, "u1")
		check("event", gotEvent, e, err)

		b := &store.Booking{EventID: e.ID, UserID: u.ID, PublicID: "pub", State: store.BookingWanted, Provider: "mtslink",
			Kind: "webinar", Capacity: 200, By: []string{"location"}, Generation: 1}
		check("insert booking", nil, nil, tx.PutBooking(b))
		waiting, err := tx.WaitingBookings()
		check("waiting bookings", waiting, []store.Booking{*b}, err)
		b.Link, b.Block, b.InLocation, b.BlockGone, b.Since = "https://x/1", "block", true, true, at
		b.Problem, b.ProblemSince, b.Generation, b.RecurrenceID = "denied", at, 2, "r"
		b.Token, b.Warning = "token", "fields"
		check("update booking", nil, nil, tx.PutBooking(b))
		waiting, err = tx.WaitingBookings()
		check("no more waiting", waiting, []store.Booking(nil), err)
		gotBooking, err := tx.BookingByPublicID("pub")
		check("booking", gotBooking, b, err)

		r := &store.Room{BookingID: b.ID, Generation: 1, Provider: "mtslink", State: "intended"}
		check("insert room", nil, nil, tx.PutRoom(r))
		if want := s.Installation() + "-1"; r.Key != want {
			t.Errorf("room's key: got %q, want %q", r.Key, want)
		}
		r.State, r.Refs, r.JoinURL, r.DialIn, r.Passcode = "live", map[string]string{"event": "7"}, "https://x/1", "+7", "11"
		r.Meeting, r.Start, r.End, r.Unclear, r.Attempts, r.LastError = "{}", at, at.Add(1), true, 3, "late"
		r.End = at.Add(time.Minute)
		r.Occurrence, r.Status, r.StatusAt, r.AskAt, r.People = "20310203T040506Z", "planned", at.Add(2*time.Minute), at.Add(time.Hour), "[]"
		check("update room", nil, nil, tx.PutRoom(r))
		gotRoom, err := tx.RoomByLink("https://x/1")
		check("room", gotRoom, r, err)
		step := &store.Step{RoomID: r.ID, At: at, What: "reserve", Outcome: "ok", Detail: "d"}
		check("add step", nil, nil, tx.AddStep(step))
		steps, err := tx.Steps(b.ID)
		check("steps", steps, []store.Step{*step}, err)

		d := &store.Delivery{EventID: e.ID, Address: "b@example.org", Status: "1.0"}
		check("insert delivery", nil, nil, tx.PutDelivery(d))
		d.View, d.Sequence, d.MessageID, d.Status, d.At = []byte("v"), 2, "m1", "1.1", at
		check("update delivery", nil, nil, tx.PutDelivery(d))
		gotDelivery, err := tx.Delivery(e.ID, "b@example.org", false)
		check("delivery", gotDelivery, d, err)

		m := &store.Message{EventID: e.ID, Address: "b@example.org", Method: "REQUEST", MessageID: "m1", From: "a@example.org",
			Body: []byte("mail"), State: store.MessageStored}
		check("insert message", nil, nil, tx.PutMessage(m))
		m.State, m.Attempts, m.LastError = store.MessageTrying, 2, "450"
		check("update message", nil, nil, tx.PutMessage(m))
		gotMessage, err := tx.MessageByID(m.ID)
		check("message", gotMessage, m, err)
		listed := *m
		listed.Body = nil
		messages, err := tx.Messages(e.ID)
		check("messages", messages, []store.Message{listed}, err)
		for _, other := range []struct{ method, id string }{{"REQUEST", "m2"}, {"NOTE", "m3"}, {"CANCEL", "m4"}} {
			sent := &store.Message{EventID: e.ID, Address: "b@example.org", Method: other.method, MessageID: other.id, State: store.MessageSent}
			check("insert another message", nil, nil, tx.PutMessage(sent))
			if other.id == "m4" {
				d.MessageID = "m4" // and m2 is what no delivery tells of any more
				check("update delivery", nil, nil, tx.PutDelivery(d))
			}
		}
		messages, err = tx.CurrentMessages(e.ID)
		var ids []string
		for _, m := range messages {
			ids = append(ids, m.MessageID)
		}
		check("current messages", ids, []string{"m1", "m3", "m4"}, err)

		a := &store.Audit{UserID: u.ID, UID: "u1", At: at, Who: "anna", What: "put", Details: "d"}
		check("add audit", nil, nil, tx.AddAudit(a))
		audits, err := tx.Audits(u.ID, "u1")
		check("audits", audits, []store.Audit{*a}, err)

		states, err := tx.CountRooms()
		check("rooms by state", states, map[string]int{"live": 1}, err)
		mails, err := tx.CountMessages()
		check("messages by state", mails, map[store.MessageState]int{store.MessageTrying: 1, store.MessageSent: 3}, err)
		live, err := tx.RoomsInState("gone", "live")
		check("rooms in state", live, []store.Room{*r}, err)
		n, err := tx.CountBookings(u.ID, tx.Now())
		check("bookings", n, 1, err)
		n, err = tx.CountBookings(u.ID, tx.Now().Add(1000))
		check("later bookings", n, 0, err)
		return nil
	})
}

func TestUniqueness(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	put(t, s, &store.Object{CalendarID: c.ID, Name: "a", UID: "u", Data: []byte("x")})
	update(t, s, func(tx *store.Tx) error {
		if err := tx.PutEvent(&store.Event{UserID: c.UserID, UID: "u"}); err != nil {
			return err
		}
		if err := tx.PutDelivery(&store.Delivery{EventID: 1, Address: "a"}); err != nil {
			return err
		}
		if err := tx.PutDelivery(&store.Delivery{EventID: 1, Address: "a", Reply: true}); err != nil {
			return err
		}
		return tx.PutMessage(&store.Message{EventID: 1, MessageID: "m"})
	})
	for name, f := range map[string]func(tx *store.Tx) error{
		"login": func(tx *store.Tx) error { return tx.CreateUser(&store.User{Login: "ANNA"}) },
		"address": func(tx *store.Tx) error {
			return tx.CreateUser(&store.User{Login: "b", Addresses: []string{"ANNA@example.org"}})
		},
		"slug": func(tx *store.Tx) error {
			return tx.CreateCalendar(&store.Calendar{UserID: c.UserID, Slug: "calendar"})
		},
		"name": func(tx *store.Tx) error {
			return tx.PutObject(&store.Object{CalendarID: c.ID, Name: "a", Data: []byte("y")})
		},
		"event":    func(tx *store.Tx) error { return tx.PutEvent(&store.Event{UserID: c.UserID, UID: "u"}) },
		"delivery": func(tx *store.Tx) error { return tx.PutDelivery(&store.Delivery{EventID: 1, Address: "a"}) },
		"message":  func(tx *store.Tx) error { return tx.PutMessage(&store.Message{EventID: 2, MessageID: "m"}) },
	} {
		wantErr(t, name, s.Update(t.Context(), f), store.ErrExists)
	}
	for name, f := range map[string]func(tx *store.Tx) error{
		"user":     func(tx *store.Tx) error { return tx.UpdateUser(&store.User{ID: 99}) },
		"calendar": func(tx *store.Tx) error { return tx.UpdateCalendar(&store.Calendar{ID: 99}) },
		"object":   func(tx *store.Tx) error { return tx.PutObject(&store.Object{ID: 99, Data: []byte("x")}) },
		"event":    func(tx *store.Tx) error { return tx.PutEvent(&store.Event{ID: 99}) },
		"booking":  func(tx *store.Tx) error { return tx.PutBooking(&store.Booking{ID: 99}) },
		"room":     func(tx *store.Tx) error { return tx.PutRoom(&store.Room{ID: 99}) },
		"delivery": func(tx *store.Tx) error { return tx.PutDelivery(&store.Delivery{ID: 99}) },
		"message":  func(tx *store.Tx) error { return tx.PutMessage(&store.Message{ID: 99}) },
		"delete":   func(tx *store.Tx) error { return tx.DeleteObject(99) },
		"read":     func(tx *store.Tx) error { _, err := tx.RoomByLink(""); return err },
	} {
		wantErr(t, name, s.Update(t.Context(), f), store.ErrNotFound)
	}
}

// A removed user's login and address are free; its row and events stay.
func TestDeleteUser(t *testing.T) {
	s := openStore(t, store.Options{})
	c := newCalendar(t, s, "anna")
	o := &store.Object{CalendarID: c.ID, Name: "a", UID: "u", Data: []byte("x")}
	put(t, s, o)
	put(t, s, o)
	update(t, s, func(tx *store.Tx) error {
		if err := tx.PutEvent(&store.Event{UserID: c.UserID, UID: "u"}); err != nil {
			return err
		}
		return tx.DeleteUser(c.UserID)
	})
	view(t, s, func(tx *store.Tx) error {
		u, err := tx.UserByID(c.UserID)
		if err != nil {
			return err
		}
		if !u.Removed || u.Login != "anna" || u.Password != "" {
			t.Errorf("removed user: got %+v", u)
		}
		_, err = tx.UserByLogin("anna")
		wantErr(t, "by login", err, store.ErrNotFound)
		_, err = tx.UserByAddress("anna@example.org")
		wantErr(t, "by address", err, store.ErrNotFound)
		_, err = tx.ObjectByID(o.ID)
		wantErr(t, "object", err, store.ErrNotFound)
		revisions, err := tx.Revisions(o.ID, 0)
		if err != nil || len(revisions) != 0 {
			t.Errorf("revisions: got %d (%v), want none", len(revisions), err)
		}
		users, err := tx.Users()
		if err != nil || len(users) != 0 {
			t.Errorf("users: got %v (%v), want none", users, err)
		}
		_, err = tx.EventByUID(c.UserID, "u")
		return err
	})
	if again := newCalendar(t, s, "anna"); again.UserID == c.UserID || again.ID == c.ID {
		t.Errorf("identities were given twice: user %d, calendar %d", again.UserID, again.ID)
	}
}
