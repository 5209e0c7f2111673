package mtslink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"joinery/conference"
)

// Reserve implements conference.Provider. The room that it returns with an error is what was
// reached. Only the making of the event can be Ambiguous: the session is looked for before it is
// posted, and the service refuses a second one. What is deleted by others meanwhile is Temporary:
// the next attempt begins anew.
func (p *Provider) Reserve(ctx context.Context, m conference.Meeting, known conference.Room, record func(conference.Room) error) (conference.Room, error) {
	room, err := p.reserve(ctx, m, known, record)
	if isKind(err, conference.Gone) {
		err = &conference.Error{Kind: conference.Temporary, Call: "reserve", Err: err}
	}
	return room, err
}

func (p *Provider) reserve(ctx context.Context, m conference.Meeting, known conference.Room, record func(conference.Room) error) (conference.Room, error) {
	room := known.Clone()
	var begun event
	var err error
	if room.Refs[RefEvent] != "" {
		if room, begun, err = p.resume(ctx, m, room); err != nil {
			return room, err
		}
	}
	if room.Refs[RefEvent] == "" {
		return p.create(ctx, m, record)
	}

	if !maps.Equal(room.Refs, known.Refs) || room.JoinURL != known.JoinURL {
		if err := record(room.Clone()); err != nil {
			return room, err
		}
	}
	if room.Refs[RefSession] == "" {
		if err := p.addSession(ctx, &room, record); err != nil {
			return room, err
		}
		if begun, err = p.getEvent(ctx, room.Refs[RefEvent]); err != nil {
			return room, err
		}
	}
	// What was begun was begun for the meeting of then.
	return p.bring(ctx, room, m, begun)
}

// create takes both steps from the beginning.
func (p *Provider) create(ctx context.Context, m conference.Meeting, record func(conference.Room) error) (conference.Room, error) {
	var none conference.Room
	form, err := p.creation(ctx, m)
	if err != nil {
		return none, err
	}
	owner, err := p.owner(ctx, m.Host)
	if err != nil {
		return none, err
	}
	if owner != "" {
		form.Set("ownerId", owner)
	}
	lectors := p.lectors(ctx, m.Presenters)
	for i, lector := range lectors {
		form.Set(lectorField(i), lector)
	}
	eventID, link, err := p.postEvent(ctx, form)
	if len(lectors) > 0 && answered(err, http.StatusBadRequest, http.StatusNotFound) {
		// Perhaps one is no member any more. The cards are the least of it.
		for i := range lectors {
			form.Del(lectorField(i))
		}
		eventID, link, err = p.postEvent(ctx, form)
	}
	if err != nil && owner != "" && conference.ReasonOf(err) == conference.ReasonOwner {
		// 403 `Event owner is not submitted`: nothing was made.
		p.refuseOwner(ctx, m.Host)
		form.Del("ownerId")
		eventID, link, err = p.postEvent(ctx, form)
	}
	if err != nil {
		return none, err
	}
	if eventID == "" {
		return none, &conference.Error{Kind: conference.Ambiguous, Call: "POST /events", Err: errors.New("the answer names no event")}
	}
	room := conference.Room{Refs: map[string]string{RefEvent: eventID}}
	if validLink(link) {
		room.JoinURL = link
	}
	if m.Description != "" {
		room.Refs[RefDescribed] = "1"
	}
	if err := record(room.Clone()); err != nil {
		return room, err
	}
	if room.JoinURL == "" {
		// The event is recorded; the next attempt replaces it.
		return room, &conference.Error{Kind: conference.Temporary, Call: "POST /events", Err: errors.New("the answer has no usable link")}
	}
	err = p.addSession(ctx, &room, record)
	return room, err
}

func lectorField(i int) string { return fmt.Sprintf("lectorIds[%d]", i) }

// resume looks at the event that an earlier attempt had reached. It returns the room to go on
// from, and the event as it is; a room without references if there is nothing to go on from.
func (p *Provider) resume(ctx context.Context, m conference.Meeting, room conference.Room) (conference.Room, event, error) {
	begun, err := p.getEvent(ctx, room.Refs[RefEvent])
	if isKind(err, conference.Gone) {
		// Perhaps it was replaced by an event whose answer was lost.
		found, ok, err := p.Find(ctx, m)
		if err != nil || !ok {
			return conference.Room{}, event{}, err
		}
		room = found
		if begun, err = p.getEvent(ctx, room.Refs[RefEvent]); isKind(err, conference.Gone) {
			return conference.Room{}, event{}, nil
		} else if err != nil {
			return room, event{}, err
		}
	} else if err != nil {
		return room, event{}, err
	}
	if begun.ended() {
		// It took place, or somebody stopped it; it stays as history.
		return conference.Room{}, event{}, nil
	}
	if room.JoinURL == "" && validLink(begun.Link) {
		room.JoinURL = begun.Link
	}
	if room.JoinURL == "" {
		// The link was in an answer that was lost, nobody has it, and it must not be built.
		if len(begun.Tags) > 0 && begun.key(func(tag string) bool { return tag == m.Key }) == "" {
			return conference.Room{}, event{}, nil // another's: left alone
		}
		p.log.InfoContext(ctx, "replacing an event whose link is not known", "event", room.Refs[RefEvent])
		return conference.Room{}, event{}, p.remove(ctx, room, begun)
	}
	if s, ok := begun.open(); ok && !begun.has(room.Refs[RefSession]) {
		room.Refs[RefSession] = string(s.ID)
	}
	return room, begun, nil
}

// has reports whether the session is e's.
func (e event) has(sessionID string) bool {
	for _, s := range e.Sessions {
		if string(s.ID) == sessionID && sessionID != "" {
			return true
		}
	}
	return false
}

// addSession takes the second step and records it. After an unclear answer, and after 409, it
// reads whether there is a session (reference §10).
func (p *Provider) addSession(ctx context.Context, room *conference.Room, record func(conference.Room) error) error {
	eventID := room.Refs[RefEvent]
	sessionID, err := p.postSession(ctx, eventID)
	if err == nil && sessionID == "" {
		err = &conference.Error{Kind: conference.Ambiguous, Call: "POST /events/{id}/sessions", Err: errors.New("the answer names no session")}
	}
	if isKind(err, conference.Ambiguous, conference.Invalid) {
		begun, readErr := p.getEvent(ctx, eventID)
		if s, ok := begun.open(); readErr == nil && ok {
			sessionID, err = string(s.ID), nil
		}
	}
	if isKind(err, conference.Ambiguous) {
		// Repeating is harmless: see above.
		err = &conference.Error{Kind: conference.Temporary, Call: "POST /events/{id}/sessions", Err: err}
	}
	if err != nil {
		return err
	}
	room.Refs[RefSession] = sessionID
	return record(room.Clone())
}
