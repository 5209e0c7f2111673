package mailer

import (
	"encoding/base64"
	"fmt"
	"io"

	"joinery/store"
)

// tokenSize is how many random bytes an answer page's token has.
const tokenSize = 20

// token is the one of d's answer page: the one that d has, for ever, else a new one. It is empty where
// there are no such pages.
func (s *Sender) token(d *store.Delivery) (string, error) {
	switch {
	case s.opts.Policy.AnswerBase == "":
		return "", nil
	case d != nil && d.Token != "":
		return d.Token, nil
	}
	return s.newToken()
}

// decisionPage is the address of the page on which the organiser decides about the proposals that n tells, empty
// where there are none. n has its token from then on.
func (s *Sender) decisionPage(n *notice) (string, error) {
	base := s.opts.Policy.DecisionBase
	for _, a := range n.said {
		if base == "" || a.Start.IsZero() {
			continue
		}
		if n.token = a.Token; n.token == "" {
			token, err := s.newToken()
			if err != nil {
				return "", err
			}
			n.token = token
		}
		return base + n.token, nil
	}
	return "", nil
}

func (s *Sender) newToken() (string, error) {
	b := make([]byte, tokenSize)
	if _, err := io.ReadFull(s.random, b); err != nil {
		return "", fmt.Errorf("making a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// answerPage is the address of the answer page of token, empty where there is none.
func (s *Sender) answerPage(token string) string {
	if s.opts.Policy.AnswerBase == "" || token == "" {
		return ""
	}
	return s.opts.Policy.AnswerBase + token
}

// A choice is a link that a letter is answered with.
type choice struct{ Text, Link, Color string }

// choices adds to l how it is answered: in mail programs that read no calendars there is no other way. The
// links only choose; the page asks once more, because mail scanners follow links too.
func (s setting) choices(l *letter, series bool) {
	if s.answer == "" {
		return
	}
	w := s.words
	l.Question = w.Question
	l.Choices = []choice{
		{w.Yes, s.answer + "?answer=accepted", "#12704a"},
		{w.Maybe, s.answer + "?answer=tentative", "#5b6472"},
		{w.No, s.answer + "?answer=declined", "#b3261e"},
	}
	l.OwnWords = choice{Text: w.OwnWords, Link: s.answer}
	if series {
		l.OwnWords.Text = w.OwnWordsSeries
	}
}
