package store

import (
	"fmt"
	"slices"
)

const answerColumns = `id, event_id, address, recurrence_id, partstat, sequence, stamp, source, comment, start_at, end_at,
	waiting_since, told, token, refusal, created_at, updated_at`

func (a *Answer) fields() []any {
	return []any{&a.ID, &a.EventID, &a.Address, &a.RecurrenceID, &a.PartStat, &a.Sequence, (*instant)(&a.Stamp), &a.Source,
		&a.Comment, (*instant)(&a.Start), (*instant)(&a.End), (*instant)(&a.Waiting), &a.Told, &a.Token, &a.Refusal, (*instant)(&a.Created),
		(*instant)(&a.Updated)}
}

// Answers lists what was said to an event, by id.
func (tx *Tx) Answers(eventID int64) ([]Answer, error) {
	return list(tx, "answers", (*Answer).fields, `SELECT `+answerColumns+` FROM answers WHERE event_id = ? ORDER BY id`, eventID)
}

// AnswerByToken finds the proposal that a page of the organiser's is of.
func (tx *Tx) AnswerByToken(token string) (*Answer, error) {
	return one(tx, "answer", (*Answer).fields, `SELECT `+answerColumns+` FROM answers WHERE token = ? AND token <> ''`, token)
}

// PutAnswer inserts an answer and sets its ID and Created, or replaces the one of its event, address and
// occurrence, all but Created. It sets Updated.
func (tx *Tx) PutAnswer(a *Answer) error {
	a.Updated = tx.at
	err := tx.row([]any{&a.ID, (*instant)(&a.Created)}, `INSERT INTO answers
		(event_id, address, recurrence_id, partstat, sequence, stamp, source, comment, start_at, end_at, waiting_since, told,
		 token, refusal, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (event_id, address, recurrence_id) DO UPDATE SET partstat = excluded.partstat,
			sequence = excluded.sequence, stamp = excluded.stamp, source = excluded.source, comment = excluded.comment,
			start_at = excluded.start_at, end_at = excluded.end_at, waiting_since = excluded.waiting_since,
			told = excluded.told, token = excluded.token, refusal = excluded.refusal, updated_at = excluded.updated_at
		RETURNING id, created_at`,
		a.EventID, a.Address, a.RecurrenceID, a.PartStat, a.Sequence, instant(a.Stamp), a.Source, a.Comment,
		instant(a.Start), instant(a.End), instant(a.Waiting), a.Told, a.Token, a.Refusal, instant(a.Updated), instant(a.Updated))
	if err != nil {
		return fmt.Errorf("put answer: %w", err)
	}
	return nil
}

// NoteAnswer keeps what was done about an answer: Waiting, Told, Token and Refusal. Updated stays, for nothing new
// was said.
func (tx *Tx) NoteAnswer(a *Answer) error {
	_, err := tx.exec(`UPDATE answers SET waiting_since = ?, told = ?, token = ?, refusal = ? WHERE id = ?`,
		instant(a.Waiting), a.Told, a.Token, a.Refusal, a.ID)
	if err != nil {
		return fmt.Errorf("note what was done about an answer: %w", err)
	}
	return nil
}

func (i *Incoming) fields() []any {
	return []any{&i.ID, (*instant)(&i.At), &i.UID, &i.Address, &i.MessageID, &i.Method, &i.Outcome, &i.Detail}
}

// AddIncoming inserts what became of a mail that came in and sets its ID and At.
func (tx *Tx) AddIncoming(i *Incoming) error {
	i.At = tx.at
	err := tx.insert(&i.ID, `INSERT INTO incoming (at, uid, address, message_id, method, outcome, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?)`, instant(i.At), i.UID, i.Address, i.MessageID, i.Method, i.Outcome, i.Detail)
	if err != nil {
		return fmt.Errorf("insert incoming: %w", err)
	}
	return nil
}

// IncomingOf lists the mails that came in about a UID, oldest first; with an empty one those of which no
// UID could be read. At most limit, the newest.
func (tx *Tx) IncomingOf(uid string, limit int) ([]Incoming, error) {
	rows, err := list(tx, "incoming", (*Incoming).fields, `SELECT id, at, uid, address, message_id, method, outcome, detail
		FROM incoming WHERE uid = ? ORDER BY id DESC LIMIT ?`, uid, limit)
	slices.Reverse(rows)
	return rows, err
}

// CountIncoming counts the mails that came in by outcome.
func (tx *Tx) CountIncoming() (map[string]int, error) {
	return counts[string](tx, "incoming", `SELECT outcome, count(*) FROM incoming GROUP BY outcome`)
}
