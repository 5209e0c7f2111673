package caldav

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// failures counts what was wrong by whom it came from: burst at once, and one more in every so long.
type failures struct {
	every time.Duration
	burst int

	mu sync.Mutex
	by map[string]*rate.Limiter
}

func newFailures(every time.Duration, burst int) *failures {
	return &failures{every: every, burst: burst, by: map[string]*rate.Limiter{}}
}

// of returns the count of one of them; its tokens are what that one may still get wrong. Those that have
// nothing against them are forgotten when there are too many, and all if that is not enough.
func (f *failures) of(key string, now time.Time) *rate.Limiter {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.by[key]; l != nil {
		return l
	}
	if len(f.by) >= maxRemembered {
		for k, l := range f.by {
			if l.TokensAt(now) >= float64(f.burst) {
				delete(f.by, k)
			}
		}
		if len(f.by) >= maxRemembered {
			clear(f.by)
		}
	}
	l := rate.NewLimiter(rate.Every(f.every), f.burst)
	f.by[key] = l
	return l
}
