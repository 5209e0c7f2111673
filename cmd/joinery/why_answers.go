package main

import (
	"fmt"

	"joinery/caldav/change"
	"joinery/store"
)

// shownIncoming is how many mails that came in are told of, the newest.
const shownIncoming = 50

// answers tells who said what to an organiser's event. What the event itself can hold, PARTSTAT, stands
// there too.
func (w *whyWriter) answers(tx *store.Tx, id int64) error {
	answers, err := tx.Answers(id)
	if err != nil {
		return err
	}
	if len(answers) > 0 {
		w.say(0, "answers")
	}
	for _, a := range answers {
		w.say(1, "%s: %s %s%s, SEQUENCE %d%s", a.Address, a.PartStat, at(a.Stamp), prefixed(" by ", sourceWords(a.Source)), a.Sequence, prefixed(", occurrence ", a.RecurrenceID))
		if a.Comment != "" {
			w.say(2, "says: %s", a.Comment)
		}
		if !a.Start.IsZero() {
			end := ""
			if !a.End.IsZero() {
				end = at(a.End)
			}
			w.say(2, "proposes %s%s", at(a.Start), prefixed(" to ", end))
		}
		if !a.Waiting.IsZero() {
			w.say(2, "waits for a free place since %s", at(a.Waiting))
		}
		if !a.Told {
			w.say(2, "the organiser is still to be told")
		}
	}
	return nil
}

// sourceWords are the way that an answer came.
func sourceWords(source string) string {
	switch change.AnswerSource(source) {
	case change.FromCalendar:
		return "the own calendar"
	case change.FromPage:
		return "the answer page"
	}
	return source
}

// incoming tells what became of the mails that came in about a UID, or of those of which none could be
// read. It returns how many there are.
func (w *whyWriter) incoming(tx *store.Tx, uid string) (int, error) {
	list, err := tx.IncomingOf(uid, shownIncoming)
	if err != nil {
		return 0, err
	}
	if len(list) > 0 {
		if w.out.Len() > 0 {
			w.say(0, "")
		}
		w.say(0, "mail that came in")
	}
	for _, i := range list {
		w.say(1, "%s %s: %s%s", at(i.At), incomingWords(i), i.Outcome, prefixed(", ", i.Detail))
		if i.MessageID != "" {
			w.say(2, "Message-ID <%s>", i.MessageID)
		}
	}
	return len(list), nil
}

// incomingWords are what a mail was and whom it is about.
func incomingWords(i store.Incoming) string {
	method := i.Method
	if method == "" {
		method = "mail"
	}
	if i.Address == "" {
		return method
	}
	if i.Method == "DSN" {
		return fmt.Sprintf("%s about %s", method, i.Address)
	}
	return fmt.Sprintf("%s of %s", method, i.Address)
}
