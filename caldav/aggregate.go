package caldav

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"mime"
	"net/http"
	"slices"
	"strings"

	"joinery/caldav/ical"
	"joinery/store"
)

// refreshEvery is how often programs that subscribe to a calendar are asked to look (RFC 7986 §5.7).
const refreshEvery = "PT1H"

// getCalendar answers GET and HEAD of a calendar with all that is in it as one iCalendar object, for
// programs that subscribe to it. Its entity tag is weak: what changes while it is sent may stand in it.
func (q *request) getCalendar() error {
	var res *resource
	var members []member
	err := q.store.View(q.ctx(), func(tx *store.Tx) (err error) {
		if res, err = q.resolve(tx, q.place); err != nil || q.r.Method == http.MethodHead {
			return err
		}
		members, err = q.members(tx, res)
		return err
	})
	if err != nil {
		return err
	}
	tag := fmt.Sprintf("%s-%d-%d", tokenID(res.cal), res.cal.Seq, res.cal.PropSeq)
	h := q.w.Header()
	h.Set("ETag", `W/"`+tag+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if cond := q.conditions(); cond.IfMatchSet && !slices.Contains(cond.IfMatch, "*") {
		return errPrecondition // the strong comparison: it has a weak tag alone
	}
	if noneMatches(q.r.Header, &store.Object{ETag: tag}) {
		h.Add("Vary", "Accept-Encoding")
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": res.cal.Slug + ".ics"}))
	if q.r.Method == http.MethodHead {
		h.Set("Content-Type", calendarStream)
		h.Add("Vary", "Accept-Encoding")
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	return q.writeCalendar(res, members)
}

const calendarStream = "text/calendar; charset=utf-8"

func (q *request) writeCalendar(res *resource, members []member) error {
	head, err := calendarHead(res)
	if err != nil {
		return err
	}
	ms := &multistatus{stream: &stream{q: q, status: http.StatusOK, contentType: calendarStream}}
	ms.raw(head)
	a := aggregate{out: ms.stream, zones: map[string]uint64{}, seed: maphash.MakeSeed()}
	err = ms.pages(len(members), false, func(tx *store.Tx, i int) error {
		m, err := members[i].read(tx, res, true)
		if err != nil || m == nil {
			return err
		}
		ms.reads(m.obj)
		a.add(m.obj.Data)
		return nil
	})
	if err != nil {
		return err
	}
	ms.raw("END:VCALENDAR\r\n")
	return ms.close()
}

// calendarHead is a calendar up to its first component.
func calendarHead(res *resource) (string, error) {
	const begin, end = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n", "END:VCALENDAR\r\n"
	o, err := ical.Parse([]byte(begin+end), ical.Limits{})
	if err != nil {
		return "", fmt.Errorf("beginning a calendar: %w", err)
	}
	e := o.Edit()
	add := func(name, value string) {
		if value != "" {
			e.Add(o.Root, name+":"+value)
		}
	}
	name, description := ical.EscapeText(res.displayName()), ical.EscapeText(res.cal.Description)
	add("NAME", name)
	add("X-WR-CALNAME", name)
	add("DESCRIPTION", description)
	add("X-WR-CALDESC", description)
	add("X-APPLE-CALENDAR-COLOR", ical.EscapeText(res.cal.Color))
	add("X-WR-TIMEZONE", ical.EscapeText(zoneOf(res.cal, res.user).String()))
	add("REFRESH-INTERVAL;VALUE=DURATION", refreshEvery)
	add("X-PUBLISHED-TTL", refreshEvery)
	return strings.TrimSuffix(string(e.Bytes()), end), nil
}

// An aggregate puts the components of many objects into one, each time zone once.
type aggregate struct {
	out   *stream
	zones map[string]uint64 // what was written under a TZID, hashed
	seed  maphash.Seed
}

// add writes the components of an object as they stand, with CRLF at the ends of lines.
func (a *aggregate) add(data []byte) {
	data, hashes := a.rename(data)
	data, _ = wholeCharacters(data)
	eachComponent(data, func(name string, text []byte) {
		if name == "VTIMEZONE" {
			id := zoneID(text)
			if _, ok := a.zones[id]; ok {
				return
			}
			hash, ok := hashes[id]
			if !ok {
				hash = maphash.Bytes(a.seed, text)
			}
			a.zones[id] = hash
		}
		a.out.text.Write(text)
	})
}

// rename gives those time zones of an object other names that define one in another way than what was
// written under its name, and returns the hashes of these as they were. Names that everybody knows are
// left: they mean the same.
func (a *aggregate) rename(data []byte) ([]byte, map[string]uint64) {
	clash, hashes := map[string]string{}, map[string]uint64{}
	eachComponent(data, func(name string, text []byte) {
		if name != "VTIMEZONE" {
			return
		}
		id, hash := zoneID(text), maphash.Bytes(a.seed, text)
		was, ok := a.zones[id]
		if !ok || was == hash {
			return
		}
		if loc, _ := ical.ZoneByName(id); loc != nil {
			return
		}
		for n := 2; ; n++ {
			to := fmt.Sprintf("%s (%d)", id, n)
			if was, ok := a.zones[to]; !ok || was == hash {
				clash[id], hashes[to] = to, hash
				return
			}
		}
	})
	if len(clash) == 0 {
		return data, nil
	}
	o, err := ical.Parse(data, ical.Limits{Size: len(data) + 1})
	if err != nil {
		return data, nil
	}
	e := o.Edit()
	var edit func(c *ical.Component)
	edit = func(c *ical.Component) {
		for _, l := range c.Lines {
			if to := clash[l.Param("TZID")]; to != "" {
				e.SetParam(l, "TZID", to)
			}
			if to := clash[strings.TrimSpace(l.Value)]; to != "" && l.Name == "TZID" {
				e.SetValue(l, to)
			}
		}
		for _, child := range c.Children {
			edit(child)
		}
	}
	edit(o.Root)
	return e.Bytes(), hashes
}

// eachComponent calls f for each component right below VCALENDAR, with its name in upper case and its
// text, every line of which ends with CRLF. It reads lines, and knows no more of iCalendar than BEGIN and
// END.
func eachComponent(data []byte, f func(name string, text []byte)) {
	depth := 0
	var name string
	var text bytes.Buffer
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		folded := line[0] == ' ' || line[0] == '\t'
		begins := !folded && bytes.EqualFold(key, []byte("BEGIN"))
		ends := !folded && bytes.EqualFold(key, []byte("END"))
		if begins {
			if depth++; depth == 2 {
				name = strings.ToUpper(string(bytes.TrimSpace(value)))
				text.Reset()
			}
		}
		if depth > 1 {
			text.Write(line)
			text.WriteString("\r\n")
		}
		if ends {
			if depth--; depth == 1 {
				f(name, text.Bytes())
			}
		}
	}
}

// zoneID is the TZID of a VTIMEZONE's text, as it stands; empty if it has none.
func zoneID(text []byte) string {
	unfolded := strings.NewReplacer("\r\n ", "", "\r\n\t", "").Replace(string(text))
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		if head, value, ok := strings.Cut(line, ":"); ok {
			if head, _, _ = strings.Cut(head, ";"); strings.EqualFold(head, "TZID") {
				return strings.TrimSpace(value)
			}
		}
	}
	return ""
}
