package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"joinery/conference"
	"joinery/store"
	"joinery/store/outbox"
)

// A sweeping is one sweep under way.
type sweeping struct {
	*Sweeper
	Sweep
	job    *outbox.Job     // nil: it is only looked
	broken map[string]bool // accounts that failed; nothing more is asked of them
}

// record runs f in a transaction that commits nothing once the lease is lost. It does so although
// ctx has ended: what a provider has answered is not thrown away.
func (t *sweeping) record(ctx context.Context, f func(*store.Tx) error) error {
	return t.opts.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := t.job.Hold(tx); err != nil {
			return err
		}
		return f(tx)
	})
}

// begin enters what was found, and puts the brake on.
func (t *sweeping) begin(surveys []survey, plans []plan, allowed int) {
	t.At = t.opts.Now()
	ours := 0
	for i, v := range surveys {
		p := plans[i]
		byAge(p.strays)
		a := AccountSweep{Name: v.account, Ours: p.ours, Others: p.others, Live: p.live, Strays: p.strays}
		if v.err != nil {
			a.Problem = errorText(v.err)
			t.broken[v.account] = true
			t.opts.Observe(v.account, "sweep", string(conference.KindOf(v.err)))
		}
		ours += p.ours
		for _, s := range p.strays {
			if s.Due && s.Kept == "" {
				t.Due++
			}
		}
		t.Accounts = append(t.Accounts, a)
	}
	t.Limit = brake(ours)
	t.Braked = t.Due > t.Limit && t.Due != allowed
}

// countOthers counts what carries keys that are not ours: of another installation, or whatever else
// people tag. Where it cannot be listed nothing is counted.
func (t *sweeping) countOthers(ctx context.Context, surveys []survey) {
	for i, all := range t.survey(ctx, t.accounts(), "") {
		ours := map[string]bool{}
		for _, l := range surveys[i].listed {
			ours[l.Ref] = true
		}
		for _, l := range all.listed {
			if !ours[l.Ref] {
				t.Accounts[i].Others++
			}
		}
	}
}

// tight tells whether ctx leaves no time for another call, which the next run makes then.
func (t *sweeping) tight(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	if ctx.Err() != nil || ok && time.Until(end) < callTime-5*time.Second {
		t.Unfinished = true
	}
	return t.Unfinished
}

// fails notes an account's error: nothing more is asked of it in this sweep.
func (t *sweeping) fails(i int, err error) {
	a := &t.Accounts[i]
	a.Problem = errorText(err)
	t.broken[a.Name] = true
	t.opts.Observe(a.Name, "sweep", string(conference.KindOf(err)))
}

// status asks for a room's status; ok is false if it cannot be known.
func (t *sweeping) status(ctx context.Context, i int, r conference.Room) (status conference.Status, gone, ok bool) {
	stater, able := conference.As[conference.Stater](t.opts.Providers[t.Accounts[i].Name])
	if !able {
		return "", false, false
	}
	status, err := stater.Status(ctx, r)
	switch conference.KindOf(err) {
	case "":
		return status, false, true
	case conference.Gone:
		return "", true, true
	case conference.Invalid:
	default:
		t.fails(i, err)
	}
	return "", false, false
}

// differences hands rooms whose conferences differ to the reconciler, if do. So many that are missing
// that it is rather the account that is another one are left alone, unless remake.
func (t *sweeping) differences(ctx context.Context, plans []plan, do, remake bool) error {
	for i, p := range plans {
		account := t.Accounts[i].Name
		var marks []difference
		for _, d := range p.differing() {
			if !d.left && d.asked {
				if do && d.room.ID <= t.asked[account] {
					continue // an earlier run of this sweep did
				}
				if t.broken[account] || t.tight(ctx) {
					break
				}
				status, gone, ok := t.status(ctx, i, known(&d.room))
				if do {
					t.asked[account] = d.room.ID
				}
				if !ok || gone != d.missing || !gone && status != conference.StatusPlanned {
					continue
				}
			}
			marks = append(marks, d)
			if !d.ended {
				t.found(i, d)
			}
		}
		if missing := len(t.Accounts[i].Missing); missing > brake(p.live) && !remake {
			t.Accounts[i].Problem = fmt.Sprintf("%d of %d conferences are not there; none is made anew before somebody has looked (joinery reconcile --yes-remake)", missing, p.live)
			t.broken[account] = true
			marks = slices.DeleteFunc(marks, func(d difference) bool { return d.missing })
		}
		if !do {
			continue
		}
		if err := t.record(ctx, func(tx *store.Tx) error { return t.mark(tx, marks, p.settled) }); err != nil {
			return err
		}
	}
	return nil
}

// found enters a difference.
func (t *sweeping) found(i int, d difference) {
	differ := Differ{Key: d.room.Key, Found: d.found, Left: d.left}
	if m, err := decodeMeeting(d.room.Meeting); err == nil {
		differ.Title = m.Title
	}
	a := &t.Accounts[i]
	if d.missing {
		a.Missing = append(a.Missing, differ)
	} else {
		a.Drifted = append(a.Drifted, differ)
	}
}

// mark has the reconciler bring rooms to what the calendar wants: the calendar wins. One that is
// gone is an update's Gone then, so that another is made and people are told.
func (t *sweeping) mark(tx *store.Tx, marks []difference, settled []int64) error {
	seen, err := deviations(tx)
	if err != nil {
		return err
	}
	for _, id := range settled {
		delete(seen, id)
	}
	for id := range seen {
		room, err := tx.RoomByID(id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err != nil || conference.RoomState(room.State) != conference.RoomLive {
			delete(seen, id)
		}
	}
	for _, d := range marks {
		room, err := tx.RoomByID(d.room.ID)
		if err != nil {
			return err
		}
		if room.State != d.room.State || room.Meeting != d.room.Meeting || !room.Updated.Equal(d.room.Updated) {
			continue // the reconciler was at it meanwhile
		}
		if d.ended {
			room.AskAt = t.opts.Now()
			if err := tx.PutRoom(room); err != nil {
				return fmt.Errorf("have the status of room %d asked for: %w", room.ID, err)
			}
			if err := t.opts.Outbox.Touch(tx, Kind, room.BookingID, t.opts.Now()); err != nil {
				return err
			}
			continue
		}
		log := t.opts.Log.With("room", room.ID, "booking", room.BookingID, "provider", room.Provider, "found", d.found)
		last := seen[room.ID]
		if d.left {
			if last.Told {
				continue
			}
			log.Warn("a conference differs again after it was set right; it is left as it is")
			last.Told = true
			seen[room.ID] = last
			if err := t.step(tx, room.ID, "left", d.found); err != nil {
				return err
			}
			continue
		}
		text, err := d.marked()
		if err != nil {
			return err
		}
		seen[room.ID] = deviation{Found: d.found, Sent: digest(room.Meeting), Mark: digest(text)}
		room.Meeting = text
		if err := tx.PutRoom(room); err != nil {
			return fmt.Errorf("mark room %d: %w", room.ID, err)
		}
		if err := t.step(tx, room.ID, "differs", d.found); err != nil {
			return err
		}
		if err := t.opts.Outbox.Touch(tx, Kind, room.BookingID, t.opts.Now()); err != nil {
			return err
		}
		log.Warn("a conference was changed at the provider; the calendar's is restored")
	}
	return writeMeta(tx, metaDeviations, seen)
}

func (t *sweeping) step(tx *store.Tx, room int64, outcome, detail string) error {
	err := tx.AddStep(&store.Step{RoomID: room, At: t.opts.Now(), What: "sweep", Outcome: outcome, Detail: detail})
	if err != nil {
		return fmt.Errorf("store a step of room %d: %w", room, err)
	}
	return nil
}

// strays deletes those that are due, one by one.
func (t *sweeping) strays(ctx context.Context) error {
	for i := range t.Accounts {
		a := &t.Accounts[i]
		for k := range a.Strays {
			s := &a.Strays[k]
			if !s.Due || s.Kept != "" || t.Braked || t.broken[a.Name] {
				continue
			}
			if t.tight(ctx) {
				return nil
			}
			if err := t.remove(ctx, i, s); err != nil {
				return err
			}
			if s.Deleted {
				a.Deleted++
			}
		}
	}
	return nil
}

// remove deletes a stray, unless it turns out that it is none or that people are in it.
func (t *sweeping) remove(ctx context.Context, i int, s *Stray) error {
	account := t.Accounts[i].Name
	if _, keep := t.occupied(ctx, i, s); keep {
		return nil
	}
	err := t.record(ctx, func(tx *store.Tx) error {
		row, err := tx.RoomByKey(s.Key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && belongs(row, s.listed) {
			s.Kept = "it belongs to a room now"
		}
		r, err := RestoreOf(tx)
		if err == nil && r.InForce() {
			s.Kept = "the database was restored"
		}
		return err
	})
	if err != nil || s.Kept != "" {
		return err
	}
	gone, keep := t.occupied(ctx, i, s) // it may have begun meanwhile
	if keep {
		return nil
	}
	if !gone {
		err := t.opts.Providers[account].Release(ctx, s.listed.Room)
		if kind := conference.KindOf(err); kind != "" && kind != conference.Gone {
			t.opts.Observe(account, "delete stray", string(kind))
			t.fails(i, err)
			return nil
		}
	}
	s.Deleted = true
	t.opts.Observe(account, "delete stray", "ok")
	t.opts.Log.Info("a conference without a room was deleted", "provider", account, "key", s.Key, "ref", s.Ref, "since", s.Since)
	return t.record(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteStray(account, s.Ref); err != nil {
			return err
		}
		row, err := tx.RoomByKey(s.Key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return t.step(tx, row.ID, "deleted stray", s.Ref)
	})
}

// occupied asks whether a stray is to be kept because it is not surely idle, and whether it is gone.
func (t *sweeping) occupied(ctx context.Context, i int, s *Stray) (gone, keep bool) {
	status, gone, ok := t.status(ctx, i, s.listed.Room)
	switch {
	case t.broken[t.Accounts[i].Name]:
		return gone, true
	case !ok && s.listed.Status != conference.StatusPlanned:
		s.Kept = "whether it has begun cannot be known"
	case ok && !gone && status != conference.StatusPlanned:
		s.Kept = "it is " + string(status)
	}
	return gone, s.Kept != ""
}

// tell tells operators.
func (t *sweeping) tell() {
	for _, a := range t.Accounts {
		outcome := "ok"
		switch {
		case a.Problem != "":
			t.opts.Log.Warn("an account could not be swept", "provider", a.Name, "error", a.Problem)
			continue // observed where it failed
		case t.Restore.InForce():
			outcome = "restored"
		case t.Braked:
			outcome = "braked"
		}
		t.opts.Observe(a.Name, "sweep", outcome)
	}
	if t.Braked {
		t.opts.Log.Error("so many conferences without a room would be deleted that none is; see joinery reconcile -n",
			"due", t.Due, "limit", t.Limit)
	}
}
