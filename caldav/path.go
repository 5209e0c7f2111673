package caldav

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"joinery/store"
)

// A kind is what stands at a path. Kinds are bits, so that a property can name several.
type kind uint16

const (
	kindRoot       kind = 1 << iota // /
	kindPrincipals                  // /principals/
	kindPrincipal                   // /principals/LOGIN/
	kindHomes                       // /calendars/
	kindHome                        // /calendars/LOGIN/
	kindCalendar                    // /calendars/LOGIN/SLUG/, there or not
	kindInbox
	kindOutbox
	kindObject    // /calendars/LOGIN/SLUG/NAME, there or not
	kindInboxItem // of the inbox, there or not, or of the outbox, which holds nothing
	kindNone      // nothing of ours

	kindAll    = kindNone - 1
	kindMember = kindObject | kindInboxItem
)

const (
	principalsPath = "/principals/"
	homesPath      = "/calendars/"
	wellKnownPath  = "/.well-known/caldav"

	// DefaultCalendar is the slug of the calendar that everybody begins with.
	DefaultCalendar = "calendar"

	inboxSlug  = "inbox"
	outboxSlug = "outbox"

	maxName = 512 // bytes of a path segment, decoded
)

// A place is a path, taken apart.
type place struct {
	kind  kind
	login string // as it stands in the path, decoded
	slug  string
	name  string
	slash bool // ends with a slash
}

// parsePath takes an encoded path apart. A slash inside a segment may be encoded; dots, empty
// segments and control characters are refused.
func parsePath(escaped string) (place, error) {
	if escaped == "" || escaped[0] != '/' {
		return place{}, refuse(http.StatusBadRequest, "the path does not begin with a slash")
	}
	if escaped == "/" {
		return place{kind: kindRoot, slash: true}, nil
	}
	p := place{slash: strings.HasSuffix(escaped, "/")}
	var seg []string
	for _, s := range strings.Split(strings.TrimSuffix(escaped[1:], "/"), "/") {
		d, err := url.PathUnescape(s)
		if err != nil {
			return place{}, refuse(http.StatusBadRequest, "the path is not well encoded")
		}
		if err := checkName(d); err != nil {
			return place{}, err
		}
		seg = append(seg, d)
	}
	p.kind = kindNone
	switch {
	case seg[0] == "principals" && len(seg) == 1:
		p.kind = kindPrincipals
	case seg[0] == "principals" && len(seg) == 2:
		p.kind, p.login = kindPrincipal, seg[1]
	case seg[0] == "calendars" && len(seg) == 1:
		p.kind = kindHomes
	case seg[0] == "calendars" && len(seg) == 2:
		p.kind, p.login = kindHome, seg[1]
	case seg[0] == "calendars" && len(seg) == 3:
		p.kind, p.login, p.slug = kindCalendar, seg[1], seg[2]
		switch p.slug {
		case inboxSlug:
			p.kind = kindInbox
		case outboxSlug:
			p.kind = kindOutbox
		}
	case seg[0] == "calendars" && len(seg) == 4:
		p.kind, p.login, p.slug, p.name = kindObject, seg[1], seg[2], seg[3]
		if p.slug == inboxSlug || p.slug == outboxSlug {
			p.kind = kindInboxItem
		}
	case seg[0] == "calendars" || seg[0] == "principals":
		p.login = seg[1] // deeper than anything that is here, but somebody's
	}
	return p, nil
}

// checkName refuses segments that could mean something else to somebody.
func checkName(s string) error {
	if s == "" || s == "." || s == ".." || len(s) > maxName || !utf8.ValidString(s) {
		return refuse(http.StatusBadRequest, "the path has an empty, dotted, overlong or malformed segment")
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == 0xFFFE || r == 0xFFFF {
			return refuse(http.StatusBadRequest, "the path has a control character")
		}
	}
	return nil
}

// of tells whether the place is the user's own. Thunderbird escapes the escapes of a principal's
// path once more, so a login may be encoded twice.
func (p place) of(u *store.User) bool {
	if strings.EqualFold(p.login, u.Login) {
		return true
	}
	if !strings.Contains(p.login, "%") {
		return false
	}
	once, err := url.PathUnescape(p.login)
	return err == nil && strings.EqualFold(once, u.Login)
}

// Paths of a user's things, encoded. '@' stays as it is.

func principalPath(login string) string { return principalsPath + url.PathEscape(login) + "/" }
func homePath(login string) string      { return homesPath + url.PathEscape(login) + "/" }
func calendarPath(login, slug string) string {
	return homePath(login) + url.PathEscape(slug) + "/"
}
func objectPath(login, slug, name string) string {
	return calendarPath(login, slug) + url.PathEscape(name)
}

// parseHref takes apart an href or Destination: a path, or an absolute URL whose host is one of
// hosts, with or without the scheme's own port.
func parseHref(href string, hosts ...string) (place, error) {
	href = strings.TrimSpace(href)
	if strings.Contains(href, "#") {
		return place{}, refuse(http.StatusBadRequest, "the address carries a fragment")
	}
	if strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//") {
		if strings.Contains(href, "?") {
			return place{}, refuse(http.StatusBadRequest, "the address carries a query")
		}
		return parsePath(href)
	}
	u, err := url.Parse(href)
	if err != nil || u.Host == "" || u.RawQuery != "" {
		return place{}, refuse(http.StatusBadRequest, "the address cannot be read")
	}
	usual := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	host := strings.TrimSuffix(u.Host, usual)
	for _, h := range hosts {
		if h != "" && strings.EqualFold(host, strings.TrimSuffix(h, usual)) {
			return parsePath(u.EscapedPath())
		}
	}
	return place{}, refuse(http.StatusBadGateway, "that address is not on this server")
}
