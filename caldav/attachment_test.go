package caldav

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"joinery/caldav/change"
	"joinery/store"
	"joinery/store/outbox"
)

const (
	addFile    = "?action=attachment-add"
	updateFile = "?action=attachment-update&managed-id="
	removeFile = "?action=attachment-remove&managed-id="

	filesBase = "https://cal.example.org/a/"
)

// attachable has a fixture take files of 600,000 bytes, 3 for each object, 1,000,000 for each user.
func attachable(o *Options) {
	o.Attachable = change.AttachmentPolicy{
		Base: filesBase, PerObject: 3, AttachmentLimits: store.AttachmentLimits{Size: 600_000, Quota: 1_000_000},
	}
	changer := change.New(change.Options{
		Store: o.Store, Outbox: outbox.New(o.Store, outbox.Options{}),
		Policy: change.Policy{ImportBurst: 1 << 30, MaxAttendees: 50, Attachments: o.Attachable},
	})
	o.Changes, o.Attachments = changer, changer
}

func filesFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, attachable)
	f.put("a.ics", event("a", "SUMMARY:Plan"))
	return f
}

// attach adds a file to an object and returns its managed id.
func (f *fixture) attach(path, name, body string, headers ...string) string {
	f.Helper()
	a := f.do("POST", path+addFile, body, append(headers, "Content-Type: text/plain", `Content-Disposition: attachment; filename="`+name+`"`)...)
	id := a.want(http.StatusCreated).header.Get("Cal-Managed-ID")
	if id == "" {
		f.Fatal("no Cal-Managed-ID")
	}
	return id
}

// unfolded is an object's text without folds.
func unfolded(text string) string { return strings.ReplaceAll(text, "\r\n ", "") }

// files are the ATTACH lines of an object.
func (f *fixture) files(path string) []string {
	f.Helper()
	var lines []string
	for l := range strings.SplitSeq(unfolded(f.do("GET", path, "").want(http.StatusOK).body), "\r\n") {
		if strings.HasPrefix(l, "ATTACH") {
			lines = append(lines, l)
		}
	}
	return lines
}

// stored is the attachment of a managed id and its bytes; nil if there is none.
func (f *fixture) stored(id string) (a *store.Attachment, data string) {
	f.Helper()
	err := f.store.View(context.Background(), func(tx *store.Tx) (err error) {
		a, err = tx.AttachmentByManagedID(id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ""
	}
	if err != nil {
		f.Fatal(err)
	}
	b, err := io.ReadAll(f.store.OpenAttachment(context.Background(), a))
	if err != nil {
		f.Fatal(err)
	}
	return a, string(b)
}

// held tells whether an object refers to an attachment.
func (f *fixture) held(id string) bool {
	f.Helper()
	a, _ := f.stored(id)
	return a != nil && a.Released.IsZero()
}

// calendar is anna's first one.
func (f *fixture) calendar() (c *store.Calendar) {
	f.Helper()
	err := f.store.View(context.Background(), func(tx *store.Tx) (err error) {
		c, err = tx.CalendarBySlug(f.anna.ID, DefaultCalendar)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// use is what anna's files take up.
func (f *fixture) use() (use store.AttachmentUse) {
	f.Helper()
	err := f.store.View(context.Background(), func(tx *store.Tx) (err error) {
		use, err = tx.AttachmentUse(f.anna.ID)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	return use
}

// TestAttachmentLife adds, updates and removes a file (RFC 8607 §3.4 to §3.6).
func TestAttachmentLife(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	before := f.do("GET", a, "").header.Get("ETag")

	added := f.do("POST", a+addFile, "first", "Content-Type: text/plain; charset=utf-8",
		`Content-Disposition: attachment; filename="notes.txt"`, "Prefer: return=representation").want(http.StatusCreated)
	id := added.header.Get("Cal-Managed-ID")
	row, data := f.stored(id)
	if row == nil || data != "first" || row.Name != "notes.txt" || row.Type != "text/plain" || row.Size != 5 {
		t.Fatalf("stored %+v %q", row, data)
	}
	line := "ATTACH;MANAGED-ID=" + id + ";FMTTYPE=text/plain;SIZE=5;FILENAME=notes.txt:" + filesBase + row.Token + "/notes.txt"
	if got := f.files(a); len(got) != 1 || got[0] != line {
		t.Fatalf("files %q, want %q", got, line)
	}
	if got := added.header.Get("Location"); got != filesBase+row.Token+"/notes.txt" {
		t.Errorf("Location %q", got)
	}
	if len(row.Token) < 32 || strings.Contains(row.Token, id) {
		t.Errorf("the token can be guessed: %q", row.Token)
	}
	get := f.do("GET", a, "")
	if added.body != get.body || added.header.Get("ETag") != get.header.Get("ETag") || get.header.Get("ETag") == before {
		t.Errorf("representation: %v %q", added.header, added.body)
	}
	if h := added.header; h.Get("Preference-Applied") != "return=representation" || h.Get("Content-Location") != a || !strings.HasPrefix(h.Get("Content-Type"), "text/calendar") {
		t.Errorf("headers of the representation: %v", h)
	}

	updated := f.do("POST", a+updateFile+id, "second one", "Content-Type: text/markdown", "Content-Disposition: attachment; filename=b.md").want(http.StatusNoContent)
	next := updated.header.Get("Cal-Managed-ID")
	if next == "" || next == id || updated.header.Get("ETag") != "" {
		t.Errorf("update: %v", updated.header)
	}
	if row, data = f.stored(next); row == nil || data != "second one" {
		t.Fatalf("stored %+v %q", row, data)
	}
	if got := f.files(a); len(got) != 1 || got[0] != "ATTACH;MANAGED-ID="+next+";FMTTYPE=text/markdown;SIZE=10;FILENAME=b.md:"+filesBase+row.Token+"/b.md" {
		t.Errorf("files %q", got)
	}
	if f.held(id) || !f.held(next) {
		t.Error("the old file is not released, or the new one is")
	}
	f.do("POST", a+updateFile+id, "x").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+updateFile+next, "third", "Prefer: return=representation").want(http.StatusOK).contains("SIZE=5", "FMTTYPE=application/octet-stream")
	last := strings.SplitN(strings.SplitN(f.files(a)[0], "MANAGED-ID=", 2)[1], ";", 2)[0]

	f.do("POST", a+removeFile+last, "", "Prefer: return=representation").want(http.StatusOK).lacks("ATTACH").contains("SUMMARY:Plan")
	if f.held(last) {
		t.Error("the removed file is not released")
	}
	f.do("POST", a+removeFile+last, "").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	id = f.attach(a, "again.txt", "")
	if row, data = f.stored(id); row == nil || data != "" || row.Size != 0 {
		t.Errorf("an empty file: %+v %q", row, data)
	}
	if h := f.do("POST", a+removeFile+id, "").want(http.StatusNoContent).header; h.Get("Cal-Managed-ID") != "" || h.Get("Location") != "" {
		t.Errorf("removal: %v", h)
	}
}

// TestAttachmentSecrets keeps the addresses of files out of the log.
func TestAttachmentSecrets(t *testing.T) {
	var log bytes.Buffer
	f := newFixture(t, attachable, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	f.put("a.ics", event("a"))
	a := annaCal + "a.ics"
	id := f.attach(a, "x", "x", "Prefer: return=representation")
	row, _ := f.stored(id)
	f.do("PUT", a, event("a", "ATTACH;MANAGED-ID=y:"+filesBase+row.Token+"/x", "RRULE:FREQ=NEVER"), calendarType).want(http.StatusForbidden)
	f.do("POST", a+updateFile+id, "y").want(http.StatusNoContent)
	f.do("POST", a+removeFile+id, "").want(http.StatusForbidden)
	if text := log.String(); !strings.Contains(text, "method=POST") || strings.Contains(text, row.Token) || strings.Contains(text, id) {
		t.Errorf("log: %s", text)
	}
}

// TestAttachmentRefusals goes through the preconditions of RFC 8607 §3.11.
func TestAttachmentRefusals(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	for _, query := range []string{"", "?action=", "?action=attachment-burn", "?action=attachment-add&action=attachment-add"} {
		f.do("POST", a+query, "x").condition(http.StatusForbidden, nsCal, "valid-action")
	}
	f.do("POST", a+"?action=attachment-add&managed-id=1", "x").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+"?action=attachment-update", "x").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+"?action=attachment-remove", "").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+removeFile+"1&managed-id=2", "").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+updateFile+"1&rid=M", "x").condition(http.StatusForbidden, nsCal, "valid-rid")
	for _, rid := range []string{"", "x", "20300601T100000Z", "M,x", strings.Repeat("M,", 60) + "M", "M&rid=M", "%0D%0AX:1", "20300601T090000Z%00"} {
		f.do("POST", a+addFile+"&rid="+rid, "x").condition(http.StatusForbidden, nsCal, "valid-rid")
	}
	f.do("POST", a+"?action=%zz", "x").want(http.StatusBadRequest)
	f.do("POST", annaCal+"missing.ics"+addFile, "x").want(http.StatusNotFound)
	f.do("POST", a+"/"+addFile, "x").want(http.StatusNotFound)
	f.do("POST", annaCal+addFile, "x").want(http.StatusMethodNotAllowed)
	f.do("POST", a+addFile, "x", "Content-Encoding: gzip").want(http.StatusUnsupportedMediaType)

	f.do("POST", a+addFile, strings.Repeat("x", 600_001)).condition(http.StatusForbidden, nsCal, "max-attachment-size")
	f.chunked(a+addFile, 600_001).condition(http.StatusForbidden, nsCal, "max-attachment-size")
	first := f.attach(a, "1", strings.Repeat("x", 600_000))
	if _, data := f.stored(first); len(data) != 600_000 {
		t.Errorf("%d bytes stored", len(data))
	}
	f.do("POST", a+addFile, strings.Repeat("x", 500_000)).condition(http.StatusInsufficientStorage, nsDAV, "quota-not-exceeded")
	f.chunked(a+addFile, 500_000).condition(http.StatusInsufficientStorage, nsDAV, "quota-not-exceeded")
	f.attach(a, "2", "x")
	f.attach(a, "3", "x")
	f.do("POST", a+addFile, "x").condition(http.StatusForbidden, nsCal, "max-attachments-per-resource")
	if got := len(f.files(a)); got != 3 {
		t.Errorf("%d files", got)
	}
	// What was refused has left nothing.
	if use := f.use(); use.Held != 600_002 || use.Total != use.Held {
		t.Errorf("use %+v", use)
	}
	f.do("GET", a, "").want(http.StatusOK)
}

// TestAttachmentConditions holds a POST to If-Match and If-Schedule-Tag-Match.
func TestAttachmentConditions(t *testing.T) {
	f := filesFixture(t)
	a := annaCal + "a.ics"
	f.put("m.ics", meeting("m", "ATTENDEE:mailto:vera@partner.example"))
	m := annaCal + "m.ics"
	tag := f.do("GET", a, "").header.Get("ETag")
	for _, h := range []string{`If-Match: "x"`, "If-None-Match: *", `If-Schedule-Tag-Match: "x"`} {
		f.do("POST", a+addFile, "x", h).want(http.StatusPreconditionFailed)
	}
	if got := f.files(a); len(got) != 0 {
		t.Errorf("files %q", got)
	}
	f.attach(a, "x", "x", "If-Match: "+tag)
	f.do("POST", a+addFile, "x", "If-Match: "+tag).want(http.StatusPreconditionFailed)
	schedule := f.do("GET", m, "").header.Get("Schedule-Tag")
	added := f.do("POST", m+addFile, "x", "If-Schedule-Tag-Match: "+schedule).want(http.StatusCreated)
	if got := f.do("GET", m, "").header.Get("Schedule-Tag"); got == schedule || added.header.Get("Schedule-Tag") != got {
		t.Errorf("Schedule-Tag %q, in the answer %q, before %q", got, added.header.Get("Schedule-Tag"), schedule)
	}
	f.do("POST", m+addFile, "x", "If-Schedule-Tag-Match: "+schedule).want(http.StatusPreconditionFailed)
	if use := f.use(); use.Total != 2 {
		t.Errorf("use %+v", use)
	}
}

// TestAttachmentOccurrences attaches files to some occurrences of a series.
func TestAttachmentOccurrences(t *testing.T) {
	f := newFixture(t, attachable)
	a := annaCal + "s.ics"
	f.put("s.ics", event("s", "RRULE:FREQ=DAILY;COUNT=5"))
	components := func() []string {
		text := unfolded(f.do("GET", a, "").want(http.StatusOK).body)
		return strings.Split(text, "BEGIN:VEVENT")[1:]
	}
	one := f.do("POST", a+addFile+"&rid=20300603T100000Z", "one").want(http.StatusCreated).header.Get("Cal-Managed-ID")
	got := components()
	if len(got) != 2 || strings.Contains(got[0], "ATTACH") || !strings.Contains(got[1], one) || !strings.Contains(got[1], "RECURRENCE-ID:20300603T100000Z") {
		t.Fatalf("an occurrence of its own: %q", got)
	}
	all := f.attach(a, "all", "all")
	got = components()
	if len(got) != 2 || !strings.Contains(got[0], all) || !strings.Contains(got[1], all) {
		t.Fatalf("all components: %q", got)
	}
	// What the series has, an occurrence that gets a component has too, and can lose alone.
	f.do("POST", a+removeFile+all+"&rid=20300604T100000Z,20300603T100000Z", "").want(http.StatusNoContent)
	got = components()
	if len(got) != 3 || !strings.Contains(got[0], all) || strings.Contains(got[1], all) || strings.Contains(got[2], all) || !f.held(all) {
		t.Fatalf("two occurrences lost a file: %q", got)
	}
	f.do("POST", a+removeFile+one+"&rid=M", "").condition(http.StatusForbidden, nsCal, "valid-managed-id")
	f.do("POST", a+removeFile+all+"&rid=M", "").want(http.StatusNoContent)
	if got = components(); strings.Contains(got[0], "ATTACH") || f.held(all) {
		t.Fatalf("the series lost its file: %q", got)
	}
	for _, rid := range []string{"20300609T100000Z", "20300601T100001Z", "20300601", "20300601T100000"} {
		f.do("POST", a+addFile+"&rid="+rid, "x").condition(http.StatusForbidden, nsCal, "valid-rid")
	}
	// An update reaches all components.
	two := f.attach(a, "x", "x")
	f.do("POST", a+updateFile+two, "newest").want(http.StatusNoContent)
	if n := strings.Count(strings.Join(components(), ""), "SIZE=6;FILENAME=attachment"); n != 3 {
		t.Errorf("%d components updated: %q", n, components())
	}

	f.put("z.ics", event("z", "DTSTART;TZID=Europe/Moscow:20300601T100000", "DTEND;TZID=Europe/Moscow:20300601T110000", "RRULE:FREQ=DAILY;COUNT=5"))
	f.do("POST", annaCal+"z.ics"+addFile+"&rid=20300602T070000Z,20300602T100000,20300603T100000", "x", "Prefer: return=representation").
		want(http.StatusCreated).contains("RECURRENCE-ID;TZID=Europe/Moscow:20300602T100000", "RECURRENCE-ID;TZID=Europe/Moscow:20300603T100000")
	if n := len(f.files(annaCal + "z.ics")); n != 2 {
		t.Errorf("%d files at occurrences by the clock of Moscow", n)
	}
	f.do("POST", annaCal+"z.ics"+addFile+"&rid=20300602T100000Z", "x").condition(http.StatusForbidden, nsCal, "valid-rid")

	f.put("d.ics", event("d", "DTSTART;VALUE=DATE:20300601", "RRULE:FREQ=WEEKLY;COUNT=3"))
	f.do("POST", annaCal+"d.ics"+addFile+"&rid=20300608,M", "x", "Prefer: return=representation").want(http.StatusCreated).
		contains("RECURRENCE-ID;VALUE=DATE:20300608")
	if n := len(f.files(annaCal + "d.ics")); n != 2 {
		t.Errorf("%d files at all-day occurrences", n)
	}
	f.put("t.ics", strings.ReplaceAll(event("t", "DTSTART:20300601T100000Z", "SUMMARY:To do"), "VEVENT", "VTODO"))
	f.do("POST", annaCal+"t.ics"+addFile+"&rid=M", "x").want(http.StatusCreated)
	f.do("POST", annaCal+"t.ics"+addFile+"&rid=20300601T100000Z", "x").condition(http.StatusForbidden, nsCal, "valid-rid")
}

// TestAttachmentProperties reads what a client is told beforehand (RFC 8607 §2 and §6, RFC 4331).
func TestAttachmentProperties(t *testing.T) {
	f := filesFixture(t)
	f.attach(annaCal+"a.ics", "x", "1234")
	h := f.do("OPTIONS", annaCal+"a.ics", "").want(http.StatusOK).header
	if !strings.HasSuffix(h.Get("DAV"), ", calendar-managed-attachments") || !strings.Contains(h.Get("Allow"), "POST") {
		t.Errorf("OPTIONS: %v", h)
	}
	fd := f.do("PROPFIND", annaHome, propfindBody("C:managed-attachments-server-URL", "D:quota-available-bytes", "D:quota-used-bytes"), "Depth: 0").one()
	wantProp(t, fd, "{urn:ietf:params:xml:ns:caldav}managed-attachments-server-URL", "https://cal.example.org")
	wantProp(t, fd, "{DAV:}quota-available-bytes", "999996")
	wantProp(t, fd, "{DAV:}quota-used-bytes", "4")
	fd = f.do("PROPFIND", annaCal, propfindBody("C:max-attachment-size", "C:max-attachments-per-resource"), "Depth: 0").one()
	wantProp(t, fd, "{urn:ietf:params:xml:ns:caldav}max-attachment-size", "600000")
	wantProp(t, fd, "{urn:ietf:params:xml:ns:caldav}max-attachments-per-resource", "3")
	f.do("PROPFIND", "/calendars/", propfindBody("D:quota-used-bytes"), "Depth: 1").want(http.StatusMultiStatus).contains(">4<")
	f.do("PROPPATCH", annaHome, patch("<D:quota-used-bytes>0</D:quota-used-bytes>", "")).contains("403")

	off := newFixture(t)
	off.put("a.ics", event("a", "ATTACH;MANAGED-ID=of-another-server:https://x.example/"))
	off.do("POST", annaCal+"a.ics"+addFile, "x").want(http.StatusMethodNotAllowed)
	off.do("PROPFIND", annaHome, propfindBody("C:managed-attachments-server-URL", "D:quota-used-bytes"), "Depth: 0").want(http.StatusMultiStatus).lacks("200 OK")
	off.do("PROPFIND", annaCal, propfindBody("C:max-attachment-size"), "Depth: 0").want(http.StatusMultiStatus).lacks("200 OK")
}
