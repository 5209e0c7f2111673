package mtslink

import (
	"context"
	"errors"
	"fmt"

	"joinery/conference"
)

// Status implements conference.Stater.
func (p *Provider) Status(ctx context.Context, r conference.Room) (conference.Status, error) {
	var status conference.Status
	told := ""
	if known := r.Refs[RefSession]; known != "" {
		s, err := p.getSession(ctx, known)
		if err != nil {
			return "", err
		}
		status, told = statuses[s.Status], s.Status
	} else if known := r.Refs[RefEvent]; known != "" {
		e, err := p.getEvent(ctx, known)
		if err != nil {
			return "", err
		}
		status, told = e.state(), e.Status
	} else {
		return "", &conference.Error{Kind: conference.Gone, Call: "status", Err: errors.New("the room has no references")}
	}
	if status == "" {
		return "", &conference.Error{Kind: conference.Temporary, Call: "status", Err: fmt.Errorf("unknown status %.20q", told)}
	}
	return status, nil
}

// Start implements conference.Starter. A meeting that has ended cannot be started again: Gone.
func (p *Provider) Start(ctx context.Context, r conference.Room) error {
	return p.turn(ctx, r, "start", conference.StatusLive)
}

// Stop implements conference.Starter. A meeting that has not begun is not stopped, because that
// could not be taken back: Invalid.
func (p *Provider) Stop(ctx context.Context, r conference.Room) error {
	return p.turn(ctx, r, "stop", conference.StatusEnded)
}

// turn starts or stops r's session. A refusal is no error if the session is as wanted anyway:
// somebody else did it, or an answer was lost (reference §9: 404 and 500).
func (p *Provider) turn(ctx context.Context, r conference.Room, verb string, want conference.Status) error {
	sessionID := r.Refs[RefSession]
	if sessionID == "" {
		return &conference.Error{Kind: conference.Gone, Call: verb, Err: errors.New("the room has no session")}
	}
	status, err := p.Status(ctx, r)
	if err != nil || status == want {
		return err
	}
	switch {
	case verb == "start" && status == conference.StatusEnded:
		return &conference.Error{Kind: conference.Gone, Call: verb, Err: errors.New("the meeting has ended")}
	case verb == "stop" && status == conference.StatusPlanned:
		return &conference.Error{Kind: conference.Invalid, Call: verb, Err: errors.New("the meeting has not begun")}
	}
	err = p.putState(ctx, sessionID, verb)
	if err == nil {
		return nil
	}
	if status, readErr := p.Status(ctx, r); readErr == nil && status == want {
		return nil
	}
	return err
}
