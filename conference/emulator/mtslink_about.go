package emulator

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The longest name that is taken. The vendor publishes no figure; 255 is an LMS's (section 8).
const mtsNameLimit = 255

// mtsAbout is what events and sessions have in common and what sessions inherit.
type mtsAbout struct {
	Name         string
	Description  string
	Start        time.Time // the planned start
	ZoneID       int64
	Duration     string // display only
	Lang         string
	Access       int
	Password     bool // accessSettings
	Registration bool
	Moderation   bool
	Image        string
}

// readAbout reads what c sets of a, leaving the rest. now is the default start if there is none yet.
func readAbout(p *params, a *mtsAbout, home *time.Location, now time.Time) error {
	if p.has("name") {
		name, _ := p.text("name")
		if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > mtsNameLimit {
			return badParameter("name")
		}
		a.Name = name
	}
	if s, ok := p.text("description"); ok {
		a.Description = s
	}
	if s, ok := p.text("image"); ok {
		a.Image = s
	}
	var err error
	if a.Lang, err = p.oneOf("lang", a.Lang, "RU", "EN"); err != nil {
		return err
	}
	if a.Duration, err = p.duration("duration", a.Duration); err != nil {
		return err
	}
	id, ok, err := p.id("timezone")
	if err != nil {
		return err
	}
	if ok {
		if zoneByID(id).ID == 0 {
			return badParameter("timezone")
		}
		a.ZoneID = id
	} else if a.ZoneID == 0 {
		a.ZoneID = zoneByName(home.String()).ID
	}
	start, ok, err := p.moment("startsAt", zoneByID(a.ZoneID).location())
	if err != nil {
		return err
	}
	switch {
	case ok:
		a.Start = start
	case a.Start.IsZero():
		a.Start = now.Truncate(time.Minute)
	}
	return readAccess(p, a)
}

// The archived form of the access settings (section 4.1): password, registration, moderation.
var mtsAccess = map[int][3]bool{
	1:  {false, false, false},
	3:  {true, false, false},
	4:  {false, true, false},
	6:  {true, true, false},
	8:  {false, true, true},
	10: {true, false, true},
}

func readAccess(p *params, a *mtsAbout) error {
	if s, ok := p.text("access"); ok {
		n, err := strconv.Atoi(s)
		flags, known := mtsAccess[n]
		if err != nil || !known {
			return badParameter("access")
		}
		a.Access, a.Password, a.Registration, a.Moderation = n, flags[0], flags[1], flags[2]
	}
	settings := false
	for _, flag := range []struct {
		name string
		to   *bool
	}{{"isPasswordRequired", &a.Password}, {"isRegistrationRequired", &a.Registration}, {"isModerationRequired", &a.Moderation}} {
		on, ok, err := p.bit("accessSettings", flag.name)
		if err != nil {
			return err
		}
		if ok {
			*flag.to, settings = on, true
		}
	}
	if settings {
		// A combination without an archived number stays at the nearest, free.
		a.Access = 1
		for n, flags := range mtsAccess {
			if flags == [3]bool{a.Password, a.Registration, a.Moderation} {
				a.Access = n
			}
		}
	}
	if password, _ := p.text("password"); a.Password && password == "" && (settings || p.has("access")) {
		return badParameter("password")
	}
	return nil
}
