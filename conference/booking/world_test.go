package booking

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"joinery/conference"
)

// A service is a conference service with one account, held in memory. Like MTS Link it makes a
// conference in two steps, event and session, knows no idempotency and shows keys back.
type service struct {
	name string

	mu    sync.Mutex
	count int
	confs map[string]*conf // by event
	calls map[string]int   // by method
	hook  func(point, key string) error
}

// A conf is a conference that exists at a service.
type conf struct {
	key, title string
	start      time.Time
	event      string
	session    string // empty: a shell
	ended      bool   // cannot be updated any more
	made       string // by which link it is joined
}

func newService(name string) *service {
	return &service{name: name, confs: map[string]*conf{}, calls: map[string]int{}}
}

// at is asked at every point of a call, outside the lock; its error is the call's.
func (s *service) at(point, key string) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(point, key)
}

// on sets the hook: what happens at which point.
func (s *service) on(hook func(point, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

func (s *service) called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s *service) begin(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
}

func (s *service) all() []conf {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []conf
	for _, c := range s.confs {
		all = append(all, *c)
	}
	return all
}

func (s *service) post(m conference.Meeting) conference.Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	c := &conf{key: m.Key, title: m.Title, start: m.Start, event: fmt.Sprintf("e%d", s.count)}
	c.made = fmt.Sprintf("https://%s.example/j/%s", s.name, c.event)
	s.confs[c.event] = c
	return c.room()
}

func (c *conf) room() conference.Room {
	refs := map[string]string{"event": c.event}
	if c.session != "" {
		refs["session"] = c.session
	}
	return conference.Room{Refs: refs, JoinURL: c.made}
}

func (s *service) change(event string, f func(*conf)) (conference.Room, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.confs[event]
	if c == nil {
		return conference.Room{}, false
	}
	f(c)
	return c.room(), true
}

// An account is the provider of a service; finding and stating are separate abilities.
type account struct{ *service }

type findingAccount struct{ account }

var (
	_ conference.Provider = account{}
	_ conference.Finder   = findingAccount{}
	_ conference.Stater   = findingAccount{}
)

func (account) Traits() conference.Traits { return conference.Traits{Service: "Test"} }

func (a account) Reserve(_ context.Context, m conference.Meeting, known conference.Room, record func(conference.Room) error) (conference.Room, error) {
	a.begin("reserve")
	room := known
	if known.Refs["event"] == "" {
		if err := a.at("before event", m.Key); err != nil {
			return room, err
		}
		room = a.post(m)
		if err := a.at("after event", m.Key); err != nil {
			return room, err
		}
		if err := record(room.Clone()); err != nil {
			return room, err
		}
	}
	if room.Refs["session"] == "" {
		if err := a.at("before session", m.Key); err != nil {
			return room, err
		}
		got, ok := a.change(room.Refs["event"], func(c *conf) {
			if c.session == "" {
				c.session = "s" + c.event
			}
		})
		if !ok {
			return room, &conference.Error{Kind: conference.Gone, Call: "POST session"}
		}
		room = got
		if err := a.at("after session", m.Key); err != nil {
			return room, err
		}
		if err := record(room.Clone()); err != nil {
			return room, err
		}
	}
	return room, nil
}

func (a account) Update(_ context.Context, r conference.Room, m conference.Meeting) (conference.Room, error) {
	a.begin("update")
	if err := a.at("before update", m.Key); err != nil {
		return r, err
	}
	ended := false
	got, ok := a.change(r.Refs["event"], func(c *conf) {
		if ended = c.ended; !ended {
			c.title, c.start = m.Title, m.Start
		}
	})
	if !ok || ended {
		return r, &conference.Error{Kind: conference.Gone, Call: "PUT event"}
	}
	return got, a.at("after update", m.Key)
}

func (a account) Release(_ context.Context, r conference.Room) error {
	a.begin("release")
	if err := a.at("before release", r.Refs["event"]); err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.confs, r.Refs["event"])
	a.mu.Unlock()
	return a.at("after release", r.Refs["event"])
}

func (a findingAccount) Find(_ context.Context, m conference.Meeting) (conference.Room, bool, error) {
	a.begin("find")
	if err := a.at("before find", m.Key); err != nil {
		return conference.Room{}, false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.confs {
		if c.key == m.Key {
			return c.room(), true, nil
		}
	}
	return conference.Room{}, false, nil
}

func (a findingAccount) Status(_ context.Context, r conference.Room) (conference.Status, error) {
	a.begin("status")
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.confs[r.Refs["event"]]
	switch {
	case c == nil:
		return "", &conference.Error{Kind: conference.Gone, Call: "GET session"}
	case c.ended:
		return conference.StatusEnded, nil
	}
	return conference.StatusPlanned, nil
}

// fault makes an error of a kind.
func fault(kind conference.ErrorKind) error {
	return &conference.Error{Kind: kind, Call: "POST /test", Err: errors.New("scripted")}
}

// unansweredFault is a call that was given up.
func unansweredFault() error {
	return &conference.Error{Kind: conference.Ambiguous, Call: "POST /test", Err: context.DeadlineExceeded}
}

// times has f happen at the first n passes of a point.
func times(n int, at string, f func() error) func(point, key string) error {
	var mu sync.Mutex
	return func(point, _ string) error {
		if point != at {
			return nil
		}
		mu.Lock()
		n--
		left := n
		mu.Unlock()
		if left < 0 {
			return nil
		}
		return f()
	}
}

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
