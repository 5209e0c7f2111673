package mtslink

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"joinery/conference"
)

const statsLimit = 32 << 20 // bytes; thousands of people, each with several visits

// An attendant is somebody in the statistics, who may have been at several sessions.
type attendant struct {
	Email      lax[string] `json:"email"` // missing for a guest without registration
	Name       lax[string] `json:"name"`
	SecondName lax[string] `json:"secondName"`
	Nickname   lax[string] `json:"nickname"`
	Sessions   []struct {
		ID          id               `json:"id"`
		StartsAt    stamp            `json:"startsAt"`
		Duration    lax[json.Number] `json:"duration"`          // seconds
		Involvement lax[json.Number] `json:"actualInvolvement"` // seconds
		Connections []connection     `json:"connections"`       // may be missing
	} `json:"eventSessions"`
}

// A connection is one visit. The form of its instants is not published.
type connection struct {
	Joined   json.RawMessage  `json:"joined"`
	Left     json.RawMessage  `json:"leaved"`
	Duration lax[json.Number] `json:"duration"` // seconds
}

// Attendance implements conference.Attender, from the statistics by participant. Of somebody whose
// connections are not told there is one visit without instants, of the time taken part. The
// service answers 404, and was seen to answer 406, where it has counted nothing.
func (p *Provider) Attendance(ctx context.Context, r conference.Room) ([]conference.Visit, error) {
	sessionID := r.Refs[RefSession]
	if sessionID == "" {
		return nil, &conference.Error{Kind: conference.Gone, Call: "attendance", Err: errors.New("the room has no session")}
	}
	s, err := p.getSession(ctx, sessionID)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	if r.Refs[RefEvent] != "" {
		query.Set("eventId", r.Refs[RefEvent])
	}
	from, to := s.period(p.now())
	setPeriod(query, from, to)
	var people []attendant
	err = p.do(ctx, call{method: http.MethodGet, path: "/stats/users", query: query, named: true, limit: statsLimit, out: &people})
	if answered(err, http.StatusNotFound, http.StatusNotAcceptable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var visits []conference.Visit
	for _, who := range people {
		visits = append(visits, who.visits(sessionID, s.StartsAt.Location())...)
	}
	slices.SortStableFunc(visits, func(a, b conference.Visit) int {
		if a.Joined.IsZero() != b.Joined.IsZero() { // those of whom it is not told last
			return cmp.Compare(b.Joined.Unix(), a.Joined.Unix())
		}
		return a.Joined.Compare(b.Joined)
	})
	return visits, nil
}

// period is when s was held, as far as it is told.
func (s session) period(now time.Time) (from, to time.Time) {
	from, to = s.StartsAt.Time, s.EndsAt.Time
	if planned := s.EstimatedAt.Time; from.IsZero() || !planned.IsZero() && planned.Before(from) {
		from = planned
	}
	if from.IsZero() {
		from = now.Add(-past)
	}
	if to.Before(from) {
		to = now
	}
	return from, to
}

// visits are who's in one session. Wall clocks without an offset are loc's, unless the session
// itself is told with one.
func (who attendant) visits(sessionID string, loc *time.Location) []conference.Visit {
	name := strings.TrimSpace(who.Name.it + " " + who.SecondName.it)
	visit := conference.Visit{Email: foldAddress(who.Email.it), Name: cmp.Or(name, who.Nickname.it)}
	var visits []conference.Visit
	for _, s := range who.Sessions {
		if string(s.ID) != sessionID {
			continue
		}
		if !s.StartsAt.IsZero() {
			loc = s.StartsAt.Location()
		}
		for _, c := range s.Connections {
			visit.Joined, visit.Left = instant(c.Joined, loc), instant(c.Left, loc)
			visit.Present = seconds(c.Duration)
			if visit.Present == 0 && !visit.Joined.IsZero() {
				visit.Present = max(visit.Left.Sub(visit.Joined), 0)
			}
			visits = append(visits, visit)
		}
		if len(s.Connections) > 0 {
			continue
		}
		visit.Joined, visit.Left, visit.Present = time.Time{}, time.Time{}, seconds(s.Involvement)
		if s.Connections == nil && s.Involvement.it == "" {
			visit.Present = seconds(s.Duration)
		}
		if visit.Present > 0 { // others were registered and did not come
			visits = append(visits, visit)
		}
	}
	return visits
}

// seconds reads a number of seconds; 0 if it says nothing sensible.
func seconds(n lax[json.Number]) time.Duration {
	value, err := n.it.Float64()
	if err != nil || !(value > 0 && value < 366*24*3600) {
		return 0
	}
	return time.Duration(value * float64(time.Second)).Round(time.Second)
}
