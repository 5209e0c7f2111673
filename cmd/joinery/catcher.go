package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// What the catcher holds at most; older messages make way for newer ones.
const (
	catcherMessages   = 2000
	catcherBytes      = 10 << 20 // of one message
	catcherTotal      = 256 << 20
	catcherRecipients = 1000
	catcherParts      = 200 // of one message
	catcherDepth      = 20
)

// A catcher is the demo's mail server: it takes every message, for anybody, and keeps it in
// memory to be read on a page. Its methods are safe for concurrent use.
type catcher struct {
	now    func() time.Time
	server *smtp.Server

	mu         sync.Mutex
	messages   []caughtMessage // oldest first
	size       int64           // of all of them
	next       int
	behave     func(stage, addr string) *smtp.SMTPError
	disconnect int
}

// A caughtMessage is one message as it was submitted, with its parts decoded.
type caughtMessage struct {
	ID       int                 `json:"id"` // counts from 1
	Received time.Time           `json:"received"`
	Envelope caughtEnvelope      `json:"envelope"`
	Headers  map[string][]string `json:"headers"` // decoded; canonical names (Message-Id)
	Parts    []caughtPart        `json:"parts"`   // the leaves, in order
	Size     int                 `json:"size"`
	SHA256   string              `json:"sha256"` // of the raw message: two equal ones are the same bytes
	Problem  string              `json:"problem,omitempty"`
	Raw      []byte              `json:"-"`
}

// A caughtEnvelope holds what MAIL and RCPT said.
type caughtEnvelope struct {
	From string   `json:"from"`
	To   []string `json:"to"`
}

// A caughtPart is a leaf of the message's tree.
type caughtPart struct {
	ContentType string              `json:"content_type"` // with its parameters, as it stands
	MediaType   string              `json:"media_type"`
	Params      map[string]string   `json:"params"`
	Headers     map[string][]string `json:"headers"`
	Filename    string              `json:"filename"`
	Text        string              `json:"text"`             // of text/*, as UTF-8
	Base64      string              `json:"base64,omitempty"` // of everything else
}

// newCatcher returns a catcher that takes everything.
func newCatcher(now func() time.Time) *catcher {
	c := &catcher{now: now, next: 1}
	c.server = smtp.NewServer(smtp.BackendFunc(func(conn *smtp.Conn) (smtp.Session, error) {
		return &catcherSession{catcher: c, conn: conn}, nil
	}))
	c.server.Domain = "localhost"
	c.server.AllowInsecureAuth = true // any password is taken; there is nothing to protect
	c.server.EnableSMTPUTF8 = true
	c.server.MaxMessageBytes = catcherBytes
	c.server.MaxRecipients = catcherRecipients
	c.server.ReadTimeout = 5 * time.Minute
	c.server.WriteTimeout = time.Minute
	c.server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	return c
}

// Serve takes mail on l until Close; then it returns nil.
func (c *catcher) Serve(l net.Listener) error { return c.server.Serve(l) }

// Close ends Serve and all connections. Closing twice is harmless.
func (c *catcher) Close() error {
	if err := c.server.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return fmt.Errorf("close the mail catcher: %w", err)
	}
	return nil
}

// Messages returns what was caught and is still held, oldest first.
func (c *catcher) Messages() []caughtMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]caughtMessage{}, c.messages...)
}

// SetBehaviour lets f refuse: at stage "mail" (addr is the sender), "rcpt" (the recipient) and
// "data" (the sender, once the message was read). nil from f accepts; f nil accepts everything.
func (c *catcher) SetBehaviour(f func(stage, addr string) *smtp.SMTPError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.behave = f
}

// Disconnect makes the catcher keep each of the next times messages and then drop the connection
// instead of answering: accepted, but the sender cannot know.
func (c *catcher) Disconnect(times int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnect = times
}

func (c *catcher) judge(stage, addr string) error {
	c.mu.Lock()
	f := c.behave
	c.mu.Unlock()
	if f == nil {
		return nil
	}
	if err := f(stage, addr); err != nil {
		return err
	}
	return nil
}

// keep stores a message and tells whether the connection is to be dropped.
func (c *catcher) keep(envelope caughtEnvelope, raw []byte) (drop bool) {
	m := decodeMail(raw)
	m.Envelope = envelope
	c.mu.Lock()
	defer c.mu.Unlock()
	m.ID, m.Received = c.next, c.now()
	c.next++
	c.messages = append(c.messages, m)
	c.size += int64(m.Size)
	for len(c.messages) > catcherMessages || c.size > catcherTotal {
		c.size -= int64(c.messages[0].Size)
		c.messages[0] = caughtMessage{}
		c.messages = c.messages[1:]
	}
	if c.disconnect > 0 {
		c.disconnect--
		return true
	}
	return false
}

// catcherSession is one connection's conversation.
type catcherSession struct {
	catcher  *catcher
	conn     *smtp.Conn
	envelope caughtEnvelope
}

var _ smtp.AuthSession = (*catcherSession)(nil)

func (s *catcherSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *catcherSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, _, _ string) error { return nil }), nil
}

func (s *catcherSession) Mail(from string, _ *smtp.MailOptions) error {
	if err := s.catcher.judge("mail", from); err != nil {
		return err
	}
	s.envelope = caughtEnvelope{From: from}
	return nil
}

func (s *catcherSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.catcher.judge("rcpt", to); err != nil {
		return err
	}
	s.envelope.To = append(s.envelope.To, to)
	return nil
}

func (s *catcherSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.catcher.judge("data", s.envelope.From); err != nil {
		return err
	}
	if s.catcher.keep(s.envelope, raw) {
		// Closing the session's own connection: go-smtp then cannot write its answer.
		return s.conn.Conn().Close()
	}
	return nil
}

func (s *catcherSession) Reset() { s.envelope = caughtEnvelope{} }

func (s *catcherSession) Logout() error { return nil }

// decodeMail takes a message apart. What cannot be decoded is named in Problem; the rest is
// there all the same.
func decodeMail(raw []byte) caughtMessage {
	sum := sha256.Sum256(raw)
	m := caughtMessage{Raw: raw, Size: len(raw), SHA256: hex.EncodeToString(sum[:]),
		Headers: map[string][]string{}, Parts: []caughtPart{}}
	problem := func(err error) {
		if m.Problem == "" {
			m.Problem = err.Error()
		}
	}
	entity, err := message.Read(bytes.NewReader(raw))
	if err != nil {
		problem(fmt.Errorf("read the message: %w", err))
	}
	if entity == nil {
		return m
	}
	m.Headers = decodeMailHeaders(entity.Header)
	m.collect(entity, 0, problem)
	return m
}

// collect appends the leaves of entity.
func (m *caughtMessage) collect(entity *message.Entity, depth int, problem func(error)) {
	if depth > catcherDepth {
		problem(errors.New("parts are nested too deeply"))
		return
	}
	if parts := entity.MultipartReader(); parts != nil {
		for {
			part, err := parts.NextPart()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				problem(fmt.Errorf("read a part: %w", err))
			}
			if part == nil {
				return
			}
			if len(m.Parts) >= catcherParts {
				problem(errors.New("too many parts"))
				return
			}
			m.collect(part, depth+1, problem)
		}
	}
	part, err := decodeMailPart(entity)
	if err != nil {
		problem(err)
	}
	m.Parts = append(m.Parts, part)
}

// decodeMailPart decodes a leaf's transfer encoding and, of text, its charset.
func decodeMailPart(entity *message.Entity) (caughtPart, error) {
	p := caughtPart{ContentType: entity.Header.Get("Content-Type"), Headers: decodeMailHeaders(entity.Header)}
	if p.ContentType == "" {
		p.ContentType = "text/plain; charset=us-ascii" // RFC 2045 §5.2
	}
	var failed error
	media, params, err := mime.ParseMediaType(p.ContentType)
	if err != nil {
		failed = fmt.Errorf("content type %q: %w", p.ContentType, err)
	}
	p.MediaType, p.Params = media, params
	_, disposition, _ := entity.Header.ContentDisposition()
	p.Filename = disposition["filename"]
	if p.Filename == "" {
		p.Filename = params["name"]
	}
	p.Filename = decodeMailWords(p.Filename)
	body, err := io.ReadAll(entity.Body)
	if err != nil {
		failed = fmt.Errorf("decode a %s part: %w", media, err)
	}
	if !strings.HasPrefix(media, "text/") {
		p.Base64 = base64.StdEncoding.EncodeToString(body)
		return p, failed
	}
	// go-message has converted the charset where it knows it.
	if !utf8.Valid(body) {
		if failed == nil {
			failed = fmt.Errorf("a %s part is not in its charset %q", media, params["charset"])
		}
		body = bytes.ToValidUTF8(body, []byte("\uFFFD"))
	}
	p.Text = string(body)
	return p, failed
}

// decodeMailHeaders maps canonical names to decoded values, in order.
func decodeMailHeaders(h message.Header) map[string][]string {
	headers := map[string][]string{}
	for fields := h.Fields(); fields.Next(); {
		headers[fields.Key()] = append(headers[fields.Key()], decodeMailWords(fields.Value()))
	}
	return headers
}

// decodeMailWords decodes RFC 2047 words; what is malformed stays as it is.
func decodeMailWords(s string) string {
	words := mime.WordDecoder{CharsetReader: charset.Reader}
	decoded, err := words.DecodeHeader(s)
	if err != nil {
		return s
	}
	return decoded
}

// person returns the addresses of a header as people read them.
func (m caughtMessage) person(header string) string {
	var names []string
	for _, value := range m.Headers[header] {
		list, err := mail.ParseAddressList(value)
		if err != nil {
			names = append(names, value)
			continue
		}
		for _, a := range list {
			if a.Name == "" {
				names = append(names, a.Address)
			} else {
				names = append(names, a.Name+" <"+a.Address+">")
			}
		}
	}
	return strings.Join(names, ", ")
}
