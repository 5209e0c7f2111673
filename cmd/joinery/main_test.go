package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	update   = flag.Bool("update", false, "rewrite golden files")
	wholeRun = flag.Bool("whole", false, "play all of the simulated years and of the fault programs, as .ci/run does")
)

// A commandLine runs commands in this process, on one configuration.
type commandLine struct {
	*testing.T
	dir, config string
	environ     []string
	now         func() time.Time
}

// newCommandLine writes a configuration that works, with more appended, for relay and provider.
func newCommandLine(t *testing.T, relay, provider, more string) *commandLine {
	t.Helper()
	c := &commandLine{T: t, dir: t.TempDir(), now: time.Now, environ: []string{"TZ=Europe/Moscow"}}
	c.config = filepath.Join(c.dir, "joinery.toml")
	c.write(fmt.Sprintf(`
listen = "127.0.0.1:0"
service_domain = "conference.example.org"
settle = "0s"
[mail]
relay = "smtp://%s"
domains = ["example.org"]
settle = "0s"
[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "http://%s/v3"
token = "the-key-of-the-account"
words = { "Webinar" = "webinar" }
resource = "webinar"
default = true
late_answer = "1s"
denied_retry = "1s"
%s`, relay, provider, more))
	return c
}

func (c *commandLine) write(config string) {
	c.Helper()
	if err := os.WriteFile(c.config, []byte(config), 0o600); err != nil {
		c.Fatal(err)
	}
}

// do runs a command and returns what it printed.
func (c *commandLine) do(stdin string, args ...string) (code int, stdout, stderr string) {
	c.Helper()
	var out, err bytes.Buffer
	p := &program{name: "joinery", in: strings.NewReader(stdin), out: &out, err: &err, environ: c.environ, now: c.now, random: rand.Reader}
	code = p.run(context.Background(), append(args, "--config", c.config))
	return code, out.String(), err.String()
}

// works runs a command that must succeed without a complaint.
func (c *commandLine) works(stdin string, args ...string) string {
	c.Helper()
	code, out, errText := c.do(stdin, args...)
	if code != 0 || errText != "" {
		c.Fatalf("joinery %s: status %d, standard error %q", strings.Join(args, " "), code, errText)
	}
	return out
}

// fails runs a command that must fail with one line which has all of parts.
func (c *commandLine) fails(stdin string, args []string, parts ...string) {
	c.Helper()
	code, out, errText := c.do(stdin, args...)
	if code != 1 || out != "" {
		c.Errorf("joinery %s: status %d, output %q; want 1 and none", strings.Join(args, " "), code, out)
	}
	wantLine(c.T, errText, parts...)
}

// wantLine wants one line with all of parts.
func wantLine(t *testing.T, text string, parts ...string) {
	t.Helper()
	if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") {
		t.Errorf("got %q, want one line", text)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got %q, want %q in it", text, part)
		}
	}
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update rewrites it\n--- got\n%s--- want\n%s", path, got, want)
	}
}

// replaced replaces what is random in an output.
func replaced(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		text = regexp.MustCompile(pairs[i]).ReplaceAllString(text, pairs[i+1])
	}
	return text
}

func TestCommandLine(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	for _, test := range []struct {
		args  []string
		parts []string
	}{
		{[]string{"foo"}, []string{`no command "foo"`, "--help"}},
		{[]string{"user", "rename"}, []string{`no command "rename"`, "joinery user --help"}},
		{[]string{"serve", "now"}, []string{"takes no arguments", "now"}},
		{[]string{"serve", "--port", "1"}, []string{"unknown flag", "--port"}},
		{[]string{"why"}, []string{"takes UID"}},
		{[]string{"why", "nobody"}, []string{"no event has the UID nobody"}},
		{[]string{"emulate", "zoom"}, []string{`no command "zoom"`}},
		{[]string{"calendar", "set", "anna/calendar"}, []string{"nothing to set", "--conference"}},
	} {
		c.fails("", test.args, test.parts...)
	}
	if out := c.works("", "version"); !strings.HasPrefix(out, "joinery ") {
		t.Errorf("version prints %q", out)
	}
	help := c.works("", "--help")
	for _, command := range []string{"serve", "demo", "user", "room", "calendar", "import", "doctor", "why", "attendance", "reconcile", "emulate", "config", "version"} {
		if !regexp.MustCompile(`(?m)^  ` + command + ` +\S`).MatchString(help) {
			t.Errorf("--help does not tell of %s", command)
		}
	}
}
