package mailer

import (
	"context"
	"errors"
	"io"
)

// A Taker takes mail that came in; *Inbox is one.
type Taker interface {
	// Take reads one mail and acts on it. handled is false where it is nothing of ours. err is a fault
	// of ours: the mail is to be given again later, and whatever it holds is never one. Taking a mail
	// twice is harmless. envelopeFrom is empty for the null sender, and where it is not known.
	Take(ctx context.Context, mail io.Reader, envelopeFrom string) (handled bool, err error)
}

// maxIncoming is how large a mail is taken, in bytes, unless said otherwise.
const maxIncoming = 64 << 20

// A watched reader remembers how much was read and what reading stopped at.
type watched struct {
	r   io.Reader
	n   int64
	err error // nil while it goes on, and at the end
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// rest reads what nobody wanted.
func (w *watched) rest() { _, _ = io.Copy(io.Discard, w) }
