package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const workColumns = `kind, subject, version, due, attempts, error, lease, until`

func (w *Work) fields() []any {
	return []any{&w.Kind, &w.Subject, &w.Version, (*instant)(&w.Due), &w.Attempts, &w.Error, &w.Lease, (*instant)(&w.Until)}
}

// touchedDue is never 0, which stands for none.
func touchedDue(due time.Time) int64 { return max(due.UnixMicro(), 1) }

// errText bounds what is kept of a failure.
const errText = 1000

// TouchWork notes that a subject is to be looked at by due at the latest: it inserts the row, or
// raises Version, sets Attempts to 0 and Due to the earlier of the two.
func (tx *Tx) TouchWork(kind string, subject int64, due time.Time) error {
	at := touchedDue(due)
	// A row that is being worked keeps what it was claimed for as due, in case the worker dies.
	_, err := tx.exec(`INSERT INTO work (kind, subject, version, due, again, attempts, error, lease, until)
		VALUES (?, ?, 1, ?, ?, 0, '', '', 0)
		ON CONFLICT (kind, subject) DO UPDATE SET version = version + 1, attempts = 0,
		due = CASE WHEN excluded.due < due THEN excluded.due ELSE due END,
		again = CASE WHEN again = 0 OR excluded.again < again THEN excluded.again ELSE again END`,
		kind, subject, at, at)
	if err != nil {
		return fmt.Errorf("touch work: %w", err)
	}
	return nil
}

// DeferWork is TouchWork with Due set exactly, also later than it was.
func (tx *Tx) DeferWork(kind string, subject int64, due time.Time) error {
	at := touchedDue(due)
	_, err := tx.exec(`INSERT INTO work (kind, subject, version, due, again, attempts, error, lease, until)
		VALUES (?, ?, 1, ?, ?, 0, '', '', 0)
		ON CONFLICT (kind, subject) DO UPDATE SET version = version + 1, attempts = 0,
		due = excluded.due, again = excluded.again`, kind, subject, at, at)
	if err != nil {
		return fmt.Errorf("defer work: %w", err)
	}
	return nil
}

// ClaimWork leases the earliest due row that nobody holds; ErrNotFound if there is none.
func (tx *Tx) ClaimWork(kind string, now time.Time, lease string, until time.Time) (*Work, error) {
	subjects, err := tx.DueWork(kind, now, 1, nil)
	if err != nil {
		return nil, err
	}
	if len(subjects) == 0 {
		return nil, fmt.Errorf("claim work: %w", ErrNotFound)
	}
	return tx.ClaimSubject(kind, subjects[0], now, lease, until)
}

// ClaimSubject leases the row of a subject if it is due and nobody holds it, otherwise ErrNotFound.
func (tx *Tx) ClaimSubject(kind string, subject int64, now time.Time, lease string, until time.Time) (*Work, error) {
	return one(tx, "work", (*Work).fields, `UPDATE work SET lease = ?, until = ?, again = 0
		WHERE kind = ? AND subject = ? AND due <= ? AND (lease = '' OR until <= ?) RETURNING `+workColumns,
		lease, instant(until), kind, subject, instant(now), instant(now))
}

// ClaimSubjects is ClaimSubject for several subjects. It gives those that could be leased, in the order of subjects.
func (tx *Tx) ClaimSubjects(kind string, subjects []int64, now time.Time, lease string, until time.Time) ([]Work, error) {
	ids, err := json.Marshal(subjects)
	if err != nil {
		return nil, fmt.Errorf("claim work: %w", err)
	}
	work, err := list(tx, "work", (*Work).fields, `UPDATE work SET lease = ?, until = ?, again = 0
		WHERE kind = ? AND subject IN (SELECT value FROM json_each(?)) AND due <= ? AND (lease = '' OR until <= ?)
		RETURNING `+workColumns, lease, instant(until), kind, string(ids), instant(now), instant(now))
	slices.SortFunc(work, func(a, b Work) int { return slices.Index(subjects, a.Subject) - slices.Index(subjects, b.Subject) })
	return work, err
}

// DueWork lists at most limit subjects that ClaimSubject would give, the earliest due first,
// without those that skip names (nil: none). It only reads.
func (tx *Tx) DueWork(kind string, now time.Time, limit int, skip func(subject int64) bool) ([]int64, error) {
	var subjects []int64
	enough := errors.New("enough")
	err := tx.each(func(scan scan) error {
		var subject int64
		if err := scan(&subject); err != nil {
			return err
		}
		if skip == nil || !skip(subject) {
			subjects = append(subjects, subject)
		}
		if len(subjects) >= limit {
			return enough
		}
		return nil
	}, `SELECT subject FROM work WHERE kind = ? AND due <= ? AND (lease = '' OR until <= ?) ORDER BY due, subject`,
		kind, instant(now), instant(now))
	if err != nil && !errors.Is(err, enough) {
		return nil, fmt.Errorf("read due work: %w", err)
	}
	return subjects, nil
}

// HoldsWork tells whether the lease of w is still ours, that is, whether nobody else got it.
func (tx *Tx) HoldsWork(w *Work) (bool, error) {
	var n int
	err := tx.row([]any{&n}, `SELECT count(*) FROM work WHERE kind = ? AND subject = ? AND lease = ?`,
		w.Kind, w.Subject, w.Lease)
	if err != nil {
		return false, fmt.Errorf("check lease: %w", err)
	}
	return n > 0 && w.Lease != "", nil
}

// FinishWork gives a row back after success. If it was not touched since it was claimed, it is
// deleted (next zero) or due at next with Attempts 0; if it was, it stays, due when the touch said
// (or at next, if that is earlier). Nothing happens if the lease is lost.
func (tx *Tx) FinishWork(w *Work, next time.Time) error {
	var n int64
	var err error
	if next.IsZero() {
		n, err = tx.exec(`DELETE FROM work WHERE kind = ? AND subject = ? AND lease = ? AND lease <> '' AND version = ?`,
			w.Kind, w.Subject, w.Lease, w.Version)
	} else {
		n, err = tx.exec(`UPDATE work SET due = ?, again = 0, attempts = 0, error = '', lease = '', until = 0
			WHERE kind = ? AND subject = ? AND lease = ? AND lease <> '' AND version = ?`,
			instant(next), w.Kind, w.Subject, w.Lease, w.Version)
	}
	if err != nil {
		return fmt.Errorf("finish work: %w", err)
	}
	if n > 0 {
		return nil
	}
	early := instant(next).micros()
	_, err = tx.exec(`UPDATE work SET due = CASE WHEN ? <> 0 AND ? < again THEN ? ELSE again END,
		again = 0, attempts = 0, error = '', lease = '', until = 0
		WHERE kind = ? AND subject = ? AND lease = ? AND lease <> ''`,
		early, early, early, w.Kind, w.Subject, w.Lease)
	if err != nil {
		return fmt.Errorf("finish work: %w", err)
	}
	return nil
}

// RetryWork gives a row back after a failure, which text tells: Attempts rises and it is due at
// due; if it was touched meanwhile, Attempts stays 0 and it is due when the touch said. Nothing
// happens if the lease is lost.
func (tx *Tx) RetryWork(w *Work, due time.Time, text string) error {
	if len(text) > errText {
		text = strings.ToValidUTF8(text[:errText], "")
	}
	_, err := tx.exec(`UPDATE work SET
		attempts = CASE WHEN version = ? THEN attempts + 1 ELSE attempts END,
		due = CASE WHEN version = ? THEN ? ELSE again END,
		again = 0, error = ?, lease = '', until = 0
		WHERE kind = ? AND subject = ? AND lease = ? AND lease <> ''`,
		w.Version, w.Version, instant(due), text, w.Kind, w.Subject, w.Lease)
	if err != nil {
		return fmt.Errorf("retry work: %w", err)
	}
	return nil
}

// ReleaseWork gives a row back as it was claimed, as if nobody had worked on it. Nothing happens if
// the lease is lost.
func (tx *Tx) ReleaseWork(w *Work) error {
	_, err := tx.exec(`UPDATE work SET lease = '', until = 0 WHERE kind = ? AND subject = ? AND lease = ?`,
		w.Kind, w.Subject, w.Lease)
	if err != nil {
		return fmt.Errorf("release work: %w", err)
	}
	return nil
}

// NextWork is when ClaimWork may find something, now or later; ErrNotFound if there is no work of
// the kind.
func (tx *Tx) NextWork(kind string, now time.Time) (time.Time, error) {
	subjects, err := tx.DueWork(kind, now, 1, nil)
	if err != nil {
		return time.Time{}, err
	}
	if len(subjects) > 0 {
		return now, nil
	}
	return tx.LaterWork(kind, now)
}

// LaterWork is NextWork without the rows that are due now and that nobody holds.
func (tx *Tx) LaterWork(kind string, now time.Time) (time.Time, error) {
	var next time.Time
	for _, query := range []string{
		`SELECT due FROM work WHERE kind = ? AND due > ? ORDER BY due LIMIT 1`,
		`SELECT until FROM work WHERE kind = ? AND until > ? AND lease <> '' AND due <= until ORDER BY until LIMIT 1`,
	} {
		var t time.Time
		err := tx.row([]any{(*instant)(&t)}, query, kind, instant(now))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("read next work: %w", err)
		}
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if next.IsZero() {
		return next, fmt.Errorf("read next work: %w", ErrNotFound)
	}
	return next, nil
}

// ReleaseLeases drops all leases: at start nobody works on anything. What was in work counts as
// untried.
func (tx *Tx) ReleaseLeases() error {
	if _, err := tx.exec(`UPDATE work SET lease = '', until = 0 WHERE lease <> ''`); err != nil {
		return fmt.Errorf("release leases: %w", err)
	}
	return nil
}

// AdvanceWork makes up for a clock that was set back, to now: what is due within back and soon from now is due by
// back earlier, but not before now, and leases end at until at the latest.
func (tx *Tx) AdvanceWork(kind string, now time.Time, back, soon time.Duration, until time.Time) error {
	at, ahead, most := now.UnixMicro(), back.Microseconds(), now.Add(back+soon).UnixMicro()
	_, err := tx.exec(`UPDATE work SET due = CASE WHEN due > ? THEN max(due - ?, ?) ELSE due END,
		again = CASE WHEN again > ? AND again <= ? THEN max(again - ?, ?) ELSE again END, until = min(until, ?)
		WHERE kind = ? AND due <= ?`, at, ahead, at, at, most, ahead, at, instant(until), kind, most)
	if err != nil {
		return fmt.Errorf("advance work: %w", err)
	}
	return nil
}

// CountWork counts all work by kind.
func (tx *Tx) CountWork() (map[string]WorkCount, error) {
	m := map[string]WorkCount{}
	err := tx.each(func(scan scan) error {
		var kind string
		var c WorkCount
		if err := scan(&kind, &c.Waiting, &c.Failing, (*instant)(&c.Oldest)); err != nil {
			return err
		}
		m[kind] = c
		return nil
	}, `SELECT kind, count(*), sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END), min(due) FROM work GROUP BY kind`)
	if err != nil {
		return nil, fmt.Errorf("count work: %w", err)
	}
	return m, nil
}

// WorkOf reads the row of a subject.
func (tx *Tx) WorkOf(kind string, subject int64) (*Work, error) {
	return one(tx, "work", (*Work).fields, `SELECT `+workColumns+` FROM work WHERE kind = ? AND subject = ?`, kind, subject)
}
