package change

import (
	"slices"
	"strconv"
	"strings"

	"joinery/caldav/ical"
	"joinery/store"
)

// The ways in which an event asks for a conference (docs/conferences.md).
const (
	ByProperty = "property" // X-JOINERY-CONFERENCE
	ByLocation = "location" // a provider's word in LOCATION
	ByResource = "resource" // the provider's resource is invited
	ByCategory = "category" // a category is a word
	ByRule     = "rule"     // the calendar's rule
	ByCopy     = "copy"     // traces of another booking of the same owner
)

// An Ask is one thing in an event that asks for a conference.
type Ask struct {
	By       string
	Provider string // name of the account
	Kind     string // conference.Kind
	Capacity int    // 0: not given
}

// same tells whether two asks want the same kind of conference from the same account.
func (a Ask) same(provider, kind string) bool { return a.Provider == provider && a.Kind == kind }

// fold makes a word comparable: trimmed, case-folded.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// maxWord is the longest token that is looked at, in bytes.
const maxWord = 200

// word looks a token up among all providers' words.
func (p *Policy) word(token string) (Ask, bool) {
	if len(token) > maxWord {
		return Ask{}, false
	}
	token = fold(token)
	if token == "" {
		return Ask{}, false
	}
	if p.words != nil {
		a, ok := p.words[token]
		return a, ok
	}
	for _, prov := range p.Providers {
		for w, kind := range prov.Words {
			if fold(w) == token {
				return Ask{Provider: prov.Name, Kind: kindOr(kind, prov.Kind)}, true
			}
		}
	}
	return Ask{}, false
}

// index prepares the look-up of words.
func (p *Policy) index() {
	words := map[string]Ask{}
	for _, prov := range p.Providers {
		for w := range prov.Words {
			a, _ := p.word(w)
			words[fold(w)] = a
		}
	}
	p.words = words
}

// resource looks an address up among the providers' resources.
func (p *Policy) resource(address string) (Ask, bool) {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || p.ServiceDomain == "" || !strings.EqualFold(domain, p.ServiceDomain) {
		return Ask{}, false
	}
	for _, prov := range p.Providers {
		if prov.Resource != "" && strings.EqualFold(prov.Resource, local) {
			kind := prov.Kind
			if a, ok := p.word(prov.Resource); ok && a.Provider == prov.Name {
				kind = a.Kind
			}
			return Ask{By: ByResource, Provider: prov.Name, Kind: kindOr(kind, "")}, true
		}
	}
	return Ask{}, false
}

func (p *Policy) provider(name string) (ProviderWords, bool) {
	for _, prov := range p.Providers {
		if prov.Name == name {
			return prov, true
		}
	}
	return ProviderWords{}, false
}

func (p *Policy) defaultProvider() (ProviderWords, bool) {
	for _, prov := range p.Providers {
		if prov.Default {
			return prov, true
		}
	}
	if len(p.Providers) > 0 {
		return p.Providers[0], true
	}
	return ProviderWords{}, false
}

func kindOr(kind, other string) string {
	switch {
	case kind != "":
		return kind
	case other != "":
		return other
	}
	return "meeting"
}

// asks lists what in v asks for a conference, the most deliberate first.
func (p *Policy) asks(v *ical.VEvent) []Ask {
	var out []Ask
	if l := v.Component.First(ical.PropRequest); l != nil {
		if a, ok := p.property(l); ok {
			out = append(out, a)
		}
	}
	if l := v.Component.First("LOCATION"); l != nil {
		for _, t := range ical.LocationTokens(l.Value) {
			if a, ok := p.word(t.Text); ok {
				a.By = ByLocation
				out = append(out, a)
			}
		}
	}
	for _, at := range v.Attendees {
		if a, ok := p.resource(at.Address); ok {
			out = append(out, a)
		}
	}
	for _, c := range v.Categories {
		if a, ok := p.word(c); ok {
			a.By = ByCategory
			out = append(out, a)
		}
	}
	return out
}

// property reads X-JOINERY-CONFERENCE;TYPE=WEBINAR;CAPACITY=200:ACCOUNT. An empty value, or a word
// that names no account, means the default account.
func (p *Policy) property(l *ical.Line) (Ask, bool) {
	prov, ok := p.provider(strings.TrimSpace(l.Text()))
	if !ok {
		if a, isWord := p.word(l.Text()); isWord {
			prov, _ = p.provider(a.Provider)
			prov.Kind = a.Kind
		} else if prov, ok = p.defaultProvider(); !ok {
			return Ask{}, false
		}
	}
	kind := strings.ToLower(l.Param("TYPE"))
	if kind != "webinar" && kind != "meeting" {
		kind = kindOr(prov.Kind, "")
	}
	capacity, _ := strconv.Atoi(l.Param("CAPACITY"))
	return Ask{By: ByProperty, Provider: prov.Name, Kind: kind, Capacity: max(capacity, 0)}, true
}

// ruleAsk is what the calendar's rule asks for, if it applies to v.
func (p *Policy) ruleAsk(rule string, v *ical.VEvent, local func(address string) bool) (Ask, bool) {
	switch rule {
	case "always":
	case "outside":
		if !slices.ContainsFunc(v.Attendees, func(a ical.Attendee) bool {
			_, resource := p.resource(a.Address)
			return !resource && strings.Contains(a.Address, "@") && !p.inside(a.Address) && !local(a.Address)
		}) {
			return Ask{}, false
		}
	default:
		return Ask{}, false
	}
	if foreignLink(v) {
		return Ask{}, false
	}
	prov, ok := p.defaultProvider()
	return Ask{By: ByRule, Provider: prov.Name, Kind: kindOr(prov.Kind, "")}, ok
}

// inside tells whether an address is of the organisation.
func (p *Policy) inside(address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// conferenceHosts are hosts of services whose links mean that an event has its conference already.
var conferenceHosts = []string{
	"zoom.us/", "zoom.com/", "meet.google.com/", "teams.microsoft.com/", "teams.live.com/", "webex.com/",
	"meet.jit.si/", "whereby.com/", "gotomeeting.com/", "bluejeans.com/", "telemost.yandex.ru/", "mts-link.ru/",
	"webinar.ru/", "salutejazz.ru/", "dion.vc/", "trueconf", "/bigbluebutton/", "ktalk.ru/", "vk.com/call/",
}

// foreignLink tells whether v carries some service's conference link.
func foreignLink(v *ical.VEvent) bool {
	if v.Component.First("CONFERENCE") != nil || v.Component.First("X-GOOGLE-CONFERENCE") != nil ||
		v.Component.First("X-MICROSOFT-SKYPETEAMSMEETINGURL") != nil {
		return true
	}
	text := strings.ToLower(v.Location + "\n" + v.URL + "\n" + v.Description)
	return strings.Contains(text, "https://") &&
		slices.ContainsFunc(conferenceHosts, func(h string) bool { return strings.Contains(text, h) })
}

// ways lists how asks ask for that provider and kind.
func ways(asks []Ask, provider, kind string) []string {
	var out []string
	for _, a := range asks {
		if a.same(provider, kind) && !slices.Contains(out, a.By) {
			out = append(out, a.By)
		}
	}
	return out
}

// allowed tells whether u may have conferences at all.
func (p *Policy) allowed(u *store.User) bool {
	if len(p.Who) == 0 {
		return true
	}
	return slices.ContainsFunc(p.Who, func(w string) bool {
		if strings.EqualFold(w, u.Login) {
			return true
		}
		return slices.ContainsFunc(u.Addresses, func(a string) bool {
			_, domain, _ := strings.Cut(a, "@")
			return strings.EqualFold(w, a) || strings.EqualFold(strings.TrimPrefix(w, "@"), domain)
		})
	})
}
