package booking

import (
	"context"
	"slices"
	"sync"
	"time"

	"joinery/conference"
	"joinery/store"
)

// lookBack is how far back accounts are listed: longer than anything is waited for.
const lookBack = 45 * 24 * time.Hour

// A survey is what an account lists of ours.
type survey struct {
	account string
	began   time.Time
	listed  []conference.Listed
	err     error
}

// accounts are the names of the accounts that can list, sorted.
func (s *Sweeper) accounts() []string {
	var names []string
	for name, p := range s.opts.Providers {
		if _, ok := conference.As[conference.Lister](p); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// survey lists accounts side by side.
func (s *Sweeper) survey(ctx context.Context, accounts []string, prefix string) []survey {
	surveys := make([]survey, len(accounts))
	var all sync.WaitGroup
	for i, name := range accounts {
		all.Go(func() {
			now := s.opts.Now()
			v := survey{account: name, began: now}
			lister, _ := conference.As[conference.Lister](s.opts.Providers[name])
			v.listed, v.err = lister.List(ctx, prefix, now.Add(-lookBack), time.Time{})
			surveys[i] = v
		})
	}
	all.Wait()
	return surveys
}

// prefix begins the keys of this installation's rooms, and of no other's.
func (s *Sweeper) prefix() string { return s.opts.Store.Installation() + "-" }

// restored notes in tx that the database is an older copy, if plans say so, has clients synchronise anew
// then, and notes that the keys which are taken are never given. It returns what holds.
func (s *Sweeper) restored(tx *store.Tx, plans []plan) (Restore, error) {
	r, err := RestoreOf(tx)
	if err != nil {
		return r, err
	}
	last, err := tx.LastRoomID()
	if err != nil {
		return r, err
	}
	for _, p := range plans {
		if p.highest > last {
			if err := tx.SkipRoomIDs(p.highest); err != nil {
				return r, err
			}
			last = p.highest
		}
		if p.restored == "" || r.InForce() {
			continue
		}
		r = Restore{Found: tx.Now(), Why: p.restored}
		if err := writeMeta(tx, metaRestore, r); err != nil {
			return r, err
		}
		// Clients may know a state that the database has forgotten, and take another for it.
		if err := tx.ExpireTokens(); err != nil {
			return r, err
		}
		s.opts.Log.Error("the database seems to be an older copy that was put back; nothing is deleted or changed at the providers until joinery reconcile --confirm-restore",
			"why", p.restored)
	}
	return r, nil
}
