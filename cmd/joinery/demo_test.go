package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"joinery/conference/emulator"
)

// A sharedBuffer is written by one goroutine and read by another.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// soon waits until ready, and fails with what it last said otherwise.
func soon(t *testing.T, ready func() (problem string)) {
	t.Helper()
	problem := ""
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(20 * time.Millisecond) {
		if problem = ready(); problem == "" {
			return
		}
	}
	t.Fatal(problem)
}

// startDemo runs the demo on free ports and returns what it printed. end stops it and gives its status.
func startDemo(t *testing.T, args ...string) (printed string, end func() (code int, stderr string)) {
	t.Helper()
	var out, errText sharedBuffer
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{name: "joinery", in: strings.NewReader(""), out: &out, err: &errText, now: time.Now, random: rand.Reader}
	done := make(chan int, 1)
	go func() {
		done <- p.run(ctx, append([]string{"demo", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--emulator", "127.0.0.1:0"}, args...))
	}()
	end = sync.OnceValues(func() (int, string) {
		cancel()
		select {
		case code := <-done:
			return code, errText.String()
		case <-time.After(time.Minute):
			return -1, "it does not end"
		}
	})
	t.Cleanup(func() { end() })
	soon(t, func() string {
		if strings.HasSuffix(out.String(), "demo-1.ics\n") {
			return ""
		}
		return "the demo printed " + out.String() + errText.String()
	})
	return out.String(), end
}

// found is the first group of a pattern in text.
func found(t *testing.T, text, pattern string) []string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is not in\n%s", pattern, text)
	}
	return m[1:]
}

// request asks as anna.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	return as(t, "anna", "demo", method, url, body)
}

// TestDemo does what the demo says one can do.
func TestDemo(t *testing.T) {
	t.Parallel() // it waits, most of the time
	printed, end := startDemo(t)
	address := found(t, printed, `listening on (http://\S+)`)[0]
	account := found(t, printed, `MTS Link +(http://\S+)/ `)[0]
	config := found(t, printed, `why demo-1 --config (\S+)`)[0]
	curl := found(t, printed, `printf '([^']+)' \| curl -isS -u anna:demo -H 'Content-Type: text/calendar' -T - (\S+)`)
	body := strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(curl[0])
	if strings.ContainsAny(body, `%\`) {
		t.Errorf("printf would read more into %q", body)
	}
	for _, part := range []string{"Thunderbird", "Apple Calendar", "Evolution", address + "/demo/mail"} {
		if !strings.Contains(printed, part) {
			t.Errorf("%s is not in\n%s", part, printed)
		}
	}
	if code, text := request(t, "PUT", curl[1], body); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}

	_, event := request(t, "GET", curl[1], "")
	link := found(t, event, `LOCATION:(http\S+)`)[0]
	conferences := func() []emulator.Conference {
		var state emulator.State
		_, text := request(t, "GET", account+"/_state", "")
		if err := json.Unmarshal([]byte(text), &state); err != nil {
			t.Fatal(err)
		}
		return state.Conferences
	}
	if list := conferences(); len(list) != 1 || list[0].Link != link || list[0].Name != "Demo" || list[0].Owner != "anna@example.org" {
		t.Errorf("the account has %+v, want the one with %s", list, link)
	}
	mails := func(method string) string {
		var list []caughtMessage
		_, text := request(t, "GET", address+"/demo/mail.json", "")
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			for _, part := range m.Parts {
				if part.Params["method"] == method && len(m.Envelope.To) == 1 && m.Envelope.To[0] == "boris@example.org" {
					return part.Text
				}
			}
		}
		return ""
	}
	soon(t, func() string {
		if strings.Contains(strings.ReplaceAll(mails("REQUEST"), "\r\n ", ""), link) {
			return ""
		}
		return "boris got no invitation with the link"
	})
	if code, text := request(t, "GET", link, ""); code != http.StatusOK || !strings.Contains(text, "Demo") {
		t.Errorf("the link leads to %d %q", code, text)
	}
	if code, text := request(t, "GET", address+"/demo/", ""); code != http.StatusOK || !strings.Contains(text, "Invitation: Demo") {
		t.Errorf("/demo/ leads to %d %q", code, text)
	}
	if code, text := request(t, "GET", address+"/healthz", ""); code != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz says %d %q", code, text)
	}
	c := &commandLine{T: t, config: config, now: time.Now}
	if out := c.works("", "why", "demo-1"); !strings.Contains(out, link) {
		t.Errorf("why says %s", out)
	}

	if code, text := request(t, "DELETE", curl[1], ""); code != http.StatusNoContent {
		t.Fatalf("DELETE: %d %s", code, text)
	}
	soon(t, func() string {
		if len(conferences()) > 0 || mails("CANCEL") == "" {
			return "the conference stays, or boris is not told"
		}
		return ""
	})
	if code, errText := end(); code != 0 || errText != "" {
		t.Errorf("the demo ends with %d %q", code, errText)
	}
	if _, err := os.Stat(config); !os.IsNotExist(err) {
		t.Errorf("the temporary folder is left: %v", err)
	}
}

// TestDemoKeepsItsFolder starts twice on one folder.
func TestDemoKeepsItsFolder(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []int{http.StatusCreated, http.StatusNoContent} {
		printed, end := startDemo(t, "--dir", dir)
		curl := found(t, printed, `printf '([^']+)' .* (\S+/demo-1.ics)\n`)
		body := strings.NewReplacer(`\r`, "\r", `\n`, "\n", "LOCATION:Webinar", "LOCATION:Room 1").Replace(curl[0])
		if code, text := request(t, "PUT", curl[1], body); code != want {
			t.Errorf("PUT: %d %s, want %d", code, text, want)
		}
		if code, errText := end(); code != 0 || errText != "" {
			t.Fatalf("the demo ends with %d %q", code, errText)
		}
	}
}

func TestDemoNamesTheFlagOfATakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, flag := range []string{"--listen", "--smtp", "--emulator"} {
		args := []string{"demo"}
		for _, f := range []string{"--listen", "--smtp", "--emulator"} {
			address := "127.0.0.1:0"
			if f == flag {
				address = l.Addr().String()
			}
			args = append(args, f, address)
		}
		var out, errText bytes.Buffer
		p := &program{out: &out, err: &errText, now: time.Now, random: rand.Reader}
		if code := p.run(context.Background(), args); code != 1 || out.Len() > 0 {
			t.Errorf("status %d, output %q", code, out.String())
		}
		wantLine(t, errText.String(), l.Addr().String()+" is in use", flag)
	}
}
