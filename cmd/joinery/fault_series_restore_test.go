package main

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"joinery/conference/emulator"
)

// A faultBackup is a copy of a house's database, and what its clients had saved by then.
type faultBackup struct {
	made     time.Time // by the machine's clock
	back     time.Time // zero: it was not put back
	lost     time.Time // the same, by the server's clock
	files    map[string][]byte
	last     int64 // the highest id of a room
	meetings map[*faultUser][]*faultMeeting
}

// The files of a database.
var faultFiles = []string{"", "-wal", "-shm"}

// backup copies the first house's database while its server is down, at rest.
func (s *seriesRun) backup(ctx context.Context) {
	r := s.houses[0]
	r.world.kill()
	s.kills++
	b := &faultBackup{files: map[string][]byte{}, meetings: map[*faultUser][]*faultMeeting{}, made: time.Now()}
	for _, suffix := range faultFiles[:2] {
		data, err := os.ReadFile(r.world.database() + suffix)
		if err == nil {
			b.files[suffix] = data
		}
	}
	r.try("read the highest id", s.dbs[0].QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM rooms`).Scan(&b.last))
	for _, u := range r.users {
		for _, m := range u.list() {
			b.meetings[u] = append(b.meetings[u], &faultMeeting{
				owner: m.owner, uid: m.uid, may: slices.Clone(m.may), revived: m.revived, before: m.before, series: m.series,
				single: m.single, last: m.last, life: m.life,
			})
		}
	}
	s.old = b
	r.world.start(ctx)
}

// restore puts the old database back while the server is down: until somebody confirms, the server
// deletes nothing at the account; a day later all is in line again.
func (s *seriesRun) restore(ctx context.Context) {
	if s.failed() || s.old == nil {
		return
	}
	r, b := s.houses[0], s.old
	prefix, err := r.installation(ctx, s.dbs[0])
	r.try("read the installation's identity", err)
	r.world.kill()
	s.kills++
	var forgotten []emulator.Conference
	for _, c := range s.account.mts.Conferences() {
		id, err := strconv.ParseInt(strings.TrimPrefix(c.Key, prefix), 10, 64)
		if err == nil && strings.HasPrefix(c.Key, prefix) && id > b.last {
			forgotten = append(forgotten, c)
			s.given[c.Key] = c.ID
		}
	}
	s.rollBack(r, b)
	r.world.start(ctx)
	s.look(0)
	s.restores++
	s.advance(ctx, s.clock.now().Add(7*time.Hour), false)
	there := map[string]bool{}
	for _, c := range s.account.mts.Conferences() {
		there[c.ID] = true
	}
	for _, c := range forgotten {
		if !there[c.ID] {
			r.fail("", "before anybody confirmed the old database there is no longer %s", faultTold(c))
		}
	}
	out, err := r.world.run(ctx, "", "reconcile", "-n")
	noticed := strings.Contains(out, "--confirm-restore")
	switch {
	case len(forgotten) > 0 && !noticed:
		r.fail("", "the old database was not noticed, although it knows nothing of %d conferences: %v\n%s", len(forgotten), err, out)
	case noticed:
		_, err := r.world.run(ctx, "", "reconcile", "--confirm-restore")
		r.try("confirm the old database", err)
	}
	s.churn(ctx)
	s.advance(ctx, s.clock.now().Add(21*time.Hour), true)
	s.braked(ctx, r)
	s.night(ctx)
	s.check(ctx)
}

// rollBack puts the files back, and has the clients know what they knew then.
func (s *seriesRun) rollBack(r *faultRun, b *faultBackup) {
	s.dbs[0].Close()
	for _, suffix := range faultFiles {
		path := r.world.database() + suffix
		if data, ok := b.files[suffix]; ok {
			r.try("put the database back", os.WriteFile(path, data, 0o600))
		} else if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			r.try("put the database back", err)
		}
	}
	b.back, b.lost = time.Now(), s.clock.now()
	if r.forgotten == nil {
		r.forgotten, r.outdated = map[string]bool{}, map[string]bool{}
	}
	for _, u := range r.users {
		was := b.meetings[u]
		u.meetings = slices.DeleteFunc(u.list(), func(m *faultMeeting) bool {
			i := slices.IndexFunc(was, func(w *faultMeeting) bool { return w.uid == m.uid })
			if i < 0 {
				r.forgotten[m.uid] = true
				return true
			}
			w := was[i]
			if faultVersions(m.may) != faultVersions(w.may) {
				r.outdated[m.uid] = true
			}
			m.may, m.revived, m.before, m.series, m.single = slices.Clone(w.may), w.revived, w.before, w.series, w.single
			m.last, m.life = w.last, w.life
			m.tell("an old database is put back; its state is %s", faultVersions(m.may))
			return false
		})
	}
	for _, d := range r.devices {
		clear(d.cache)
	}
	r.mu.Lock()
	r.tags = map[string]string{} // links of then may lead somewhere again
	r.mu.Unlock()
}

// lost tells whether a mail was sent in the time that the old database knows nothing of.
func (s *seriesRun) lost(r *faultRun, at time.Time) bool {
	return r == s.houses[0] && s.old != nil && !s.old.back.IsZero() && at.After(s.old.made) && at.Before(s.old.back)
}

var faultAllowed = regexp.MustCompile(`--yes-delete (\d+)`)

// braked lets the strays be deleted of which there are too many for the server to do it by itself.
func (s *seriesRun) braked(ctx context.Context, r *faultRun) {
	r.quiet(ctx)
	s.calm(ctx)
	out, _ := r.world.run(ctx, "", "reconcile", "-n")
	if m := faultAllowed.FindStringSubmatch(out); m != nil {
		_, err := r.world.run(ctx, "", "reconcile", "--yes-delete", m[1])
		r.try("delete the strays", err)
	}
}
