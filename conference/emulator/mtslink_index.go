package emulator

import (
	"container/heap"
	"time"
)

// mtsIndex finds what the account holds without a walk through months of it. It is made anew from
// the data, never saved.
type mtsIndex struct {
	events         map[int64]*mtsEvent
	sessions       map[int64]*mtsSession
	participations map[int64]*mtsParticipation
	buried         map[int64]bool // events among the deleted
	live           int            // sessions in START
	due            mtsDues
}

// A mtsDue says when a session begins by itself; it is stale once the session says otherwise.
type mtsDue struct {
	at      time.Time
	session *mtsSession
}

// mtsDues is a heap, the earliest on top.
type mtsDues []mtsDue

func (d mtsDues) Len() int           { return len(d) }
func (d mtsDues) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d mtsDues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *mtsDues) Push(x any)        { *d = append(*d, x.(mtsDue)) }
func (d *mtsDues) Pop() any {
	old := *d
	last := old[len(old)-1]
	*d = old[:len(old)-1]
	return last
}

// reindex makes the index of everything that is there.
func (m *MTSLink) reindex() {
	m.index = mtsIndex{
		events:         map[int64]*mtsEvent{},
		sessions:       map[int64]*mtsSession{},
		participations: map[int64]*mtsParticipation{},
		buried:         map[int64]bool{},
	}
	for _, e := range m.data.Events {
		m.index.events[e.ID] = e
		for _, n := range e.Participants {
			m.index.participations[n.ID] = n
		}
		for _, s := range e.Sessions {
			m.indexSession(e, s)
		}
	}
	for _, c := range m.data.Deleted {
		m.index.buried[c.eventID()] = true
	}
}

func (m *MTSLink) indexSession(e *mtsEvent, s *mtsSession) {
	s.event = e
	m.index.sessions[s.ID] = s
	for _, n := range s.Participants {
		m.index.participations[n.ID] = n
	}
	if s.Status == mtsStart {
		m.index.live++
	}
	m.arm(s)
}

func (m *MTSLink) unindexSession(s *mtsSession) {
	delete(m.index.sessions, s.ID)
	for _, n := range s.Participants {
		delete(m.index.participations, n.ID)
	}
	if s.Status == mtsStart {
		m.index.live--
	}
}

func (m *MTSLink) unindexEvent(e *mtsEvent) {
	delete(m.index.events, e.ID)
	for _, n := range e.Participants {
		delete(m.index.participations, n.ID)
	}
}

// selfStart returns when s begins by itself: at its planned start, but never before it was made so.
func (s *mtsSession) selfStart() (time.Time, bool) {
	if s.Status != mtsActive || s.StartType == "manual" {
		return time.Time{}, false
	}
	if s.About.Start.Before(s.Changed) {
		return s.Changed, true
	}
	return s.About.Start, true
}

// arm is called whenever what selfStart says may have changed.
func (m *MTSLink) arm(s *mtsSession) {
	if at, ok := s.selfStart(); ok {
		heap.Push(&m.index.due, mtsDue{at, s})
	}
}

// autostart begins the sessions whose time has come, each at its time, however late the account
// is looked at. Nothing ends by itself. Where only one may be live the next begins once it can.
func (m *MTSLink) autostart() {
	now, begun := m.now(), false
	for len(m.index.due) > 0 && !m.index.due[0].at.After(now) {
		d := m.index.due[0]
		at, ok := d.session.selfStart()
		if !ok || !at.Equal(d.at) || m.index.sessions[d.session.ID] != d.session {
			heap.Pop(&m.index.due)
			continue
		}
		if m.mayBegin() != nil {
			break
		}
		heap.Pop(&m.index.due)
		if m.oneLive {
			at = now
		}
		m.begin(d.session, at)
		begun = true
	}
	if begun {
		m.save()
	}
}
