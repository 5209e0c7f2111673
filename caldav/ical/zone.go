package ical

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the same zones on every machine, also where the system has none
	"unicode"
)

// Location resolves a TZID as Time does; nil if it cannot be resolved.
//
// The order is: the IANA zone that is named by the TZID itself, by its tail after a slash
// (/freeassociation.sourceforge.net/Europe/Berlin), by the VTIMEZONE's X-LIC-LOCATION or X-TZINFO,
// or by a Windows name; the VTIMEZONE itself where there is no such zone, or where its offsets
// differ from it when the event takes place. The server's own zone (TZID=Local) is never meant.
func (o *Object) Location(tzid string) *time.Location {
	loc, _ := o.zone(tzid)
	return loc
}

// StandardZone tells whether a TZID is the IANA name of the zone that it resolves to: its VTIMEZONE, if there
// is one, says nothing that is not known without it.
func (o *Object) StandardZone(tzid string) bool {
	_, name := o.zone(tzid)
	return name != "" && name == tzid
}

// zonesInObject is how many TZIDs of one object are resolved: more than any writer uses, and few
// enough that a hostile object costs little.
const zonesInObject = 256

// A zoneMemo keeps the zones that an Object's TZIDs resolved to. The zero value is ready.
type zoneMemo struct {
	mu    sync.Mutex
	zones map[string]resolvedZone
}

type resolvedZone struct {
	loc  *time.Location // nil: unknown
	name string         // IANA
}

// zone is Location with the IANA name, "" where the VTIMEZONE itself serves.
func (o *Object) zone(tzid string) (*time.Location, string) {
	o.zones.mu.Lock()
	defer o.zones.mu.Unlock()
	z, ok := o.zones.zones[tzid]
	if !ok && len(o.zones.zones) < zonesInObject {
		z = o.resolve(tzid)
		if o.zones.zones == nil {
			o.zones.zones = map[string]resolvedZone{}
		}
		o.zones.zones[tzid] = z
	}
	return z.loc, z.name
}

func (o *Object) resolve(tzid string) resolvedZone {
	names := []string{tzid}
	vtimezone := o.vtimezone(tzid)
	if vtimezone != nil {
		names = append(names, vtimezone.Text("X-LIC-LOCATION"))
		info, _, _ := strings.Cut(vtimezone.Text("X-TZINFO"), "[") // Europe/Berlin[2026f]
		names = append(names, info)
	}
	var z resolvedZone
	for _, name := range names {
		if z.loc, z.name = zoneByName(name); z.loc != nil {
			break
		}
	}
	if vtimezone == nil {
		return z
	}
	own := ownZone(tzid, vtimezone)
	if own != nil && (z.loc == nil || !o.agrees(tzid, own, z.loc)) {
		return resolvedZone{loc: own.loc}
	}
	return z
}

// vtimezone finds the VTIMEZONE of that name; an exact match goes before one that differs in case.
func (o *Object) vtimezone(tzid string) *Component {
	if o.Root == nil {
		return nil
	}
	var found *Component
	for _, c := range o.Root.Children {
		if c.Name != "VTIMEZONE" {
			continue
		}
		switch id := c.Text("TZID"); {
		case id == tzid:
			return c
		case found == nil && strings.EqualFold(strings.TrimSpace(id), strings.TrimSpace(tzid)):
			found = c
		}
	}
	return found
}

// ZoneByName resolves a zone's name without any VTIMEZONE: an IANA name in any case, one with a
// prefix, or a Windows name. Nil and "" where it is none of these.
func ZoneByName(name string) (*time.Location, string) { return zoneByName(name) }

func zoneByName(name string) (*time.Location, string) {
	name = strings.Trim(strings.TrimSpace(name), `"`)
	if name == "" || len(name) > 255 {
		return nil, ""
	}
	if loc, iana := ianaZone(name); loc != nil {
		return loc, iana
	}
	if iana := windowsZones[strings.ToLower(name)]; iana != "" {
		return ianaZone(iana)
	}
	// The longest tail goes first, so that America/Argentina/Salta is found whole; no name has more
	// than three parts.
	parts := strings.Split(name, "/")
	for i := max(1, len(parts)-3); i < len(parts); i++ {
		if loc, iana := ianaZone(strings.Join(parts[i:], "/")); loc != nil {
			return loc, iana
		}
	}
	return nil, ""
}

// ianaZones keeps the zones that were loaded, by the spelling asked for. Only names that exist are
// kept, and only in their own spelling or the one that guess makes, so it stays small.
var ianaZones sync.Map // string → *time.Location

// ianaZone loads a zone by its IANA name, whose case need not be right.
func ianaZone(name string) (*time.Location, string) {
	if loc := loadZone(name); loc != nil {
		return loc, name
	}
	if guess := ianaSpelling(name); guess != name {
		if loc := loadZone(guess); loc != nil {
			return loc, guess
		}
	}
	return nil, ""
}

func loadZone(name string) *time.Location {
	if loc, ok := ianaZones.Load(name); ok {
		return loc.(*time.Location)
	}
	if !zoneName(name) {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	ianaZones.Store(name, loc)
	return loc
}

// zoneName tells whether name may be looked up. Beside zones, the systems' folders hold the
// server's own zone (Local, localtime, posixrules), copies with leap seconds (right) and whatever
// else a path may lead to.
func zoneName(name string) bool {
	switch name {
	case "", "Local", "localtime", "posixrules", "Factory":
		return false
	}
	if len(name) > 64 || !unicode.IsUpper(rune(name[0])) {
		return false // no zone begins so, and right/ and posix/ are copies
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '/', c == '_', c == '-', c == '+':
		default:
			return false
		}
	}
	return true
}

// ianaSpelling puts a name into the case that the IANA names have: each word begins with a capital
// letter, except a few; names of at most three letters, and those with digits, are capitals.
func ianaSpelling(name string) string {
	lower := strings.ToLower(name)
	if s := irregularZones[lower]; s != "" {
		return s
	}
	if !strings.Contains(lower, "/") && (len(lower) <= 3 || strings.ContainsAny(lower, "0123456789")) {
		return strings.ToUpper(lower)
	}
	b := []byte(lower)
	word := 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] >= 'a' && b[i] <= 'z' {
			continue
		}
		switch w := string(b[word:i]); {
		case w == "" || (w == "of" || w == "es" || w == "au") && word > 0:
		case (w == "gmt" || w == "utc" || w == "uct") && strings.HasPrefix(lower, "etc/"):
			copy(b[word:i], strings.ToUpper(w))
		default:
			b[word] -= 'a' - 'A'
		}
		word = i + 1
	}
	return string(b)
}

// irregularZones are the names that ianaSpelling's rule does not give.
var irregularZones = map[string]string{
	"america/argentina/comodrivadavia": "America/Argentina/ComodRivadavia",
	"america/knox_in":                  "America/Knox_IN",
	"america/north_dakota/new_salem":   "America/North_Dakota/New_Salem",
	"antarctica/dumontdurville":        "Antarctica/DumontDUrville",
	"antarctica/mcmurdo":               "Antarctica/McMurdo",
	"australia/act":                    "Australia/ACT",
	"australia/lhi":                    "Australia/LHI",
	"australia/nsw":                    "Australia/NSW",
	"brazil/denoronha":                 "Brazil/DeNoronha",
	"chile/easterisland":               "Chile/EasterIsland",
	"cuba":                             "Cuba",
	"eire":                             "Eire",
	"gb-eire":                          "GB-Eire",
	"gmt+0":                            "GMT+0",
	"gmt-0":                            "GMT-0",
	"gmt0":                             "GMT0",
	"iran":                             "Iran",
	"mexico/bajanorte":                 "Mexico/BajaNorte",
	"mexico/bajasur":                   "Mexico/BajaSur",
	"nz-chat":                          "NZ-CHAT",
	"w-su":                             "W-SU",
}
