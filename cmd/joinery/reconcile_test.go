package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"joinery/conference"
	"joinery/conference/mtslink"
	"joinery/store"
)

// A compared is an installation with one conference, whose account tests change by hand.
type compared struct {
	*commandLine
	*services
	account *mtslink.Provider
	event   string // its address
	stop    func() (int, string)
}

func newCompared(t *testing.T) *compared {
	t.Helper()
	s := startServices(t)
	c := &compared{commandLine: newCommandLine(t, s.relay, s.host, ""), services: s}
	c.environ = append(c.environ, "USER=olga")
	var err error
	if c.account, err = mtslink.New(mtslink.Config{BaseURL: "http://" + s.host + "/v3", Token: "the-key-of-the-account"}); err != nil {
		t.Fatal(err)
	}
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	c.up()
	c.put("plans")
	return c
}

func (c *compared) up() {
	c.Helper()
	var address string
	address, c.stop = c.serve()
	c.event = address + "/calendars/anna/calendar/"
}

// put saves an event with a conference.
func (c *compared) put(uid string) {
	c.Helper()
	if code, text := as(c.T, "anna", "s", "PUT", c.event+uid+".ics", webinar(uid)); code != http.StatusCreated {
		c.Fatalf("PUT: %d %s", code, text)
	}
	c.until(func(event string) bool {
		return strings.Contains(event, "LOCATION:https://my.mts-link.ru/j/") && strings.Contains(event, "SCHEDULE-STATUS=")
	}, uid)
}

func (c *compared) get(uid string) string {
	c.Helper()
	_, text := as(c.T, "anna", "s", "GET", c.event+uid+".ics", "")
	return text
}

func (c *compared) until(done func(event string) bool, uid string) {
	c.Helper()
	soon(c.T, func() string {
		if event := c.get(uid); !done(event) {
			return "the event is " + event
		}
		return ""
	})
}

func (c *compared) database() string { return filepath.Join(c.dir, "joinery.db") }

// strays makes conferences with keys of this installation that no room has.
func (c *compared) strays(first, n int) {
	c.Helper()
	st, err := store.Open(context.Background(), "sqlite:"+c.database(), store.Options{})
	if err != nil {
		c.Fatal(err)
	}
	defer st.Close()
	if err := st.Update(context.Background(), func(tx *store.Tx) error { return tx.SkipRoomIDs(int64(first + n)) }); err != nil {
		c.Fatal(err)
	}
	for i := range n {
		c.made(st.Installation()+"-"+strconv.Itoa(first+i), fmt.Sprintf("Stray %d", i))
	}
}

// made makes a conference with whatever key.
func (c *compared) made(key, title string) {
	c.Helper()
	start := time.Date(2099, 2, 1, 10, 0, 0, 0, time.UTC)
	m := conference.Meeting{Key: key, Title: title, Start: start, End: start.Add(time.Hour), Zone: "UTC"}
	if _, err := c.account.Reserve(context.Background(), m, conference.Room{}, func(conference.Room) error { return nil }); err != nil {
		c.Fatal(err)
	}
}

func (c *compared) titles() string {
	var all []string
	for _, conf := range c.services.account.State().Conferences {
		all = append(all, conf.Name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// sync synchronises a client that has a token, and returns its next one, "" where it has to begin anew.
func (c *compared) sync(token string) string {
	c.Helper()
	code, text := as(c.T, "anna", "s", "REPORT", c.event, `<sync-collection xmlns="DAV:"><sync-token>`+token+
		`</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`)
	if code == http.StatusForbidden && strings.Contains(text, "valid-sync-token") {
		return ""
	}
	_, rest, found := strings.Cut(text, "<D:sync-token>")
	next, _, _ := strings.Cut(rest, "<")
	if code != http.StatusMultiStatus || !found {
		c.Fatalf("REPORT: %d %s", code, text)
	}
	return next
}

// reconcile runs the command; its output must have all of parts, spaces folded, and nothing else may be printed.
func (c *compared) reconcile(status int, args string, parts ...string) {
	c.Helper()
	code, out, errText := c.do("", append([]string{"reconcile"}, strings.Fields(args)...)...)
	folded := strings.Join(strings.Fields(out), " ")
	for _, part := range parts {
		if !strings.Contains(folded, part) {
			c.Errorf("reconcile %s: %q is not in\n%s", args, part, out)
		}
	}
	for _, l := range strings.Split(strings.TrimSpace(errText), "\n") {
		if l != "" && !strings.Contains(l, "level=") {
			c.Errorf("reconcile %s: standard error %q", args, errText)
		}
	}
	if code != status {
		c.Errorf("reconcile %s: status %d, want %d\n%s%s", args, code, status, out, errText)
	}
}

// A conference that somebody deletes or renames at the provider is seen by looking, and set right by
// serve once it was compared.
func TestReconcileDrift(t *testing.T) {
	c := newCompared(t)
	c.put("other")
	c.made("", "By hand")
	c.made("marketing", "Tagged by hand")
	c.reconcile(0, "-n", "mtslink 2 2 0 - 0 0 0 1")
	confs := c.services.account.State().Conferences
	id, err := strconv.ParseInt(confs[0].ID, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.services.account.Live(id, "delete"); err != nil {
		t.Fatal(err)
	}
	m := conference.Meeting{Key: confs[1].Key, Title: "Party", Start: confs[1].Start, End: confs[1].Start.Add(time.Hour), Zone: "UTC"}
	room := conference.Room{Refs: map[string]string{mtslink.RefEvent: confs[1].ID, mtslink.RefSession: confs[1].Session}}
	if _, err := c.account.Update(context.Background(), room, m); err != nil {
		t.Fatal(err)
	}
	before := c.get("plans")
	for range 2 {
		c.reconcile(0, "-n", "mtslink 1 2 0 - 0 1 1 1", `"Plans": it is not there; another would be made`, `"Plans": its title is "Party"; would be set right`)
	}
	if c.titles() != "By hand, Party, Tagged by hand" || c.get("plans") != before {
		t.Errorf("looking changed something: %s\n%s", c.titles(), c.get("plans"))
	}
	c.reconcile(0, "", "mtslink 1 2 0 - 0", "joinery serve makes another")
	c.until(func(event string) bool {
		return event != before && strings.Contains(event, "LOCATION:https://my.mts-link.ru/j/")
	}, "plans")
	soon(t, func() string {
		titles := c.titles()
		if strings.Contains(titles, "Party") {
			c.reconcile(0, "") // a row that changed while the account was listed is left for the next run
		}
		if titles != "By hand, Plans, Plans, Tagged by hand" {
			return "the account has " + titles
		}
		return ""
	})
	// Of the new link people are told.
	soon(t, func() string {
		n := 0
		for _, m := range c.mails.Messages() {
			if slices.Contains(m.Envelope.To, "boris@example.org") {
				n++
			}
		}
		if n != 3 {
			return fmt.Sprintf("boris got %d mails, want two invitations and an update", n)
		}
		return ""
	})
	c.reconcile(0, "-n", "mtslink 2 2 0 - 0 0 0 1")
}

// Strays are deleted after a day, but not many at once without a word.
func TestReconcileStrays(t *testing.T) {
	c := newCompared(t)
	c.strays(50, 6)
	c.reconcile(0, "", "mtslink 7 1 6 0h 0 0 0 0", `"Stray 0" of 2099-02-01T10:00:00Z, first seen`, "to be deleted from")
	for _, args := range []string{"-n --yes-delete 6", "--yes-delete 0", "-n --confirm-restore", "--confirm-restore --yes-delete 6"} {
		c.fails("", append([]string{"reconcile"}, strings.Fields(args)...), "-n")
	}
	c.fails("", []string{"reconcile", "--confirm-restore"}, "nothing is to be confirmed", "joinery reconcile -n")
	c.now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	c.reconcile(1, "-n", "mtslink 7 1 6 25h 6 0 0 0", "6 strays are due, more than the 5", "joinery reconcile --yes-delete 6")
	c.reconcile(1, "", "mtslink 7 1 6 25h 0 0 0 0", "joinery reconcile --yes-delete 6")
	if code, out, _ := c.do("", "doctor"); code != 1 || !strings.Contains(out, "FAIL  reconcile: 6 conferences without an event are due") {
		t.Errorf("doctor: status %d\n%s", code, out)
	}
	c.reconcile(1, "--yes-delete 5", "joinery reconcile --yes-delete 6")
	c.reconcile(0, "--yes-delete 6", "mtslink 7 1 6 25h 6 0 0 0", "deleted")
	if c.titles() != "Plans" {
		t.Errorf("the account has %s", c.titles())
	}
	c.reconcile(0, "", "mtslink 1 1 0 - 0 0 0 0")
	if _, out, _ := c.do("", "doctor"); !strings.Contains(out, "ok    reconcile: the accounts were compared at") {
		t.Errorf("doctor:\n%s", out)
	}
}

// After the database was put back from a backup nothing is deleted until that is confirmed, and the
// rooms of new events get keys that none had.
func TestReconcileRestored(t *testing.T) {
	c := newCompared(t)
	c.stop()
	backup, err := os.ReadFile(c.database())
	if err != nil {
		t.Fatal(err)
	}
	c.up()
	for _, uid := range []string{"second", "third"} {
		c.put(uid)
	}
	synced := c.sync("")
	c.stop()
	if err := os.WriteFile(c.database(), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	c.reconcile(1, "-n", "mtslink 3 1 2", "seems to be an older copy", "kept until the restore is confirmed", "joinery reconcile --confirm-restore")
	c.up()
	for i := range 10 { // as many changes as were lost, so that the token is of a state that there was once more
		uid := fmt.Sprintf("note%d", i)
		if code, text := as(c.T, "anna", "s", "PUT", c.event+uid+".ics", event(uid)); code != http.StatusCreated {
			c.Fatalf("PUT: %d %s", code, text)
		}
	}
	c.put("new")
	if got := c.sync(synced); got != "" {
		t.Errorf("a client goes on from what the database has forgotten, to %s", got)
	}
	seen := map[string]bool{}
	for _, conf := range c.services.account.State().Conferences {
		if seen[conf.Key] {
			t.Errorf("the key %s was given twice", conf.Key)
		}
		seen[conf.Key] = true
	}
	c.reconcile(1, "", "mtslink 4 2 2", "joinery reconcile --confirm-restore")
	c.now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	c.reconcile(1, "", "mtslink 4 2 2 25h 2 0 0 0", "kept until the restore is confirmed")
	if code, out, _ := c.do("", "doctor"); code != 1 || !strings.Contains(out, "FAIL  reconcile: the database seems to be an older copy") {
		t.Errorf("doctor: status %d\n%s", code, out)
	}
	if n := len(seen); n != 4 || len(c.services.account.State().Conferences) != 4 {
		t.Errorf("%d keys and %s, want all four left", n, c.titles())
	}
	if out := c.works("", "reconcile", "--confirm-restore"); !strings.Contains(out, "confirmed by olga") {
		t.Errorf("confirming: %s", out)
	}
	c.reconcile(0, "", "mtslink 4 2 2 25h 2 0 0 0", "deleted")
	c.reconcile(0, "", "mtslink 2 2 0 - 0 0 0 0")
}

// An account that refuses is told of, and fails the command.
func TestReconcileRefused(t *testing.T) {
	c := newCompared(t)
	c.services.account.SetPlanLapsed(true)
	c.reconcile(1, "-n", "mtslink: could not be looked at to the end", "403")
	c.reconcile(1, "", "mtslink: could not be looked at to the end")
	if _, out, _ := c.do("", "doctor"); !strings.Contains(out, "warn  reconcile: mtslink could not be compared to the end at ") || !strings.Contains(strings.SplitAfter(out, "reconcile: mtslink")[1], "403") {
		t.Errorf("doctor:\n%s", out)
	}
	c.write(strings.Split(exampleConfig, "[[provider]]")[0])
	c.fails("", []string{"reconcile", "-n"}, "there is no provider")
}
