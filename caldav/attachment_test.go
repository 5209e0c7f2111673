package caldav

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"joinery/caldav/change"
	"joinery/caldav/ical"
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

// chunked adds a file whose size is not told beforehand.
func (f *fixture) chunked(path string, size int) *answer {
	f.Helper()
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", size))) // of no length that the client knows
	req, err := http.NewRequest("POST", f.url+path, body)
	if err != nil {
		f.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return &answer{f, "POST " + path, resp.StatusCode, resp.Header, string(data)}
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

// TestAttachmentNames takes whatever clients call a file, and lets nothing of it do harm.
func TestAttachmentNames(t *testing.T) {
	f := newFixture(t, attachable)
	long := strings.Repeat("я", 5000)
	for i, c := range []struct{ disposition, want string }{
		{"", "attachment"},
		{"attachment", "attachment"},
		{`attachment; filename=""`, "attachment"},
		{`attachment; filename=".."`, "attachment"},
		{`attachment; filename="../../etc/passwd"`, "passwd"},
		{`attachment; filename="C:\\Users\\anna\\plan.doc"`, "plan.doc"},
		{`attachment; filename="a b;c,d.txt"`, "a b;c,d.txt"},
		{`attachment; filename="quo\"te.txt"`, "quote.txt"},
		{`attachment; filename*=UTF-8''%D0%BF%D0%BB%D0%B0%D0%BD.txt`, "план.txt"},
		{"attachment; filename=\"план.txt\"", "план.txt"},
		{`attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x.txt`, "a  Set-Cookie x.txt"},
		{`attachment; filename*=UTF-8''a%E2%80%AEgpj.exe`, "agpj.exe"},
		{`attachment; filename*=UTF-8''%00%01%7F`, "attachment"},
		{`attachment; filename*=UTF-8''` + url.PathEscape(long) + ".pdf", strings.Repeat("я", 98) + ".pdf"},
		{`attachment; filename="` + strings.Repeat("x", 10_000) + `"`, strings.Repeat("x", 200)},
		{`;;;===`, "attachment"},
	} {
		name := fmt.Sprint("n", i, ".ics")
		f.put(name, event(fmt.Sprint("n", i)))
		h := []string{"Content-Type: a/b"}
		if c.disposition != "" {
			h = append(h, "Content-Disposition: "+c.disposition)
		}
		id := f.do("POST", annaCal+name+addFile, "x", h...).want(http.StatusCreated).header.Get("Cal-Managed-ID")
		row, _ := f.stored(id)
		if row == nil || row.Name != c.want {
			t.Errorf("%.80s: %+v, want %q", c.disposition, row, c.want)
		}
		if got := f.files(annaCal + name); len(got) != 1 || !strings.HasSuffix(got[0], "/"+url.PathEscape(c.want)) {
			t.Errorf("%.80s: %q", c.disposition, got)
		}
	}
	for _, kind := range []string{"", "x", "/", "text/html; a=b", "text/x y", strings.Repeat("a", 200) + "/b"} {
		f.put("k.ics", event("k"))
		row, _ := f.stored(f.do("POST", annaCal+"k.ics"+addFile, "x", "Content-Type: "+kind).want(http.StatusCreated).header.Get("Cal-Managed-ID"))
		want := "application/octet-stream"
		if strings.HasPrefix(kind, "text/html") {
			want = "text/html"
		}
		if row.Type != want {
			t.Errorf("%q: %q", kind, row.Type)
		}
		f.do("DELETE", annaCal+"k.ics", "").want(http.StatusNoContent)
	}
}

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

// TestSlowUpload: a file may take longer than other requests may.
func TestSlowUpload(t *testing.T) {
	f := filesFixture(t)
	srv := httptest.NewUnstartedServer(f.handler)
	srv.Config.ReadTimeout = 300 * time.Millisecond
	srv.Start()
	defer srv.Close()
	r, w := io.Pipe()
	go func() {
		for range 4 {
			time.Sleep(200 * time.Millisecond)
			io.WriteString(w, "slowly ")
		}
		w.Close()
	}()
	req, err := http.NewRequest("POST", srv.URL+annaCal+"a.ics"+addFile, r)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("anna@example.org", "demo")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, data := f.stored(resp.Header.Get("Cal-Managed-ID")); resp.StatusCode != http.StatusCreated || data != "slowly slowly slowly slowly " {
		t.Errorf("%d, stored %q", resp.StatusCode, data)
	}
}

// A meddled notes until when a body may be waited for.
type meddled struct {
	*httptest.ResponseRecorder
	readBy time.Time
}

func (m *meddled) SetReadDeadline(t time.Time) error {
	m.readBy = t
	return nil
}

// FuzzFileName: whatever a client calls a file, its name is one on every disk, in a line of iCalendar and in
// an address.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"", `attachment; filename="../../x"`, `attachment; filename*=UTF-8''%E2%80%AEgpj.exe`, "attachment; filename=\"a^n\x80\"", `a; filename=".\\..\\a. "`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, disposition string) {
		name := fileName(http.Header{"Content-Disposition": {disposition}})
		if name == "" || len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsAny(name, "/\\\r\n\x00\u202e\u200f\"") || strings.Trim(name, ". ") != name {
			t.Fatalf("%q is called %q", disposition, name)
		}
		text := "BEGIN:VCALENDAR\r\n" + ical.FormatLine("ATTACH", []ical.Param{{Name: "FILENAME", Values: []string{name}}}, "x:/"+url.PathEscape(name)) + "\r\nEND:VCALENDAR\r\n"
		o, err := ical.Parse([]byte(text), ical.Limits{})
		if err != nil || len(o.Root.Lines) != 1 || o.Root.Lines[0].Param("FILENAME") != name {
			t.Fatalf("%q is written as %q: %v", name, text, err)
		}
		if back, err := url.PathUnescape(strings.TrimPrefix(o.Root.Lines[0].Value, "x:/")); err != nil || back != name {
			t.Fatalf("%q comes back as %q, %v", name, back, err)
		}
	})
}

// TestAttachmentBodies ends uploads before their time: nothing of them is left.
func TestAttachmentBodies(t *testing.T) {
	f := filesFixture(t)
	// A client that sends nothing any more is not waited for.
	slow := httptest.NewRequest("POST", annaCal+"a.ics"+addFile, iotest.ErrReader(os.ErrDeadlineExceeded))
	slow.SetBasicAuth("anna@example.org", "demo")
	w := &meddled{ResponseRecorder: httptest.NewRecorder()}
	f.handler.ServeHTTP(w, slow)
	if left := time.Until(w.readBy); w.Code != http.StatusRequestTimeout || left <= 0 || left > maxStall {
		t.Errorf("a slow body: %d, within %v", w.Code, left)
	}
	begin := func(head, body string) net.Conn {
		t.Helper()
		u, err := url.Parse(f.url)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			t.Fatal(err)
		}
		auth := base64.StdEncoding.EncodeToString([]byte("anna@example.org:demo"))
		fmt.Fprintf(c, "POST %sa.ics%s HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n%s\r\n\r\n%s", annaCal, addFile, u.Host, auth, head, body)
		return c
	}
	status := func(c net.Conn) int {
		t.Helper()
		defer c.Close()
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	// A size that is too large is refused before the body is asked for.
	if got := status(begin("Content-Length: 1000000000\r\nExpect: 100-continue", "")); got != http.StatusForbidden {
		t.Errorf("a body that is too large: %d", got)
	}
	if got := status(begin("Transfer-Encoding: chunked", "zz\r\n")); got != http.StatusBadRequest {
		t.Errorf("broken chunks: %d", got)
	}
	c := begin("Content-Length: 400000", strings.Repeat("x", 300_000))
	for end := time.Now().Add(20 * time.Second); f.use().Total == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing came in")
		}
	}
	f.attach(annaCal+"a.ics", "beside", "x") // another upload goes on beside it
	c.Close()
	for end := time.Now().Add(20 * time.Second); f.use().Total != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a broken upload is still stored: %+v", f.use())
		}
	}
	if got := f.files(annaCal + "a.ics"); len(got) != 1 {
		t.Errorf("files %q", got)
	}
}
