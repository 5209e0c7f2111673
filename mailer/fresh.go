package mailer

import (
	"sync"

	"joinery/store"
)

// maxFresh is how many bytes of mails are held between their commit and their submission.
const maxFresh = 4 << 20

// A fresh holds mails that were just stored, so that they need not be read again to be submitted. What it does
// not hold is in the store. It is safe for concurrent use.
type fresh struct {
	mu       sync.Mutex
	messages map[int64]*store.Message
	size     int
}

// put holds m, which is stored. Where there is no room for it, what nobody took makes way.
func (f *fresh) put(m *store.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.messages == nil || f.size+m.Size > maxFresh {
		f.messages, f.size = map[int64]*store.Message{}, 0
	}
	f.messages[m.ID] = m
	f.size += m.Size
}

// take gives a message away, nil if it is not held.
func (f *fresh) take(id int64) *store.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.messages[id]
	if m != nil {
		delete(f.messages, id)
		f.size -= m.Size
	}
	return m
}
