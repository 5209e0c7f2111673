package booking

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
	"joinery/store"
	"joinery/store/outbox"
)

// A sweptAccount is an emulated account of MTS Link with a clock that tests move.
type sweptAccount struct {
	*testing.T
	service *emulator.MTSLink
	*mtslink.Provider

	mu  sync.Mutex
	now time.Time
}

func newSweptAccount(t *testing.T) *sweptAccount {
	t.Helper()
	a := &sweptAccount{T: t, now: sweepNow}
	a.service = emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: a.clock})
	t.Cleanup(a.service.Close)
	server := httptest.NewServer(a.service)
	t.Cleanup(server.Close)
	var err error
	if a.Provider, err = mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key", Now: a.clock}); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *sweptAccount) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *sweptAccount) pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

// conference makes one at the service, with whatever key.
func (a *sweptAccount) conference(key, title string) conference.Room {
	a.Helper()
	r, err := a.Reserve(a.Context(), a.meeting(key, title), conference.Room{}, func(conference.Room) error { return nil })
	if err != nil {
		a.Fatal(err)
	}
	return r
}

// meeting is at noon in twenty days.
func (a *sweptAccount) meeting(key, title string) conference.Meeting {
	start := sweepNow.AddDate(0, 0, 20)
	return conference.Meeting{Key: key, Title: title, Start: start, End: start.Add(time.Hour), Zone: "Europe/Moscow"}
}

// titles are those of the conferences that exist, sorted.
func (a *sweptAccount) titles() string {
	var all []string
	for _, c := range a.service.State().Conferences {
		all = append(all, c.Name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (a *sweptAccount) want(titles string) {
	a.Helper()
	if got := a.titles(); got != titles {
		a.Errorf("the account has %q, want %q", got, titles)
	}
}

// A sweptHouse is an installation: a database and its sweeper.
type sweptHouse struct {
	*sweptAccount
	path  string
	store *store.Store
	*Sweeper
	providers map[string]conference.Provider
}

func (a *sweptAccount) house(t *testing.T) *sweptHouse {
	t.Helper()
	h := &sweptHouse{sweptAccount: a, path: filepath.Join(t.TempDir(), "joinery.db"), providers: map[string]conference.Provider{"a": a}}
	h.open()
	t.Cleanup(func() { h.store.Close() })
	return h
}

func (h *sweptHouse) open() {
	h.Helper()
	var err error
	if h.store, err = store.Open(context.Background(), "sqlite:"+h.path, store.Options{Now: h.clock}); err != nil {
		h.Fatal(err)
	}
	h.Sweeper = NewSweeper(SweepOptions{Store: h.store, Outbox: outbox.New(h.store, outbox.Options{}), Providers: h.providers})
}

func (h *sweptHouse) update(f func(tx *store.Tx) error) {
	h.Helper()
	if err := h.store.Update(context.Background(), f); err != nil {
		h.Fatal(err)
	}
}

// book makes a booking with a live room.
func (h *sweptHouse) book(title string) store.Room {
	h.Helper()
	var room store.Room
	h.update(func(tx *store.Tx) error {
		b := &store.Booking{State: store.BookingWanted, Provider: "a", Link: "https://join.example/j/x", Generation: 1}
		if err := tx.PutBooking(b); err != nil {
			return err
		}
		room = store.Room{BookingID: b.ID, Provider: "a", Generation: 1, State: string(conference.RoomCreating)}
		return tx.PutRoom(&room)
	})
	learn(&room, h.conference(room.Key, title))
	h.put(&room, func(r *store.Room) {
		r.State = string(conference.RoomLive)
		h.sent(r, title)
	})
	return room
}

// put stores a room after change, as the reconciler would, a while ago.
func (h *sweptHouse) put(room *store.Room, change func(*store.Room)) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		change(room)
		return tx.PutRoom(room)
	})
	h.pass(time.Minute)
}

// sent is what the row says once the service was brought to a title.
func (h *sweptHouse) sent(r *store.Room, title string) {
	m := h.meeting(r.Key, title)
	r.Start, r.End = m.Start, m.End
	r.Meeting, _ = encodeMeeting(m)
}

// row reads a room and whether its booking is to be looked at.
func (h *sweptHouse) row(id int64) (room *store.Room, touched bool) {
	h.Helper()
	err := h.store.View(context.Background(), func(tx *store.Tx) (err error) {
		if room, err = tx.RoomByID(id); err != nil {
			return err
		}
		_, err = tx.WorkOf(Kind, room.BookingID)
		touched = err == nil
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
	return room, touched
}

func (h *sweptHouse) sweep() Sweep {
	h.Helper()
	s, err := h.Run(h.Context(), 0, false)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// says is an account's part of a sweep in words.
func says(s Sweep) string {
	a := s.Accounts[0]
	return fmt.Sprintf("ours %d live %d strays %d deleted %d drifted %d missing %d", a.Ours, a.Live, len(a.Strays), a.Deleted, len(a.Drifted), len(a.Missing))
}

func (h *sweptHouse) wantSweep(s Sweep, want string) {
	h.Helper()
	if got := says(s); got != want || s.Failed() {
		h.Errorf("the sweep says\n%s %+v, want\n%s", got, s.Accounts[0], want)
	}
}

// lostAnswer notes that an answer was lost while a room was made.
func (h *sweptHouse) lostAnswer(room int64) {
	h.Helper()
	h.update(func(tx *store.Tx) error {
		return tx.AddStep(&store.Step{RoomID: room, What: "reserve", Outcome: string(conference.Ambiguous)})
	})
}
