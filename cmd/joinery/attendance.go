package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/store"
)

func (p *program) attendanceCommand() *cobra.Command {
	var asCSV bool
	var login string
	cmd := &cobra.Command{
		Use:   "attendance UID",
		Short: "Tell who was invited to an event's meetings and who came",
		Long: `Tell of each meeting of an event that took place, the newest first, who was invited and who came, as
the service counted it: 2 minutes, an hour and a day after the end. Several visits of one person are
added up; guests who gave no address are told apart by name. Times are in the organiser's zone. The UID
stands in the event's UID line.`,
		Example: "  joinery attendance 5f0c8a1e@example.org\n  joinery attendance 5f0c8a1e@example.org --csv > attendance.csv",
		Args:    exactly("UID"),
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			out := &strings.Builder{}
			var to attendanceWriter = &attendanceText{whyWriter: &whyWriter{app: a, out: out}}
			if asCSV {
				to = newAttendanceCSV(out)
			}
			if err := a.store.View(cmd.Context(), func(tx *store.Tx) error { return a.attendance(tx, args[0], login, to) }); err != nil {
				return err
			}
			_, err := io.WriteString(p.out, out.String())
			return err
		}),
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV (RFC 4180, UTF-8), one row for each person and meeting")
	cmd.Flags().StringVar(&login, "user", "", "only of the event that the user `LOGIN` organises")
	return cmd
}

// An attendanceWriter writes who came, in the order of its calls.
type attendanceWriter interface {
	event(p *change.Present, meetings int) error
	meeting(tx *store.Tx, p *change.Present, m *meeting) error
}

// A meeting is one that took place.
type meeting struct {
	room    store.Room
	people  []presence
	counted bool // the service told who came
}

// attendance writes who was at the meetings of the events with a UID, of one user or of all who
// organise one.
func (a *app) attendance(tx *store.Tx, uid, login string, to attendanceWriter) error {
	events, err := tx.EventsByUID(uid)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("no event has the UID %s; it stands in the event's UID line, which can differ from its file name", line(uid))
	}
	if login != "" {
		u, err := userByLogin(tx, login)
		if err != nil {
			return err
		}
		events = slices.DeleteFunc(events, func(e store.Event) bool { return e.UserID != u.ID })
		if len(events) == 0 {
			return fmt.Errorf("%s has no event with the UID %s; joinery why tells who has", line(login), line(uid))
		}
	}
	events = slices.DeleteFunc(events, func(e store.Event) bool { return e.Role == store.RoleAttendee })
	if len(events) == 0 {
		return fmt.Errorf("the event %s is organised elsewhere: who comes to it is not known here", line(uid))
	}
	for _, e := range events {
		p, err := a.changer.Present(tx, e.ID)
		if err != nil {
			return fmt.Errorf("read the event: %w", err)
		}
		meetings, err := meetingsOf(tx, p)
		if err != nil {
			return err
		}
		if err := to.event(p, len(meetings)); err != nil {
			return err
		}
		for i := range meetings {
			if err := to.meeting(tx, p, &meetings[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// meetingsOf reads the meetings of an event that took place, the newest first.
func meetingsOf(tx *store.Tx, p *change.Present) ([]meeting, error) {
	bookings, err := tx.Bookings(p.Row.ID)
	if err != nil {
		return nil, err
	}
	names := namesOf(tx, p)
	var meetings []meeting
	for _, b := range bookings {
		rooms, err := tx.Rooms(b.ID)
		if err != nil {
			return nil, err
		}
		for _, room := range rooms {
			if s := conference.RoomState(room.State); s != conference.RoomHistory && s != conference.RoomLeft {
				continue
			}
			invited, err := tx.Registrations(room.ID)
			if err != nil {
				return nil, err
			}
			visits, err := tx.Visits(room.ID)
			if err != nil {
				return nil, err
			}
			meetings = append(meetings, meeting{room, presences(invited, visits, names), len(visits) > 0})
		}
	}
	slices.SortFunc(meetings, func(a, b meeting) int {
		return cmp.Or(b.room.Start.Compare(a.room.Start), cmp.Compare(b.room.ID, a.room.ID))
	})
	return meetings, nil
}

// namesOf knows people by address: as the event names them, else as users of this server.
func namesOf(tx *store.Tx, p *change.Present) func(address string) string {
	names := map[string]string{}
	if p.Event != nil {
		for _, v := range p.Event.All() {
			if o := v.Organizer; o != nil {
				names[o.Address] = cmp.Or(names[o.Address], line(o.Name))
			}
			for _, a := range v.Attendees {
				names[a.Address] = cmp.Or(names[a.Address], line(a.Name))
			}
		}
	}
	return func(address string) string {
		if names[address] == "" {
			if u, err := tx.UserByAddress(address); err == nil {
				names[address] = line(u.Name)
			}
		}
		return names[address]
	}
}

// titleOf is the event's title on one line.
func titleOf(p *change.Present) string {
	if p.Event != nil {
		for _, v := range p.Event.All() {
			if v.Summary != "" {
				return line(v.Summary)
			}
		}
	}
	return ""
}
