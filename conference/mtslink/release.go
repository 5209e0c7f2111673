package mtslink

import (
	"context"

	"joinery/conference"
)

// Release implements conference.Provider. A live session is stopped, which is final; then the
// session and the event are deleted, and nobody is mailed. Deleting the only session of an event
// deletes the event too, so that 404 is what is usually answered to the last call.
func (p *Provider) Release(ctx context.Context, r conference.Room) error {
	eventID, sessionID := r.Refs[RefEvent], r.Refs[RefSession]
	if eventID == "" && sessionID == "" {
		return nil
	}
	var begun event
	var err error
	if eventID != "" {
		begun, err = p.getEvent(ctx, eventID)
	}
	if err == nil && sessionID != "" && !begun.has(sessionID) {
		var s session
		if s, err = p.getSession(ctx, sessionID); err == nil {
			s.ID = id(sessionID)
			begun.Sessions = append(begun.Sessions, s)
		} else if eventID != "" && isKind(err, conference.Gone) {
			err = nil
		}
	}
	if isKind(err, conference.Gone) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.remove(ctx, r, begun)
}

// remove deletes the event begun, which is r's, with its sessions. Finished sessions that are not
// r's are left; where r knows of none, the session's answer was lost, and a finished one is what an
// earlier release has stopped.
func (p *Provider) remove(ctx context.Context, r conference.Room, begun event) error {
	for _, s := range begun.Sessions {
		if known := r.Refs[RefSession]; s.Status == statusStop && known != "" && string(s.ID) != known {
			continue
		}
		if s.Status == statusStart {
			if err := p.putState(ctx, string(s.ID), "stop"); err != nil && !isKind(err, conference.Gone) {
				return err
			}
		}
		err := p.deleteSession(ctx, string(s.ID))
		// What a finished session answers is not published; the event's deletion decides.
		if err != nil && !isKind(err, conference.Gone) && (s.Status == statusActive || !isKind(err, conference.Invalid)) {
			return err
		}
	}
	if r.Refs[RefEvent] == "" {
		return nil
	}
	if err := p.deleteEvent(ctx, r.Refs[RefEvent]); err != nil && !isKind(err, conference.Gone) {
		return err
	}
	return nil
}
