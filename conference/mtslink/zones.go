package mtslink

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"joinery/conference"
)

// zonesLive is how long the service's list of zones is believed.
const zonesLive = 12 * time.Hour

// A zone is one of the service's time zones. Ids are the service's own numbers.
type zone struct {
	id  string
	loc *time.Location // its String is the IANA name
}

// moscow is the zone that every published sample knows, for when the list says nothing better.
// Its offset is constant.
func moscow() zone {
	loc, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		loc = time.FixedZone("Europe/Moscow", 3*3600)
	}
	return zone{id: "1", loc: loc}
}

type zoneCache struct {
	mu    sync.Mutex
	list  []zone
	until time.Time
}

// zone is the service's zone to express the instant at in, for an organiser who thinks in the
// zone called want.
func (p *Provider) zone(ctx context.Context, want string, at time.Time) (zone, error) {
	p.zones.mu.Lock()
	list, fresh := p.zones.list, p.now().Before(p.zones.until)
	p.zones.mu.Unlock()
	if !fresh {
		loaded, err := p.getZones(ctx)
		switch {
		case err == nil:
			list = loaded
			p.zones.mu.Lock()
			p.zones.list, p.zones.until = loaded, p.now().Add(zonesLive)
			p.zones.mu.Unlock()
		case list != nil: // yesterday's list is as good
		case isKind(err, conference.Denied):
			// A key may be limited to some sections. Moscow's wall clock says the same instant.
			p.log.WarnContext(ctx, "no list of time zones, using Europe/Moscow", "error", err)
		default:
			return zone{}, err
		}
	}
	return pickZone(list, want, at), nil
}

// getZones reads the zones (article 19513); those whose rules are not known here are left out.
func (p *Provider) getZones(ctx context.Context) ([]zone, error) {
	var out []struct {
		ID   id     `json:"id"`
		Name string `json:"name"`
	}
	if err := p.do(ctx, call{method: http.MethodGet, path: "/timezones", out: &out}); err != nil {
		return nil, err
	}
	list := make([]zone, 0, len(out))
	for _, z := range out {
		if loc, ok := loadZone(z.Name); ok && z.ID != "" {
			list = append(list, zone{id: string(z.ID), loc: loc})
		}
	}
	return list, nil
}

// loadZone is the zone of an IANA name; never the machine's own.
func loadZone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	return loc, err == nil
}

// pickZone chooses from list: the zone called want; else one that shows the same wall clock at
// that instant; else Europe/Moscow. A zone in which that wall clock happens twice, in the hour
// when summer time ends, is passed over, because a request cannot say which of the two is meant.
func pickZone(list []zone, want string, at time.Time) zone {
	for _, z := range list {
		if strings.EqualFold(z.loc.String(), want) && !twice(at, z.loc) {
			return z
		}
	}
	wanted, known := loadZone(want)
	if !known && want == "" {
		wanted, known = time.UTC, true
	}
	fallback := moscow()
	for _, z := range list {
		if known && offset(at, z.loc) == offset(at, wanted) && !twice(at, z.loc) {
			return z
		}
		if z.loc.String() == "Europe/Moscow" {
			fallback = z
		}
	}
	return fallback
}

func offset(at time.Time, loc *time.Location) int {
	_, seconds := at.In(loc).Zone()
	return seconds
}

// twice reports whether the wall clock of at in loc is also that of another instant.
func twice(at time.Time, loc *time.Location) bool {
	here := offset(at, loc)
	for _, near := range []time.Duration{-4 * time.Hour, 4 * time.Hour} {
		there := offset(at.Add(near), loc)
		other := at.Add(time.Duration(here-there) * time.Second)
		if there != here && offset(other, loc) == there {
			return true
		}
	}
	return false
}
