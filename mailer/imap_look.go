package mailer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"joinery/store"
)

// Where reading begins.
const (
	imapDays   = 48 * time.Hour // how far back in a mailbox that was never read
	imapNewest = 500            // how many mails of one whose UIDs have become others
)

// Timeouts of fetching.
const (
	imapLookTime = time.Minute
	imapMailTime = 10 * time.Minute // one mail, from its first byte to its outcome
)

// imapBatch is how many mails' structures are asked for at once.
const imapBatch = 50

// imapTries is how often a mail that ends the connection is fetched before it is passed over, so that
// it keeps no others from being read.
const imapTries = 6

// A place is how far a mailbox was read.
type place struct {
	validity uint32
	last     imap.UID
	saved    imap.UID
}

// A takeFault is a fault of ours: the mail is still there to be taken.
type takeFault struct{ err error }

func (e *takeFault) Error() string { return e.err.Error() }
func (e *takeFault) Unwrap() error { return e.err }

// placeName is the name under which the place is kept.
func (m *IMAP) placeName() string {
	return "imap:" + m.at.User + "@" + m.at.Host + "/" + m.at.Mailbox
}

// load returns the place that was kept, nil if none was.
func (m *IMAP) load(ctx context.Context) (p *place, err error) {
	var text string
	err = m.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		text, err = tx.Meta(m.placeName())
		return err
	})
	if err != nil || text == "" {
		return nil, err
	}
	p = &place{}
	if _, err := fmt.Sscanf(text, "%d %d", &p.validity, &p.last); err != nil {
		return nil, fmt.Errorf("read %s: %w", m.placeName(), err)
	}
	p.saved = p.last
	return p, nil
}

// save keeps the place.
func (m *IMAP) save(ctx context.Context, p *place) error {
	err := m.opts.Store.Update(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(m.placeName(), fmt.Sprintf("%d %d", p.validity, p.last))
	})
	if err != nil {
		return &takeFault{err}
	}
	p.saved = p.last
	return nil
}

// begin finds where to go on in the mailbox that was just opened.
func (m *IMAP) begin(ctx context.Context, s *imapSession, box *imap.SelectData) (*place, error) {
	p, err := m.load(ctx)
	if err != nil {
		return nil, &takeFault{err}
	}
	if p != nil && p.validity == box.UIDValidity {
		return p, nil
	}
	var from imap.SearchCriteria
	if p != nil {
		m.opts.Log.Warn("the mailbox's UIDs have become others, its newest mails are looked at again", "mails", imapNewest)
		first := uint32(1)
		if box.NumMessages > imapNewest {
			first = box.NumMessages - imapNewest + 1
		}
		from.SeqNum = []imap.SeqSet{{{Start: first, Stop: max(first, box.NumMessages)}}}
	} else {
		from.Since = m.opts.Now().Add(-imapDays)
	}
	p = &place{validity: box.UIDValidity}
	if box.NumMessages > 0 {
		// Asked for before the search: what comes in between is found by the look.
		if p.last = box.UIDNext; p.last > 0 {
			p.last--
		} else if newest, err := s.search(&imap.SearchCriteria{SeqNum: []imap.SeqSet{{{}}}}); err != nil {
			return nil, err
		} else if len(newest) > 0 {
			p.last = newest[len(newest)-1]
		}
		found, err := s.search(&from)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			p.last = min(p.last, found[0]-1)
		}
	}
	m.careful, m.trouble.times = 0, 0
	return p, m.save(ctx, p)
}

// search lists the mails that meet c, in rising order.
func (s *imapSession) search(c *imap.SearchCriteria) (uids []imap.UID, err error) {
	err = s.do("search", imapLookTime, func() error {
		found, err := s.UIDSearch(c, nil).Wait()
		if err != nil {
			return err
		}
		uids = found.AllUIDs()
		return nil
	})
	slices.Sort(uids)
	return uids, err
}

// look takes what has come since the place.
func (m *IMAP) look(ctx context.Context, s *imapSession, p *place) error {
	if err := s.do("look for mail", replyTimeout, func() error { return s.Noop().Wait() }); err != nil {
		return err
	}
	uids, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{{{Start: p.last + 1}}}})
	if err != nil {
		return err
	}
	// The newest mail is always within N:* (RFC 3501 §9, seq-range).
	uids = slices.DeleteFunc(uids, func(uid imap.UID) bool { return uid <= p.last })
	for len(uids) > 0 {
		n := min(len(uids), imapBatch)
		if uids[0] <= m.careful {
			n = 1
		}
		err := m.batch(ctx, s, p, uids[:n])
		if p.last != p.saved {
			err = errors.Join(err, m.save(ctx, p))
		}
		if err != nil {
			return err
		}
		uids = uids[n:]
	}
	return nil
}

// batch takes those of the mails that may be answers, and moves the place behind each that is done.
func (m *IMAP) batch(ctx context.Context, s *imapSession, p *place, uids []imap.UID) error {
	outlines, err := m.outlines(s, uids)
	if err != nil {
		if len(uids) > 1 {
			m.careful = uids[len(uids)-1]
			return err
		}
		return m.stopped(uids[0], p, err)
	}
	for _, uid := range uids {
		o, there := outlines[uid]
		switch {
		case !there || !o.candidate: // deleted meanwhile, or no answer
		case o.size > m.opts.MaxSize:
			m.opts.Log.Warn("a mail in the mailbox is too large to be looked at", "uid", uid, "size", o.size)
		default:
			err := m.take(ctx, s, uid)
			var fault *takeFault
			if errors.As(err, &fault) {
				return err
			}
			if err != nil {
				return m.stopped(uid, p, err)
			}
			p.last = uid
			if err := m.save(ctx, p); err != nil {
				return err
			}
		}
		p.last = uid
	}
	return nil
}

// stopped counts the faults of the server at a mail, and passes over one that it never gets over.
func (m *IMAP) stopped(uid imap.UID, p *place, err error) error {
	if m.trouble.uid != uid {
		m.trouble.uid, m.trouble.times = uid, 0
	}
	if m.trouble.times++; m.trouble.times >= imapTries {
		m.opts.Log.Error("a mail in the mailbox cannot be fetched and is passed over", "uid", uid, "error", err)
		p.last = uid
	}
	return err
}

// An outline is what is known of a mail before it is fetched.
type outline struct {
	size      int64
	candidate bool
}

// outlines asks for the mails' sizes and structures. A mail whose structure ended the connection before
// is asked for without, and may be an answer.
func (m *IMAP) outlines(s *imapSession, uids []imap.UID) (map[imap.UID]outline, error) {
	blind := len(uids) == 1 && m.trouble.uid == uids[0] && m.trouble.times > 0
	o := &imap.FetchOptions{UID: true, RFC822Size: true}
	if !blind {
		o.BodyStructure = &imap.FetchItemBodyStructure{Extended: true}
	}
	list := map[imap.UID]outline{}
	err := s.do("fetch structures", imapLookTime, func() error {
		got, err := s.Fetch(imap.UIDSetNum(uids...), o).Collect()
		for _, mail := range got {
			list[mail.UID] = outline{mail.RFC822Size, blind || mayAnswer(mail.BodyStructure)}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	// Exim's reports are letters with a header of their own.
	var letters imap.UIDSet
	for uid, o := range list {
		if !o.candidate {
			letters.AddNum(uid)
		}
	}
	if len(letters) == 0 {
		return list, nil
	}
	reports, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{letters}, Header: []imap.SearchCriteriaHeaderField{{Key: "X-Failed-Recipients"}}})
	for _, uid := range reports {
		if o, ok := list[uid]; ok {
			o.candidate = true
			list[uid] = o
		}
	}
	return list, err
}

// mayAnswer tells whether a mail of this structure can be an answer or a report about our mail. A mail
// that is only forwarded inside another is none.
func mayAnswer(b imap.BodyStructure) (may bool) {
	if b == nil {
		return true
	}
	b.Walk(func(_ []int, part imap.BodyStructure) bool {
		switch part.MediaType() {
		case "text/calendar", "text/x-vcalendar", "application/ics", "multipart/report", "message/delivery-status", "message/global-delivery-status":
			may = true
		}
		if single, ok := part.(*imap.BodyStructureSinglePart); ok {
			may = may || mayNameCalendar(single.Params)
			if d := single.Disposition(); d != nil {
				may = may || mayNameCalendar(d.Params)
			}
		}
		return !may
	})
	return may
}

// mayNameCalendar tells whether a part's file name is, or may be, a calendar's: the server gives it as it
// stands in the header (RFC 2047, RFC 2231).
func mayNameCalendar(params map[string]string) bool {
	for key, value := range params {
		if strings.HasPrefix(key, "name") || strings.HasPrefix(key, "filename") {
			value = strings.ToLower(strings.Trim(value, "\" "))
			if strings.HasSuffix(value, ".ics") || strings.Contains(value, "=?") {
				return true
			}
		}
	}
	return false
}

// take fetches a mail, without marking it as read, and has it taken while it comes.
func (m *IMAP) take(ctx context.Context, s *imapSession, uid imap.UID) error {
	there := false
	err := s.do("fetch a mail", imapMailTime, func() error {
		fetch := s.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
		for mail := fetch.Next(); mail != nil && !there; mail = fetch.Next() {
			for item := mail.Next(); item != nil; item = mail.Next() {
				body, ok := item.(imapclient.FetchItemDataBodySection)
				if !ok || body.Literal == nil {
					continue
				}
				there = true
				if err := m.give(ctx, body.Literal); err != nil {
					return errors.Join(err, fetch.Close())
				}
			}
		}
		return fetch.Close()
	})
	var fault *takeFault
	switch {
	case errors.As(err, &fault):
		return fault
	case err != nil || there:
		return err
	}
	// It may have been deleted; or it is a server that go-imap takes no text from.
	left, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(uid)}})
	if err == nil && len(left) > 0 {
		err = &imapFault{"fetch a mail", errors.New("the server does not give its text")}
	}
	return err
}

// give hands a mail to the taker. What could not be read to its end was not taken.
func (m *IMAP) give(ctx context.Context, text imap.LiteralReader) error {
	mail := &watched{r: text}
	r := bufio.NewReader(mail)
	_, err := m.opts.Taker.Take(ctx, r, returnPath(r))
	mail.rest()
	switch {
	case mail.err != nil:
		return mail.err
	case mail.n < text.Size():
		return io.ErrUnexpectedEOF
	case err != nil:
		return &takeFault{err}
	}
	return nil
}

// returnPath is the envelope's sender, which a mail server writes down at delivery as the topmost header
// or close to it (RFC 5321 §4.4); empty if it is not there.
func returnPath(r *bufio.Reader) string {
	head, _ := r.Peek(r.Size()) // a shorter mail is an error, and all of it
	for l := range strings.Lines(string(head)) {
		l = strings.TrimRight(l, "\r\n")
		name, value, ok := strings.Cut(l, ":")
		switch {
		case l == "":
			return ""
		case ok && strings.EqualFold(name, "Return-Path"):
			return strings.Trim(strings.TrimSpace(value), "<>")
		}
	}
	return ""
}
