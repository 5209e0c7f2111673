package mtslink

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"joinery/conference"
)

// Limits of the calls about people.
const (
	inviteMost         = 50  // people a call (article 19671); kept for the other lists of people too
	participationsPage = 500 // the most that the service allows
	participationsFew  = 50  // a page of fewer is the last: fifty is the service's own size
)

// The roles of participants.
const (
	roleAdmin = "ADMIN" // host rights, without being a member of the organisation
	roleGuest = "GUEST"
)

// A participation is a person's place in a session.
type participation struct {
	ID    id     `json:"id"`
	Email string `json:"email"`
	Role  string `json:"role"`
	Token string `json:"url"` // of the personal link
}

// An invitation is the service's answer about one person.
type invitation struct {
	ID    id     `json:"participationId"`
	Email string `json:"email"`
	Link  string `json:"link"`
}

// describe sets the fields of one person; field turns a name into a form's field. The first word
// of the name goes before the others, as the service shows them.
func describe(form url.Values, field func(string) string, person conference.Participant) {
	form.Set(field("email"), person.Email)
	form.Set(field("role"), roleOf(person.Role))
	name, second := splitName(person.Name)
	if name != "" {
		form.Set(field("name"), name)
	}
	if second != "" {
		form.Set(field("secondName"), second)
	}
}

// postInvite registers several people, at most inviteMost, and returns those whom the service took;
// others are silently left out (article 19671).
func (p *Provider) postInvite(ctx context.Context, sessionID string, people []conference.Participant) ([]invitation, error) {
	form := url.Values{"isAutoEnter": {"true"}, "sendEmail": {"false"}}
	for i, person := range people {
		describe(form, func(name string) string { return fmt.Sprintf("users[%d][%s]", i, name) }, person)
	}
	var out []invitation
	err := p.do(ctx, call{method: http.MethodPost, path: "/eventsessions/{id}/invite", id: sessionID, form: form, again: true, out: &out})
	return out, err
}

// postRegister registers one person (article 19671). One who is registered already is answered
// with what is known, or with 409; both are published.
func (p *Provider) postRegister(ctx context.Context, sessionID string, person conference.Participant) (invitation, error) {
	form := url.Values{"isAutoEnter": {"true"}, "isAccepted": {"true"}, "sendEmail": {"false"}}
	describe(form, func(name string) string { return name }, person)
	var out invitation
	err := p.do(ctx, call{method: http.MethodPost, path: "/eventsessions/{id}/register", id: sessionID, form: form, again: true, out: &out})
	return out, err
}

// eachParticipation calls visit for everybody who is registered (article 19666).
func (p *Provider) eachParticipation(ctx context.Context, sessionID string, visit func(participation)) error {
	query := url.Values{"perPage": {strconv.Itoa(participationsPage)}}
	c := call{method: http.MethodGet, path: "/eventsessions/{id}/participations", id: sessionID, query: query, limit: listLimit}
	return pages(ctx, p, c, participationsFew, func(n participation) id { return n.ID }, func(n participation) bool {
		visit(n)
		return true
	})
}

// putRole gives participants another role (article 19615).
func (p *Provider) putRole(ctx context.Context, refs []string, role string) error {
	form := participationIDs(refs)
	form.Set("role", role)
	return p.do(ctx, call{method: http.MethodPut, path: "/participations/update", form: form, named: true})
}

// deleteParticipations takes participants' places away (article 19615).
func (p *Provider) deleteParticipations(ctx context.Context, refs []string) error {
	return p.do(ctx, call{method: http.MethodPost, path: "/participations/delete", form: participationIDs(refs), again: true, named: true})
}

func participationIDs(refs []string) url.Values {
	form := url.Values{}
	for i, ref := range refs {
		form.Set(fmt.Sprintf("participationIds[%d]", i), ref)
	}
	return form
}
