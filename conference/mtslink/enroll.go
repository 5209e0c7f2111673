package mtslink

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path"
	"slices"
	"strings"

	"joinery/conference"
)

// Enroll implements conference.Enroller. Hosts and presenters become ADMIN; a host who owns the
// event needs no place, and is returned with neither Ref nor Refused; so is somebody whom the service
// calls registered and does not list.
//
// People are registered by fifty. Those whom the service leaves out of its answer, because they were
// registered already or their entries are wrong, are looked for among those registered, and then
// registered one by one, which is answered with the cause.
//
// No error is Ambiguous: every step can be repeated.
func (p *Provider) Enroll(ctx context.Context, r conference.Room, people []conference.Participant, leave []conference.Registration) ([]conference.Registration, error) {
	e := &enrolment{
		p: p, session: r.Refs[RefSession], link: r.JoinURL, wanted: merge(people),
		places: make(map[string]place), refs: make(map[string]bool), refused: make(map[string]conference.Reason),
	}
	if e.session == "" {
		return nil, &conference.Error{Kind: conference.Gone, Call: "enroll", Err: errors.New("the room has no session")}
	}
	s, err := e.open(ctx)
	if err == nil && len(e.wanted)+len(leave) > 0 {
		err = e.bring(ctx, s, leave)
	}
	if isKind(err, conference.Invalid) {
		if _, over := e.open(ctx); over != nil {
			err = over
		}
	}
	if err != nil {
		return nil, err
	}
	return e.result(people), nil
}

// An enrolment is one run of Enroll. People are named by folded address.
type enrolment struct {
	p       *Provider
	session string
	link    string // the room's
	wanted  []conference.Participant
	owner   string           // the host, if the event is the host's own
	places  map[string]place // one of each person
	refs    map[string]bool  // all places
	refused map[string]conference.Reason
}

// open reads the session. One that has ended is an error of kind Gone: what it answers to changes
// is not published.
func (e *enrolment) open(ctx context.Context) (session, error) {
	s, err := e.p.getSession(ctx, e.session)
	if err == nil && s.Status == statusStop {
		err = &conference.Error{Kind: conference.Gone, Call: "enroll", Err: errors.New("the meeting has ended")}
	}
	return s, err
}

// A place is a registration at the service.
type place struct{ ref, role, link string }

// merge is people with each address once, folded, in the strongest of the roles that are asked for.
func merge(people []conference.Participant) []conference.Participant {
	strength := map[conference.ParticipantRole]int{conference.RoleHost: 2, conference.RolePresenter: 1}
	var merged []conference.Participant
	at := make(map[string]int)
	for _, person := range people {
		person.Email = foldAddress(person.Email)
		i, known := at[person.Email]
		if !known {
			at[person.Email] = len(merged)
			merged = append(merged, person)
			continue
		}
		merged[i].Name = cmp.Or(merged[i].Name, person.Name)
		if strength[person.Role] > strength[merged[i].Role] {
			merged[i].Role = person.Role
		}
	}
	return merged
}

// bring takes every step; s is the session as it is.
func (e *enrolment) bring(ctx context.Context, s session, leave []conference.Registration) error {
	for _, person := range e.wanted {
		owns, err := e.owns(ctx, s, person)
		if err != nil {
			return err
		}
		if owns {
			e.owner = person.Email
		}
	}
	if err := e.read(ctx); err != nil {
		return err
	}
	for _, person := range e.absent(e.wanted) {
		if !strings.Contains(person.Email, "@") {
			e.refused[person.Email] = conference.ReasonAddress
		} else if asksFields(s) {
			e.refused[person.Email] = conference.ReasonFields
		}
	}
	if err := e.add(ctx, e.absent(e.wanted)); err != nil {
		return err
	}
	if err := e.setRoles(ctx); err != nil {
		return err
	}
	return e.remove(ctx, leave)
}

// owns reports whether person is the host and the owner of the event.
func (e *enrolment) owns(ctx context.Context, s session, person conference.Participant) (bool, error) {
	if person.Role != conference.RoleHost {
		return false, nil
	}
	if s.CreateUser.it.Email != "" || s.owner() == "" {
		return s.ownedBy(person.Person), nil
	}
	member, err := e.p.owner(ctx, person.Person)
	return member != "" && member == s.owner(), err
}

func (e *enrolment) isOwner(address string) bool { return address != "" && address == e.owner }

// asksFields reports whether everybody who registers must fill fields that we do not have.
func asksFields(s session) bool {
	switch fields := s.Fields.(type) {
	case []any:
		return len(fields) > 0
	case map[string]any:
		return len(fields) > 0
	}
	return false
}

// read learns who is registered, besides those of whom it is known.
func (e *enrolment) read(ctx context.Context) error {
	return e.p.eachParticipation(ctx, e.session, func(n participation) {
		e.refs[string(n.ID)] = true
		address := foldAddress(n.Email)
		if _, known := e.places[address]; !known && address != "" {
			e.places[address] = place{ref: string(n.ID), role: strings.ToUpper(n.Role), link: e.personal(n.Token)}
		}
	})
}

// absent are those of people who need a place and are neither registered nor refused.
func (e *enrolment) absent(people []conference.Participant) []conference.Participant {
	var absent []conference.Participant
	for _, person := range people {
		_, registered := e.places[person.Email]
		_, refused := e.refused[person.Email]
		if !registered && !refused && !e.isOwner(person.Email) {
			absent = append(absent, person)
		}
	}
	return absent
}

// add registers missing.
func (e *enrolment) add(ctx context.Context, missing []conference.Participant) error {
	for part := range slices.Chunk(missing, inviteMost) {
		if len(missing) == 1 {
			break // registered alone, which is answered with the cause
		}
		taken, err := e.p.postInvite(ctx, e.session, part)
		switch {
		case conference.ReasonOf(err) == conference.ReasonFields:
			e.refuse(part, conference.ReasonFields)
			continue
		case isKind(err, conference.Invalid):
			// One wrong entry may spoil the whole call: each is registered alone.
			e.p.log.InfoContext(ctx, "people are refused together", "session", e.session, "people", len(part), "error", err)
			if _, err := e.open(ctx); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		for _, person := range part {
			for _, answer := range taken {
				if foldAddress(answer.Email) == person.Email {
					e.take(person, answer)
				}
			}
		}
	}
	left := e.absent(missing)
	if len(left) > 0 && len(missing) > 1 {
		if err := e.read(ctx); err != nil {
			return err
		}
		left = e.absent(left)
	}
	if len(missing) > 1 && len(left) > aloneMost {
		// So many that the service has dropped one by one would take longer than a call may.
		e.refuse(left[aloneMost:], conference.ReasonAddress)
		left = left[:aloneMost]
	}
	return e.addAlone(ctx, left)
}

// aloneMost is how many people are registered one by one, to learn why they were dropped.
const aloneMost = 10

// addAlone registers people one by one.
func (e *enrolment) addAlone(ctx context.Context, people []conference.Participant) error {
	unclear := false
	for i, person := range people {
		answer, err := e.p.postRegister(ctx, e.session, person)
		switch {
		case conference.ReasonOf(err) == conference.ReasonFields:
			e.refuse(people[i:], conference.ReasonFields)
			return e.readIf(ctx, unclear)
		case answered(err, http.StatusConflict):
			unclear = true
		case answered(err, http.StatusBadRequest, http.StatusUnprocessableEntity):
			e.p.log.InfoContext(ctx, "a person is refused", "session", e.session, "error", err)
			e.refused[person.Email] = conference.ReasonAddress
		case err != nil:
			return err
		case !e.take(person, answer):
			unclear = true
		}
	}
	return e.readIf(ctx, unclear)
}

// readIf learns who is registered, if answers left that unclear. A conflict about nobody is the
// session's, which may have ended.
func (e *enrolment) readIf(ctx context.Context, unclear bool) error {
	if !unclear {
		return nil
	}
	if _, err := e.open(ctx); err != nil {
		return err
	}
	return e.read(ctx)
}

func (e *enrolment) refuse(people []conference.Participant, why conference.Reason) {
	for _, person := range people {
		e.refused[person.Email] = why
	}
}

// take notes what the service answered about person; false if it names no place.
func (e *enrolment) take(person conference.Participant, answer invitation) bool {
	if answer.ID == "" {
		return false
	}
	e.places[person.Email] = place{ref: string(answer.ID), role: roleOf(person.Role), link: e.personal(answer.Link)}
	return true
}

// setRoles changes the roles that differ.
func (e *enrolment) setRoles(ctx context.Context) error {
	differ := make(map[string][]string)
	addresses := make(map[string]string) // by reference
	for _, person := range e.wanted {
		at, ok := e.places[person.Email]
		if role := roleOf(person.Role); ok && at.role != role && !e.isOwner(person.Email) {
			differ[role] = append(differ[role], at.ref)
			addresses[at.ref] = person.Email
		}
	}
	for _, role := range []string{roleAdmin, roleGuest} {
		err := e.inParts(ctx, "a participant keeps the role", differ[role], func(refs []string) error {
			if err := e.p.putRole(ctx, refs, role); err != nil {
				return err
			}
			for _, ref := range refs {
				at := e.places[addresses[ref]]
				at.role = role
				e.places[addresses[ref]] = at
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// remove takes the places in leave away, those that are still there and nobody's who is wanted.
func (e *enrolment) remove(ctx context.Context, leave []conference.Registration) error {
	for _, person := range e.wanted {
		delete(e.refs, e.places[person.Email].ref)
	}
	var refs []string
	for _, registration := range leave {
		ref := registration.Ref
		if ref == "" {
			ref = e.places[foldAddress(registration.Email)].ref
		}
		if e.refs[ref] && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return e.inParts(ctx, "a participant keeps the place", refs, func(refs []string) error {
		return e.p.deleteParticipations(ctx, refs)
	})
}

// inParts calls do with at most inviteMost of refs. The service refuses a whole list because of
// one that is gone: after such a refusal do is called with each alone, and one that is refused then
// too is left, which is logged as kept unless it is gone.
func (e *enrolment) inParts(ctx context.Context, kept string, refs []string, do func(refs []string) error) error {
	for part := range slices.Chunk(refs, inviteMost) {
		err := do(part)
		refused := isKind(err, conference.Gone, conference.Invalid)
		switch {
		case refused && len(part) > 1:
			for _, ref := range part {
				if err := e.inParts(ctx, kept, []string{ref}, do); err != nil {
					return err
				}
			}
		case isKind(err, conference.Gone):
		case refused:
			e.p.log.WarnContext(ctx, kept, "session", e.session, "participation", part[0], "error", err)
		case err != nil:
			return err
		}
	}
	return nil
}

// result is what stands for each of people.
func (e *enrolment) result(people []conference.Participant) []conference.Registration {
	roles := make(map[string]conference.ParticipantRole)
	for _, person := range e.wanted {
		roles[person.Email] = person.Role
	}
	list := make([]conference.Registration, 0, len(people))
	for _, person := range people {
		address := foldAddress(person.Email)
		registration := conference.Registration{Email: address, Role: roles[address]}
		if at, ok := e.places[address]; !ok {
			registration.Refused = e.refused[address]
		} else {
			registration.Ref, registration.Link = at.ref, at.link
			if at.role != roleOf(registration.Role) && !e.isOwner(address) {
				registration.Role = conference.RoleGuest
				if at.role != roleGuest {
					registration.Role = conference.RolePresenter
				}
			}
		}
		list = append(list, registration)
	}
	return list
}

// roleOf is the service's word for role.
func roleOf(role conference.ParticipantRole) string {
	if role == conference.RoleHost || role == conference.RolePresenter {
		return roleAdmin
	}
	return roleGuest
}

// splitName is the first word of a name and the rest, fit for the service.
func splitName(name string) (first, rest string) {
	first, rest, _ = strings.Cut(conference.FitTitle(name, titleLimit), " ")
	return first, strings.TrimSpace(rest)
}

// personal is the personal link, of which told is the token or the whole. Answers write the whole
// in two ways (reference §5.6), so that one that ends in a token is made from the room's link as
// well: asking twice gives the same. Without the room's link nothing is made (reference §11).
func (e *enrolment) personal(told string) string {
	token := told
	if validLink(told) {
		if token = path.Base(told); !isToken(token) {
			return told
		}
	}
	if e.link == "" || !validID(token) || strings.ContainsAny(e.link, "?#") {
		if validLink(told) {
			return told
		}
		return ""
	}
	return strings.TrimRight(e.link, "/") + "/" + token
}

// isToken reports whether s is a personal link's end: 32 hexadecimal digits.
func isToken(s string) bool {
	return len(s) == 32 && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}
