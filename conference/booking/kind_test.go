package booking_test

import (
	"testing"

	"joinery/caldav/change"
	"joinery/conference/booking"
)

// The write path and the reconciler name the same work.
func TestKind(t *testing.T) {
	if booking.Kind != change.WorkBooking {
		t.Errorf("the reconciler works on %q, the write path touches %q", booking.Kind, change.WorkBooking)
	}
}
