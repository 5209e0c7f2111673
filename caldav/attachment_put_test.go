package caldav

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// TestAttachmentPut saves objects that carry attachments (RFC 8607 §3.7).
func TestAttachmentPut(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	id := f.attach(a, "x.txt", "x")
	text := f.do("GET", a, "").body
	line := f.files(a)[0]
	put := func(path, body string) *answer { return f.do("PUT", path, body, calendarType) }

	put(a, strings.Replace(text, "SUMMARY:Plan", "SUMMARY:Other", 1)).want(http.StatusNoContent)
	if !f.held(id) {
		t.Fatal("released by a save that keeps it")
	}
	// A client that keeps the address alone has not removed the file.
	_, address, _ := strings.Cut(line, "x.txt:")
	put(a, event("a", "ATTACH:"+address)).want(http.StatusNoContent)
	if got := f.files(a); len(got) != 1 || !strings.Contains(got[0], "MANAGED-ID="+id) || !f.held(id) {
		t.Errorf("files %q", got)
	}
	// The address is the server's.
	put(a, event("a", "ATTACH;MANAGED-ID="+id+":https://evil.example/x")).want(http.StatusNoContent)
	if got := f.files(a); len(got) != 1 || !strings.HasSuffix(got[0], ":"+address) {
		t.Errorf("files %q", got)
	}
	put(a, event("a", "ATTACH:https://elsewhere.example/f", "ATTACH;MANAGED-ID="+id+":"+address)).want(http.StatusNoContent)

	// Another event of the same owner has the same bytes.
	put(annaCal+"b.ics", event("b", line)).want(http.StatusCreated)
	put(a, event("a")).want(http.StatusNoContent)
	if !f.held(id) {
		t.Error("released while another event has it")
	}
	put(annaCal+"b.ics", event("b")).want(http.StatusNoContent)
	if f.held(id) {
		t.Error("not released")
	}
	// It can come back.
	put(a, text).want(http.StatusNoContent)
	if !f.held(id) {
		t.Error("not taken back")
	}
	if use := f.use(); use.Total != 1 {
		t.Errorf("one byte is stored: %+v", use)
	}

	put(annaCal+"c.ics", event("c", "ATTACH;MANAGED-ID=unknown:https://x.example/")).condition(http.StatusForbidden, nsCal, "valid-managed-id-parameter")
	// Nobody else can refer to it.
	theirs := "/calendars/boris@example.org/calendar/c.ics"
	f.as("boris@example.org", "demo", "PUT", theirs, event("c", line), calendarType).condition(http.StatusForbidden, nsCal, "valid-managed-id-parameter")
	// Whoever is invited from elsewhere may keep what the organiser's server wrote.
	f.as("boris@example.org", "demo", "PUT", theirs, event("i", "ORGANIZER:mailto:vera@partner.example", "ATTENDEE:mailto:boris@example.org",
		"ATTACH;MANAGED-ID=theirs:https://partner.example/f"), calendarType).want(http.StatusCreated)
	f.as("boris@example.org", "demo", "POST", theirs+addFile, "x").condition(http.StatusForbidden, nsCal, "valid-attachment-add")
	f.as("boris@example.org", "demo", "POST", theirs+removeFile+"theirs", "").condition(http.StatusForbidden, nsCal, "valid-attachment-remove")
	f.as("boris@example.org", "demo", "POST", theirs+updateFile+"theirs", "x").condition(http.StatusForbidden, nsCal, "valid-attachment-update")
	f.as("boris@example.org", "demo", "POST", a+addFile, "x").want(http.StatusForbidden)
	f.as("", "", "POST", a+addFile, "x").want(http.StatusUnauthorized)
	// An import loses the ids of another server.
	changer := f.handler.changes.(*change.Changer)
	cal := f.calendar()
	_, err := changer.Put(context.Background(), change.PutRequest{
		Caller: change.Caller{User: f.anna}, Calendar: cal, Name: "imported.ics", Import: true,
		Data: []byte(event("imported", "ATTACH;X-A=1;MANAGED-ID=theirs:https://partner.example/f", line)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.files(annaCal + "imported.ics"); len(got) != 2 || got[0] != "ATTACH;X-A=1:https://partner.example/f" || got[1] != line {
		t.Errorf("imported %q", got)
	}
	f.do("DELETE", annaCal+"imported.ics", "").want(http.StatusNoContent)
	// Folds that split the parameter's name hide nothing.
	put(annaCal+"f.ics", event("f", "ATTACH;MANA\r\n GED-ID="+id+":"+address)).want(http.StatusCreated)
	f.do("DELETE", a, "").want(http.StatusNoContent)
	put(annaCal+"f.ics", event("f")).want(http.StatusNoContent)
	if f.held(id) {
		t.Error("not released")
	}
}

// TestAttachmentReleased deletes, moves and copies what carries attachments.
func TestAttachmentReleased(t *testing.T) {
	f := filesFixture(t)
	a, other := annaCal+"a.ics", annaHome+"other/"
	id := f.attach(a, "x.txt", "x")
	f.do("MKCALENDAR", other, "").want(http.StatusCreated)
	f.do("COPY", a, "", "Destination: "+other+"a.ics").want(http.StatusCreated)
	f.do("DELETE", a, "").want(http.StatusNoContent)
	if !f.held(id) {
		t.Fatal("the copy does not hold it")
	}
	f.do("MOVE", other+"a.ics", "", "Destination: "+a).want(http.StatusCreated)
	f.do("DELETE", other, "").want(http.StatusNoContent)
	if !f.held(id) {
		t.Fatal("released with the calendar that it was moved out of")
	}
	f.do("MKCALENDAR", other, "").want(http.StatusCreated)
	f.do("MOVE", a, "", "Destination: "+other+"a.ics").want(http.StatusCreated)
	text := f.do("GET", other+"a.ics", "").body
	f.do("DELETE", other, "").want(http.StatusNoContent)
	if f.held(id) {
		t.Fatal("not released with its calendar")
	}
	f.do("PUT", a, text, calendarType).want(http.StatusCreated)
	if !f.held(id) {
		t.Fatal("not taken back by an event that came back")
	}
	// A copy of a whole calendar has what is in it.
	f.do("COPY", annaCal, "", "Destination: "+other, "Overwrite: T").want(http.StatusCreated)
	f.do("DELETE", a, "").want(http.StatusNoContent)
	if !f.held(id) {
		t.Fatal("the copy of the calendar does not hold it")
	}
	changer := f.handler.changes.(*change.Changer)
	if err := changer.RemoveUser(context.Background(), change.Caller{}, f.anna); err != nil {
		t.Fatal(err)
	}
	if f.held(id) {
		t.Error("not released with its user")
	}
	purge := func(before time.Duration) {
		t.Helper()
		for more := true; more; {
			err := f.store.Update(context.Background(), func(tx *store.Tx) (err error) {
				more, err = tx.PurgeAttachments(tx.Now().Add(-before), tx.Now().Add(-before), 1)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	purge(time.Hour)
	if row, _ := f.stored(id); row == nil {
		t.Fatal("removed too early")
	}
	purge(-time.Hour)
	if row, _ := f.stored(id); row != nil || f.use().Total != 0 {
		t.Errorf("not removed: %+v", row)
	}
}

// TestAttachmentUpdateAtQuota: a new file may take the room of the one that it replaces, if nothing else has
// that.
func TestAttachmentUpdateAtQuota(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	large := strings.Repeat("x", 600_000)
	id := f.do("POST", a+updateFile+f.attach(a, "x", large), large).want(http.StatusNoContent).header.Get("Cal-Managed-ID")
	if use := f.use(); use.Held != 600_000 || use.Total != 1_200_000 {
		t.Errorf("use %+v", use)
	}
	f.put("b.ics", event("b", f.files(a)[0]))
	f.do("POST", a+updateFile+id, large).condition(http.StatusInsufficientStorage, nsDAV, "quota-not-exceeded")
	if !f.held(id) || len(f.files(a)) != 1 {
		t.Error("what was refused changed something")
	}
	if use := f.use(); use.Held != 600_000 || use.Total != 1_200_000 {
		t.Errorf("use after a refusal %+v", use)
	}
}

// TestAttachmentReclaim: what nothing refers to may fill as much again as the quota, then its oldest goes.
func TestAttachmentReclaim(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	var ids []string
	for range 6 {
		id := f.attach(a, "x", strings.Repeat("x", 600_000))
		f.do("POST", a+removeFile+id, "").want(http.StatusNoContent)
		ids = append(ids, id)
	}
	if use := f.use(); use.Held != 0 || use.Total > 2_000_000 || use.Total < 1_200_000 {
		t.Errorf("use %+v", use)
	}
	if row, _ := f.stored(ids[0]); row != nil {
		t.Error("the oldest is still there")
	}
	if row, _ := f.stored(ids[5]); row == nil {
		t.Error("the newest has gone")
	}
	// What comes back counts again.
	line := func(id string) string { return "ATTACH;MANAGED-ID=" + id + ":" + filesBase }
	f.do("PUT", a, event("a", line(ids[5])), calendarType).want(http.StatusNoContent)
	f.do("PUT", annaCal+"b.ics", event("b", line(ids[4])), calendarType).condition(http.StatusInsufficientStorage, nsDAV, "quota-not-exceeded")
}
