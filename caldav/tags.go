package caldav

import (
	"encoding/xml"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"

	"joinery/store"
)

// tagPage is how many tags are read in one View.
const tagPage = 2048

// A tagList writes the responses of members of which only what an index of the store holds is asked:
// what clients ask of all members, and of those that changed, to find out which to fetch.
type tagList struct {
	ms    *multistatus
	open  string // the beginning of a response, up to the member's name
	names []xml.Name
}

// tagList returns one for the members of a collection; nil where more is asked of them.
func (q *request) tagList(ms *multistatus, of *resource, pq *propQuery) *tagList {
	if of.kind&(kindCalendar|kindInbox) == 0 || pq.allprop || pq.propname || pq.data != nil || len(pq.names) == 0 {
		return nil
	}
	for _, n := range pq.names {
		switch n {
		case dav("getetag"), dav("getcontenttype"), dav("resourcetype"):
		default:
			return nil
		}
	}
	return &tagList{ms: ms, open: "<D:response><D:href>" + escape(of.href()), names: pq.names}
}

// members writes the responses of all members. One that is changed while the answer is under way is
// told of once (RFC 6578 §3.5), as it is when its turn comes, and again with the next synchronisation.
func (t *tagList) members(cal *store.Calendar) error {
	if cal.ID == 0 {
		return nil // an inbox that never held anything
	}
	var told []uint64 // hashes of names: only those that changed meanwhile are looked for
	seed := maphash.MakeSeed()
	for after, n := int64(0), tagPage; n == tagPage; {
		n = 0
		err := t.ms.q.store.View(t.ms.q.ctx(), func(tx *store.Tx) error {
			return tx.EachTag(cal.ID, after, tagPage, func(seq int64, name, component, etag []byte) error {
				n, after = n+1, seq
				hash := maphash.Bytes(seed, name)
				if seq <= cal.Seq || !slices.Contains(told, hash) {
					told = append(told, hash)
					t.member(name, component, etag)
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		if err := t.ms.send(); err != nil {
			return err
		}
	}
	return nil
}

// changes writes the responses of members that changed, as they were when these were listed.
func (t *tagList) changes(list []store.Change) error {
	for i := range list {
		c := &list[i]
		if c.Removed {
			t.ms.raw(t.open + escape(url.PathEscape(c.Name)) + "</D:href>" + statusXML(http.StatusNotFound) + "</D:response>")
		} else {
			t.member([]byte(c.Name), []byte(c.Component), []byte(c.ETag))
		}
		if t.ms.text.Len() < pageBytes {
			continue
		}
		if err := t.ms.send(); err != nil {
			return err
		}
	}
	return nil
}

// member writes one response.
func (t *tagList) member(name, component, etag []byte) {
	b := &t.ms.text
	b.WriteString(t.open)
	t.segment(name)
	b.WriteString("</D:href><D:propstat><D:prop>")
	for _, n := range t.names {
		switch n.Local {
		case "getetag":
			b.WriteString(`<D:getetag>"`)
			t.plain(etag)
			b.WriteString(`"</D:getetag>`)
		case "getcontenttype":
			b.WriteString("<D:getcontenttype>" + calendarText)
			if len(component) > 0 {
				b.WriteString("; component=")
				t.plain(component)
			}
			b.WriteString("</D:getcontenttype>")
		default:
			b.WriteString("<D:resourcetype/>")
		}
	}
	b.WriteString("</D:prop>" + statusOK + "</D:propstat></D:response>")
}

// segment writes the last segment of a path, encoded.
func (t *tagList) segment(name []byte) {
	for _, c := range name {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || c == '-' || c == '.' || c == '_' || c == '@') {
			t.ms.text.WriteString(escape(url.PathEscape(string(name))))
			return
		}
	}
	t.ms.text.Write(name)
}

// plain writes text.
func (t *tagList) plain(text []byte) {
	for _, c := range text {
		if !plain(c) {
			t.ms.text.WriteString(escape(string(text)))
			return
		}
	}
	t.ms.text.Write(text)
}
