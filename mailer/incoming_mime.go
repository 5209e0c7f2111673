package mailer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	"github.com/emersion/go-message/textproto"
)

// What of a mail is read, in bytes if nothing else is said. What is larger is passed over without being
// kept; an answer has none of it.
const (
	mostMail       = 64 << 20
	mostHeader     = 256 << 10
	mostPartHeader = 64 << 10
	mostCalendar   = 1 << 20 // decoded
	mostReport     = 64 << 10
	mostText       = 64 << 10
	mostKept       = 4 << 20 // of a mail whose signature may have to be checked
	mostDepth      = 10      // multiparts in multiparts
	mostParts      = 200
	mostCalendars  = 8
)

// A mailRead is what of a mail counts here.
type mailRead struct {
	header    mailHeader
	calendars []calendarPart
	report    []byte // message/delivery-status; nil: none
	returned  []byte // the beginning of the mail that report tells of
	text      []byte // the beginning of the first text
	kept      []byte // the body as it came, if it was asked for; nil where it is larger than mostKept
	charset   string // of a text in it
}

// A calendarPart is an iCalendar object in a mail.
type calendarPart struct {
	data     []byte // in UTF-8
	method   string // the parameter, upper case
	announce bool   // text/calendar, not a file
	large    bool   // larger than mostCalendar
}

// A source reads a mail within its bounds and remembers whether it arrived whole.
type source struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error // not io.EOF
}

func (s *source) Read(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	if s.left <= 0 {
		return 0, io.EOF
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// keeper keeps what is read through it, up to mostKept.
type keeper struct {
	r    io.Reader
	kept []byte
	over bool
}

func (k *keeper) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if k.over = k.over || len(k.kept)+n > mostKept; k.over {
		k.kept = nil
	} else {
		k.kept = append(k.kept, p[:n]...)
	}
	return n, err
}

// guard ends a mail at a part's header that no mail needs: the reader of parts would keep it whole. Such a
// header begins after a line that begins with two hyphens and ends with an empty line.
type guard struct {
	r      io.Reader
	column int // bytes of the present line without CR, up to 2
	dashes int // of them hyphens
	inside bool
	size   int
	err    error
}

func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	for _, c := range p[:n] {
		if g.inside {
			if g.size++; g.size > mostPartHeader {
				g.err = errHeaderSize
				return 0, g.err
			}
		}
		switch {
		case c == '\n':
			switch {
			case g.column == 0:
				g.inside = false
			case g.dashes == 2:
				g.inside, g.size = true, 0
			}
			g.column, g.dashes = 0, 0
		case c != '\r' && g.column < 2:
			g.column++
			if c == '-' {
				g.dashes++
			}
		}
	}
	return n, err
}

// readMail reads what counts of a mail. keep is asked once, with the header, whether the body is to be kept.
// The error is a fault of r or the end of ctx.
func readMail(ctx context.Context, r io.Reader, keep func(mailHeader) bool) (*mailRead, error) {
	src := &source{ctx: ctx, r: r, left: mostMail}
	buffered := bufio.NewReader(src)
	m := &mailRead{}
	var err error
	if m.header, err = readHeader(buffered, mostHeader); err != nil {
		return m, src.err
	}
	var body io.Reader = buffered
	k := &keeper{r: buffered}
	if keep(m.header) {
		body = k
	}
	w := &walker{mail: m}
	w.part(m.header.get("content-type"), m.header.get("content-transfer-encoding"), "", &guard{r: body}, 0)
	if len(m.calendars) > 0 || m.report != nil {
		io.Copy(io.Discard, body) // only a mail that arrived whole counts, and is signed whole
	}
	if !k.over {
		m.kept = k.kept
	}
	return m, src.err
}

// A walker goes through the parts of a mail.
type walker struct {
	mail  *mailRead
	parts int
}

// errEnough ends a walk.
var errEnough = errors.New("more than is read")

// part reads one part; attached mails are not gone into: an answer that somebody forwards is not the
// forwarder's. The error ends the walk; what was found before it counts.
func (w *walker) part(value, encoding, disposition string, body io.Reader, depth int) error {
	if w.parts++; w.parts > mostParts || depth > mostDepth {
		return errEnough
	}
	typ, params := contentType(value)
	if strings.HasPrefix(typ, "multipart/") && params["boundary"] != "" {
		parts := textproto.NewMultipartReader(body, params["boundary"])
		for {
			p, err := parts.NextPart()
			if err != nil {
				return nil // the end, or a boundary is missing: what stands around it can still be read
			}
			h := &p.Header
			err = w.part(h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), p, depth+1)
			if err != nil {
				return err
			}
		}
	}
	m := w.mail
	switch {
	case typ == "text/calendar", typ == "application/ics", typ == "text/x-vcalendar", calendarFile(typ, params, disposition):
		if len(m.calendars) == mostCalendars {
			return errEnough
		}
		data, whole := readAtMost(transferDecoded(encoding, body), mostCalendar)
		c := calendarPart{method: strings.ToUpper(strings.TrimSpace(params["method"])), announce: typ == "text/calendar", large: !whole}
		if whole {
			c.data = unicodeOf(data, params["charset"], m.charset)
		}
		m.calendars = append(m.calendars, c)
	case typ == "message/delivery-status", typ == "message/global-delivery-status":
		if m.report == nil {
			m.report, _ = readAtMost(transferDecoded(encoding, body), mostReport)
		}
	case m.report != nil && m.returned == nil && slices.Contains(returnedTypes, typ):
		m.returned, _ = readAtMost(transferDecoded(encoding, body), mostReport)
	case strings.HasPrefix(typ, "text/"), typ == "":
		if m.charset == "" {
			m.charset = params["charset"]
		}
		if m.text == nil {
			m.text, _ = readAtMost(transferDecoded(encoding, body), mostText)
		}
	}
	return nil
}

// returnedTypes are how a delivery status notification returns the mail (RFC 6522 §3, RFC 6533 §5).
var returnedTypes = []string{"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}

// calendarFile tells of a file whose name says that it is a calendar, where its type says nothing.
func calendarFile(typ string, params map[string]string, disposition string) bool {
	if typ != "application/octet-stream" && typ != "application/x-calendar" && typ != "application/calendar" {
		return false
	}
	_, d := contentType(disposition)
	for _, name := range []string{d["filename"], params["name"]} {
		if strings.HasSuffix(strings.ToLower(strings.TrimSpace(decoded(name))), ".ics") {
			return true
		}
	}
	return false
}

// transferDecoded undoes a Content-Transfer-Encoding; with an unknown one body is as it is.
func transferDecoded(encoding string, body io.Reader) io.Reader {
	var h message.Header
	encoding, _, _ = strings.Cut(encoding, "(")
	h.Set("Content-Transfer-Encoding", strings.TrimSpace(strings.Trim(strings.TrimSpace(encoding), `";`)))
	h.Set("Content-Type", "application/octet-stream")
	e, _ := message.New(h, body)
	return e.Body
}

// readAtMost reads r to its end or its first fault; whole tells that it is not longer than limit.
func readAtMost(r io.Reader, limit int64) (data []byte, whole bool) {
	data, _ = io.ReadAll(io.LimitReader(r, limit+1))
	if data == nil {
		data = []byte{}
	}
	if int64(len(data)) > limit {
		return data[:limit], false
	}
	return data, true
}

// unicodeOf is data in UTF-8: bytes that can only be UTF-8 or UTF-16 are that, whatever the part names; others
// are in the charset that it names, or else in that of the mail's text.
func unicodeOf(data []byte, named, neighbour string) []byte {
	wide := ""
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		wide = "utf-16" // its byte order mark counts
	case len(data) > 3 && data[0] != 0 && data[1] == 0 && data[3] == 0:
		wide = "utf-16le"
	case len(data) > 3 && data[0] == 0 && data[1] != 0 && data[2] == 0:
		wide = "utf-16be"
	case utf8.Valid(data) && bytes.ContainsFunc(data, func(r rune) bool { return r >= utf8.RuneSelf }):
		return bytes.TrimPrefix(data, []byte("\ufeff"))
	}
	for _, name := range []string{wide, named, neighbour} {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || name == "utf-8" || name == "us-ascii" || wide == "" && strings.HasPrefix(name, "utf-16") {
			continue
		}
		r, err := charset.Reader(name, bytes.NewReader(data))
		if err != nil {
			continue
		}
		if out, err := io.ReadAll(io.LimitReader(r, 4*mostCalendar)); err == nil {
			return bytes.TrimPrefix(out, []byte("\ufeff"))
		}
	}
	return bytes.ToValidUTF8(data, []byte("\ufffd"))
}
