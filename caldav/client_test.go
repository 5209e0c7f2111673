package caldav

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/caldav"
)

// TestGoWebDAV has another implementation's client find, query and synchronise a calendar.
func TestGoWebDAV(t *testing.T) {
	f := newFixture(t)
	ctx := context.Background()
	c, err := caldav.NewClient(webdav.HTTPClientWithBasicAuth(http.DefaultClient, "anna@example.org", "demo"), f.url)
	if err != nil {
		t.Fatal(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil || principal != "/principals/anna@example.org/" {
		t.Fatalf("principal %q, %v", principal, err)
	}
	home, err := c.FindCalendarHomeSet(ctx, principal)
	if err != nil || home != annaHome {
		t.Fatalf("home %q, %v", home, err)
	}
	cals, err := c.FindCalendars(ctx, home)
	if err != nil || len(cals) != 1 {
		t.Fatalf("calendars %+v, %v", cals, err)
	}
	if cal := cals[0]; cal.Path != annaCal || cal.Name != "Anna" || cal.MaxResourceSize != 1<<20 || strings.Join(cal.SupportedComponentSet, " ") != "VEVENT VTODO VJOURNAL" {
		t.Errorf("calendar %+v", cal)
	}
	all := caldav.CalendarCompRequest{Name: "VCALENDAR", AllProps: true, AllComps: true}
	synced, err := c.SyncCollection(ctx, annaCal, &caldav.SyncQuery{CompRequest: all})
	if err != nil || len(synced.Updated) != 0 {
		t.Fatalf("first sync %+v, %v", synced, err)
	}
	f.put("a.ics", event("a", "SUMMARY:Found"))
	f.put("b%20c.ics", event("b"))

	got, err := c.GetCalendarObject(ctx, annaCal+"a.ics")
	if err != nil || got.Data.Events()[0].Props.Get("SUMMARY").Value != "Found" || got.ETag == "" {
		t.Fatalf("object %+v, %v", got, err)
	}
	put, err := c.PutCalendarObject(ctx, annaCal+"d.ics", got.Data)
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a second object of that UID: %+v, %v", put, err)
	}
	objects, err := c.QueryCalendar(ctx, annaCal, &caldav.CalendarQuery{
		CompRequest: all,
		CompFilter: caldav.CompFilter{Name: "VCALENDAR", Comps: []caldav.CompFilter{{
			Name: "VEVENT", Start: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2030, 6, 2, 0, 0, 0, 0, time.UTC),
			Props: []caldav.PropFilter{{Name: "SUMMARY", TextMatch: &caldav.TextMatch{Text: "found"}}},
		}}},
	})
	if err != nil || len(objects) != 1 || objects[0].Path != annaCal+"a.ics" || objects[0].ETag != got.ETag {
		t.Errorf("query %+v, %v", objects, err)
	}
	objects, err = c.MultiGetCalendar(ctx, annaCal, &caldav.CalendarMultiGet{Paths: []string{annaCal + "b c.ics", annaCal + "a.ics"}, CompRequest: all})
	if err != nil || len(objects) != 2 || objects[0].Path != annaCal+"b c.ics" {
		t.Errorf("multiget %+v, %v", objects, err)
	}
	if err := c.RemoveAll(ctx, annaCal+"a.ics"); err != nil {
		t.Fatal(err)
	}
	again, err := c.SyncCollection(ctx, annaCal, &caldav.SyncQuery{CompRequest: all, SyncToken: synced.SyncToken})
	if err != nil || len(again.Updated) != 1 || again.Updated[0].Path != annaCal+"b c.ics" {
		t.Errorf("second sync %+v, %v", again, err)
	}
	third, err := c.SyncCollection(ctx, annaCal, &caldav.SyncQuery{CompRequest: all, SyncToken: again.SyncToken})
	if err != nil || len(third.Updated)+len(third.Deleted) != 0 {
		t.Errorf("third sync %+v, %v", third, err)
	}
	if err := c.Move(ctx, annaCal+"b c.ics", annaCal+"moved.ics", &webdav.MoveOptions{NoOverwrite: true}); err != nil {
		t.Errorf("move: %v", err)
	}
	last, err := c.SyncCollection(ctx, annaCal, &caldav.SyncQuery{CompRequest: all, SyncToken: third.SyncToken})
	if err != nil || len(last.Updated) != 1 || len(last.Deleted) != 1 || last.Deleted[0] != annaCal+"b c.ics" {
		t.Errorf("sync after a move %+v, %v", last, err)
	}
}
