package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page returns the page that page (from 1) and perPage (one of sizes) name. A page past the end
// is empty.
func page[T any](query *params, all []T, size int, sizes ...int) ([]T, error) {
	if s, ok := query.text("perPage"); ok {
		n, err := strconv.Atoi(s)
		if err != nil || !slices.Contains(sizes, n) {
			return nil, badParameter("perPage")
		}
		size = n
	}
	number, ok, err := query.id("page")
	if err != nil {
		return nil, err
	}
	if !ok {
		number = 1
	}
	if number > int64(len(all)/size+1) {
		return nil, nil
	}
	from := int(number-1) * size
	return all[min(from, len(all)):min(from+size, len(all))], nil
}

// queryTime reads from and to: wall clock of the account's zone.
func (m *MTSLink) queryTime(query *params, name string) (time.Time, bool, error) {
	s, ok := query.text(name)
	if !ok {
		return time.Time{}, false, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02", "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, m.home); err == nil {
			return t, true, nil
		}
	}
	return time.Time{}, false, badParameter(name)
}

// schedule is GET /organization/events/schedule.
func (m *MTSLink) schedule(c mtsCall) (mtsAnswer, error) { return m.scheduleOf(c, 0) }

// userSchedule is GET /users/{id}/events/schedule.
func (m *MTSLink) userSchedule(c mtsCall) (mtsAnswer, error) {
	if _, ok := m.member(c.id); !ok {
		return mtsAnswer{}, errNoEntity
	}
	return m.scheduleOf(c, c.id)
}

// scheduleOf lists events by their planned start, section 5.5: ids, access and counters are
// strings here. That tags can be filtered is not confirmed, so they cannot.
func (m *MTSLink) scheduleOf(c mtsCall, owner int64) (mtsAnswer, error) {
	from, ok, err := m.queryTime(c.query, "from")
	if err != nil {
		return mtsAnswer{}, err
	}
	if !ok {
		return mtsAnswer{}, badParameter("from")
	}
	to, bounded, err := m.queryTime(c.query, "to")
	if err != nil {
		return mtsAnswer{}, err
	}
	statuses := c.query.texts("status")
	for _, s := range statuses {
		if s != mtsActive && s != mtsStart && s != mtsStop {
			return mtsAnswer{}, badParameter("status")
		}
	}
	name, _ := c.query.text("name")
	access, byAccess := c.query.text("access")
	var fit []*mtsEvent
	for _, e := range m.data.Events {
		first, last := e.span()
		if last.Before(from) || bounded && first.After(to) ||
			owner != 0 && e.Owner != owner ||
			len(statuses) > 0 && !slices.Contains(statuses, e.status()) ||
			name != "" && !strings.Contains(strings.ToLower(e.About.Name), strings.ToLower(name)) ||
			byAccess && strconv.Itoa(e.About.Access) != access {
			continue
		}
		fit = append(fit, e)
	}
	slices.SortStableFunc(fit, func(a, b *mtsEvent) int { return a.About.Start.Compare(b.About.Start) })
	fit, err = page(c.query, fit, 10, 10, 50, 100, 250)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	for _, e := range fit {
		list = append(list, m.listEvent(e))
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

// span returns the first and last planned start of the event and its sessions.
func (e *mtsEvent) span() (first, last time.Time) {
	first, last = e.About.Start, e.About.Start
	for _, s := range e.Sessions {
		if s.About.Start.Before(first) {
			first = s.About.Start
		}
		if s.About.Start.After(last) {
			last = s.About.Start
		}
	}
	return first, last
}

func (m *MTSLink) listEvent(e *mtsEvent) map[string]any {
	body := m.listAbout(e, e.About, e.ID, e.status())
	body["estimatedAt"] = mtsTime(e.About.Start, e.About.ZoneID)
	body["isArchive"], body["rule"] = "0", e.Rule
	body["createUserId"] = strconv.FormatInt(e.Owner, 10)
	if !e.Until.IsZero() {
		body["endsAt"] = mtsTime(e.Until, e.About.ZoneID)
	}
	sessions := []map[string]any{}
	for _, s := range e.Sessions {
		one := m.listAbout(e, s.About, s.ID, s.Status)
		one["eventId"] = strconv.FormatInt(e.ID, 10)
		one["participationsCount"] = strconv.Itoa(len(s.Participants))
		if !s.Began.IsZero() {
			one["startsAt"] = mtsTime(s.Began, s.About.ZoneID)
		}
		if !s.Ended.IsZero() {
			one["endsAt"] = mtsTime(s.Ended, s.About.ZoneID)
		}
		sessions = append(sessions, one)
	}
	body["eventSessions"] = sessions
	return body
}

func (m *MTSLink) listAbout(e *mtsEvent, a mtsAbout, id int64, status string) map[string]any {
	return map[string]any{
		"id": strconv.FormatInt(id, 10), "status": status, "access": strconv.Itoa(a.Access), "name": a.Name,
		"startsAt": mtsTime(a.Start, a.ZoneID), "type": e.Type, "timezoneName": zoneByID(a.ZoneID).Name,
		"tags": append([]string{}, e.Tags...), "files": []any{}, "lectors": m.describeLectors(e),
	}
}

func (m *MTSLink) describeLectors(e *mtsEvent) []map[string]any {
	list := []map[string]any{}
	for _, id := range e.Lectors {
		if member, ok := m.member(id); ok {
			list = append(list, describeMember(member))
		}
	}
	return list
}

func describeMember(member Member) map[string]any {
	name, second, _ := strings.Cut(member.Name, " ")
	return map[string]any{"id": member.ID, "name": name, "secondName": second, "email": member.Email}
}

// listMembers is GET /organization/members, section 5.9. The e-mail filter is exact, but for case.
func (m *MTSLink) listMembers(c mtsCall) (mtsAnswer, error) {
	id, byID, err := c.query.id("id")
	if err != nil {
		return mtsAnswer{}, err
	}
	role, err := c.query.oneOf("role", "", "admin", "lecturer")
	if err != nil {
		return mtsAnswer{}, err
	}
	email, byEmail := c.query.text("email")
	position, _ := c.query.text("position")
	var fit []Member
	for _, member := range m.members {
		if byID && member.ID != id || byEmail && !strings.EqualFold(member.Email, email) ||
			role != "" && role != m.role(member) || position != "" {
			continue
		}
		fit = append(fit, member)
	}
	fit, err = page(c.query, fit, 50, 10, 50, 100, 250, 500)
	if err != nil {
		return mtsAnswer{}, err
	}
	list := []map[string]any{}
	for _, member := range fit {
		body := describeMember(member)
		body["membershipId"], body["nickname"], body["role"] = member.ID-60_000, member.Name, m.role(member)
		body["position"], body["phone"] = "", ""
		list = append(list, body)
	}
	return mtsAnswer{http.StatusOK, list}, nil
}

func (m *MTSLink) role(member Member) string {
	if member.ID == m.owner {
		return "admin"
	}
	return "lecturer"
}

// emptyList answers what this account has none of: permanent meetings, recordings.
func (m *MTSLink) emptyList(mtsCall) (mtsAnswer, error) {
	return mtsAnswer{http.StatusOK, []any{}}, nil
}
