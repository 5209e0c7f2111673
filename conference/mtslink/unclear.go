package mtslink

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"joinery/conference"
)

// unclearFor is how long a request that nobody waits for any more may still take effect at the
// service.
const unclearFor = 45 * time.Second

// unclearKeys remembers the keys of events whose making was given up while the service might
// still have been at it. It is lost with the process.
type unclearKeys struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// note remembers key if err says that the service was not waited for to the end.
func (u *unclearKeys) note(key string, now time.Time, err error) {
	if !isKind(err, conference.Ambiguous) || !gaveUp(err) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.until == nil {
		u.until = make(map[string]time.Time)
	}
	for k, until := range u.until {
		if !now.Before(until) {
			delete(u.until, k)
		}
	}
	u.until[key] = now.Add(unclearFor)
}

func (u *unclearKeys) forget(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.until, key)
}

// pending reports whether an event of key may still appear.
func (u *unclearKeys) pending(key string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return now.Before(u.until[key])
}

// errTimeout is in the error of an answer that says that somebody on the way gave up.
var errTimeout = errors.New("timeout on the way")

func gaveUp(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errTimeout) ||
		errors.As(err, &timeout) && timeout.Timeout()
}
