package change

import (
	"joinery/caldav/ical"
	"joinery/conference"
	"joinery/store"
)

// meeting is what is asked of the provider for o: titles and lengths that it does not take are cut for it
// alone.
func (c *Changer) meeting(b *store.Booking, o occasion, p *Present) conference.Meeting {
	prov, _ := c.opts.Policy.provider(b.Provider)
	v, start, end := o.vevent, o.start, o.end
	if prov.MaxLong > 0 && end.Sub(start) > prov.MaxLong {
		end = start.Add(prov.MaxLong)
	}
	title := conference.FitTitle(v.Summary, prov.MaxTitle)
	hidden := private(p.Event, v)
	switch {
	case hidden:
		title = textPrivate.in(p.User.Locale)
	case title == "":
		title = textMeeting.in(p.User.Locale)
	}
	m := conference.Meeting{
		Title: title, Start: start.UTC(), End: end.UTC(), Zone: v.Start.Zone,
		Host: c.host(v, p), Kind: conference.Kind(b.Kind), Capacity: b.Capacity, Language: p.User.Locale,
	}
	if m.Zone == "" {
		m.Zone = p.Zone.String()
	}
	if c.opts.Policy.Register {
		m.Presenters = presenters(v, p.User)
	}
	if c.opts.Policy.SendAgenda && !hidden {
		m.Description = ical.WithoutBlock(v.Description)
	}
	return m
}

// private tells whether an occurrence's title and agenda are nobody else's affair: its own words or its
// series' say so. A word that nobody knows says so too (RFC 5545 §3.8.1.3).
func private(e *ical.Event, v *ical.VEvent) bool {
	secret := func(v *ical.VEvent) bool { return v.Class != "PUBLIC" }
	return secret(v) || e.Master != nil && secret(e.Master)
}
