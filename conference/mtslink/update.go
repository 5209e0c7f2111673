package mtslink

import (
	"context"
	"errors"
	"maps"

	"joinery/conference"
)

// Update implements conference.Provider. The event and its session are edited one after the other,
// as the service asks for single events; of a live one only the session can be edited, of one that
// has ended nothing, which is Gone. An event that has not begun is handed to m's host, where that is a member.
func (p *Provider) Update(ctx context.Context, r conference.Room, m conference.Meeting) (conference.Room, error) {
	if r.Refs[RefEvent] == "" {
		return r, &conference.Error{Kind: conference.Gone, Call: "update", Err: errors.New("the room has no event")}
	}
	begun, err := p.getEvent(ctx, r.Refs[RefEvent])
	if err != nil {
		return r, err
	}
	return p.bring(ctx, r.Clone(), m, begun)
}

// bring makes the event, which is as begun says, what m asks for.
func (p *Provider) bring(ctx context.Context, room conference.Room, m conference.Meeting, begun event) (conference.Room, error) {
	ended := &conference.Error{Kind: conference.Gone, Call: "update", Err: errors.New("the meeting has ended")}
	form, err := p.schedule(ctx, m)
	if err != nil {
		return room, err
	}
	if m.Description != "" {
		room.Refs[RefDescribed] = "1"
	} else if room.Refs[RefDescribed] != "" {
		form.Set("description", "")
	}

	s, ok, err := p.sessionOf(ctx, begun, room.Refs[RefSession])
	if err != nil {
		return room, err
	}
	if !ok {
		if err := p.addSession(ctx, &room, func(conference.Room) error { return nil }); err != nil {
			return room, err
		}
		s = session{ID: id(room.Refs[RefSession]), Status: statusActive}
	}
	room.Refs[RefSession] = string(s.ID)
	if begun.Status == statusStop || s.Status == statusStop {
		return room, ended
	}

	if begun.Status != statusStart && s.Status != statusStart {
		err := p.putEvent(ctx, room.Refs[RefEvent], form)
		if isKind(err, conference.Gone, conference.Invalid) {
			// It may have begun, or ended, since it was looked at.
			now, readErr := p.getSession(ctx, string(s.ID))
			switch {
			case readErr != nil:
				err = readErr
			case now.Status == statusStop:
				err = ended
			case now.Status == statusStart:
				err = nil
			}
		}
		if err != nil {
			return room, err
		}
	}

	form = maps.Clone(form)
	form.Set("sendEmail", "false") // the service would tell people of the new time itself
	if err := p.putSession(ctx, string(s.ID), form); err != nil {
		if isKind(err, conference.Invalid) {
			if now, readErr := p.getSession(ctx, string(s.ID)); readErr == nil && now.Status == statusStop {
				return room, ended
			}
		}
		return room, err
	}
	if s.Status == statusStart {
		return room, nil
	}
	return room, p.hand(ctx, room.Refs[RefEvent], begun, m.Host)
}

// sessionOf is the session of e to work on: the known one, else one that has not ended, else one
// that has. ok is false when e has none.
func (p *Provider) sessionOf(ctx context.Context, e event, known string) (s session, ok bool, err error) {
	for _, s := range e.Sessions {
		if string(s.ID) == known {
			return s, true, nil
		}
	}
	if s, ok := e.open(); ok {
		return s, true, nil
	}
	if len(e.Sessions) > 0 {
		return e.Sessions[0], true, nil
	}
	if known == "" {
		return session{}, false, nil
	}
	// Attributes may be missing from an answer (reference §12): ask for it.
	s, err = p.getSession(ctx, known)
	if isKind(err, conference.Gone) {
		return session{}, false, nil
	}
	s.ID = id(known)
	return s, err == nil, err
}
