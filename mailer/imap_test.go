package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"joinery/store"
)

// An imapHouse is a mailbox of answers@example.org, its server, and a reader, in a synctest bubble.
type imapHouse struct {
	t     *testing.T
	store *store.Store
	taker *fakeTaker
	log   *logBook
	user  *imapmemserver.User
	most  int64 // MaxSize

	mu      sync.Mutex
	server  *imapserver.Server // nil: it is away
	door    *imapDoor
	dials   []time.Time
	fetched []string // UIDs of the mails whose text was asked for
	noIdle  bool
	deaf    bool                                    // connections are taken and never answered
	breaks  func(uid imap.UID, structure bool) bool // what ends the connection; nil: nothing

	stop func()
}

// imapPipe is one end of a connection on the loopback interface.
type imapPipe struct {
	net.Conn
	house *imapHouse
}

func (p imapPipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 143} }

func (p imapPipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.house.noIdle {
		copy(b, bytes.ReplaceAll(b[:n], []byte(" IDLE"), []byte(" IDLX")))
	}
	return n, err
}

// An imapDoor lets connections in.
type imapDoor struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (d *imapDoor) Accept() (net.Conn, error) {
	select {
	case c := <-d.conns:
		return c, nil
	case <-d.done:
		return nil, net.ErrClosed
	}
}

func (d *imapDoor) Close() error   { d.once.Do(func() { close(d.done) }); return nil }
func (d *imapDoor) Addr() net.Addr { return &net.TCPAddr{} }

// inMailbox runs f with a server that runs, an empty INBOX and no reader yet.
func inMailbox(t *testing.T, f func(h *imapHouse)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "joinery.db")
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(context.Background(), "sqlite:"+path, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		h := &imapHouse{t: t, store: st, taker: &fakeTaker{}, log: &logBook{}, user: imapmemserver.NewUser("answers@example.org", "s3cret")}
		if err := h.user.Create("INBOX", nil); err != nil {
			t.Fatal(err)
		}
		h.up()
		defer func() {
			h.halt()
			h.down()
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		f(h)
	})
}

// up starts the server.
func (h *imapHouse) up() {
	memory := imapmemserver.New()
	memory.AddUser(h.user)
	door := &imapDoor{conns: make(chan net.Conn), done: make(chan struct{})}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &readOnly{memory.NewSession(), h, c}, nil, nil
		},
		InsecureAuth: true, Logger: log.New(io.Discard, "", 0),
	})
	go func() { _ = server.Serve(door) }()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server, h.door = server, door
}

// down ends the server and its connections.
func (h *imapHouse) down() {
	h.mu.Lock()
	server := h.server
	h.server = nil
	h.mu.Unlock()
	if server != nil {
		_ = server.Close()
	}
}

// forget forgets when it was connected to.
func (h *imapHouse) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dials = nil
}

func (h *imapHouse) dial(ctx context.Context, network, address string) (net.Conn, error) {
	h.mu.Lock()
	server, door, deaf := h.server, h.door, h.deaf
	h.dials = append(h.dials, time.Now())
	h.mu.Unlock()
	if network != "tcp" || address != "127.0.0.1:143" {
		h.t.Errorf("connects to %s %s", network, address)
	}
	if server == nil {
		return nil, errors.New("connection refused")
	}
	here, there := net.Pipe()
	if deaf {
		h.t.Cleanup(func() { there.Close() })
		return imapPipe{here, h}, nil
	}
	door.conns <- there
	return imapPipe{here, h}, nil
}

// start runs a reader until halt.
func (h *imapHouse) start() {
	h.t.Helper()
	m, err := NewIMAP(IMAPOptions{
		Taker: h.taker, Store: h.store, Address: "imap://answers@example.org@127.0.0.1/INBOX", Password: "s3cret",
		Log: h.log.log(), MaxSize: h.most,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	m.dial = h.dial
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	h.stop = func() {
		h.t.Helper()
		at := time.Now()
		cancel()
		if err := <-ended; err != nil {
			h.t.Errorf("the reader ends with %v", err)
		}
		if took := time.Since(at); took > 0 {
			h.t.Errorf("the reader ends after %s", took)
		}
	}
}

func (h *imapHouse) halt() {
	h.t.Helper()
	if h.stop != nil {
		h.stop()
		h.stop = nil
	}
}

// after lets time pass and returns what was taken by then.
func (h *imapHouse) after(d time.Duration) string {
	time.Sleep(d)
	synctest.Wait()
	return h.taker.taken()
}

// put puts a mail into the mailbox, as if it had come so long ago.
func (h *imapHouse) put(mail string, ago time.Duration) {
	h.t.Helper()
	_, err := h.user.Append("INBOX", bytes.NewReader([]byte(mail)), &imap.AppendOptions{Time: time.Now().Add(-ago)})
	if err != nil {
		h.t.Fatal(err)
	}
}

// reply is a mail that may be an answer.
func reply(subject string) string {
	return "Return-Path: <vera@example.net>\r\nFrom: vera@example.net\r\nSubject: " + subject + "\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
}

// A readOnly session lets nothing be changed.
type readOnly struct {
	imapserver.Session
	house *imapHouse
	conn  *imapserver.Conn
}

func (r *readOnly) Select(name string, o *imap.SelectOptions) (*imap.SelectData, error) {
	if !o.ReadOnly {
		r.house.t.Error("the mailbox is opened by SELECT")
	}
	return r.Session.Select(name, o)
}

func (r *readOnly) Store(*imapserver.FetchWriter, imap.NumSet, *imap.StoreFlags, *imap.StoreOptions) error {
	r.house.t.Error("flags are stored")
	return nil
}

func (r *readOnly) Expunge(*imapserver.ExpungeWriter, *imap.UIDSet) error {
	r.house.t.Error("mails are expunged")
	return nil
}

func (r *readOnly) Copy(imap.NumSet, string) (*imap.CopyData, error) {
	r.house.t.Error("mails are copied")
	return nil, errors.New("no")
}

func (r *readOnly) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	uids, _ := set.(imap.UIDSet).Nums()
	h := r.house
	h.mu.Lock()
	if len(o.BodySection) > 0 {
		h.fetched = append(h.fetched, set.String())
	}
	breaks := h.breaks
	h.mu.Unlock()
	for _, uid := range uids {
		if breaks != nil && (len(o.BodySection) > 0 || o.BodyStructure != nil) && breaks(uid, o.BodyStructure != nil) {
			_ = r.conn.NetConn().Close()
			return errors.New("broken")
		}
	}
	return r.Session.Fetch(w, set, o)
}

// untouched wants so many mails, none of which has been flagged.
func (h *imapHouse) untouched(mails uint32) {
	h.t.Helper()
	got, err := h.user.Status("INBOX", &imap.StatusOptions{NumMessages: true, NumUnseen: true, NumDeleted: true})
	if err != nil {
		h.t.Fatal(err)
	}
	if *got.NumMessages != mails || *got.NumUnseen != mails || *got.NumDeleted != 0 {
		h.t.Errorf("of %d mails %d are unread and %d deleted, want %d", *got.NumMessages, *got.NumUnseen, *got.NumDeleted, mails)
	}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestIMAPTakesNewMailAndLeavesItThere(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.put(reply("old"), 5*24*time.Hour)
		h.put(reply("yesterday"), 24*time.Hour)
		h.put(textMail("letter"), time.Hour)
		h.start()
		want(t, "the first look takes", h.after(0), "yesterday")
		h.put(reply("new"), 0)
		want(t, "what IDLE tells of is taken", h.after(time.Second), "yesterday new")
		h.put(textMail("another"), 0)
		want(t, "a letter is not", h.after(2*time.Minute), "yesterday new")
		h.put("X-Failed-Recipients: vera@example.net\r\n"+textMail("exim"), 0)
		want(t, "a report is, which looks like a letter", h.after(time.Second), "yesterday new exim")
		h.halt()
		h.put(reply("meanwhile"), 0)
		h.start()
		want(t, "after a restart", h.after(0), "yesterday new exim meanwhile")
		want(t, "fetched are", strings.Join(h.fetched, " "), "2 4 6 7")
		want(t, "the sender", h.taker.from[0], "vera@example.net")
		want(t, "the mail", h.taker.mails[0], reply("yesterday"))
		h.untouched(7)
		want(t, "logged", h.log.String(), "")
	})
}

func TestIMAPPollsWithoutIDLE(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.noIdle = true
		h.start()
		h.after(0)
		h.put(reply("new"), 0)
		want(t, "before the interval", h.after(59*time.Second), "")
		want(t, "after it", h.after(2*time.Second), "new")
	})
}

func TestIMAPOfOtherUIDs(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		for i := range 5 {
			h.put(reply(fmt.Sprint("first", i)), 0)
		}
		h.start()
		want(t, "taken", h.after(0), "first0 first1 first2 first3 first4")
		h.halt()
		if err := errors.Join(h.user.Delete("INBOX"), h.user.Create("INBOX", nil)); err != nil {
			t.Fatal(err)
		}
		for i := range imapNewest + 20 {
			h.put(reply(fmt.Sprint(i)), 30*24*time.Hour)
		}
		h.taker.mails = nil
		h.start()
		got := strings.Fields(h.after(0))
		if len(got) != imapNewest || got[0] != "20" || got[len(got)-1] != fmt.Sprint(imapNewest+19) {
			t.Errorf("taken are %d mails, from %s", len(got), got[:1])
		}
		h.log.has(t, "UIDs have become others")
	})
}

func TestIMAPServerGoesAndComes(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.start()
		h.put(reply("a"), 0)
		want(t, "taken", h.after(time.Second), "a")
		h.down()
		h.forget()
		gone := time.Now()
		h.put(reply("b"), 0)
		want(t, "while the server is away", h.after(30*time.Minute), "a")
		var waits []string
		for _, at := range h.dials[:9] {
			waits = append(waits, at.Sub(gone).String())
			gone = at
		}
		want(t, "waits between attempts", strings.Join(waits, " "), "5s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s 5m0s")
		h.up()
		want(t, "once it is back", h.after(imapLastWait), "a b")
		h.log.has(t, "level=WARN", "connection refused", "again_in=5m0s")
		h.log.has(t, "the mailbox is read again")
		h.put(reply("c"), 0)
		want(t, "and later", h.after(time.Second), "a b c")
		h.down()
		h.forget()
		gone = time.Now()
		h.after(6 * time.Second)
		if len(h.dials) != 1 || h.dials[0].Sub(gone) != imapFirstWait {
			t.Errorf("after it was back, the next fault is tried again at %v", h.dials)
		}
	})
}

func TestIMAPServerDoesNotAnswer(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.deaf = true
		h.start()
		h.after(replyTimeout + time.Second)
		h.log.has(t, "greeting: no answer within 15s")
	})
}

func TestIMAPFaultOfOurs(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		var away atomic.Bool
		away.Store(true)
		h.taker.answer = func(mail string) (bool, error) {
			if away.Load() && subject(mail) == "b" {
				return false, errors.New("the store is away")
			}
			return true, nil
		}
		for _, s := range []string{"a", "b", "c"} {
			h.put(reply(s), 0)
		}
		h.start()
		want(t, "it stops there", h.after(0), "a b")
		want(t, "is tried again", h.after(16*time.Second), "a b b b")
		h.halt()
		h.start()
		want(t, "also after a restart", h.after(0), "a b b b b")
		away.Store(false)
		want(t, "and goes on", h.after(time.Minute), "a b b b b b c")
		want(t, "once", h.after(time.Hour), "a b b b b b c")
		h.log.has(t, "level=ERROR", "cannot be taken now", "the store is away")
		h.untouched(3)
	})
}

// TestIMAPMailThatEndsTheConnection has mails at which the server, or go-imap, gives up.
func TestIMAPMailThatEndsTheConnection(t *testing.T) {
	for name, test := range map[string]struct {
		breaks func(uid imap.UID, structure bool) bool
		taken  string
		logged string
	}{
		"structure":          {func(uid imap.UID, structure bool) bool { return uid == 3 && structure }, "1 2 3 4 5", ""},
		"text":               {func(uid imap.UID, structure bool) bool { return uid == 3 && !structure }, "1 2 4 5", "uid=3"},
		"structure and text": {func(uid imap.UID, structure bool) bool { return uid == 3 }, "1 2 4 5", "uid=3"},
	} {
		t.Run(name, func(t *testing.T) {
			inMailbox(t, func(h *imapHouse) {
				h.breaks = test.breaks
				for i := range 5 {
					h.put(reply(fmt.Sprint(i+1)), 0)
				}
				h.start()
				want(t, "taken", h.after(time.Hour), test.taken)
				if test.logged != "" {
					h.log.has(t, "level=ERROR", "passed over", test.logged)
				}
				h.untouched(5)
			})
		})
	}
}

func TestIMAPMailThatBreaksOff(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		times := 0
		h.taker.answer = func(string) (bool, error) {
			if times++; times == 1 {
				h.down() // its text was read to the end
			}
			return true, nil
		}
		h.put(reply("a"), 0)
		h.start()
		h.after(time.Second)
		h.up()
		got := h.after(time.Minute)
		if got != "a" && got != "a a" {
			t.Errorf("taken are %q", got)
		}
		h.put(reply("b"), 0)
		want(t, "then", h.after(time.Minute), got+" b")
	})
}

func TestIMAPPassesOverLargeMail(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.most = 1000
		h.put(reply("large")+strings.Repeat("X", 1000), 0)
		h.put(reply("small"), 0)
		h.start()
		want(t, "taken", h.after(0), "small")
		want(t, "fetched are", strings.Join(h.fetched, " "), "2")
		h.log.has(t, "too large", "uid=1")
	})
}

// TestIMAPMailIsDeletedMeanwhile deletes a mail between the look and its fetch.
func TestIMAPMailIsDeletedMeanwhile(t *testing.T) {
	inMailbox(t, func(h *imapHouse) {
		h.put(reply("a"), 0)
		h.put(reply("b"), 0)
		h.put(reply("c"), 0)
		h.taker.answer = func(mail string) (bool, error) {
			if subject(mail) == "a" {
				s := imapmemserver.NewUserSession(h.user)
				defer s.Close()
				if _, err := s.Select("INBOX", &imap.SelectOptions{}); err != nil {
					t.Error(err)
				}
				if err := s.Store(nil, imap.UIDSetNum(2), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil); err != nil {
					t.Error(err)
				}
				if err := s.Expunge(nil, nil); err != nil {
					t.Error(err)
				}
			}
			return true, nil
		}
		h.start()
		want(t, "taken", h.after(time.Second), "a c")
		want(t, "logged", h.log.String(), "")
	})
}
