package mailer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"
)

// An envelope is from whom and to whom a mail goes.
type envelope struct {
	From      mail.Address  // in the header
	Sender    *mail.Address // RFC 5322 §3.6.2, where somebody else than From sends
	ReplyTo   *mail.Address
	To        mail.Address
	Return    string // SMTP's MAIL FROM
	MessageID string // without angle brackets
	Previous  string // Message-ID of what went before to the same person, empty: none
	Date      time.Time
}

// A Person is a name and a mail address.
type Person struct{ Name, Address string }

// sender finds from which address mail of who goes out: their own where its domain is ours to use,
// else the service's, with Reply-To (RFC 6047 §2.3 leaves that to us; DMARC asks for it).
func (c *composer) sender(who Person, words *catalogue) (from mail.Address, sender, replyTo *mail.Address, back string) {
	own := mail.Address{Name: printable(who.Name), Address: who.Address}
	_, domain, _ := strings.Cut(who.Address, "@")
	for _, d := range c.domains {
		if strings.EqualFold(d, domain) {
			return own, nil, nil, who.Address
		}
	}
	service := mail.Address{Name: c.service, Address: c.address}
	n := own.Name
	if n == "" {
		n = own.Address
	}
	return mail.Address{Name: fmt.Sprintf(words.Via, n, c.service), Address: c.address}, &service, &own, c.address
}

// A composer makes mails.
type composer struct {
	domains []string // whose addresses may stand in From
	service string   // our name
	address string   // our address
	host    string   // behind the @ of a Message-ID
	random  io.Reader
}

// messageID makes a new one, without angle brackets.
func (c *composer) messageID() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(c.random, b); err != nil {
		return "", fmt.Errorf("making a Message-ID: %w", err)
	}
	return hex.EncodeToString(b) + "@" + c.host, nil
}

// maxFile is how large an iCalendar object may be, in bytes, to go into a mail twice.
const maxFile = 100_000

// format makes the mail: the letter as text and HTML and, where there is one, the iCalendar object
// as text/calendar last in the alternative, and as a file for clients that want one (RFC 6047 §2.4).
// A large object goes without the file. The same arguments make the same bytes. All bodies are
// encoded to 7 bits.
func format(e envelope, l *letter, set *press, method string, calendar []byte) ([]byte, error) {
	plain, html, err := set.text(l)
	if err != nil {
		return nil, err
	}
	var h mail.Header
	h.SetDate(e.Date)
	h.SetAddressList("From", []*mail.Address{&e.From})
	if e.Sender != nil {
		h.SetAddressList("Sender", []*mail.Address{e.Sender})
	}
	if e.ReplyTo != nil {
		h.SetAddressList("Reply-To", []*mail.Address{e.ReplyTo})
	}
	h.SetAddressList("To", []*mail.Address{&e.To})
	h.SetSubject(cut(printable(l.Subject), 200))
	h.SetMessageID(e.MessageID)
	if e.Previous != "" {
		h.SetMsgIDList("In-Reply-To", []string{e.Previous})
		h.SetMsgIDList("References", []string{e.Previous})
	}
	h.Set("Auto-Submitted", "auto-generated") // RFC 3834 §5
	h.Set("Content-Language", l.Lang)
	boundary, _, _ := strings.Cut(e.MessageID, "@")

	var out bytes.Buffer
	out.Grow(2048 + len(plain) + len(html) + 3*len(calendar)) // what is mostly ASCII
	if calendar = crlf(calendar); len(calendar) == 0 || len(calendar) > maxFile {
		h.SetContentType("multipart/alternative", map[string]string{"boundary": "alternative-" + boundary})
		w, err := message.CreateWriter(&out, h.Header)
		if err != nil {
			return nil, fmt.Errorf("writing the header: %w", err)
		}
		if err := alternatives(w, plain, html, method, calendar); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	}
	h.SetContentType("multipart/mixed", map[string]string{"boundary": "mixed-" + boundary})
	w, err := message.CreateWriter(&out, h.Header)
	if err != nil {
		return nil, fmt.Errorf("writing the header: %w", err)
	}
	var ah message.Header
	ah.SetContentType("multipart/alternative", map[string]string{"boundary": "alternative-" + boundary})
	aw, err := w.CreatePart(ah)
	if err != nil {
		return nil, fmt.Errorf("writing a part: %w", err)
	}
	if err := alternatives(aw, plain, html, method, calendar); err != nil {
		return nil, err
	}
	var file message.Header
	file.SetContentType("application/ics", map[string]string{"name": "invite.ics"})
	file.SetContentDisposition("attachment", map[string]string{"filename": "invite.ics"})
	file.Set("Content-Transfer-Encoding", "base64")
	if err := part(w, file, calendar); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("closing the mail: %w", err)
	}
	return out.Bytes(), nil
}

// alternatives writes the parts of w, text first, and closes it.
func alternatives(w *message.Writer, plain, html []byte, method string, calendar []byte) error {
	for _, p := range []struct {
		kind string
		body []byte
	}{{"text/plain", plain}, {"text/html", html}} {
		var h message.Header
		h.SetContentType(p.kind, map[string]string{"charset": "UTF-8"})
		h.Set("Content-Transfer-Encoding", "quoted-printable")
		if err := part(w, h, p.body); err != nil {
			return err
		}
	}
	if len(calendar) > 0 {
		// mime would quote nothing of this, but write it in alphabetical order as well.
		var h message.Header
		h.Set("Content-Type", "text/calendar; method="+method+"; charset=UTF-8; component=VEVENT")
		h.Set("Content-Transfer-Encoding", "base64")
		if err := part(w, h, calendar); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("closing the alternatives: %w", err)
	}
	return nil
}

func part(w *message.Writer, h message.Header, body []byte) error {
	p, err := w.CreatePart(h)
	if err != nil {
		return fmt.Errorf("writing a part: %w", err)
	}
	if _, err := p.Write(body); err != nil {
		return fmt.Errorf("writing a part: %w", err)
	}
	if err := p.Close(); err != nil {
		return fmt.Errorf("writing a part: %w", err)
	}
	return nil
}

// crlf makes every line end CRLF, as iCalendar has it (RFC 5545 §3.1).
func crlf(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

// short cuts s to at most n bytes and an ellipsis.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// cut cuts s to at most n runes.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
