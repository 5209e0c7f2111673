package store

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	const ms = time.Millisecond
	tests := []struct {
		name             string
		commits          time.Duration // of those before
		answered, queued int           // by the last one, and while it took place
		taken            int           // since
		passed           time.Duration // since
		want             time.Duration
	}{
		{"who was answered alone is back", 2 * ms, 1, 0, 1, 0, 0},
		{"one of two is back", 2 * ms, 2, 0, 1, 1 * ms, 1 * ms},
		{"both are back", 2 * ms, 2, 0, 2, 1 * ms, 0},
		{"one who waited is no return", 2 * ms, 1, 1, 1, 1 * ms, 1 * ms},
		{"one who waited, and one that is back", 2 * ms, 1, 1, 2, 1 * ms, 0},
		{"none was answered", 2 * ms, 0, 1, 1, 0, 0},
		{"they do not come back", 2 * ms, 16, 0, 1, 2 * ms, 0},
		{"now and then", 2 * ms, 2, 0, 1, time.Second, 2*ms - time.Second},
		{"a slow disk", time.Second, 2, 0, 1, 0, maxPatience},
	}
	for _, tt := range tests {
		var p pace
		for range 100 {
			p.committed(at, tt.commits, tt.answered, tt.queued)
		}
		for range tt.taken {
			p.took()
		}
		got := p.left(at.Add(tt.passed))
		if d := got - tt.want; d < -10*time.Microsecond || d > 10*time.Microsecond {
			t.Errorf("%s: the commit waits %v, want %v", tt.name, got, tt.want)
		}
	}
}
