package change

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// An AttachmentAction is what is done with a managed attachment (RFC 8607 §3.3.1).
type AttachmentAction string

// The actions.
const (
	AttachmentAdd    AttachmentAction = "attachment-add"
	AttachmentUpdate AttachmentAction = "attachment-update"
	AttachmentRemove AttachmentAction = "attachment-remove"
)

// An AttachmentPolicy is what may be attached.
type AttachmentPolicy struct {
	Base      string // address of attachments, to which a token and the file's name are added
	PerObject int    // attachments of one object
	store.AttachmentLimits
}

// An AttachRequest is a POST of RFC 8607 §3.3.
type AttachRequest struct {
	Caller      Caller
	Calendar    *store.Calendar
	Name        string // of the object: last segment of the path, decoded
	Conditions  Conditions
	Action      AttachmentAction
	ManagedID   string            // of what is updated or removed
	Occurrences []string          // rid: "M" for the master, or RECURRENCE-IDs; empty: all components
	Attachment  *store.Attachment // what is added or takes the other's place; nothing refers to it yet
}

// CheckAttachment says beforehand what Attach would refuse, without Attachment.
func (c *Changer) CheckAttachment(ctx context.Context, r AttachRequest) error {
	r.Attachment = &store.Attachment{}
	return c.opts.Store.View(ctx, func(tx *store.Tx) error {
		_, _, err := c.attached(tx, r)
		return err
	})
}

// Attach changes an object's attachments: to everybody it is a save like any other. The error is *Refusal
// where the client is at fault. When it returns nil the object is durably stored.
func (c *Changer) Attach(ctx context.Context, r AttachRequest) (Result, error) {
	var res Result
	err := c.opts.Store.Update(ctx, func(tx *store.Tx) error {
		cur, data, err := c.attached(tx, r)
		if err != nil {
			return err
		}
		in, err := c.check(r.Calendar, data)
		if err != nil {
			return err
		}
		res, _, err = c.putTx(tx, PutRequest{
			Caller: r.Caller, Calendar: r.Calendar, Name: r.Name, Data: data,
			Conditions: Conditions{IfMatchSet: true, IfMatch: []string{cur.ETag}}, what: r.what(),
		}, in)
		return err
	})
	res.Changed = true
	return res, err
}

// what tells of the request in the audit.
func (r *AttachRequest) what() string {
	switch r.Action {
	case AttachmentAdd:
		return "attached " + r.Attachment.Name
	case AttachmentUpdate:
		return "replaced a file by " + r.Attachment.Name
	}
	return "removed a file"
}

// attached is the object that a request names, and its bytes as they are to be.
func (c *Changer) attached(tx *store.Tx, r AttachRequest) (*store.Object, []byte, error) {
	cur, err := c.target(tx, r.Calendar, r.Name, r.Conditions)
	if err != nil {
		return nil, nil, err
	}
	u, err := tx.UserByID(r.Calendar.UserID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the calendar's owner: %w", err)
	}
	o, err := ical.Parse(cur.Data, ical.Limits{Size: max(len(cur.Data), 1)})
	if err != nil {
		return nil, nil, refuse("valid-calendar-data", err.Error())
	}
	if len(attachable(o)) == 0 || !organizes(o, u) {
		return nil, nil, refuse("valid-"+string(r.Action), "only the organizer attaches files to this event")
	}
	switch {
	case r.Action == AttachmentUpdate && len(r.Occurrences) > 0:
		return nil, nil, errRID
	case (r.Action == AttachmentAdd) != (r.ManagedID == ""):
		return nil, nil, errManagedID
	}
	targets := attachable(o)
	if len(r.Occurrences) > 0 {
		if o, targets, err = occurrencesOf(o, r.Occurrences, tx.Now()); err != nil {
			return nil, nil, err
		}
	}
	edit := o.Edit()
	if r.Action == AttachmentAdd {
		if len(managedIDs(o)) >= c.opts.Policy.Attachments.PerObject {
			return nil, nil, refuse("max-attachments-per-resource",
				fmt.Sprintf("there are %d files attached, and no more may be", c.opts.Policy.Attachments.PerObject))
		}
		for _, v := range targets {
			edit.Add(v, c.attachLine(r.Attachment))
		}
		return cur, edit.Bytes(), nil
	}
	found := false
	for _, v := range targets {
		for _, l := range v.All("ATTACH") {
			if l.Param("MANAGED-ID") != r.ManagedID {
				continue
			}
			found = true
			if r.Action == AttachmentRemove {
				edit.Remove(l)
			} else {
				c.reattach(edit, l, r.Attachment)
			}
		}
	}
	if !found {
		return nil, nil, errManagedID
	}
	return cur, edit.Bytes(), nil
}

// The refusals of RFC 8607 §3.11.
var (
	errRID       = refuse("valid-rid", "rid names no occurrence of this event, or is not for this action")
	errManagedID = refuse("valid-managed-id", "managed-id names no attachment of this event, or is not for this action")
)

// attachable are the components that may have attachments.
func attachable(o *ical.Object) []*ical.Component {
	return slices.DeleteFunc(slices.Clone(o.Root.Children), func(c *ical.Component) bool {
		return c.Name != "VEVENT" && c.Name != "VTODO" && c.Name != "VJOURNAL"
	})
}

// organizes tells whether u organises what o is about, as far as anybody does.
func organizes(o *ical.Object, u *store.User) bool {
	for _, c := range attachable(o) {
		if l := c.First("ORGANIZER"); l != nil {
			return slices.Contains(u.Addresses, ical.ParseAttendee(l).Address)
		}
	}
	return true
}

// managedIDs are those that o carries, each once.
func managedIDs(o *ical.Object) map[string]bool {
	ids := map[string]bool{}
	for _, c := range attachable(o) {
		for _, l := range c.All("ATTACH") {
			if id := l.Param("MANAGED-ID"); id != "" {
				ids[id] = true
			}
		}
	}
	return ids
}

// maxNamed is how many occurrences one request may name.
const maxNamed = 20

// occurrencesOf are the components of o that rids name. An occurrence that has none gets one, in the object
// that is returned.
func occurrencesOf(o *ical.Object, rids []string, now time.Time) (*ical.Object, []*ical.Component, error) {
	if len(rids) > maxNamed {
		return nil, nil, errRID
	}
	var ev *ical.Event
	if attachable(o)[0].Name == "VEVENT" {
		var err error
		if ev, err = ical.ParseEvent(o); err != nil {
			return nil, nil, refuse("valid-calendar-data", err.Error())
		}
	}
	var lacking []time.Time
	for _, rid := range rids {
		if componentNamed(o, ev, rid) != nil {
			continue
		}
		at, ok := occurrenceAt(ev, rid)
		if !ok || ev.Master == nil || !ev.Master.Recurring {
			return nil, nil, errRID
		}
		if !slices.ContainsFunc(lacking, at.Equal) {
			lacking = append(lacking, at)
		}
	}
	if len(lacking) > 0 {
		texts, ok := itip.Alone(ev, lacking, now)
		if !ok {
			return nil, nil, errRID
		}
		edit := o.Edit()
		for _, text := range texts {
			edit.AddComponent(o.Root, text)
		}
		data := edit.Bytes()
		var err error
		if o, err = ical.Parse(data, ical.Limits{Size: len(data)}); err != nil {
			return nil, nil, fmt.Errorf("give an occurrence a component: %w", err)
		}
		if ev, err = ical.ParseEvent(o); err != nil {
			return nil, nil, fmt.Errorf("give an occurrence a component: %w", err)
		}
	}
	var found []*ical.Component
	for _, rid := range rids {
		v := componentNamed(o, ev, rid)
		if v == nil {
			return nil, nil, errRID
		}
		if !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	return o, found, nil
}

// componentNamed is the component that rid names, nil if there is none. ev is nil for what is no event.
func componentNamed(o *ical.Object, ev *ical.Event, rid string) *ical.Component {
	if ev == nil || rid == "M" {
		for _, c := range attachable(o) {
			l := c.First("RECURRENCE-ID")
			if l == nil && rid == "M" || l != nil && strings.TrimSpace(l.Value) == rid {
				return c
			}
		}
		return nil
	}
	at, ok := occurrenceAt(ev, rid)
	if !ok {
		return nil
	}
	for _, v := range ev.Overrides {
		if v.RecurrenceID.Time.Equal(at) {
			return v.Component
		}
	}
	return nil
}

// occurrenceAt reads a rid: an instant, a date, or a local time by the clock of the series.
func occurrenceAt(ev *ical.Event, rid string) (time.Time, bool) {
	if ev == nil || len(ev.All()) == 0 {
		return time.Time{}, false
	}
	first := ev.All()[0].Start
	if ev.Master == nil {
		first = *ev.Overrides[0].RecurrenceID
	}
	layout, loc := "20060102T150405Z", time.UTC
	switch {
	case first.AllDay:
		layout = "20060102"
	case first.Floating:
		layout = "20060102T150405"
	case first.Zone != "" && !strings.HasSuffix(rid, "Z"):
		zone, err := time.LoadLocation(first.Zone)
		if err != nil {
			return time.Time{}, false
		}
		layout, loc = "20060102T150405", zone
	}
	at, err := time.ParseInLocation(layout, rid, loc)
	return at, err == nil
}

// attachLine is the ATTACH line of a (RFC 8607 §4).
func (c *Changer) attachLine(a *store.Attachment) string {
	return ical.FormatLine("ATTACH", []ical.Param{
		{Name: "MANAGED-ID", Values: []string{a.ManagedID}}, {Name: "FMTTYPE", Values: []string{a.Type}},
		{Name: "SIZE", Values: []string{strconv.FormatInt(a.Size, 10)}}, {Name: "FILENAME", Values: []string{a.Name}},
	}, c.AttachmentAddress(a))
}

// reattach has l stand for a; parameters that are not of RFC 8607 stay.
func (c *Changer) reattach(edit *ical.Edit, l *ical.Line, a *store.Attachment) {
	edit.SetParam(l, "MANAGED-ID", a.ManagedID)
	edit.SetParam(l, "FMTTYPE", a.Type)
	edit.SetParam(l, "SIZE", strconv.FormatInt(a.Size, 10))
	edit.SetParam(l, "FILENAME", a.Name)
	edit.SetValue(l, c.AttachmentAddress(a))
}

// AttachmentAddress is where everybody who knows it gets a's bytes.
func (c *Changer) AttachmentAddress(a *store.Attachment) string {
	return c.opts.Policy.Attachments.Base + a.Token + "/" + url.PathEscape(a.Name)
}
