package caldav

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// gzipFrom is the size from which an answer is worth compressing; up to it answers are held back
// whole, so that they have a length.
const gzipFrom = 1400

// maxStall is how long a client may take for each piece of a streamed answer.
const maxStall = 30 * time.Second

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a valid one
	return w
}}

// A stream is an XML answer under way. Nothing is sent before its first gzipFrom bytes, or its end,
// so that an early error can still be an answer of its own.
type stream struct {
	q      *request
	status int
	held   []byte
	out    io.Writer // nil: everything is still held
	zip    *gzip.Writer
	x      *xmlWriter
}

func (q *request) startXML(status int) *stream {
	s := &stream{q: q, status: status}
	s.x = newXMLWriter(s)
	s.x.raw(xmlHeader)
	return s
}

// Write takes what the XML writer passes on.
func (s *stream) Write(b []byte) (int, error) {
	if s.out == nil && len(s.held)+len(b) < gzipFrom {
		s.held = append(s.held, b...)
		return len(b), nil
	}
	if s.out == nil {
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	// A reader of the store is held meanwhile: a client that does not take the answer must not keep it.
	_ = http.NewResponseController(s.q.w).SetWriteDeadline(time.Now().Add(maxStall)) // unsupported in tests only
	return s.out.Write(b)
}

func (s *stream) begin() error {
	h := s.q.w.Header()
	h.Set("Content-Type", xmlType)
	h.Add("Vary", "Accept-Encoding")
	s.out = s.q.w
	if acceptsGzip(s.q.r.Header) {
		h.Set("Content-Encoding", "gzip")
		s.zip = gzipWriters.Get().(*gzip.Writer)
		s.zip.Reset(s.q.w)
		s.out = s.zip
	}
	s.q.w.WriteHeader(s.status)
	_, err := s.out.Write(s.held)
	s.held = nil
	return err
}

// close sends what is left.
func (s *stream) close() error {
	if err := s.x.flush(); err != nil {
		return err
	}
	if s.out == nil {
		h := s.q.w.Header()
		h.Set("Content-Type", xmlType)
		h.Set("Content-Length", strconv.Itoa(len(s.held)))
		s.q.w.WriteHeader(s.status)
		_, err := s.q.w.Write(s.held)
		return err
	}
	// The connection may go on to another request.
	defer func() { _ = http.NewResponseController(s.q.w).SetWriteDeadline(time.Time{}) }()
	if s.zip == nil {
		return nil
	}
	err := s.zip.Close()
	gzipWriters.Put(s.zip)
	s.zip = nil
	return err
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3).
func acceptsGzip(h http.Header) bool {
	for _, item := range strings.Split(h.Get("Accept-Encoding"), ",") {
		coding, params, _ := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		if v, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			return err == nil && q > 0
		}
		return true
	}
	return false
}

// A multistatus is a 207 answer under way (RFC 4918 §13).
type multistatus struct {
	*stream
	minimal bool
}

func (q *request) startMultistatus() *multistatus {
	h := q.w.Header()
	h.Add("Vary", "Prefer, Brief")
	if q.prefer.minimal {
		h.Add("Preference-Applied", "return=minimal")
	}
	ms := &multistatus{stream: q.startXML(http.StatusMultiStatus), minimal: q.prefer.minimal}
	ms.x.raw(`<D:multistatus` + rootNamespaces + `>`)
	return ms
}

// propstat is one group of a response.
type propstat struct {
	status int
	props  string
	err    string // element of the DAV:error, empty: none
}

// response writes one response with its properties. With return=minimal what was not found is
// left out (RFC 8144 §2.1).
func (ms *multistatus) response(href string, groups []propstat) error {
	ms.x.raw("<D:response>" + hrefXML(href))
	written := false
	for _, g := range groups {
		if g.props == "" || ms.minimal && g.status == http.StatusNotFound {
			continue
		}
		written = true
		ms.x.raw(g.xml())
	}
	if !written {
		ms.x.raw(propstat{status: http.StatusOK}.xml())
	}
	ms.x.raw("</D:response>")
	return ms.x.err
}

func (g propstat) xml() string {
	s := "<D:propstat><D:prop>" + g.props + "</D:prop>" + statusXML(g.status)
	if g.err != "" {
		s += "<D:error>" + g.err + "</D:error>"
	}
	return s + "</D:propstat>"
}

// status writes one response that has a status and no properties.
func (ms *multistatus) status(href string, status int, errElement string) error {
	ms.x.raw("<D:response>" + hrefXML(href) + statusXML(status))
	if errElement != "" {
		ms.x.raw("<D:error>" + errElement + "</D:error>")
	}
	ms.x.raw("</D:response>")
	return ms.x.err
}

// end writes what stands after the responses, and sends the rest.
func (ms *multistatus) end(tail string) error {
	ms.x.raw(tail + "</D:multistatus>\n")
	return ms.close()
}

func statusXML(status int) string {
	return fmt.Sprintf("<D:status>HTTP/1.1 %d %s</D:status>", status, http.StatusText(status))
}
