package mtslink_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/emulator"
	"joinery/conference/mtslink"
)

// A room whose session's answer was lost is released although the release itself is interrupted after
// it has stopped the session: the finished session is the room's own, and no conference is left.
func TestReleaseGoesOnAfterItsStop(t *testing.T) {
	clock := &clock{at: suiteNow}
	service := emulator.NewMTSLink(emulator.MTSLinkOptions{Token: "key", Now: clock.now})
	t.Cleanup(service.Close)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	p, err := mtslink.New(mtslink.Config{BaseURL: server.URL + "/v3", Token: "key", Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	start := suiteNow.Add(time.Hour)
	m := conference.Meeting{Key: "k-1", Title: "Plan", Start: start, End: start.Add(time.Hour), Zone: "Europe/Moscow"}
	room, err := p.Reserve(t.Context(), m, conference.Room{}, func(conference.Room) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	delete(room.Refs, mtslink.RefSession)
	clock.add(90 * time.Minute)
	if n := len(service.Conferences("START")); n != 1 {
		t.Fatalf("%d conferences are live, want 1", n)
	}
	if err := service.SetFault(emulator.Fault{Call: "DELETE /eventsessions/{id}", Kind: emulator.Fault429, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if err := p.Release(t.Context(), room); conference.KindOf(err) != conference.Limited {
		t.Fatalf("the interrupted release: got %v, want it limited", err)
	}
	if err := p.Release(t.Context(), room); err != nil {
		t.Fatalf("the release again: %v", err)
	}
	if left := service.Conferences(); len(left) != 0 {
		t.Errorf("left at the account: %+v", left)
	}
}
