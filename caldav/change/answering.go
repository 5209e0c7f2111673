package change

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"joinery/caldav/ical"
	"joinery/caldav/itip"
	"joinery/store"
)

// An answering is one answer on its way into an event.
type answering struct {
	Answer
	c       *Changer
	tx      *store.Tx
	present *Present
	known   map[string]*store.Answer // what this person said before, by occurrence
	news    bool                     // there is something to tell the organiser
	key     func(time.Time) string   // names an occurrence
	outcome Outcome
	each    []Outcome // of the parts so far
}

// rank orders outcomes: of several parts the least happy one is told.
var rank = map[Outcome]int{
	"": 0, OutcomeSame: 1, OutcomeApplied: 2, OutcomeProposed: 3, OutcomeWaiting: 4, OutcomeOlder: 5, OutcomePast: 6,
	OutcomeStale: 7, OutcomeCancelled: 8, OutcomeUninvited: 9,
}

// came notes the outcome of the part that is being judged.
func (r *answering) came(o Outcome) {
	if rank[o] > rank[r.outcome] {
		r.outcome = o
	}
	if part := &r.each[len(r.each)-1]; rank[o] > rank[*part] {
		*part = o
	}
}

// take takes the answer, part by part.
func (r *answering) take() (Outcome, error) {
	p := r.present
	switch {
	case p.Gone:
		return r.refused(OutcomeCancelled)
	case p.Event == nil || p.Object == nil:
		return OutcomeUnknown, nil
	case !invites(p.Event, r.Address):
		return r.refused(OutcomeUninvited)
	case p.Ended:
		return r.refused(OutcomePast)
	}
	if err := r.recall(); err != nil {
		return OutcomeUnknown, err
	}
	var said []itip.Part
	var rows []*store.Answer
	for _, part := range r.Parts {
		part.Occurrence = itip.OccurrenceNamed(p.Event, part.Occurrence)
		r.each = append(r.each, "")
		row, good, err := r.part(part)
		if err != nil {
			return OutcomeUnknown, err
		}
		if row == nil {
			continue
		}
		rows = append(rows, row)
		if good.PartStat != "NEEDS-ACTION" {
			said = append(said, good)
		}
	}
	if len(rows) == 0 {
		return r.refused(r.outcome)
	}
	rows = append(rows, r.again(said, rows)...)
	changed, full, err := r.apply(said)
	if err != nil {
		return OutcomeUnknown, err
	}
	r.tell(full, rows)
	changed = changed || r.news
	for _, row := range rows {
		if err := r.tx.PutAnswer(row); err != nil {
			return OutcomeUnknown, err
		}
	}
	if r.outcome == OutcomeApplied && !changed {
		r.outcome = OutcomeSame
	}
	if err := r.follow(changed); err != nil {
		return OutcomeUnknown, err
	}
	if r.outcome == OutcomeSame {
		return r.outcome, nil
	}
	return r.outcome, r.note(said)
}

// recall reads what this person said before.
func (r *answering) recall() error {
	rows, err := r.tx.Answers(r.EventID)
	if err != nil {
		return err
	}
	r.known = map[string]*store.Answer{}
	for i := range rows {
		if rows[i].Address == r.Address {
			r.known[rows[i].RecurrenceID] = &rows[i]
		}
	}
	r.key = func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return r.present.Event.OccurrenceKey(at, time.UTC) // wall clocks and dates stand in UTC
	}
	return nil
}

// part judges one part. row is what is to be kept of it, nil where it counts for nothing; good is what
// is to be put into the event.
func (r *answering) part(part itip.Part) (row *store.Answer, good itip.Part, err error) {
	now := r.tx.Now()
	v := componentOf(r.present.Event, part.Occurrence)
	if v == nil || attendeeOf(v, r.Address) == nil {
		// Not this one: the occurrence was taken out, or somebody else is asked to it.
		r.came(OutcomeCancelled)
		return nil, part, nil
	}
	if v.Cancelled() {
		r.came(OutcomeCancelled)
		return nil, part, nil
	}
	if end := occurrenceEnd(v, part.Occurrence, r.present.Zone); (!v.Recurring || !part.Occurrence.IsZero()) && !end.After(now) {
		r.came(OutcomePast)
		return nil, part, nil
	}
	key := r.key(part.Occurrence)
	stamp := r.Stamp
	if stamp.IsZero() || stamp.After(now.Add(time.Hour)) {
		stamp = now // a clock that is ahead must not silence all that follows
	}
	before := r.known[key]
	if before != nil && r.Source == FromMail && (stamp.Before(before.Stamp) || r.Sequence >= 0 && r.Sequence < before.Sequence) {
		r.came(OutcomeOlder)
		return nil, part, nil
	}
	sequence := r.Sequence
	if sequence < 0 {
		sequence = v.Sequence
	}
	stale, err := r.stale(v, sequence)
	if err != nil {
		return nil, part, err
	}
	if stale {
		r.came(OutcomeStale)
		return nil, part, nil
	}
	row = &store.Answer{
		EventID: r.EventID, Address: r.Address, RecurrenceID: key, PartStat: part.PartStat, Sequence: sequence, Stamp: stamp,
		Source: string(r.Source), Comment: r.Comment, Start: part.Start, End: part.End, Told: r.Comment == "" && part.Start.IsZero(),
	}
	if before != nil && row.Comment != "" && strings.HasSuffix(before.Comment, untoldBreak+row.Comment) {
		row.Comment = before.Comment
	}
	repeated := before != nil && before.Comment == row.Comment && (row.Start.IsZero() || before.Start.Equal(row.Start) && before.End.Equal(row.End))
	if before != nil {
		row.Waiting, row.Token = before.Waiting, before.Token
		if repeated {
			row.Refusal = before.Refusal
		}
	}
	switch {
	case before == nil:
	case !before.Told:
		keepUntold(row, before)
	case repeated:
		row.Told = true
	}
	r.news = r.news || !row.Told && !repeated
	switch {
	case !part.Start.IsZero():
		r.came(OutcomeProposed)
	default:
		r.came(OutcomeApplied)
	}
	return r.seat(v, row, part)
}

// keepUntold adds to row what its person wrote before and the organiser was not told yet.
func keepUntold(row, before *store.Answer) {
	switch {
	case strings.Contains(row.Comment, before.Comment):
	case strings.Contains(before.Comment, row.Comment):
		row.Comment = before.Comment
	default:
		row.Comment = truncate(before.Comment+untoldBreak+row.Comment, maxUntold)
	}
	if row.Start.IsZero() {
		row.Start, row.End = before.Start, before.End
	}
	row.Told = row.Comment == "" && row.Start.IsZero()
}

// maxUntold is how many bytes of comments wait for the organiser to be told, for each occurrence.
const maxUntold = 16 << 10

// untoldBreak stands between comments that the organiser is told together.
const untoldBreak = "\n\n"

// componentOf is the component that speaks for an occurrence (zero: the event itself): its override, or the
// master where the rule has it; nil where there is none.
func componentOf(e *ical.Event, at time.Time) *ical.VEvent {
	if at.IsZero() {
		if e.Master != nil {
			return e.Master
		}
		return nil
	}
	for _, v := range e.Overrides {
		if v.RecurrenceID.Time.Equal(at) {
			return v
		}
	}
	if e.Master == nil {
		return nil
	}
	found := false
	err := e.Expand(at.Add(-24*time.Hour), at.Add(24*time.Hour), time.UTC, func(i ical.Instance) bool {
		found = found || i.RecurrenceID.Equal(at)
		return !found
	})
	if err != nil || !found {
		return nil
	}
	return e.Master
}

// occurrenceEnd is when v, for an occurrence that only the rule knows, is over.
func occurrenceEnd(v *ical.VEvent, at time.Time, loc *time.Location) time.Time {
	end := meetingEnd(v, loc)
	if v.RecurrenceID == nil && !at.IsZero() {
		end = end.Add(at.Sub(v.Start.Time))
	}
	return end
}

// stale tells whether an answer to sequence is one to other times than v has now (RFC 5546 §2.1.5). A
// SEQUENCE that rose for another reason makes no answer stale.
func (r *answering) stale(v *ical.VEvent, sequence int) (bool, error) {
	if sequence >= v.Sequence {
		return false, nil
	}
	revisions, err := r.tx.Revisions(r.present.Object.ID, keptRevisions)
	if err != nil {
		return false, fmt.Errorf("read earlier revisions: %w", err)
	}
	for _, rev := range revisions { // newest first
		e := parseStored(rev.Data)
		if e == nil {
			continue
		}
		was := counterpart(e, v)
		if was == nil {
			was = e.Master
		}
		if was == nil || was.Sequence > sequence {
			continue
		}
		return itip.Rescheduled(e, r.present.Event, v), nil
	}
	return true, nil
}

// apply puts what was said into the organiser's event. changed tells whether anything is another now; full are
// parts that it has no room for.
func (r *answering) apply(said []itip.Part) (changed bool, full []itip.Part, err error) {
	p := r.present
	data, _, full := itip.Apply(p.Event, r.Address, said, r.c.opts.Policy.madeLimit(), r.tx.Now())
	if bytes.Equal(data, p.Object.Data) {
		return false, full, nil
	}
	if e := parseStored(data); e == nil {
		return false, nil, fmt.Errorf("answer to %s: the event cannot be read afterwards", p.Row.UID)
	}
	if err := r.c.storeOwn(r.tx, p.Object, data); err != nil {
		return false, nil, err
	}
	if p.Event = parseStored(data); p.Event == nil {
		return false, full, nil
	}
	status := map[string]string{r.Address: answered}
	return true, full, r.c.markDelivered(r.tx, p.Row.ID, status, false)
}

// again are the occurrences that were declined and are no longer: the series was declined too, and what is answered
// to it now counts for what had the same answer (itip.Apply).
func (r *answering) again(said []itip.Part, rows []*store.Answer) (out []*store.Answer) {
	says := func(v *ical.VEvent) string {
		if v == nil {
			return ""
		}
		if a := attendeeOf(v, r.Address); a != nil {
			return a.PartStat
		}
		return ""
	}
	i := slices.IndexFunc(rows, func(row *store.Answer) bool { return row.RecurrenceID == "" })
	if i < 0 || rows[i].PartStat == "DECLINED" || says(r.present.Event.Master) != "DECLINED" {
		return nil
	}
	for key, row := range r.known {
		at := r.present.occurrenceOf(key)
		if key == "" || row.PartStat != "DECLINED" || says(componentOf(r.present.Event, at)) != "DECLINED" ||
			slices.ContainsFunc(said, func(p itip.Part) bool { return p.Occurrence.Equal(at) }) {
			continue
		}
		now := *row
		now.PartStat, now.Sequence, now.Stamp, now.Source = rows[i].PartStat, rows[i].Sequence, rows[i].Stamp, rows[i].Source
		out = append(out, &now)
	}
	return out
}

// tell has the organiser told by mail, once, of what the event has no room for.
func (r *answering) tell(full []itip.Part, rows []*store.Answer) {
	for _, part := range full {
		key := r.key(part.Occurrence)
		if before := r.known[key]; before != nil && before.PartStat == part.PartStat {
			continue
		}
		for _, row := range rows {
			if row.RecurrenceID == key {
				row.Told, r.news = false, true
			}
		}
	}
}

// follow has everything looked at that an answer may change.
func (r *answering) follow(changed bool) error {
	if !changed {
		return nil
	}
	due := r.tx.Now()
	if r.present.seats() > 0 {
		if err := r.c.promote(r.tx, r.present); err != nil {
			return err
		}
	} else if r.Source == FromCalendar {
		due = due.Add(min(refreshDelay, r.c.opts.Policy.MailSettle)) // the own copy says so already
	}
	outbox := r.c.opts.Outbox
	if err := outbox.Touch(r.tx, WorkDeliver, r.EventID, due); err != nil {
		return err
	}
	if err := outbox.Touch(r.tx, WorkMail, r.EventID, r.tx.Now()); err != nil {
		return err
	}
	if !r.c.opts.Policy.Register {
		return nil
	}
	for _, b := range r.present.conferences.all() {
		if err := outbox.Touch(r.tx, WorkBooking, b.ID, r.tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// refused notes an answer that counts for nothing.
func (r *answering) refused(o Outcome) (Outcome, error) {
	r.outcome = o
	return o, r.note(nil)
}

// note adds the audit row.
func (r *answering) note(said []itip.Part) error {
	var words []string
	for _, part := range said {
		word := part.PartStat
		if !part.Occurrence.IsZero() {
			word += " " + r.key(part.Occurrence)
		}
		words = append(words, word)
	}
	a := &store.Audit{
		UserID: r.present.User.ID, UID: r.present.Row.UID, Who: truncate(r.Address, 200) + " (" + string(r.Source) + ")",
		What: "answered: " + string(r.outcome), Details: truncate(strings.Join(words, ", "), 500),
	}
	if err := r.tx.AddAudit(a); err != nil {
		return fmt.Errorf("store the audit row: %w", err)
	}
	return nil
}
