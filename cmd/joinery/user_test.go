package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	out := c.works("secret\n", "user", "add", "anna@example.org", "--email", "Anna@Example.org", "--email", "a.petrova@example.com",
		"--name", "Anna Petrova", "--locale", "ru", "--password-stdin")
	wantLine(t, out, "anna@example.org", "locale ru", "zone Europe/Moscow", "/calendars/anna@example.org/calendar/")
	c.works("secret", "user", "add", "boris", "--email", "boris@example.org", "--zone", "Asia/Yekaterinburg", "--password-stdin")
	want := `LOGIN             NAME          ADDRESSES                                LOCALE  ZONE
anna@example.org  Anna Petrova  anna@example.org, a.petrova@example.com  ru      Europe/Moscow
boris             boris         boris@example.org                        en      Asia/Yekaterinburg
`
	if got := c.works("", "user", "list"); got != want {
		t.Errorf("list prints\n%swant\n%s", got, want)
	}
	if got := c.works("", "calendar", "list", "anna@example.org"); !strings.Contains(got, "anna@example.org/calendar  Календарь  never       0") {
		t.Errorf("calendars are\n%s", got)
	}

	add := func(args ...string) []string { return append([]string{"user", "add"}, args...) }
	for _, test := range []struct {
		stdin string
		args  []string
		parts []string
	}{
		{"s", add("boris", "--email", "b@example.org", "--password-stdin"), []string{"login boris is taken", "joinery user list"}},
		{"s", add("BORIS", "--email", "b@example.org", "--password-stdin"), []string{"login BORIS is taken"}},
		{"s", add("vera", "--email", "BORIS@example.org", "--password-stdin"), []string{"boris@example.org is boris's"}},
		{"s", add("vera", "--password-stdin"), []string{"mail address is missing", "--email"}},
		{"s", add("vera", "--email", "Webinar@conference.example.org", "--password-stdin"), []string{"resource of provider mtslink"}},
		{"s", add("vera", "--email", "vera", "--password-stdin"), []string{`"vera" is not a mail address`}},
		{"s", add("vera", "--email", "Vera <v@example.org>", "--password-stdin"), []string{"is not a mail address"}},
		{"s", add("vera", "--email", "v@example.org"), []string{"password is missing", "--password-stdin"}},
		{"\n", add("vera", "--email", "v@example.org", "--password-stdin"), []string{"password is empty"}},
		{"a\x01b", add("vera", "--email", "v@example.org", "--password-stdin"), []string{"control characters"}},
		{"s", add("vera", "--email", "v@example.org", "--zone", "Mars", "--password-stdin"), []string{`"Mars" is not a time zone`, "Europe/Moscow"}},
		{"s", add("vera", "--email", "v@example.org", "--locale", "de", "--password-stdin"), []string{`"de"`, "ru, en or uk"}},
		{"s", add("ve:ra", "--email", "v@example.org", "--password-stdin"), []string{`login "ve:ra"`}},
		{"s", add("../vera", "--email", "v@example.org", "--password-stdin"), []string{`login "../vera"`}},
		{"s", add("..", "--email", "v@example.org", "--password-stdin"), []string{`".." cannot be a login`}},
		{"s", []string{"user", "passwd", "vera", "--password-stdin"}, []string{"no user vera", "joinery user list"}},
		{"", []string{"user", "remove", "vera"}, []string{"no user vera"}},
	} {
		c.fails(test.stdin, test.args, test.parts...)
	}
	if got := c.works("", "user", "list"); got != want {
		t.Errorf("after what failed the list is\n%s", got)
	}
}

// TestUsersBesideServe changes users while the server runs.
func TestUsersBesideServe(t *testing.T) {
	t.Parallel() // it waits, most of the time
	s := startServices(t)
	c := newCommandLine(t, s.relay, s.host, "")
	address, _ := c.serve()
	home := address + "/calendars/anna/calendar/"
	c.works("one", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	status := func(password string, want int) {
		t.Helper()
		if code, _ := as(t, "anna", password, "OPTIONS", home, ""); code != want {
			t.Errorf("password %q: %d, want %d", password, code, want)
		}
	}
	status("one", http.StatusOK)
	c.works("two", "user", "passwd", "anna", "--password-stdin")
	status("one", http.StatusUnauthorized)
	status("two", http.StatusOK)

	if code, text := as(t, "anna", "two", "PUT", home+"a.ics", webinar("a")); code != http.StatusCreated {
		t.Fatalf("PUT: %d %s", code, text)
	}
	soon(t, func() string {
		if len(s.mails.Messages()) == 1 {
			return ""
		}
		return "boris is not invited"
	})
	wantLine(t, c.works("", "user", "remove", "anna"), "removed anna")
	status("two", http.StatusUnauthorized)
	soon(t, func() string {
		if list := s.mails.Messages(); len(list) == 2 && len(s.account.State().Conferences) == 0 {
			return ""
		}
		return fmt.Sprintf("%d mails, %d conferences; want 2 and none", len(s.mails.Messages()), len(s.account.State().Conferences))
	})
	if subject := s.mails.Messages()[1].Headers["Subject"][0]; !strings.Contains(subject, "Cancelled") {
		t.Errorf("boris is sent %q", subject)
	}
	c.works("three", "user", "add", "anna", "--email", "anna@example.org", "--password-stdin")
	status("three", http.StatusOK)
}

func TestUserImport(t *testing.T) {
	c := newCommandLine(t, "127.0.0.1:1", "127.0.0.1:1", "")
	file := filepath.Join(c.dir, "users.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ text, part string }{
		{"", "no users"},
		{"anna,anna@example.org,Anna,s\nboris,nowhere,Boris,s\n", `line 2: "nowhere" is not a mail address`},
		{"anna,anna@example.org,Anna,s\nANNA,b@example.org,Boris,s\n", "line 2: the login ANNA stands on line 1"},
		{"anna,anna@example.org,Anna,s\nb,anna@example.org,Boris,s\n", "line 2: the address anna@example.org stands on line 1"},
		{"anna,anna@example.org,Anna\n", "line 1: the password is empty"},
		{"login,mail\nanna,anna@example.org\n", `line 1: unknown column "mail"`},
		{"anna,anna@example.org,Anna,s,en,UTC,more\n", "line 1: 7 fields"},
		{"anna,\"anna\n", "line 1"},
	} {
		write(test.text)
		c.fails("", []string{"user", "import", file}, "users.csv", test.part)
	}
	write("\ufefflogin;name;email;password;locale\r\nanna;Анна;anna@example.org a@example.org;s;ru\r\n\r\nboris;Борис;boris@example.org;t;uk\r\n")
	wantLine(t, c.works("", "user", "import", file), "added 2 users")
	got := replaced(c.works("", "user", "list"), ` +`, " ")
	if want := "anna Анна anna@example.org, a@example.org ru Europe/Moscow\nboris Борис boris@example.org uk Europe/Moscow\n"; !strings.HasSuffix(got, want) {
		t.Errorf("the list is\n%s", got)
	}
	c.fails("vera,v@example.org,Vera,s\nboris,b@example.org,Boris,s\n", []string{"user", "import", "-"}, "line 2", "login boris is taken", "nobody was added")
	if got := c.works("", "user", "list"); strings.Contains(got, "vera") {
		t.Errorf("half of a file was added:\n%s", got)
	}
}
