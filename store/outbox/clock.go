package outbox

import (
	"context"
	"time"

	"joinery/store"
)

// soon bounds the waits that count from when work was noted: settle times, which the configuration allows an hour,
// and pauses between attempts. What is due later than that is due at a time of its own.
const soon = time.Hour + time.Minute

// After is when d has passed since at, for a handler that waits so long. An at that is further ahead of now than d
// was noted by a clock that was wrong, nobody knows how long ago: then it is over now.
func After(at time.Time, d time.Duration, now time.Time) time.Time {
	if at.Sub(now) > d {
		return now
	}
	return at.Add(d)
}

// keepTime has work of q that is due soon by a clock that showed seen be due as soon by the clock as it is now,
// where that was set back. It returns what the clock shows, for the next time.
func (q *queue) keepTime(ctx context.Context, seen time.Time) time.Time {
	now := q.store.Now().Round(0) // to be compared as it is shown, not as time went by
	back := seen.Sub(now)
	if back < poll {
		return now
	}
	err := q.store.Update(ctx, func(tx *store.Tx) error { return tx.AdvanceWork(q.Kind, now, back, soon, now.Add(Lease)) })
	if err != nil {
		if ctx.Err() == nil {
			q.log.Error("bringing work forward after the clock was set back; it is tried again", "error", err)
		}
		return seen
	}
	q.log.Warn("the clock was set back; work that is due soon is brought forward", "by", back.Round(time.Second))
	return now
}
