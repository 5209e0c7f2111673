package caldav

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// gzipFrom is the size from which an answer is worth compressing; up to it answers are held back
	// whole, so that they have a length.
	gzipFrom = 1400

	// maxAnswer is how long a request may take with its answer, maxStall how long a client may take
	// for each piece of it.
	maxAnswer = 5 * time.Minute
	maxStall  = 30 * time.Second
	piece     = 64 << 10
)

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a valid one
	return w
}}

// A stream is a long answer under way, most of them XML. What is written to it stays in memory until send or close:
// these wait for the client, so they are never called inside a View, whose reader others need.
// Nothing is sent before the first gzipFrom bytes, or the end, so that an early error can still be an
// answer of its own.
type stream struct {
	q           *request
	status      int
	contentType string
	text        bytes.Buffer // not yet sent
	out         io.Writer    // nil: nothing was sent yet
	zip         *gzip.Writer
}

func (q *request) startXML(status int) *stream {
	s := &stream{q: q, status: status, contentType: xmlType}
	s.raw(xmlHeader)
	return s
}

func (s *stream) raw(text string) { s.text.WriteString(text) }

// send sends what was written so far.
func (s *stream) send() error {
	if s.out == nil {
		if s.text.Len() < gzipFrom {
			return nil
		}
		s.begin()
	}
	for s.text.Len() > 0 {
		s.q.answerBy(time.Now().Add(maxStall))
		if _, err := s.out.Write(s.text.Next(piece)); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream) begin() {
	h := s.q.w.Header()
	h.Set("Content-Type", s.contentType)
	h.Add("Vary", "Accept-Encoding")
	s.out = s.q.w
	if acceptsGzip(s.q.r.Header) {
		h.Set("Content-Encoding", "gzip")
		s.zip = gzipWriters.Get().(*gzip.Writer)
		s.zip.Reset(s.q.w)
		s.out = s.zip
	}
	s.q.w.WriteHeader(s.status)
}

// close sends what is left.
func (s *stream) close() error {
	if err := s.send(); err != nil {
		return err
	}
	if s.out == nil {
		h := s.q.w.Header()
		h.Set("Content-Type", s.contentType)
		h.Set("Content-Length", strconv.Itoa(s.text.Len()))
		s.q.w.WriteHeader(s.status)
		_, err := s.q.w.Write(s.text.Bytes())
		return err
	}
	if s.zip == nil {
		return nil
	}
	err := s.zip.Close()
	gzipWriters.Put(s.zip)
	s.zip = nil
	return err
}

// answerBy sets until when the client may take what is written to it, at most as long as the whole
// answer may take.
func (q *request) answerBy(t time.Time) {
	if t.After(q.until) {
		t = q.until
	}
	_ = http.NewResponseController(q.w).SetWriteDeadline(t) // unsupported in tests only
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
