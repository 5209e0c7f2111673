package mtslink

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"joinery/conference"
)

// schedule is the part of a form that an event and its session share: title and time. The wall
// clock is that of the zone whose id is sent with it.
func (p *Provider) schedule(ctx context.Context, m conference.Meeting) (url.Values, error) {
	zone, err := p.zone(ctx, m.Zone, m.Start)
	if err != nil {
		return nil, err
	}
	wall := m.Start.In(zone.loc)
	form := url.Values{
		"name":                   {title(m)},
		"timezone":               {zone.id},
		"startsAt[date][year]":   {strconv.Itoa(wall.Year())},
		"startsAt[date][month]":  {strconv.Itoa(int(wall.Month()))},
		"startsAt[date][day]":    {strconv.Itoa(wall.Day())},
		"startsAt[time][hour]":   {strconv.Itoa(wall.Hour())},
		"startsAt[time][minute]": {strconv.Itoa(wall.Minute())},
	}
	if d := m.Duration(); d > 0 {
		form.Set("duration", isoDuration(d))
	}
	if m.Description != "" {
		form.Set("description", m.Description)
	}
	return form, nil
}

// creation is the form of POST /events, without the owner.
func (p *Provider) creation(ctx context.Context, m conference.Meeting) (url.Values, error) {
	form, err := p.schedule(ctx, m)
	if err != nil {
		return nil, err
	}
	form.Set("type", "meeting")
	if m.Kind == conference.KindWebinar {
		form.Set("type", "webinar")
	}
	// The service speaks Russian and English. A Ukrainian organiser gets English, which is
	// nobody's second choice by assumption; whoever left the language open, what the account has.
	switch m.Language {
	case "ru":
		form.Set("lang", "RU")
	case "":
	default:
		form.Set("lang", "EN")
	}
	// Whoever has the link may join: no password, no registration, no waiting room.
	form.Set("accessSettings[isPasswordRequired]", "0")
	form.Set("accessSettings[isRegistrationRequired]", "0")
	form.Set("accessSettings[isModerationRequired]", "0")
	form.Set("defaultRemindersEnabled", "false") // invitations and reminders are the calendar's
	form.Set("tags[0]", m.Key)
	return form, nil
}

// title is m's, fit for the service, which refuses an empty one.
func title(m conference.Meeting) string {
	if t := conference.FitTitle(m.Title, titleLimit); t != "" {
		return t
	}
	switch m.Language {
	case "ru":
		return "Встреча"
	case "uk":
		return "Зустріч"
	}
	return "Meeting"
}

// isoDuration writes d as the service's samples do: PT1H30M0S.
func isoDuration(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("PT%dH%dM%dS", int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60)
}
