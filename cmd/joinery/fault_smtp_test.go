package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// The environment of the SMTP server's process, which is this test binary again.
const (
	faultSMTPListen  = "JOINERY_FAULT_SMTP"         // where mail is taken
	faultSMTPControl = "JOINERY_FAULT_SMTP_CONTROL" // where it is told what to do wrong
	faultSMTPLog     = "JOINERY_FAULT_SMTP_LOG"     // the file of what was accepted
	faultSMTPSeed    = "JOINERY_FAULT_SMTP_SEED"
)

// faultRelayPlan is what goes wrong with mail: shares of all messages, and what is forced.
type faultRelayPlan struct {
	Defer  float64 `json:"defer"`  // 451 instead of accepting
	Before float64 `json:"before"` // the connection is cut before the message is read
	During float64 `json:"during"` // … while it is read
	After  float64 `json:"after"`  // … after it was accepted: the answer is lost

	Hold    int     `json:"hold"`    // of so many messages the answer waits after they were accepted
	Seconds float64 `json:"seconds"` // for so long
}

// A faultMail is one accepted message: a line of the SMTP server's log.
type faultMail struct {
	At   time.Time `json:"at"`
	From string    `json:"from"`
	To   []string  `json:"to"`
	Raw  []byte    `json:"raw"`
}

// faultRelay is an SMTP server that has every accepted message on the disk before it answers.
type faultRelay struct {
	mu     sync.Mutex
	plan   faultRelayPlan
	random *rand.Rand
	counts map[string]int
	log    *os.File
}

// TestFaultSMTP is no test of its own: TestFault runs it as the process of its SMTP server.
func TestFaultSMTP(t *testing.T) {
	listen := os.Getenv(faultSMTPListen)
	if listen == "" {
		t.Skip("this is the SMTP server of TestFault, which starts it by the environment")
	}
	seed, err := strconv.ParseUint(os.Getenv(faultSMTPSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(os.Getenv(faultSMTPLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	relay := &faultRelay{random: rand.New(rand.NewPCG(seed, 2)), counts: map[string]int{}, log: log}
	control, err := net.Listen("tcp", os.Getenv(faultSMTPControl))
	if err != nil {
		t.Fatal(err)
	}
	mail, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &faultRelaySession{relay: relay, conn: c}, nil
	}))
	server.Domain = "localhost"
	server.EnableSMTPUTF8 = true
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	go func() { _ = http.Serve(control, relay) }()
	go func() { _ = server.Serve(mail) }()
	// It ends with the process that started it, however that one ends.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// ServeHTTP sets the plan (PUT) and tells what was done (GET).
func (f *faultRelay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodPut {
		var plan faultRelayPlan
		if err := json.NewDecoder(r.Body).Decode(&plan); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		f.plan = plan
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(maps.Clone(f.counts))
}

// next says what becomes of the next message.
func (f *faultRelay) next() (what string, hold time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what = "accepted"
	if f.plan.Hold > 0 {
		f.plan.Hold--
		f.counts["held"]++
		return what, time.Duration(f.plan.Seconds * float64(time.Second))
	}
	x := f.random.Float64()
	for _, c := range []struct {
		what  string
		share float64
	}{{"deferred", f.plan.Defer}, {"cut before", f.plan.Before}, {"cut during", f.plan.During}, {"cut after", f.plan.After}} {
		if x < c.share {
			what = c.what
			break
		}
		x -= c.share
	}
	f.counts[what]++
	return what, 0
}

// accept has the message on the disk.
func (f *faultRelay) accept(m faultMail) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.log.Write(append(line, '\n')); err != nil {
		return err
	}
	return f.log.Sync()
}

type faultRelaySession struct {
	relay *faultRelay
	conn  *smtp.Conn
	from  string
	to    []string
}

func (s *faultRelaySession) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	return nil
}

func (s *faultRelaySession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *faultRelaySession) Data(r io.Reader) error {
	what, hold := s.relay.next()
	switch what {
	case "cut before":
		return s.cut()
	case "cut during":
		_, _ = io.CopyN(io.Discard, r, 300)
		return s.cut()
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if what == "deferred" {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "try again later"}
	}
	if err := s.relay.accept(faultMail{At: time.Now(), From: s.from, To: s.to, Raw: raw}); err != nil {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "no room"}
	}
	if what == "cut after" {
		return s.cut()
	}
	time.Sleep(hold)
	return nil
}

func (s *faultRelaySession) cut() error {
	return errors.Join(errors.New("the connection is cut"), s.conn.Conn().Close())
}

func (s *faultRelaySession) Reset()        { s.from, s.to = "", nil }
func (s *faultRelaySession) Logout() error { return nil }

// readFaultMails reads the SMTP server's log in the order of acceptance.
func readFaultMails(path string) ([]faultMail, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []faultMail
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return list, nil // a line without end is being written
		}
		if err != nil {
			return nil, err
		}
		var m faultMail
		if err := json.Unmarshal([]byte(strings.TrimSpace(line)), &m); err != nil {
			return nil, fmt.Errorf("line %d: %w", len(list)+1, err)
		}
		list = append(list, m)
	}
}
