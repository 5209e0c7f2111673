package caldav

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// An entityTag is one of RFC 9110 §8.8.3.
type entityTag struct {
	tag  string // without quotes; "*" for any
	weak bool
}

// parseTags reads the lists of If-Match and If-None-Match. What is no entity tag matches nothing,
// but tags that a client has left unquoted are taken as they are.
func parseTags(lines []string) []entityTag {
	var tags []entityTag
	for _, s := range lines {
		for {
			s = strings.TrimLeft(s, " \t,")
			if s == "" {
				break
			}
			var t entityTag
			if strings.HasPrefix(s, "W/") || strings.HasPrefix(s, "w/") {
				t.weak, s = true, s[2:]
			}
			if !strings.HasPrefix(s, `"`) {
				word, rest, _ := strings.Cut(s, ",")
				t.tag, s = strings.TrimSpace(word), rest
				tags = append(tags, t)
				continue
			}
			end := strings.IndexByte(s[1:], '"')
			if end < 0 {
				break
			}
			t.tag, s = s[1:1+end], s[end+2:]
			if t.tag == "*" {
				t.weak = true // a quoted star is a tag like any other, and none of ours
			}
			tags = append(tags, t)
		}
	}
	return tags
}

// conditions are the request's preconditions in the form of the write path.
func (q *request) conditions() change.Conditions {
	h := q.r.Header
	var c change.Conditions
	if v := h.Values("If-Match"); len(v) > 0 {
		c.IfMatchSet = true
		for _, t := range parseTags(v) {
			if !t.weak { // RFC 9110 §13.1.1: the strong comparison
				c.IfMatch = append(c.IfMatch, t.tag)
			}
		}
	}
	if q.ifTag != "" && !c.IfMatchSet {
		c.IfMatchSet, c.IfMatch = true, []string{q.ifTag}
	}
	if q.ifCal != nil {
		c.IfCalendar, c.IfSeq = q.ifCal.ID, q.ifCal.Seq
	}
	for _, t := range parseTags(h.Values("If-None-Match")) {
		c.IfNoneMatch = c.IfNoneMatch || t.tag == "*" && !t.weak
	}
	if v := h.Get("If-Schedule-Tag-Match"); v != "" {
		c.IfScheduleTagMatch = strings.Trim(strings.TrimSpace(v), `"`)
		if c.IfScheduleTagMatch == "" {
			c.IfScheduleTagMatch = `""` // no tag has a quote in it, so this matches nothing
		}
	}
	return c
}

// noneMatches tells whether If-None-Match names the object's tag, by the weak comparison.
func noneMatches(h http.Header, o *store.Object) bool {
	for _, t := range parseTags(h.Values("If-None-Match")) {
		if t.tag == o.ETag || t.tag == "*" && !t.weak {
			return true
		}
	}
	return false
}

// checkSource holds a COPY's source to If-Match (RFC 9110 §13.1.1).
func checkSource(c change.Conditions, o *store.Object) error {
	if c.IfMatchSet {
		ok := false
		for _, t := range c.IfMatch {
			ok = ok || t == "*" || t == o.ETag
		}
		if !ok {
			return errPrecondition
		}
	}
	if c.IfScheduleTagMatch != "" && c.IfScheduleTagMatch != o.ScheduleTag {
		return errPrecondition
	}
	return nil
}

// checkUnmodified evaluates If-Unmodified-Since, of which without If-Match the time of the last change
// tells (RFC 9110 §13.1.4). That is known to the second only, so the write path is given the entity tag.
func (q *request) checkUnmodified() error {
	h := q.r.Header
	since, err := http.ParseTime(h.Get("If-Unmodified-Since"))
	if err != nil || len(h.Values("If-Match")) > 0 || q.place.kind&kindMember == 0 {
		return nil
	}
	res, err := q.lookup(q.place)
	if errors.Is(err, errNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if res.obj.Modified.Truncate(time.Second).After(since) {
		return errPrecondition
	}
	q.ifTag = res.obj.ETag
	return nil
}

// checkResource holds what is there to the request's preconditions. Collections have no entity tag, so of
// If-Match they meet "*" alone.
func (q *request) checkResource(res *resource) error {
	cond := q.conditions()
	if res.obj != nil {
		if noneMatches(q.r.Header, res.obj) {
			return errPrecondition
		}
		return checkSource(cond, res.obj)
	}
	if cond.IfNoneMatch || cond.IfScheduleTagMatch != "" || cond.IfMatchSet && !slices.Contains(cond.IfMatch, "*") {
		return errPrecondition
	}
	return nil
}

var errPrecondition = refuse(http.StatusPreconditionFailed, "the resource is not as the request expects it")

// notModified answers a GET's conditions (RFC 9110 §13.2.2).
func notModified(h http.Header, o *store.Object) bool {
	if len(h.Values("If-None-Match")) > 0 {
		return noneMatches(h, o)
	}
	if since, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !o.Modified.IsZero() {
		return !o.Modified.Truncate(time.Second).After(since)
	}
	return false
}
