package mtslink

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"joinery/conference"
)

const (
	ownersLive  = 5 * time.Minute // how long an answer about a member is believed
	refusedLive = time.Hour       // how long a member whose address is unconfirmed is left out
	ownersKept  = 10000           // members remembered at most
	membersPage = 50
	lectorsMost = 20 // each may have to be looked up before the event is made
)

// ownerCache remembers which address is which member; an empty id means that it is none that can
// own events.
type ownerCache struct {
	mu      sync.Mutex
	members map[string]cachedOwner // by folded address
}

type cachedOwner struct {
	id    string
	until time.Time
}

func (c *ownerCache) get(address string, now time.Time) (id string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.members[address]
	if !ok || !now.Before(found.until) {
		return "", false
	}
	return found.id, true
}

func (c *ownerCache) put(address, id string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.members == nil || len(c.members) >= ownersKept {
		c.members = make(map[string]cachedOwner)
	}
	c.members[address] = cachedOwner{id: id, until: until}
}

// owner is the id of the member whose address is host's, empty if there is none: the event then
// belongs to the account's owner.
func (p *Provider) owner(ctx context.Context, host conference.Person) (string, error) {
	address := foldAddress(host.Email)
	if address == "" {
		return "", nil
	}
	if found, ok := p.owners.get(address, p.now()); ok {
		return found, nil
	}
	found, err := p.member(ctx, address)
	if err != nil && !isKind(err, conference.Denied, conference.Invalid) {
		return "", err
	}
	if err != nil {
		// A key may be limited to sections without the members; a conference in the account
		// owner's name is better than none.
		p.log.WarnContext(ctx, "members cannot be read, the account's owner stands for them", "error", err)
	}
	p.owners.put(address, found, p.now().Add(ownersLive))
	return found, nil
}

// refuseOwner remembers that the service does not take host as an owner.
func (p *Provider) refuseOwner(ctx context.Context, host conference.Person) {
	p.log.WarnContext(ctx, "the organiser's account at the service is not confirmed, the account's owner hosts")
	p.owners.put(foldAddress(host.Email), "", p.now().Add(refusedLive))
}

// hand gives begun, which has not ended, to m's host, if that is a member and it is another's. An
// event whose host is no member stays whose it is. A refusal is no error: a conference in somebody
// else's name is better than one at a wrong time.
func (p *Provider) hand(ctx context.Context, eventID string, begun event, host conference.Person) error {
	now := begun.owner()
	if now == "" || begun.ownedBy(host) {
		return nil
	}
	owner, err := p.owner(ctx, host)
	if err != nil || owner == "" || owner == now {
		return err
	}
	err = p.putOwner(ctx, eventID, owner)
	if conference.ReasonOf(err) == conference.ReasonOwner {
		p.refuseOwner(ctx, host)
		return nil
	}
	if isKind(err, conference.Denied, conference.Invalid, conference.Gone) {
		p.log.WarnContext(ctx, "the event keeps its owner, who is not its organiser", "event", eventID, "error", err)
		return nil
	}
	return err
}

// lectors are the ids of those of people who are members, for the cards on the event's page. One
// who cannot be looked up has no card.
func (p *Provider) lectors(ctx context.Context, people []conference.Person) []string {
	var ids []string
	for _, person := range people[:min(len(people), lectorsMost)] {
		found, err := p.owner(ctx, person)
		if err != nil {
			p.log.WarnContext(ctx, "a presenter cannot be looked up", "error", err)
			break
		}
		if found != "" && !slices.Contains(ids, found) {
			ids = append(ids, found)
		}
	}
	return ids
}

// member looks the member with exactly this folded address up, empty if there is none. The
// service's filter may match parts of addresses, or be ignored.
func (p *Provider) member(ctx context.Context, address string) (string, error) {
	type member struct {
		ID    id     `json:"id"`
		Email string `json:"email"`
	}
	var found id
	query := url.Values{"email": {address}, "perPage": {strconv.Itoa(membersPage)}}
	c := call{method: http.MethodGet, path: "/organization/members", query: query, limit: listLimit}
	err := pages(ctx, p, c, membersPage, func(m member) id { return m.ID }, func(m member) bool {
		if foldAddress(m.Email) == address {
			found = m.ID
		}
		return found == ""
	})
	return string(found), err
}

// foldAddress makes addresses comparable; case is ignored in both parts, as everybody does.
func foldAddress(address string) string {
	return strings.ToLower(strings.TrimSpace(address))
}
