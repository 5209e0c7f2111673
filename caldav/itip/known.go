package itip

import (
	"bytes"
	"crypto/sha256"
	"time"

	"joinery/caldav/ical"
)

// stored are the limits of bytes that were accepted once: the server's own edits may have made them
// larger than a client may send.
var stored = ical.Limits{Size: 64 << 20}

// A Known is what a person knows of an event, or is to know: a view, as View makes it. It is read
// when somebody asks, and once, however many people share it. The nil Known is nothing. It is not
// safe for concurrent use.
type Known struct {
	Data []byte

	// What takes place without the person: the event, and these instances, sorted. No stored view tells.
	without bool
	off     []time.Time

	fingerprint *Fingerprint
	event       *ical.Event
	err         error
	read        bool
}

// NewKnown returns view, nil where it is empty.
func NewKnown(view []byte) *Known {
	if len(view) == 0 {
		return nil
	}
	return &Known{Data: view}
}

// A Fingerprint is the same for views that differ in folds and line ends alone (RFC 5545 §3.1).
type Fingerprint [sha256.Size]byte

// FingerprintOf returns the fingerprint of a view. Where the server took a parameter out of a line
// the fold is its own, not the client's: that changes nothing that anybody is told.
func FingerprintOf(view []byte) Fingerprint {
	h := sha256.New()
	buffer := make([]byte, 0, 8192)
	for len(view) > 0 {
		line, rest, _ := bytes.Cut(view, []byte{'\n'})
		view = rest
		line = bytes.TrimRight(line, "\r")
		switch {
		case len(line) == 0:
			continue
		case line[0] == ' ' || line[0] == '\t':
			line = line[1:]
		default:
			buffer = append(buffer, '\n')
		}
		if buffer = append(buffer, line...); len(buffer) >= 4096 {
			h.Write(buffer)
			buffer = buffer[:0]
		}
	}
	h.Write(buffer)
	return Fingerprint(h.Sum(nil))
}

// Fingerprint is FingerprintOf(k.Data).
func (k *Known) Fingerprint() Fingerprint {
	if k.fingerprint == nil {
		f := FingerprintOf(k.Data)
		k.fingerprint = &f
	}
	return *k.fingerprint
}

// Event reads the view; nil for nothing.
func (k *Known) Event() (*ical.Event, error) {
	if k == nil {
		return nil, nil
	}
	if !k.read {
		k.event, k.err = parse(k.Data)
		k.read = true
	}
	return k.event, k.err
}

// Ended tells whether no instance of k ends after now, floating times and dates taken in loc. A view
// that cannot be read, or expands without end, has not ended.
func (k *Known) Ended(now time.Time, loc *time.Location) bool {
	ev, err := k.Event()
	if err != nil {
		return false
	}
	if ev == nil {
		return true
	}
	_, left, err := ev.Next(now, loc)
	return err == nil && !left
}

// parse reads a view; nil for nothing.
func parse(view []byte) (*ical.Event, error) {
	if len(view) == 0 {
		return nil, nil
	}
	o, err := ical.Parse(view, stored)
	if err != nil {
		return nil, err
	}
	ev, err := ical.ParseEvent(o)
	if err != nil {
		return nil, err
	}
	if ev.Master == nil && len(ev.Overrides) == 0 {
		return nil, nil
	}
	return ev, nil
}
