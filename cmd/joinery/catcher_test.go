package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// caughtInvitation is a message as the mailer writes them: three alternatives in different
// encodings and charsets, a file, folded and encoded headers.
const caughtInvitation = "From: =?utf-8?q?=D0=90=D0=BD=D0=BD=D0=B0?= <anna@example.org>\r\n" +
	"To: Boris <boris@example.org>,\r\n carol@example.net\r\n" +
	"Subject: =?utf-8?b?0J/Qu9Cw0L3RkdGA0LrQsA==?= <script>alert(1)</script>\r\n" +
	"Message-ID: <one@example.org>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=outer\r\n\r\n" +
	"--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n" +
	"--inner\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
	"\xf0\xd2\xc9\xd7\xc5\xd4\r\n" +
	"--inner\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"<p title=3D\"x\">=D0=9F=D1=80=D0=B8=D0=B2=D0=B5=D1=82</p><script>bad()</script>\r\n" +
	"--inner\r\nContent-Type: text/calendar; charset=utf-8; method=REQUEST\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
	"QkVHSU46VkNBTEVOREFSDQpNRVRIT0Q6UkVRVUVTVA0KRU5EOlZDQUxFTkRBUg0K\r\n" +
	"--inner--\r\n" +
	"--outer\r\nContent-Type: application/ics; name=invite.ics\r\n" +
	"Content-Disposition: attachment; filename=\"invite.ics\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
	"AAECAw==\r\n" +
	"--outer--\r\n"

// startCatcher serves a catcher on a free port.
func startCatcher(t *testing.T) (*catcher, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCatcher(func() time.Time { return time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC) })
	done := make(chan error, 1)
	go func() { done <- c.Serve(l) }()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c, l.Addr().String()
}

// submitMail sends raw in one conversation, with AUTH, and returns the first refusal.
func submitMail(t *testing.T, addr, from string, to []string, raw string) error {
	t.Helper()
	client, err := smtp.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Auth(sasl.NewPlainClient("", "anyone", "anything")); err != nil {
		return err
	}
	for _, ext := range []string{"8BITMIME", "SMTPUTF8", "AUTH"} {
		if ok, _ := client.Extension(ext); !ok {
			t.Errorf("the server does not offer %s", ext)
		}
	}
	return client.SendMail(from, to, strings.NewReader(raw))
}

func getCaught(t *testing.T, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	return w
}

func TestCatcherDecodesAMessage(t *testing.T) {
	c, addr := startCatcher(t)
	to := []string{"boris@example.org", "carol@example.net"}
	if err := submitMail(t, addr, "anna@example.org", to, caughtInvitation); err != nil {
		t.Fatal(err)
	}
	var list []caughtMessage
	if err := json.Unmarshal(getCaught(t, c, "/demo/mail.json").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("messages: got %d, want 1", len(list))
	}
	m := list[0]
	if m.Envelope.From != "anna@example.org" || !slices.Equal(m.Envelope.To, to) {
		t.Errorf("envelope: got %+v", m.Envelope)
	}
	for name, want := range map[string]string{
		"From":       "Анна <anna@example.org>",
		"To":         "Boris <boris@example.org>, carol@example.net",
		"Subject":    "Планёрка <script>alert(1)</script>",
		"Message-Id": "<one@example.org>",
	} {
		if got := strings.Join(m.Headers[name], "|"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if m.Problem != "" || m.ID != 1 || m.Received.IsZero() {
		t.Errorf("problem %q, id %d, received %v", m.Problem, m.ID, m.Received)
	}
	caught := c.Messages()[0]
	if string(caught.Raw) != caughtInvitation || m.Size != len(caughtInvitation) {
		t.Errorf("raw: got %d bytes, want the %d that were sent", len(caught.Raw), len(caughtInvitation))
	}
	want := []struct{ media, text, base64, filename string }{
		{"text/plain", "Привет", "", ""},
		{"text/html", "<p title=\"x\">Привет</p><script>bad()</script>", "", ""},
		{"text/calendar", "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n", "", ""},
		{"application/ics", "", base64.StdEncoding.EncodeToString([]byte{0, 1, 2, 3}), "invite.ics"},
	}
	if len(m.Parts) != len(want) {
		t.Fatalf("parts: got %d, want %d", len(m.Parts), len(want))
	}
	for i, w := range want {
		p := m.Parts[i]
		if p.MediaType != w.media || p.Text != w.text || p.Base64 != w.base64 || p.Filename != w.filename {
			t.Errorf("part %d: got %+v, want %+v", i, p, w)
		}
	}
	if got := m.Parts[2].Params["method"]; got != "REQUEST" {
		t.Errorf("method: got %q", got)
	}
	if got := m.Parts[2].ContentType; got != "text/calendar; charset=utf-8; method=REQUEST" {
		t.Errorf("content type: got %q", got)
	}
}

func TestCatcherPageEscapes(t *testing.T) {
	c, addr := startCatcher(t)
	if err := submitMail(t, addr, "anna@example.org", []string{"boris@example.org"}, caughtInvitation); err != nil {
		t.Fatal(err)
	}
	second := "From: a@example.org\r\nSubject: Second\r\n\r\nplain\r\n"
	if err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, second); err != nil {
		t.Fatal(err)
	}
	w := getCaught(t, c, "/demo/mail")
	page := w.Body.String()
	if strings.Contains(page, "alert(1)</script>") || strings.Contains(page, "<script>bad()") {
		t.Error("the page carries a message's script")
	}
	if !strings.Contains(page, "Планёрка &lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the page lacks the escaped subject")
	}
	if strings.Index(page, "Second") > strings.Index(page, "Планёрка") {
		t.Error("the newest message is not first")
	}
	frame := regexp.MustCompile(`<iframe [^>]*sandbox="([^"]*)"[^>]* srcdoc="([^"]*)"`).FindStringSubmatch(page)
	if frame == nil {
		t.Fatal("no frame for the HTML part")
	}
	if strings.Contains(frame[1], "allow-scripts") || strings.Contains(frame[1], "allow-same-origin") {
		t.Errorf("sandbox: got %q", frame[1])
	}
	wantDoc := "<base target=_blank><p title=\"x\">Привет</p><script>bad()</script>"
	if got := html.UnescapeString(frame[2]); got != wantDoc {
		t.Errorf("frame: got %q, want %q", got, wantDoc)
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "script-src 'unsafe-inline'") {
		t.Errorf("policy: got %q", policy)
	}
	if !strings.Contains(page, "<script>"+catcherScript+"</script>") {
		t.Error("the page's own script is not the one whose hash the policy has")
	}
	if got := getCaught(t, c, "/demo/else").Code; got != http.StatusNotFound {
		t.Errorf("/demo/else: got %d, want 404", got)
	}
}

func TestCatcherRefuses(t *testing.T) {
	for _, stage := range []string{"mail", "rcpt", "data"} {
		t.Run(stage, func(t *testing.T) {
			c, addr := startCatcher(t)
			c.SetBehaviour(func(s, _ string) *smtp.SMTPError {
				if s == stage {
					return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later"}
				}
				return nil
			})
			err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, "Subject: x\r\n\r\nx\r\n")
			var refused *smtp.SMTPError
			if !errors.As(err, &refused) || refused.Code != 451 {
				t.Errorf("got %v, want 451", err)
			}
			if n := len(c.Messages()); n != 0 {
				t.Errorf("%d messages were kept", n)
			}
			c.SetBehaviour(nil)
			if err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, "Subject: x\r\n\r\nx\r\n"); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestCatcherDisconnectsAfterAccepting(t *testing.T) {
	c, addr := startCatcher(t)
	c.Disconnect(1)
	raw := "Subject: x\r\n\r\nx\r\n"
	if err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, raw); err == nil {
		t.Error("the sender got an answer")
	}
	if err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, raw); err != nil {
		t.Errorf("the second time: %v", err)
	}
	all := c.Messages()
	if len(all) != 2 || all[0].SHA256 != all[1].SHA256 {
		t.Errorf("got %d messages, want the same one twice", len(all))
	}
}

func TestCatcherIsBounded(t *testing.T) {
	c := newCatcher(time.Now)
	for range catcherMessages + 5 {
		c.keep(caughtEnvelope{From: "a@example.org"}, []byte("Subject: x\r\n\r\nx\r\n"))
	}
	all := c.Messages()
	if len(all) != catcherMessages || all[0].ID != 6 {
		t.Errorf("got %d messages from id %d, want %d from 6", len(all), all[0].ID, catcherMessages)
	}
	_, addr := startCatcher(t)
	line := strings.Repeat("x", 900) + "\r\n"
	big := "Subject: x\r\n\r\n" + strings.Repeat(line, catcherBytes/len(line)+2)
	var refused *smtp.SMTPError
	if err := submitMail(t, addr, "a@example.org", []string{"b@example.org"}, big); !errors.As(err, &refused) || refused.Code != 552 {
		t.Errorf("a message that is too large: got %v, want 552", err)
	}
}

func TestCatcherNamesWhatItCannotDecode(t *testing.T) {
	for name, raw := range map[string]string{
		"no header":        "\x00\x01 not mail",
		"unknown encoding": "Content-Type: text/plain\r\nContent-Transfer-Encoding: rot13\r\n\r\nx\r\n",
		"unknown charset":  "Content-Type: text/plain; charset=martian\r\n\r\n\xff\r\n",
		"no boundary end":  "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext",
		"deep":             deepMessage(catcherDepth + 3),
	} {
		t.Run(name, func(t *testing.T) {
			m := decodeMail([]byte(raw))
			if m.Problem == "" {
				t.Errorf("no problem is named; parts %+v", m.Parts)
			}
			if m.Parts == nil || m.Headers == nil || m.SHA256 == "" {
				t.Errorf("incomplete: %+v", m)
			}
		})
	}
}

// deepMessage nests multiparts n deep.
func deepMessage(n int) string {
	if n == 0 {
		return "Content-Type: text/plain\r\n\r\nx\r\n"
	}
	b := "b" + strings.Repeat("x", n)
	return "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n--" + b + "\r\n" + deepMessage(n-1) + "\r\n--" + b + "--\r\n"
}
