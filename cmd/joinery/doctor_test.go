package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// doctorLines are what doctor says, "status name" to the line and its remedy.
func doctorLines(t *testing.T, out string) map[string]string {
	t.Helper()
	lines := map[string]string{}
	last := ""
	for _, l := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		if remedy, ok := strings.CutPrefix(l, "      -> "); ok && last != "" {
			lines[last] += " " + remedy
			continue
		}
		head, detail, ok := strings.Cut(l, ": ")
		if !ok || len(l) < 7 {
			t.Fatalf("doctor prints %q", l)
		}
		last = strings.Join(strings.Fields(head), " ")
		lines[last] = detail
	}
	return lines
}

func TestDoctorFindsAllWell(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	out := c.works("", "doctor")
	lines := doctorLines(t, out)
	for _, want := range []string{"configuration", "store", "store integrity", "clock", "provider mtslink, connection and key",
		"provider mtslink, members of the organisation", "provider mtslink, links", "mail relay", "mail relay TLS", "work"} {
		if _, ok := lines["ok "+want]; !ok {
			t.Errorf("%s is not ok in\n%s", want, out)
		}
	}
	if !strings.Contains(lines["ok provider mtslink, links"], "whoever has a link may join") {
		t.Errorf("nothing is said of public links:\n%s", out)
	}
	if strings.Contains(out, "the-key-of-the-account") {
		t.Errorf("the key is printed:\n%s", out)
	}
	for call := range s.account.State().Calls {
		if !strings.HasPrefix(call, "GET ") {
			t.Errorf("doctor called %s", call)
		}
	}
	if len(s.mails.Messages()) > 0 {
		t.Error("doctor sent mail")
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	s := startServices(t)
	for name, test := range map[string]struct {
		environ []string
		prepare func(c *commandLine)
		fails   string   // the finding's name
		status  string   // FAIL unless set
		parts   []string // of detail and remedy
	}{
		"configuration": {
			environ: []string{"JOINERY_LOG=loud"}, fails: "configuration", parts: []string{"log", `"loud"`, "Correct it"},
		},
		"wrong key": {
			environ: []string{"JOINERY_PROVIDER_MTSLINK_TOKEN=wrong"}, fails: "provider mtslink, connection and key",
			parts: []string{"denied", "Check in the personal account"},
		},
		"provider away": {
			environ: []string{"JOINERY_PROVIDER_MTSLINK_BASE_URL=http://127.0.0.1:1/v3"}, fails: "provider mtslink, connection and key",
			parts: []string{"refused", "Check that this machine reaches 127.0.0.1:1"},
		},
		"relay away": {
			environ: []string{"JOINERY_MAIL_RELAY=smtp://127.0.0.1:1"}, fails: "mail relay",
			parts: []string{"127.0.0.1:1", "Correct host and port in mail.relay"},
		},
		"relay without TLS": {
			environ: []string{"JOINERY_MAIL_RELAY=smtp+starttls://" + s.relay}, fails: "mail relay TLS",
			parts: []string{"Turn on STARTTLS"},
		},
		"no folder for the store": {
			environ: []string{"JOINERY_STORE_URL=sqlite:none/joinery.db"}, fails: "store", parts: []string{"none/joinery.db", "Make the folder"},
		},
		"no store yet": {fails: "store", status: "warn", parts: []string{"not there yet", "joinery user add"}},
		"damaged store": {
			prepare: func(c *commandLine) {
				text := []byte(strings.Repeat("this is no database ", 1000))
				if err := os.WriteFile(filepath.Join(c.dir, "joinery.db"), text, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			fails: "store", parts: []string{"not a database", "See that the file is a database"},
		},
		"clock": {
			prepare: func(c *commandLine) { c.now = func() time.Time { return time.Now().Add(time.Hour) } },
			fails:   "clock", parts: []string{"1h0m0s from provider mtslink's", "NTP"},
		},
		"clock behind the store": {
			prepare: func(c *commandLine) {
				c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
				c.now = func() time.Time { return time.Now().Add(-time.Hour) }
			},
			fails: "clock", parts: []string{"but the store has rows of", "NTP"},
		},
		"clear passwords": {
			environ: []string{"JOINERY_PUBLIC_URL=http://calendar.example.org"}, fails: "public_url", status: "warn",
			parts: []string{"unencrypted", "https://"},
		},
		"forgotten proxy": {
			environ: []string{"JOINERY_PUBLIC_URL=https://calendar.example.org"}, fails: "trust_proxy", status: "warn",
			parts: []string{"wrong passwords of one", "trust_proxy = true"},
		},
		"an address of no machine": {
			environ: []string{"JOINERY_PUBLIC_URL=http://0.0.0.0:8080"}, fails: "public_url", status: "warn",
			parts: []string{"not an address that clients can use", "https://HOST"},
		},
		"people's domain": {
			environ: []string{"JOINERY_SERVICE_DOMAIN=example.org"}, fails: "service_domain", status: "warn",
			parts: []string{"conference.example.org"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCommandLine(t, s.relay, s.host, "")
			c.environ = append(c.environ, test.environ...)
			if test.prepare != nil {
				test.prepare(c)
			}
			code, out, errText := c.do("", "doctor")
			status, want := "FAIL", 1
			if test.status != "" {
				status, want = test.status, 0
			}
			if code != want || errText != "" {
				t.Errorf("status %d, standard error %q; want %d", code, errText, want)
			}
			l, ok := doctorLines(t, out)[status+" "+test.fails]
			if !ok {
				t.Fatalf("%s %s is not in\n%s", status, test.fails, out)
			}
			for _, part := range test.parts {
				if !strings.Contains(l, part) {
					t.Errorf("%q is not in %q", part, l)
				}
			}
			if n := strings.Count(out, "FAIL"); status == "FAIL" && !strings.Contains(name, "key") && n != 1 {
				t.Errorf("%d checks fail, want one:\n%s", n, out)
			}
		})
	}
}

func TestDoctorJSON(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.environ = append(c.environ, "JOINERY_PROVIDER_MTSLINK_TOKEN=wrong")
	code, out, _ := c.do("", "doctor", "--json")
	var list []finding
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 1 {
		t.Fatalf("status %d, %v in %s", code, err, out)
	}
	for _, f := range list {
		if f.Status == statusFail && f.Name == "provider mtslink, connection and key" && f.Remedy != "" {
			return
		}
	}
	t.Errorf("the wrong key is not in %s", out)
}

// TestDoctorTellsOfEventsWithoutConference lets the account's plan lapse.
func TestDoctorTellsOfEventsWithoutConference(t *testing.T) {
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	c.works("s", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	address, _ := c.serve()
	s.account.SetPlanLapsed(true)
	if code, text := as(t, "anna", "s", "PUT", address+"/calendars/anna/calendar/a.ics", webinar("waits")); code != 201 {
		t.Fatalf("PUT: %d %s", code, text)
	}
	soon(t, func() string {
		code, out, _ := c.do("", "doctor")
		if l := doctorLines(t, out)["warn conferences"]; code == 1 && strings.Contains(l, "waits has none: credentials") {
			return ""
		}
		return out
	})
}
