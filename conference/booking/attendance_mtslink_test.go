package booking

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/store"
	"joinery/store/outbox"
)

// The real provider at the emulated service tells who was at a meeting: those who were registered, a
// guest, and somebody who came twice; and an account whose plan has lapsed is asked again later.
func TestAttendanceMTSLink(t *testing.T) {
	now := time.Now().Add(time.Hour).Truncate(time.Minute)
	clock := func() time.Time { return now }
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: clock})
	t.Cleanup(service.Close)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	p, err := mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key", Now: clock})
	noError(t, err)
	f := newFixture(t)
	f.opts.Now = clock
	f.opts.Providers = map[string]conference.Provider{"a": conference.Guard(p, conference.GuardOptions{Now: clock})}
	r, _ := f.reconciler()

	start := now.Add(time.Hour)
	meeting := conference.Meeting{Key: "k", Title: "Plans", Start: start, End: start.Add(time.Hour), Zone: "Europe/Moscow",
		Host: conference.Person{Email: "anna@example.org"}, Kind: conference.KindMeeting, Language: "en"}
	reserved, err := p.Reserve(t.Context(), meeting, conference.Room{}, func(conference.Room) error { return nil })
	noError(t, err)
	_, err = p.Enroll(t.Context(), reserved, []conference.Participant{
		{Person: conference.Person{Name: "Boris Orlov", Email: "boris@example.org"}, Role: conference.RoleGuest},
		{Person: conference.Person{Name: "Carol", Email: "carol@example.org"}, Role: conference.RoleGuest},
	}, nil)
	noError(t, err)
	room := store.Room{BookingID: f.book("a", "Plans"), Provider: "a", State: string(conference.RoomHistory), Refs: reserved.Refs, Start: meeting.Start, End: meeting.End}
	f.update(func(tx *store.Tx) error { return tx.PutRoom(&room) })

	session, err := strconv.ParseInt(reserved.Refs[mtslink.RefSession], 10, 64)
	noError(t, err)
	at := func(minute int, do func() error) {
		t.Helper()
		now = start.Add(time.Duration(minute) * time.Minute)
		noError(t, do())
	}
	at(1, func() error { return service.Join(session, "boris@example.org", "") }) // it begins by itself
	at(10, func() error { return service.Join(session, "", "Some Guest") })
	at(15, func() error { return service.Leave(session, "boris@example.org", "") })
	at(30, func() error { return service.Join(session, "boris@example.org", "") })
	at(60, func() error { return service.Live(session, "stop") })
	f.update(func(tx *store.Tx) error { return r.attend(tx, &room, now) })

	// look has the work that is due at a minute done, and tells when it is due again.
	look := func(minute int) (next time.Time) {
		t.Helper()
		now = start.Add(time.Duration(minute) * time.Minute)
		var j outbox.Job
		f.update(func(tx *store.Tx) error {
			w, err := tx.ClaimSubject(AttendanceKind, room.ID, now, fmt.Sprint("lease ", minute), now.Add(outbox.Lease))
			if err == nil {
				j.Work = *w
			}
			return err
		})
		next, err := r.attendance(t.Context(), &j)
		noError(t, err)
		f.update(func(tx *store.Tx) error { return tx.FinishWork(&j.Work, next) })
		return next
	}
	service.SetPlanLapsed(true)
	if next := look(62); !next.Equal(now.Add(attendanceDenied)) {
		t.Errorf("after a refusal: again at %v, want %v", next, now.Add(attendanceDenied))
	}
	service.SetPlanLapsed(false)
	if next := look(62 + 360); !next.Equal(start.Add(25 * time.Hour)) {
		t.Errorf("after an answer: again at %v, want a day after the end", next)
	}
	var got []string
	f.view(func(tx *store.Tx) error {
		visits, err := tx.Visits(room.ID)
		for _, v := range visits {
			got = append(got, fmt.Sprintf("%s <%s> from %v, %d s", v.Name, v.Address, v.Joined.Sub(start), v.Seconds))
		}
		return err
	})
	want := []string{"Boris Orlov <boris@example.org> from 1m0s, 840 s", "Some Guest <> from 10m0s, 3000 s", "Boris Orlov <boris@example.org> from 30m0s, 1800 s"}
	if !slices.Equal(got, want) {
		t.Errorf("visits:\ngot  %q\nwant %q", got, want)
	}
	if next := look(25 * 60); !next.IsZero() {
		t.Errorf("after the last look: again at %v", next)
	}
	f.view(func(tx *store.Tx) error {
		if _, err := tx.WorkOf(AttendanceKind, room.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("work is left (%v)", err)
		}
		return nil
	})
}
