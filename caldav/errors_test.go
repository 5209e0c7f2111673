package caldav

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"joinery/store"
)

func TestStatusOfErrors(t *testing.T) {
	for want, err := range map[int]error{
		http.StatusInsufficientStorage: fmt.Errorf("store the event: %w", store.ErrFull),
		http.StatusInternalServerError: errors.New("commit: database disk image is malformed"),
		http.StatusNotFound:            fmt.Errorf("read object: %w", store.ErrNotFound),
	} {
		if got := asHTTPError(err, nil); got.status != want || (got.retryAfter > 0) != (want == http.StatusInsufficientStorage) {
			t.Errorf("%v: got %+v, want %d", err, got, want)
		}
	}
}
