package itip

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"joinery/caldav/ical"
)

// Copy makes what stands in an attendee's calendar: view, the event as the attendee is to see it (View),
// joined with what is the attendee's own in held, the copy that stands there (nil: none). The
// organiser's word counts for everything but the attendee's own: VALARM, TRANSP, CATEGORIES, COLOR,
// private X- properties and clients' own, instances that the attendee took out (EXDATE) and that view has
// not moved since. significant tells whether anything but PARTSTAT and SCHEDULE-STATUS differs from held
// (RFC 6638 §3.2.10). Where nothing differs, data are held's bytes.
//
// What clients write anew by themselves (DTSTAMP, LAST-MODIFIED, PRODID, zones, the order of parameters)
// is no difference. An instance that the attendee took out comes back where the organiser moved it, or
// raised SEQUENCE or invited the attendee anew (held is cancelled) while the attendee has not declined it, or where
// the attendee has accepted it since. So does one that was out by the organiser's word, who invites to it now: taking
// it out would have declined it. A new override has the alarms of the series in held.
//
// takenOut tells which of the instances that held excludes, and that only the series in view speaks for, the attendee
// took out (nil: all): the others were out by the organiser's word, and come back.
func Copy(view, held *ical.Event, own []string, takenOut func(time.Time) bool) (data []byte, significant bool) {
	if held == nil {
		return view.Object.Data, true
	}
	if takenOut == nil {
		takenOut = func(time.Time) bool { return true }
	}
	c := &copying{view: timetableOf(view), held: timetableOf(held), addresses: own, takenOut: takenOut}
	c.same = sync.OnceValue(func() bool {
		return sameTime(view.Master, held.Master) && sameRepetition(view, held, view.Master, held.Master)
	})
	data, significant = c.run()
	if bytes.Equal(data, held.Object.Data) {
		return held.Object.Data, false
	}
	ev, err := parse(data)
	if err != nil || ev == nil {
		return view.Object.Data, true // held is beyond repair
	}
	return withoutIdleZones(ev, held), significant
}

// CancelledCopy is held with STATUS:CANCELLED and the SEQUENCE of the CANCEL in every component; held's
// bytes where all are cancelled already.
func CancelledCopy(held *ical.Event, sequence int) []byte {
	if !slices.ContainsFunc(held.All(), func(v *ical.VEvent) bool { return !v.Cancelled() }) {
		return held.Object.Data
	}
	edit := held.Object.Edit()
	for _, v := range held.All() {
		set(edit, v.Component, "STATUS", "CANCELLED")
		set(edit, v.Component, "SEQUENCE", strconv.Itoa(sequence))
	}
	return edit.Bytes()
}

// withoutIdleZones is ev without the zones that nothing in it is written in and that were in use before.
func withoutIdleZones(ev, before *ical.Event) []byte {
	was, is := before.Object.Root.TZIDs(), ev.Object.Root.TZIDs()
	edit := ev.Object.Edit()
	for _, c := range ev.Object.Root.Find("VTIMEZONE") {
		if tzid := c.Text("TZID"); was[tzid] && !is[tzid] {
			edit.RemoveComponent(c)
		}
	}
	return edit.Bytes()
}

// A copying is the work of one Copy.
type copying struct {
	view, held *timetable
	addresses  []string
	takenOut   func(time.Time) bool // by the attendee
	out        []time.Time          // instances that the attendee took out and that stay out, sorted
	same       func() bool          // view has the instances that held has
}

func (c *copying) joining(truth, theirs *timetable) *joining {
	return &joining{truth: truth.Event, theirs: theirs.Event, edit: theirs.Object.Edit(), addresses: c.addresses, closely: true}
}

func (c *copying) run() (data []byte, significant bool) {
	if c.view.Master == nil {
		// The series goes; what it says of its instances stays with them.
		c.held = c.held.with(c.lacking(c.held))
	}
	j := c.joining(c.view, c.held)
	switch was, is := c.held.Master, c.view.Master; {
	case was != nil && is != nil:
		j.copy(is, was)
		c.exdates(j)
	case is != nil:
		j.add(is)
	default:
		if was != nil {
			j.edit.RemoveComponent(was.Component)
			j.other = true
		}
		for _, id := range c.lacking(c.held) {
			j.add(c.view.override(id))
		}
	}
	// Overrides come second: they are made from the series as it is now.
	var kept []time.Time
	for _, v := range c.held.Overrides {
		id := c.held.id(v)
		switch {
		case c.view.override(id) != nil && !c.isOut(id):
		case c.keeps(v, id):
			kept = append(kept, id)
		default:
			j.edit.RemoveComponent(v.Component)
			j.other = true
		}
	}
	held := c.held
	if ev := j.reread(); ev != held.Event {
		held = timetableOf(ev)
	}
	held = held.with(c.lacking(held))
	view := c.view.with(kept)
	other := j.other
	j = c.joining(view, held)
	j.other = other
	for _, v := range view.Overrides {
		id := view.id(v)
		if c.isOut(id) {
			continue
		}
		if there := held.override(id); there != nil {
			j.copy(v, there)
		} else {
			j.add(v)
		}
	}
	return j.edit.Bytes(), j.other
}

// copy is component, with the organiser's DTSTAMP where something was changed.
func (j *joining) copy(truth, theirs *ical.VEvent) {
	before := j.other
	j.other = false
	if j.component(truth, theirs); j.other {
		j.put(truth, theirs, "DTSTAMP")
		j.put(truth, theirs, "LAST-MODIFIED")
	}
	j.other = j.other || before
}

// lacking are the instances of which view has an override and held has none.
func (c *copying) lacking(held *timetable) []time.Time {
	var out []time.Time
	for _, v := range c.view.Overrides {
		if id := c.view.id(v); held.override(id) == nil && !c.isOut(id) {
			out = append(out, id)
		}
	}
	return out
}

func (c *copying) isOut(id time.Time) bool { return among(c.out, id) }

// keeps tells whether v, an override in held that view does not have, is the attendee's own: one that says
// no more of the organiser's than the series does, or that has alarms of its own.
func (c *copying) keeps(v *ical.VEvent, id time.Time) bool {
	if c.isOut(id) || v.RangeFuture {
		return false
	}
	if _, is := c.view.at(id); !is {
		return false
	}
	series := c.held.Master
	if series == nil {
		series = c.view.Master
	}
	return !slices.Equal(keeping(v), keeping(series)) || c.held.asInSeries(v)
}

// exdates brings the instances that held's master excludes to those of view, and those that the attendee
// took out.
func (c *copying) exdates(j *joining) {
	view, held := c.view.Master, c.held.Master
	theirs, ours := c.held.out, c.view.out
	var back []time.Time
	for _, at := range missing(theirs, ours) {
		if c.staysOut(at) {
			c.out = append(c.out, at)
		} else {
			back = append(back, at)
		}
	}
	if len(back) > 0 {
		j.include(held, back)
	}
	start := view.Component.First("DTSTART")
	for _, at := range missing(ours, theirs) {
		j.zone(start)
		j.edit.Add(held.Component, inForm("EXDATE", c.view.Object, view, start, at))
		j.other = true
	}
}

// include takes back, sorted, out of the EXDATEs of master, a component of theirs.
func (j *joining) include(master *ical.VEvent, back []time.Time) {
	j.other = true
	for _, l := range master.Component.All("EXDATE") {
		var keep []string
		items := strings.Split(l.Value, ",")
		for _, item := range items {
			one := *l
			one.Value = item
			gone := slices.ContainsFunc(excluded(j.theirs.Object, master, []*ical.Line{&one}), func(at time.Time) bool {
				return among(back, at)
			})
			if !gone {
				keep = append(keep, item)
			}
		}
		switch {
		case len(keep) == 0:
			j.edit.Remove(l)
		case len(keep) < len(items):
			j.edit.SetValue(l, strings.Join(keep, ","))
		}
	}
}

// staysOut tells whether an instance that held excludes and view does not was taken out by the attendee
// and is to stay so.
func (c *copying) staysOut(at time.Time) bool {
	view, held := c.view.Master, c.held.Master
	raised := view.Sequence > held.Sequence || held.Cancelled() // who is invited anew has taken out nothing yet
	series := own(view, c.addresses)
	v := c.view.override(at)
	if v == nil {
		if _, is := c.view.at(at); !is {
			return c.same()
		}
		return !raised && c.takenOut(at) || series != nil && series.PartStat == "DECLINED"
	}
	moved := !v.Start.Time.Equal(at) || v.Start.AllDay != view.Start.AllDay
	mine := own(v, c.addresses)
	switch {
	case mine != nil && mine.PartStat == "DECLINED":
		return true
	case moved:
		return false
	case mine != nil && mine.PartStat != "DELEGATED":
		return false // taking it out declined it: it was out by the organiser's word, or was answered since
	}
	return !raised
}
