//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A khal is one user's folder of events, which vdirsyncer brings in line with the server and khal
// shows.
type khal struct {
	t   *testing.T
	who string
	dir string
}

const vdirsyncerConfig = `[general]
status_path = "%[1]s/status/"

[pair calendars]
a = "here"
b = "there"
collections = ["calendar"]
conflict_resolution = "b wins"

[storage here]
type = "filesystem"
path = "%[1]s/calendars/"
fileext = ".ics"

[storage there]
type = "caldav"
url = "%[2]s/"
username = "%[3]s"
password = "demo"
`

const khalConfig = `[calendars]
[[calendar]]
path = %[1]s/calendars/calendar/

[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %%H:%%M
dateformat = %%Y-%%m-%%d
longdateformat = %%Y-%%m-%%d
datetimeformat = %%Y-%%m-%%d %%H:%%M
longdatetimeformat = %%Y-%%m-%%d %%H:%%M

[default]
default_calendar = calendar

[sqlite]
path = %[1]s/khal.db
`

// startKhal sets both programs up for a user of w, and lets vdirsyncer find the calendars.
func startKhal(w *world, login string) *khal {
	w.Helper()
	k := &khal{t: w.T, who: login, dir: realFolder(w.T)}
	for _, sub := range []string{"config/vdirsyncer", "config/khal", "calendars"} {
		if err := os.MkdirAll(filepath.Join(k.dir, sub), 0o700); err != nil {
			w.Fatal(err)
		}
	}
	writeFile(w.T, k.dir+"/config/vdirsyncer/config", fmt.Sprintf(vdirsyncerConfig, k.dir, w.url, login), 0o600)
	writeFile(w.T, k.dir+"/config/khal/config", fmt.Sprintf(khalConfig, k.dir), 0o600)
	k.run("y\n", "vdirsyncer", "discover") // yes: make the folder
	return k
}

// run runs one of the two and returns what it printed.
func (k *khal) run(input string, args ...string) string {
	k.t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "LC_ALL=C.UTF-8", "TZ=UTC",
		"XDG_CONFIG_HOME=" + k.dir + "/config", "XDG_DATA_HOME=" + k.dir + "/data", "XDG_CACHE_HOME=" + k.dir + "/cache"}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.t.Fatalf("%s: %s: %v\n%s", k.who, strings.Join(args, " "), err, tail(string(out)))
	}
	return string(out)
}

func (k *khal) sync() {
	k.t.Helper()
	if out := k.run("", "vdirsyncer", "sync"); strings.Contains(out, "error:") || strings.Contains(out, "critical:") {
		k.t.Fatalf("%s: vdirsyncer sync says\n%s", k.who, out)
	}
}

// events are the paths and texts of the files of an event, by its UID.
func (k *khal) events(uid string) (paths, texts []string) {
	k.t.Helper()
	found, err := filepath.Glob(k.dir + "/calendars/calendar/*.ics")
	if err != nil {
		k.t.Fatal(err)
	}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			k.t.Fatal(err)
		}
		if value(string(data), "UID") == uid {
			paths, texts = append(paths, path), append(texts, string(data))
		}
	}
	return paths, texts
}

// sees syncs until the user has the event once and as it should be, and returns file and text.
func (k *khal) sees(w *world, uid string, check func(text string) error) (path, text string) {
	w.Helper()
	w.eventually(func() error {
		k.sync()
		paths, texts := k.events(uid)
		if len(paths) != 1 {
			return fmt.Errorf("%s has %d files of %s", k.who, len(paths), uid)
		}
		path, text = paths[0], texts[0]
		if err := check(text); err != nil {
			return fmt.Errorf("%s sees %w in\n%s", k.who, err, joined(logical(text)))
		}
		return nil
	})
	return path, text
}

// save writes the file and syncs.
func (k *khal) save(path, text string) {
	k.t.Helper()
	writeFile(k.t, path, text, 0o600)
	k.sync()
}

// list is what khal shows of the days around the event, a line for each: start, title, location, status.
func (k *khal) list() string {
	k.t.Helper()
	return k.run("", "khal", "list", "--format", "{start} {title} @ {location} {status}", tomorrow().Format("2006-01-02"), "3d")
}

// TestRealKhal plays an invitation between two users of khal and vdirsyncer.
func TestRealKhal(t *testing.T) {
	t.Parallel()
	need(t, "vdirsyncer", "vdirsyncer")
	need(t, "khal", "khal")
	w := newWorld(t)
	hers, his := startKhal(w, anna), startKhal(w, boris)

	// Anna makes the event with khal, and invites boris in the file, for khal invites nobody.
	start := tomorrow()
	hers.run("", "khal", "new", "-l", "Webinar", start.Format("2006-01-02 15:04"), "60m", "Plans")
	made, err := filepath.Glob(hers.dir + "/calendars/calendar/*.ics")
	if err != nil || len(made) != 1 {
		t.Fatalf("khal made %v, %v", made, err)
	}
	data, err := os.ReadFile(made[0])
	if err != nil {
		t.Fatal(err)
	}
	uid, text := value(string(data), "UID"), string(data)
	for _, l := range invitation() {
		text = plus(text, l)
	}
	hers.run("", "khal", "new", start.Format("2006-01-02 15:04"), "60m", "Lunch") // vdirsyncer empties no calendar
	hers.save(made[0], text)
	_, text = hers.sees(w, uid, func(text string) error { return hasLine(text, "LOCATION", "https://") })
	link := w.only().Link
	w.wantLink(text, link)
	w.contains(hers.list(), start.Format("2006-01-02 15:04")+" Plans @ "+link)

	// Boris finds the event in his calendar, with the link, and has to answer.
	hisPath, hisText := his.sees(w, uid, func(text string) error {
		return errors.Join(hasLine(text, "LOCATION", link), answers(text, boris, "NEEDS-ACTION"))
	})
	w.contains(his.list(), start.Format("2006-01-02 15:04")+" Plans @ "+link)

	// He accepts by the file; she sees it.
	his.save(hisPath, w.answered(hisText, boris, "ACCEPTED"))
	path, text := hers.sees(w, uid, func(text string) error {
		return errors.Join(answers(text, boris, "ACCEPTED"), hasLine(text, "LOCATION", link))
	})
	his.sees(w, uid, func(text string) error { return answers(text, boris, "ACCEPTED") })

	// She moves the meeting: it is so in his calendar, with the same link, and he is asked again.
	later := start.Add(2 * time.Hour)
	hers.save(path, moved(text, 2*time.Hour))
	hisPath, hisText = his.sees(w, uid, func(text string) error {
		return errors.Join(hasLine(text, "DTSTART", later.Format("20060102T150405")), hasLine(text, "LOCATION", link), answers(text, boris, "NEEDS-ACTION"))
	})
	w.contains(his.list(), later.Format("2006-01-02 15:04")+" Plans @ "+link)
	w.idle()
	if c := w.only(); c.Link != link || !c.Start.Equal(later) {
		t.Errorf("the conference is %+v, want it at %v", c, later)
	}
	his.save(hisPath, w.answered(hisText, boris, "TENTATIVE"))
	path, _ = hers.sees(w, uid, func(text string) error { return answers(text, boris, "TENTATIVE") })

	// She deletes it: it is cancelled in his calendar, and the conference is gone.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	hers.sync()
	his.sees(w, uid, func(text string) error { return hasLine(text, "STATUS", "CANCELLED") })
	w.contains(his.list(), "CANCELLED")
	w.idle()
	w.none()
	hers.sync()
	if paths, _ := hers.events(uid); len(paths) != 0 {
		t.Errorf("anna still has %v", paths)
	}
}
