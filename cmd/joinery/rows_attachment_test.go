package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"joinery/store"
)

const addFile = aPath + "?action=attachment-add"

// attach adds a file to anna's event, waits until everything it leads to is done and returns the file's id
// and address.
func (w *world) attach(name, data string) (id, link string) {
	w.Helper()
	h := w.anna.do("POST", addFile, data, "Content-Type: text/plain", "Content-Disposition: attachment; filename="+name).want(http.StatusCreated).header
	w.idle()
	return h.Get("Cal-Managed-ID"), h.Get("Location")
}

// path is the part of an address of this server behind its host.
func (w *world) path(link string) string {
	w.Helper()
	path, ok := strings.CutPrefix(link, w.app.config.PublicURL)
	if !ok {
		w.Fatalf("%q is not an address of this server", link)
	}
	return path
}

// download gets an address without a login.
func (w *world) download(link string) (status int, data string) {
	w.Helper()
	resp, err := w.client.Get(w.url + w.path(link))
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// wantAudited checks that the history of anna's event tells of what was done.
func (w *world) wantAudited(what ...string) {
	w.Helper()
	w.update(func(tx *store.Tx) error {
		u, err := tx.UserByLogin(anna)
		if err != nil {
			return err
		}
		audits, err := tx.Audits(u.ID, "a")
		for _, s := range what {
			if !slices.ContainsFunc(audits, func(a store.Audit) bool { return a.What == s }) {
				w.Errorf("nothing tells that somebody %s: %+v", s, audits)
			}
		}
		return err
	})
}

// TestRowsAttachment plays what becomes of the files that an organiser attaches.
func TestRowsAttachment(t *testing.T) {
	rows := newRows(t)
	defer rows.wait()
	rows.play("a file that the organiser adds reaches all who are invited, and goes again", func(w *world) {
		w.anna.save(aPath, event("a", invitation("LOCATION:Webinar")...))
		c := w.only()
		id, link := w.attach("plan.txt", "the plan")
		if id == "" || !strings.HasSuffix(link, "/plan.txt") {
			t.Fatalf("added as %q at %q", id, link)
		}
		w.wantKept(w.anna.get(aPath).body, c)
		w.contains(joined(logical(w.anna.get(aPath).body)), "ATTACH;MANAGED-ID="+id, link)

		// The attendee's copy has the address, and no id: it is the organiser's.
		copied := joined(logical(w.boris.get(borisCopy).body))
		w.contains(copied, "ATTACH;FMTTYPE=text/plain;SIZE=8;FILENAME=plan.txt:"+link)
		w.lacks(copied, "MANAGED-ID")
		for _, address := range []string{vera, boris} {
			l := w.wantMail(address, "REQUEST", "REQUEST")
			w.contains(l.text, "plan.txt: "+link)
			w.contains(l.html, link)
			w.contains(joined(logical(l.calendar)), link)
			w.lacks(joined(logical(l.calendar)), "MANAGED-ID")
		}
		if status, data := w.download(link); status != http.StatusOK || data != "the plan" {
			t.Errorf("whoever has the address gets %d %q", status, data)
		}

		// An attendee answers beside it, but adds nothing.
		w.boris.put(borisCopy, says(w.boris.get(borisCopy).body, boris, "ACCEPTED"))
		w.idle()
		w.wantSaid(w.anna.get(aPath).body, boris, "ACCEPTED")
		w.boris.do("POST", borisCopy+"?action=attachment-add", "x").want(http.StatusForbidden)
		w.boris.do("POST", addFile, "x").want(http.StatusForbidden)
		w.boris.do("POST", borisCopy+"?action=attachment-remove&managed-id="+id, "").want(http.StatusForbidden)
		w.boris.do("PUT", borisCalendar+"own.ics", event("own", "ATTACH;MANAGED-ID="+id+":"+link)).want(http.StatusForbidden)
		w.contains(joined(logical(w.anna.get(aPath).body)), link)

		w.anna.do("POST", aPath+"?action=attachment-remove&managed-id="+id, "").want(http.StatusNoContent)
		w.idle()
		w.wantKept(w.anna.get(aPath).body, c)
		w.lacks(w.anna.get(aPath).body, "ATTACH")
		w.lacks(w.boris.get(borisCopy).body, "ATTACH")
		w.wantSaid(w.boris.get(borisCopy).body, boris, "ACCEPTED")
		l := w.wantMail(vera, "REQUEST", "REQUEST", "REQUEST")
		w.lacks(joined(logical(l.calendar)), link)
		if status, _ := w.download(link); status != http.StatusOK {
			t.Errorf("what was mailed is gone at once: %d", status)
		}
		w.wantAudited("attached plan.txt", "removed a file")
		w.later(history + time.Hour)
		for more := true; more; {
			w.update(func(tx *store.Tx) (err error) {
				more, err = w.app.purgeFiles(tx)
				return err
			})
		}
		if status, _ := w.download(link); status != http.StatusNotFound {
			t.Errorf("after the clean-up: %d", status)
		}
	})
	rows.play("a file of one occurrence is that one's alone, and its conference stays", func(w *world) {
		_, c, link := w.bookedSeries("LOCATION:Webinar")
		third := nth(2).UTC().Format(utcStamp)
		added := w.anna.do("POST", addFile+"&rid="+third, "minutes", "Content-Disposition: attachment; filename=minutes.txt").want(http.StatusCreated)
		w.idle()
		file := added.header.Get("Location")
		text := w.anna.get(aPath).body
		w.wantJoin(text, link)
		same(w, "conference", w.only().ID, c.ID)
		w.contains(part(text, 2), file)
		w.lacks(joined(master(text)), "ATTACH")
		for _, address := range []string{vera, boris} {
			w.contains(w.wantMail(address, "REQUEST", "REQUEST").text, file)
		}
		copied := w.boris.get(borisCopy).body
		w.contains(part(copied, 2), file)
		w.lacks(joined(master(copied)), "ATTACH")

		id := added.header.Get("Cal-Managed-ID")
		w.anna.do("POST", aPath+"?action=attachment-remove&managed-id="+id+"&rid="+third, "").want(http.StatusNoContent)
		w.idle()
		w.wantJoin(w.anna.get(aPath).body, link)
		w.lacks(w.anna.get(aPath).body, "ATTACH")
		w.lacks(w.boris.get(borisCopy).body, "ATTACH")
	})
	rows.play("a file stands in the first invitation, and what a killed server leaves has it", func(w *world) {
		w.anna.save(aPath, event("a"))
		w.wantNoMail()
		_, link := w.attach("plan.txt", strings.Repeat("plan ", 200_000))
		w.wantNoMail()
		text := w.anna.save(aPath, plus(w.anna.get(aPath).body, strings.Join(invitation(), "\r\n")))
		w.contains(joined(logical(text)), link)
		w.contains(w.wantMail(vera, "REQUEST").text, link)

		folder := t.TempDir()
		was := strings.TrimPrefix(w.app.config.Store.URL, "sqlite:")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(was + suffix)
			if err != nil {
				w.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "left.db"+suffix), b, 0o600); err != nil {
				w.Fatal(err)
			}
		}
		c := *w.app.config
		c.Store.URL = "sqlite:" + filepath.Join(folder, "left.db")
		again, err := newApp(context.Background(), &c, slog.New(slog.DiscardHandler), w.now)
		if err != nil {
			w.Fatal(err)
		}
		defer again.Close()
		got := httptest.NewRecorder()
		again.handler().ServeHTTP(got, httptest.NewRequest("GET", w.path(link), nil))
		if got.Code != http.StatusOK || got.Body.String() != strings.Repeat("plan ", 200_000) {
			t.Errorf("after the restart: %d, %d bytes", got.Code, got.Body.Len())
		}
	})
}
