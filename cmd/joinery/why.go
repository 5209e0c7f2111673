package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"joinery/caldav/change"
	"joinery/conference"
	"joinery/store"
)

func (p *program) whyCommand() *cobra.Command {
	var unread bool
	cmd := &cobra.Command{
		Use:   "why UID",
		Short: "Tell all that is known of an event: plan, conference, mails, answers, history",
		Long: `Tell all that is known of an event, for every user who has it: what it asks for and what is waited
for, its booking with every room, step and attempt, its mails, what each person was last told, who
answered what, work that is due, who did what, and the mails that came in about it. The UID stands in the
event's UID line. With --incoming, tell of the mails that came in of which no UID could be read. Times are
UTC.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if unread {
				return exactly()(cmd, args)
			}
			return exactly("UID")(cmd, args)
		},
		RunE: p.opened(func(cmd *cobra.Command, a *app, args []string) error {
			w := &whyWriter{app: a, out: &strings.Builder{}}
			err := a.store.View(cmd.Context(), func(tx *store.Tx) error {
				if unread {
					return w.unread(tx)
				}
				return w.all(tx, args[0])
			})
			if err != nil {
				return err
			}
			_, err = io.WriteString(p.out, w.out.String())
			return err
		}),
	}
	cmd.Flags().BoolVar(&unread, "incoming", false, "tell of mails that came in without a UID that can be read")
	return cmd
}

// A whyWriter writes what is known of events.
type whyWriter struct {
	*app
	out *strings.Builder
}

// say writes one line, indented.
func (w *whyWriter) say(depth int, format string, args ...any) {
	text := line(fmt.Sprintf(format, args...))
	if text != "" {
		text = strings.Repeat("  ", depth) + text
	}
	w.out.WriteString(text + "\n")
}

// at is a time for people and scripts.
func at(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// all tells of a UID.
func (w *whyWriter) all(tx *store.Tx, uid string) error {
	events, err := tx.EventsByUID(uid)
	if err != nil {
		return err
	}
	for i := range events {
		if i > 0 {
			w.say(0, "")
		}
		if err := w.event(tx, events[i].ID); err != nil {
			return fmt.Errorf("read the event: %w", err)
		}
	}
	n, err := w.incoming(tx, uid)
	if err != nil {
		return err
	}
	if len(events) == 0 && n == 0 {
		return fmt.Errorf("no event has the UID %s; it stands in the event's UID line, which can differ from its file name", line(uid))
	}
	return nil
}

// unread tells of mails without a UID.
func (w *whyWriter) unread(tx *store.Tx) error {
	n, err := w.incoming(tx, "")
	if n == 0 {
		w.say(0, "no mail came in of which no UID could be read")
	}
	return err
}

func (w *whyWriter) event(tx *store.Tx, id int64) error {
	p, err := w.changer.Present(tx, id)
	if err != nil {
		return err
	}
	w.say(0, "event %s of %s (%s)", p.Row.UID, p.User.Login, p.Row.Role)
	if p.User.Removed {
		w.say(1, "its owner was removed")
	}
	w.standing(tx, p)
	bookings, err := tx.Bookings(id)
	if err != nil {
		return err
	}
	w.plan(tx, p, bookings)
	for i := range bookings {
		if err := w.booking(tx, &bookings[i]); err != nil {
			return err
		}
	}
	if err := w.mails(tx, id); err != nil {
		return err
	}
	if err := w.answers(tx, id); err != nil {
		return err
	}
	audits, err := tx.Audits(p.Row.UserID, p.Row.UID)
	if err != nil {
		return err
	}
	w.say(0, "history")
	for _, a := range audits {
		w.say(1, "%s %s: %s%s", at(a.At), a.Who, a.What, prefixed(", ", a.Details))
	}
	return nil
}

// prefixed puts before in front of s, if there is s.
func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// standing tells what the event is and where.
func (w *whyWriter) standing(tx *store.Tx, p *change.Present) {
	if p.Event != nil && p.Event.Master != nil {
		v := p.Event.Master
		end := v.End
		w.say(1, "title: %s", v.Summary)
		w.say(1, "time: %s to %s%s", at(v.Start.In(p.Zone)), at(end.In(p.Zone)), map[bool]string{true: ", recurring"}[v.Recurring])
		if v.Cancelled() {
			w.say(1, "it is cancelled (STATUS)")
		}
	}
	if o := p.Object; o != nil {
		where := "object " + o.Name
		if c, err := tx.CalendarByID(o.CalendarID); err == nil {
			where = "/calendars/" + url.PathEscape(p.User.Login) + "/" + url.PathEscape(c.Slug) + "/" + url.PathEscape(o.Name)
			if c.Conference != "" {
				where += ", calendar's rule: " + c.Conference
			}
		}
		w.say(1, "stored: %s, ETag %q, changed %s", where, o.ETag, at(o.Modified))
	}
	w.say(1, "last save that may concern others: %s", at(p.Row.Saved))
	if !p.Row.Deleted.IsZero() {
		w.say(1, "deleted %s%s", at(p.Row.Deleted), map[bool]string{true: ", attendees or organiser not to be told (Schedule-Reply)"}[p.Row.Silent])
	}
	if p.Row.Imported {
		w.say(1, "imported: no conference and no mail until it is saved again")
	}
	if p.Ended {
		w.say(1, "it has ended: nobody is mailed")
	}
}

// plan tells what is asked for, what stands and what is waited for.
func (w *whyWriter) plan(tx *store.Tx, p *change.Present, bookings []store.Booking) {
	w.say(0, "plan")
	policy := w.policy()
	if len(bookings) == 0 {
		w.say(1, "no conference was ever asked for")
	}
	for _, b := range bookings {
		asked := strings.Join(b.By, ", ")
		if asked == "" {
			asked = "nothing any more"
		}
		w.say(1, "asked for by: %s; provider %s, kind %s%s", asked, b.Provider, b.Kind, map[bool]string{true: fmt.Sprintf(", capacity %d", b.Capacity)}[b.Capacity > 0])
		switch b.State {
		case store.BookingRemoved:
			w.say(1, "the organiser removed the conference %s; the same standing request does not bring it back", at(b.Since))
		case store.BookingDropped:
			w.say(1, "given up with its event %s", at(b.Since))
		}
	}
	switch p.Link {
	case change.LinkNone:
		w.say(1, "link: none is to be there")
	case change.LinkPending:
		w.say(1, "link: being made since %s; invitations wait for it until %s", at(p.Since), at(p.Since.Add(policy.MailWait)))
	case change.LinkReady:
		w.say(1, "link: %s (%s)", p.JoinURL, p.Service)
		if p.Problem != "" {
			w.say(1, "but there is no room for the next meeting, or it is not up to date: %s", reasonWords(p.Problem))
		}
	case change.LinkRefused:
		w.say(1, "link: cannot be made now, %s; it is tried again by itself", reasonWords(p.Problem))
	}
	if p.Gone && p.Row.Role == store.RoleOrganizer {
		w.say(1, "gone since %s: conference deleted and people told from %s on", at(p.GoneSince), at(p.GoneSince.Add(policy.Settle)))
	}
	w.work(tx, 1, change.WorkMail, p.Row.ID, "mail")
}

// reasonWords are a booking's problem in words for administrators.
func reasonWords(problem string) string {
	words := map[conference.Reason]string{
		conference.ReasonCredentials: "the provider refuses the key, or the plan has lapsed",
		conference.ReasonOwner:       "the organiser's account at the provider is not confirmed",
		conference.ReasonTitle:       "the provider refuses the title",
		conference.ReasonTime:        "the provider refuses the time",
		conference.ReasonPolicy:      "the organiser is not in policy.who",
		conference.ReasonDaily:       "the organiser has reached policy.per_day",
		conference.ReasonBusy:        "every account of the pool has another meeting at that time",
		conference.ReasonSeries:      "the rule does not let the next occurrence be known",
		conference.ReasonFields:      "the account requires registration fields that a calendar does not have",
		conference.ReasonAddress:     "the provider does not take the address",
	}
	if w, ok := words[conference.Reason(problem)]; ok {
		return problem + " (" + w + ")"
	}
	return problem
}

// work tells of the note to look at a subject, if there is one.
func (w *whyWriter) work(tx *store.Tx, depth int, kind string, subject int64, what string) {
	row, err := tx.WorkOf(kind, subject)
	if errors.Is(err, store.ErrNotFound) {
		return
	}
	if err != nil {
		w.say(depth, "%s: %v", what, err)
		return
	}
	state := "due " + at(row.Due)
	if row.Lease != "" {
		state = "being worked, until " + at(row.Until)
	}
	if row.Attempts > 0 {
		state += fmt.Sprintf(", %d failed attempts, last: %s", row.Attempts, row.Error)
	}
	w.say(depth, "next look at %s: %s", what, state)
}

func (w *whyWriter) mails(tx *store.Tx, id int64) error {
	messages, err := tx.Messages(id)
	if err != nil {
		return err
	}
	w.say(0, "mail")
	if len(messages) == 0 {
		w.say(1, "none")
	}
	for _, m := range messages {
		w.say(1, "%s %s to %s: %s %s, attempts %d%s", at(m.Created), m.Method, m.Address, m.State, at(m.Updated), m.Attempts, prefixed(", last error: ", m.LastError))
		w.say(2, "Message-ID <%s>, from %s, %d bytes", m.MessageID, m.From, m.Size)
		w.work(tx, 2, change.WorkSubmit, m.ID, "submission")
	}
	deliveries, err := tx.Deliveries(id)
	if err != nil {
		return err
	}
	if len(deliveries) > 0 {
		w.say(0, "told")
	}
	for _, d := range deliveries {
		what := "invited"
		switch {
		case d.MessageID == "":
			what = "nothing was sent"
		case d.Reply:
			what = "answered"
		case len(d.View) == 0:
			what = "cancelled"
		}
		w.say(1, "%s: %s %s, SEQUENCE %d%s", d.Address, what, at(d.At), d.Sequence, prefixed(", status ", d.Status))
	}
	return nil
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
