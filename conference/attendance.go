package conference

import (
	"context"
	"time"
)

// A Visit is somebody's presence at a meeting.
type Visit struct {
	Email        string    // lower case; empty: a guest without registration
	Name         string    // for people
	Joined, Left time.Time // zero: not told
	Present      time.Duration
}

// An Attender tells who was at a meeting after it has ended: one Visit for each time that somebody
// came, in that order. None is not an error; it may mean that the service has not counted yet.
type Attender interface {
	Attendance(ctx context.Context, r Room) ([]Visit, error)
}
