package conference

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindOf(t *testing.T) {
	inner := errors.New("inner")
	e := &Error{Kind: Limited, Call: "POST /events", Reason: ReasonOwner, Err: inner}
	wrapped := fmt.Errorf("reserving: %w", e)
	if KindOf(wrapped) != Limited || ReasonOf(wrapped) != ReasonOwner || !errors.Is(wrapped, inner) {
		t.Errorf("%v: kind %s, reason %s", wrapped, KindOf(wrapped), ReasonOf(wrapped))
	}
	if KindOf(nil) != "" || ReasonOf(nil) != "" {
		t.Error("nil has a kind")
	}
	if KindOf(inner) != Ambiguous || ReasonOf(inner) != "" {
		t.Error("of a strange error nothing is known: it must be ambiguous")
	}
	if got, want := e.Error(), "POST /events: limited: inner"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (&Error{Kind: Gone, Call: "x"}).Error(), "x: gone"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
