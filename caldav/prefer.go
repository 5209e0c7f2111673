package caldav

import (
	"net/http"
	"strings"
)

// preferences are those of RFC 8144 and the old Brief header that mean something here.
type preferences struct {
	minimal        bool // return=minimal, or Brief: t
	representation bool // return=representation
	noRoot         bool // depth-noroot
}

func parsePreferences(h http.Header) preferences {
	var p preferences
	for _, line := range h.Values("Prefer") {
		for _, item := range strings.Split(line, ",") {
			item, _, _ = strings.Cut(item, ";")
			name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			value = strings.Trim(strings.TrimSpace(value), `"`)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "return":
				switch strings.ToLower(value) {
				case "minimal":
					p.minimal = true
				case "representation":
					p.representation = true
				}
			case "return-minimal": // the drafts' spelling
				p.minimal = true
			case "return-representation":
				p.representation = true
			case "depth-noroot":
				p.noRoot = true
			}
		}
	}
	if strings.EqualFold(strings.TrimSpace(h.Get("Brief")), "t") {
		p.minimal = true
	}
	return p
}

// applied says in the answer which preference was followed.
func applied(h http.Header, preference string) {
	if preference != "" {
		h.Add("Preference-Applied", preference)
	}
	h.Add("Vary", "Prefer, Brief")
}
