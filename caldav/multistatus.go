package caldav

import (
	"fmt"
	"io"
	"net/http"

	"joinery/store"
)

// What a page of a long answer holds at most: items that are read in one View, bytes of these, and
// bytes of the answer (after either of which one item more may have been read or written).
const (
	pageItems = 256
	pageRead  = 1 << 20
	pageBytes = 256 << 10

	// manyBytes on one page, as of an object expanded, take memory until the client has them.
	manyBytes = 4 * pageBytes
)

// A multistatus is a 207 answer under way (RFC 4918 §13).
type multistatus struct {
	*stream
	minimal bool
	read    int // bytes of objects on this page, whether or not they were written
}

func (q *request) startMultistatus() *multistatus {
	h := q.w.Header()
	h.Add("Vary", "Prefer, Brief")
	if q.prefer.minimal {
		h.Add("Preference-Applied", "return=minimal")
	}
	ms := &multistatus{stream: q.startXML(http.StatusMultiStatus), minimal: q.prefer.minimal}
	ms.raw(`<D:multistatus` + rootNamespaces + `>`)
	return ms
}

// pages has each write the responses of items 0 to n-1 in short Views, and sends them between these:
// a client that takes its answer slowly, or not at all, keeps no reader of the store from others.
// So an item is read as it is when its turn comes, which may be later than what the list of items
// and the answer's sync token were taken from; then the client is told of it again next time.
// Where each parses objects every page waits for its turn.
func (ms *multistatus) pages(n int, parses bool, each func(tx *store.Tx, i int) error) error {
	for i := 0; i < n; {
		var err error
		if i, err = ms.page(i, n, parses, each); err != nil {
			return err
		}
	}
	return nil
}

// page writes and sends the responses from item i, and returns the first that is left.
func (ms *multistatus) page(i, n int, parses bool, each func(tx *store.Tx, i int) error) (int, error) {
	leave := func() {}
	if parses {
		var err error
		if leave, err = ms.q.turn(); err != nil {
			return i, err
		}
	}
	defer leave()
	ms.read = 0
	err := ms.q.store.View(ms.q.ctx(), func(tx *store.Tx) error {
		for first := i; i < n && i-first < pageItems && ms.read < pageRead && ms.text.Len() < pageBytes; i++ {
			if err := each(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return i, err
	}
	if ms.text.Len() < manyBytes {
		leave() // a device that takes its answer slowly does not hold up its owner's others
	}
	return i, ms.send()
}

// reads counts what was read of an object towards the end of the page: to parse it takes its time,
// also where little or nothing of it is written.
func (ms *multistatus) reads(o *store.Object) {
	if o != nil {
		ms.read += len(o.Data)
	}
}

// propstat is one group of a response.
type propstat struct {
	status int
	props  string
	err    string // element of the DAV:error, empty: none
}

// response writes one response with its properties. With return=minimal what was not found is
// left out (RFC 8144 §2.1).
func (ms *multistatus) response(href string, groups []propstat) {
	ms.raw("<D:response><D:href>")
	ms.raw(escape(href))
	ms.raw("</D:href>")
	written := false
	for _, g := range groups {
		if g.props == "" || ms.minimal && g.status == http.StatusNotFound {
			continue
		}
		written = true
		g.write(&ms.text)
	}
	if !written {
		propstat{status: http.StatusOK}.write(&ms.text)
	}
	ms.raw("</D:response>")
}

// write writes the group; what it writes to does not fail.
func (g propstat) write(w io.StringWriter) {
	raw := func(xml string) { _, _ = w.WriteString(xml) }
	raw("<D:propstat><D:prop>")
	raw(g.props)
	raw("</D:prop>")
	raw(statusXML(g.status))
	if g.err != "" {
		raw("<D:error>" + g.err + "</D:error>")
	}
	raw("</D:propstat>")
}

// status writes one response that has a status and no properties.
func (ms *multistatus) status(href string, status int, errElement string) {
	ms.raw("<D:response>" + hrefXML(href) + statusXML(status))
	if errElement != "" {
		ms.raw("<D:error>" + errElement + "</D:error>")
	}
	ms.raw("</D:response>")
}

// end writes what stands after the responses, and sends the rest.
func (ms *multistatus) end(tail string) error {
	ms.raw(tail + "</D:multistatus>\n")
	return ms.close()
}

const statusOK = "<D:status>HTTP/1.1 200 OK</D:status>"

func statusXML(status int) string {
	if status == http.StatusOK {
		return statusOK
	}
	return fmt.Sprintf("<D:status>HTTP/1.1 %d %s</D:status>", status, http.StatusText(status))
}
