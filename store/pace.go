package store

import "time"

// maxPatience bounds how long a group waits for more.
const maxPatience = 5 * time.Millisecond

// A pace is what the writer remembers from one commit to the next, so that those who save at the same time
// come to share their commits. Without it they stay in two halves: one is committed while the other waits,
// and before those that were answered are back with the next save the other half is being committed, so
// that there are twice as many commits as need be. Whoever was answered is given until as much time has passed
// as a commit takes; nobody waits for one who saves now and then, or alone.
type pace struct {
	away    int           // were answered and are not back
	queued  int           // waited already when they were answered
	since   time.Time     // when
	commits time.Duration // how long commits take
}

// took notes a request that was taken from the queue.
func (p *pace) took() {
	switch {
	case p.queued > 0:
		p.queued--
	case p.away > 0:
		p.away--
	}
}

// left is how long to wait for another request before the commit; 0 or less: it is not waited.
func (p *pace) left(now time.Time) time.Duration {
	if p.away == 0 {
		return 0
	}
	return p.since.Add(min(p.commits, maxPatience)).Sub(now)
}

// committed notes a commit that took so long and answers so many, while others waited.
func (p *pace) committed(now time.Time, d time.Duration, answered, queued int) {
	p.away, p.queued, p.since = answered, queued, now
	p.commits += (d - p.commits) / 4
}
