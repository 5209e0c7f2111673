package mailer

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"

	"joinery/caldav/itip"
)

// The view that a person was last sent is kept with the delivery as it is, or packed where it is
// large: an event with a thousand people keeps a thousand of them, and every look reads them all. A
// packed view is packedView, its fingerprint, and its bytes compressed (RFC 1951).
const (
	packedView = "packed:"
	packFrom   = 4096     // bytes
	packMost   = 64 << 20 // no view is larger
)

// pack returns view as a delivery keeps it.
func pack(view []byte) ([]byte, error) {
	if len(view) < packFrom {
		return view, nil
	}
	print := itip.FingerprintOf(view)
	var out bytes.Buffer
	out.WriteString(packedView)
	out.Write(print[:])
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(view)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing a view: %w", err)
	}
	return out.Bytes(), nil
}

// unpack returns the view that pack was given.
func unpack(kept []byte) ([]byte, error) {
	rest, packed := bytes.CutPrefix(kept, []byte(packedView))
	if !packed {
		return kept, nil
	}
	var print itip.Fingerprint
	if len(rest) < len(print) {
		return nil, fmt.Errorf("unpacking a view: %w", io.ErrUnexpectedEOF)
	}
	view, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(rest[len(print):])), packMost))
	if err != nil {
		return nil, fmt.Errorf("unpacking a view: %w", err)
	}
	return view, nil
}

// fingerprintOf is the fingerprint of the view that pack was given.
func fingerprintOf(kept []byte) itip.Fingerprint {
	rest, packed := bytes.CutPrefix(kept, []byte(packedView))
	var print itip.Fingerprint
	if packed && len(rest) >= len(print) {
		return itip.Fingerprint(rest[:len(print)])
	}
	return itip.FingerprintOf(kept)
}
