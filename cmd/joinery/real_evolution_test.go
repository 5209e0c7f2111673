//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A realEvolution is one user's Evolution Data Server, the part of Evolution and GNOME Calendar that
// talks to servers, in a session bus and a home of its own.
type realEvolution struct {
	t       *testing.T
	who     string
	orders  io.Writer
	answers *bufio.Scanner
}

const evolutionBus = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=%[1]s/run</listen>
  <auth>EXTERNAL</auth>
  <servicedir>%[1]s/services</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// evolutionSource is what the dialog for a new calendar on the network writes.
const evolutionSource = `[Data Source]
DisplayName=%[1]s
Enabled=true
Parent=caldav-stub

[Calendar]
BackendName=caldav

[Authentication]
Host=%[2]s
Port=%[3]s
User=%[1]s
Method=plain/password

[Security]
Method=none

[WebDAV Backend]
ResourcePath=%[4]s
EmailAddress=%[1]s

[Offline]
StaySynchronized=true

[Refresh]
Enabled=false
`

// evolutionServices are those of the session bus; no others are there to be started.
const evolutionServices = "/usr/share/dbus-1/services/org.gnome.evolution.dataserver."

func needEvolution(t *testing.T) {
	t.Helper()
	need(t, "dbus-daemon", "dbus-run-session")
	needPython(t, "python3-gi gir1.2-ecal-2.0", "import gi; gi.require_version('ECal', '2.0'); from gi.repository import ECal")
	for _, s := range []string{"Sources", "Calendar"} {
		if found, _ := filepath.Glob(evolutionServices + s + "*.service"); len(found) == 0 {
			lacking(t, "Evolution Data Server is not here (Debian package evolution-data-server)")
		}
	}
}

// startEvolution starts the one of a user of w, whose calendar it has.
func startEvolution(w *world, login, calendar string) *realEvolution {
	w.Helper()
	t := w.T
	dir := realFolder(t)
	for sub, mode := range map[string]os.FileMode{"run": 0o700, "services": 0o755, "config/evolution/sources": 0o755} {
		if err := os.MkdirAll(filepath.Join(dir, sub), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []string{"Sources", "Calendar"} {
		found, _ := filepath.Glob(evolutionServices + s + "*.service")
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, "services", filepath.Base(path)), string(data), 0o644)
		}
	}
	server, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir+"/bus.conf", fmt.Sprintf(evolutionBus, dir), 0o644)
	writeFile(t, dir+"/config/evolution/sources/joinery.source",
		fmt.Sprintf(evolutionSource, login, server.Hostname(), server.Port(), calendar), 0o644)

	cmd := exec.Command(need(t, "dbus-daemon", "dbus-run-session")[0], "--config-file="+dir+"/bus.conf", "--",
		debianPython, "testdata/real/evolution.py", "joinery", "demo")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "TZ=UTC",
		"XDG_CONFIG_HOME=" + dir + "/config", "XDG_DATA_HOME=" + dir + "/data", "XDG_CACHE_HOME=" + dir + "/cache", "XDG_RUNTIME_DIR=" + dir + "/run",
		"GSETTINGS_BACKEND=memory", "GIO_USE_VFS=local", "GIO_USE_PROXY_RESOLVER=dummy"}
	orders, give := io.Pipe()
	take, answers := io.Pipe()
	cmd.Stdin, cmd.Stdout = orders, answers
	background(t, cmd)
	t.Cleanup(func() { _ = give.Close() })
	e := &realEvolution{t: t, who: login, orders: give, answers: bufio.NewScanner(take)}
	e.answers.Buffer(nil, 1<<20)
	return e
}

// An evolutionAnswer is what testdata/real/evolution.py prints.
type evolutionAnswer struct {
	Error string
	Text  string
	Texts []string
}

// try gives an order and returns the answer.
func (e *realEvolution) try(do string, details map[string]string) (evolutionAnswer, error) {
	e.t.Helper()
	order := map[string]string{"do": do}
	for k, v := range details {
		order[k] = v
	}
	line, err := json.Marshal(order)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.orders.Write(append(line, '\n')); err != nil {
		e.t.Fatalf("%s's Evolution: %v", e.who, err)
	}
	var a evolutionAnswer
	if !e.answers.Scan() {
		e.t.Fatalf("%s's Evolution has ended: %v", e.who, e.answers.Err())
	}
	if err := json.Unmarshal(e.answers.Bytes(), &a); err != nil {
		e.t.Fatal(err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s's Evolution cannot %s: %s", e.who, do, a.Error)
	}
	return a, nil
}

// do gives an order that must succeed.
func (e *realEvolution) do(what string, details map[string]string) evolutionAnswer {
	e.t.Helper()
	a, err := e.try(what, details)
	if err != nil {
		e.t.Fatal(err)
	}
	return a
}

// save gives the event in a text to the server.
func (e *realEvolution) save(what, text string) {
	e.t.Helper()
	e.do(what, map[string]string{"text": component(text)})
}

// component is the VEVENT of a text.
func component(text string) string {
	lines := logical(text)
	var out []string
	in := false
	for _, l := range lines {
		in = in || l == "BEGIN:VEVENT"
		if in {
			out = append(out, l)
		}
		in = in && l != "END:VEVENT"
	}
	return joined(out)
}

// sees waits until the user sees the event as it should be, and returns it.
func (e *realEvolution) sees(w *world, uid string, check func(text string) error) (text string) {
	w.Helper()
	w.eventually(func() error {
		a, err := e.try("read", map[string]string{"uid": uid})
		if err != nil {
			return err
		}
		text = a.Text
		if text == "" {
			return fmt.Errorf("%s does not see %s", e.who, uid)
		}
		if err := check(text); err != nil {
			return fmt.Errorf("%s sees %w in\n%s", e.who, err, joined(logical(text)))
		}
		return nil
	})
	return text
}

// hasLine expects a part in the logical lines of that name.
func hasLine(text, name, part string) error {
	for _, l := range all(text, name) {
		if strings.Contains(l, part) {
			return nil
		}
	}
	return fmt.Errorf("no %s in %s", part, name)
}

// answers expects an attendee to have that PARTSTAT; NEEDS-ACTION may be left out (RFC 5545 §3.2.12).
func answers(text, address, partstat string) error {
	line := attendee(text, address)
	if line == "" {
		return fmt.Errorf("no %s", address)
	}
	if strings.Contains(line, "PARTSTAT="+partstat) || partstat == "NEEDS-ACTION" && !strings.Contains(line, "PARTSTAT=") {
		return nil
	}
	return fmt.Errorf("no %s of %s", partstat, address)
}

// answered is the text with that PARTSTAT of the attendee.
func (w *world) answered(text, address, partstat string) string {
	w.Helper()
	line := attendee(text, address)
	name, value, ok := strings.Cut(line, ":mailto:")
	if !ok {
		w.Fatalf("%s is not invited in\n%s", address, text)
	}
	var parts []string
	for _, p := range strings.Split(name, ";") {
		if !strings.HasPrefix(p, "PARTSTAT=") && p != "RSVP=TRUE" {
			parts = append(parts, p)
		}
	}
	return strings.ReplaceAll(joined(logical(text)), line, strings.Join(append(parts, "PARTSTAT="+partstat), ";")+":mailto:"+value)
}

// TestRealEvolution plays an invitation between two users of Evolution.
func TestRealEvolution(t *testing.T) {
	t.Parallel()
	needEvolution(t)
	w := newWorld(t)
	hers, his := startEvolution(w, anna, annaCalendar), startEvolution(w, boris, borisCalendar)

	// Anna invites boris and asks for a conference by a word.
	hers.save("create", event("evo", invitation("LOCATION:Webinar")...))
	text := hers.sees(w, "evo", func(text string) error { return hasLine(text, "LOCATION", "https://") })
	link := w.only().Link
	w.wantLink(text, link)

	// Boris finds the event in his calendar, with the link, and has to answer.
	text = his.sees(w, "evo", func(text string) error {
		return errors.Join(hasLine(text, "LOCATION", link), answers(text, boris, "NEEDS-ACTION"))
	})
	w.contains(value(text, "DESCRIPTION"), link)
	w.contains(first(text, "CONFERENCE"), link)
	w.idle() // the mail to boris, too, says nothing else of it
	hers.sees(w, "evo", func(text string) error { return hasLine(text, "ATTENDEE", "SCHEDULE-STATUS=1.2") })

	// He accepts; she sees it, and so does he still.
	his.save("modify", w.answered(text, boris, "ACCEPTED"))
	text = hers.sees(w, "evo", func(text string) error { return answers(text, boris, "ACCEPTED") })
	his.sees(w, "evo", func(text string) error { return answers(text, boris, "ACCEPTED") })
	w.wantLink(text, link)

	// She moves the meeting: it is in his calendar then, with the same link, and he is asked again.
	start := tomorrow().Add(2 * time.Hour)
	hers.save("modify", moved(text, 2*time.Hour))
	his.sees(w, "evo", func(text string) error {
		return errors.Join(hasLine(text, "DTSTART", start.Format("20060102T150405")), hasLine(text, "LOCATION", link), answers(text, boris, "NEEDS-ACTION"))
	})
	w.eventually(func() error {
		if c := w.only(); c.Link != link || !c.Start.Equal(start) {
			return fmt.Errorf("the conference is %+v, want it at %v", c, start)
		}
		return nil
	})
	text = hers.sees(w, "evo", func(text string) error { return answers(text, boris, "NEEDS-ACTION") })

	// He declines by deleting his copy.
	his.do("remove", map[string]string{"uid": "evo"})
	hers.sees(w, "evo", func(text string) error { return answers(text, boris, "DECLINED") })

	// Another event, answered from the mail program before the calendar was looked at.
	hers.save("create", event("two", invitation("LOCATION:Webinar")...))
	w.eventually(func() error {
		for _, l := range w.letters(boris) {
			if l.method == "REQUEST" && value(l.calendar, "UID") == "two" {
				text = l.calendar
				return nil
			}
		}
		return errors.New("boris was not mailed")
	})
	his.do("receive", map[string]string{"text": w.answered(text, boris, "TENTATIVE")})
	hers.sees(w, "two", func(text string) error { return answers(text, boris, "TENTATIVE") })
	link = w.named("Rows of two").Link
	his.sees(w, "two", func(text string) error {
		return errors.Join(hasLine(text, "LOCATION", link), answers(text, boris, "TENTATIVE"))
	})
	if list := his.do("list", nil).Texts; len(list) != 1 {
		t.Errorf("boris has %d events, want one:\n%s", len(list), strings.Join(list, "\n"))
	}

	// She cancels it, and the first one: both are cancelled in his calendar, without conferences.
	hers.do("remove", map[string]string{"uid": "two"})
	hers.do("remove", map[string]string{"uid": "evo"})
	his.sees(w, "two", func(text string) error { return hasLine(text, "STATUS", "CANCELLED") })
	w.idle()
	w.none()
	if list := hers.do("list", nil).Texts; len(list) != 0 {
		t.Errorf("anna still has\n%s", strings.Join(list, "\n"))
	}
}
