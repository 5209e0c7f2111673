package mailer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"joinery/store"
)

// TestMailbox reads From fields.
func TestMailbox(t *testing.T) {
	for value, want := range map[string]string{
		"boris@example.com":                                 "boris@example.com",
		"  Boris  <Boris@Example.COM> ":                     "boris@example.com",
		`"Boris, Dr." <boris@example.com>`:                  "boris@example.com",
		`"a\"b <x@y.example>" <boris@example.com>`:          "boris@example.com",
		"boris@example.com (Boris (at) home)":               "boris@example.com",
		"=?UTF-8?B?0JHQvtGA0LjRgSA8eEB5Pg==?= <boris@e.ru>": "boris@e.ru",
		"Борис <борис@пример.рф>":                           "борис@пример.рф",
		"\xc1\xee\xf0\xe8\xf1 <boris@example.com>":          "boris@example.com",
		"":                                    "",
		"Boris":                               "",
		"<>":                                  "",
		"Boris <>":                            "",
		"boris@example.com, vera@example.com": "",
		"Boris <boris@example.com>, Vera <v@example.com>": "",
		"Team: boris@example.com;":                        "",
		"Team:boris@example.com":                          "",
		"<boris@example.com> <vera@example.com>":          "",
		"<vera@example.com>boris@example.com":             "",
		"<boris@example.com":                              "",
		"boris@example.com>":                              "",
		"boris@example.com vera@example.com":              "",
		"boris@evil.example@example.com":                  "",
		"<@evil.example:boris@example.com>":               "",
		`"boris@example.com`:                              "",
		"boris@example.com (":                             "",
		`"boris"@example.com`:                             "",
		"boris@[192.0.2.1]":                               "",
		"boris@example.com\x00":                           "",
		"\x00boris@example.com":                           "",
		"boris\\@example.com":                             "",
		"boris@exam\xffple.com":                           "",
		"@example.com":                                    "",
		"boris@":                                          "",
		strings.Repeat("a", 300) + "@example.com":         "",
	} {
		if got := mailbox(value); got != want {
			t.Errorf("mailbox(%q) is %q, want %q", value, got, want)
		}
	}
}

// TestAuthResults reads Authentication-Results fields as servers write them.
func TestAuthResults(t *testing.T) {
	for value, want := range map[string]string{
		"mx.example.org; none":                                                    "mx.example.org",
		"MX.example.org 1; spf=pass smtp.mailfrom=example.com":                    "mx.example.org spf=pass map[smtp.mailfrom:example.com]",
		"mx (a comment; dkim=pass (nested) \\) here); dkim=fail header.d=a.b":     "mx dkim=fail map[header.d:a.b]",
		`mx; dkim/1=pass reason="good; dkim=fail" header.d="a.b"`:                 "mx dkim=pass map[header.d:a.b reason:good; dkim=fail]",
		`mx; spf=pass smtp.mailfrom="x y; dmarc=pass"@a.b`:                        "mx spf=pass map[smtp.mailfrom:x y; dmarc=pass@a.b]",
		"mx; dkim = pass header.d = a.b header.b=abc= header.s=s":                 "mx dkim=pass map[header.b:abc= header.d:a.b header.s:s]",
		"mx;DKIM=Pass header.D=A.b;\tdmarc=pass (p=none) header.from=a.b;":        "mx dkim=pass map[header.d:A.b] dmarc=pass map[header.from:a.b]",
		"mx; dkim=pass header.d=a.b header.d=evil.example":                        "mx dkim=pass map[header.d:a.b]",
		"mx; dkim; =pass; dkim=":                                                  "mx",
		"spf=pass smtp.mailfrom=a.b; dkim=pass":                                   "error",
		"mx (without end; dkim=pass header.d=a.b":                                 "error",
		"mx) ; dkim=pass header.d=a.b":                                            "error",
		`mx; spf=pass smtp.mailfrom="a ; dkim=pass header.d=a.b`:                  "error",
		"mx 2; dkim=pass header.d=a.b":                                            "error",
		"mx one two; dkim=pass":                                                   "error",
		"mx; dkim=pass\x00 header.d=a.b":                                          "error",
		"":                                                                        "error",
		"; dkim=pass":                                                             "error",
		"mx; auth=pass (login) smtp.auth=anna smtp.mailfrom=anna@a.b; iprev=pass": "mx auth=pass map[smtp.auth:anna smtp.mailfrom:anna@a.b] iprev=pass map[]",
	} {
		server, results, err := authResults(value)
		got := server
		for _, r := range results {
			got += fmt.Sprintf(" %s=%s %v", r.method, r.result, r.props)
		}
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", value, got, want)
		}
	}
}

// TestTrustedHosts tells which servers' results count.
func TestTrustedHosts(t *testing.T) {
	i := NewInbox(InboxOptions{TrustedHosts: []string{"MX.example.org ", "*.mail.example.net", "", "*."}})
	for server, want := range map[string]bool{
		"mx.example.org": true, "a.mail.example.net": true, "a.b.mail.example.net": true, "mail.example.net": false,
		"xmail.example.net": false, "example.org": false, "mx.example.org.evil.example": false, "": false, "evil.example": false,
	} {
		if got := i.trusts(server); got != want {
			t.Errorf("%q is trusted: %v", server, got)
		}
	}
}

// TestCovers tells which domains speak for which.
func TestCovers(t *testing.T) {
	for _, c := range []struct {
		signer, domain string
		want           bool
	}{
		{"example.com", "example.com", true}, {"Example.COM.", "example.com", true}, {"example.com", "mail.example.com", true},
		{"mail.example.com", "example.com", false}, {"com", "example.com", false}, {"ample.com", "example.com", false},
		{"", "example.com", false}, {"example.com", "", false}, {"evil.example", "example.com", false}, {"intranet", "intranet", true},
	} {
		if got := covers(c.signer, c.domain); got != c.want {
			t.Errorf("%q speaks for %q: %v", c.signer, c.domain, got)
		}
	}
}

// TestJudge weighs results.
func TestJudge(t *testing.T) {
	boris := &store.User{Login: "boris", Addresses: []string{"boris@example.com", "b@example.com"}}
	names := map[verdict]string{unvouched: "unvouched", doubtful: "doubtful", vouched: "vouched", forged: "forged"}
	inbox := NewInbox(InboxOptions{Signers: []string{"calendar.example"}})
	for results, want := range map[string]string{
		"":                                    "unvouched",
		"dmarc=pass header.from=example.com":  "vouched",
		"dmarc=pass header.from=evil.example": "unvouched",
		"dmarc=pass":                          "vouched",
		"dmarc=fail":                          "forged",
		"dmarc=bestguesspass":                 "unvouched",
		"dmarc=none; spf=pass smtp.mailfrom=example.com":                                   "vouched",
		"dmarc=fail; spf=pass smtp.mailfrom=example.com":                                   "forged",
		"dmarc=fail; auth=pass smtp.auth=boris":                                            "vouched",
		"auth=pass smtp.auth=b@example.com":                                                "vouched",
		"auth=pass smtp.auth=vera":                                                         "unvouched",
		"auth=fail smtp.auth=boris":                                                        "unvouched",
		"auth=pass":                                                                        "unvouched",
		"spf=pass smtp.mailfrom=boris@example.com":                                         "vouched",
		"spf=pass smtp.mail=boris@example.com":                                             "vouched",
		"spf=pass smtp.helo=example.com":                                                   "unvouched",
		"spf=softfail smtp.mailfrom=example.com":                                           "unvouched",
		"spf=fail smtp.mailfrom=example.com":                                               "doubtful",
		"spf=fail smtp.mailfrom=list.example":                                              "unvouched",
		"spf=fail smtp.mailfrom=example.com; dkim=none":                                    "forged",
		"spf=fail smtp.mailfrom=example.com; dkim=pass header.d=example.com":               "vouched",
		"dkim=pass header.d=example.com":                                                   "vouched",
		"dkim=pass header.i=@example.com":                                                  "vouched",
		"dkim=pass header.i=boris@example.com header.d=evil.example":                       "unvouched",
		"dkim=fail header.d=example.com":                                                   "forged",
		"dkim=fail header.d=example.com; dkim=pass header.d=example.com":                   "vouched",
		"dkim=fail header.d=other.example":                                                 "unvouched",
		"dkim=pass header.d=calendar.example":                                              "vouched",
		"dkim=pass header.d=sub.calendar.example":                                          "unvouched",
		"dkim=fail header.d=calendar.example":                                              "unvouched",
		"spf=pass smtp.mailfrom=calendar.example":                                          "unvouched",
		"dkim=pass header.d=calendar.example; dmarc=fail header.from=example.com":          "forged",
		"dkim=neutral header.d=example.com; spf=neutral smtp.mailfrom=example.com":         "unvouched",
		"dkim=temperror header.d=example.com":                                              "unvouched",
		"dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=example.com.evil.example": "unvouched",
	} {
		_, list, err := authResults("mx; " + results)
		if err != nil {
			t.Fatal(err)
		}
		if v, why := inbox.judge(list, "boris@example.com", boris); names[v] != want {
			t.Errorf("%s: %s (%s), want %s", results, names[v], why, want)
		}
	}
}

// dkimKeys are keys by domain, as the DNS has them.
type dkimKeys map[string]ed25519.PrivateKey

func (k dkimKeys) lookup(_ context.Context, name string) ([]string, error) {
	_, domain, _ := strings.Cut(name, "._domainkey.")
	key, ok := k[domain]
	if !ok {
		return nil, errors.New("no such host")
	}
	public := key.Public().(ed25519.PublicKey)
	return []string{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}, nil
}

func (k dkimKeys) sign(t *testing.T, domain, mail string) string {
	t.Helper()
	if k[domain] == nil {
		k[domain] = ed25519.NewKeyFromSeed(bytes.Repeat([]byte(domain[:1]), ed25519.SeedSize))
	}
	var out bytes.Buffer
	err := dkim.Sign(&out, strings.NewReader(strings.ReplaceAll(mail, "\n", "\r\n")), &dkim.SignOptions{
		Domain: domain, Selector: "s1", Signer: k[domain], HeaderKeys: []string{"From", "To", "Subject", "Date", "Message-ID"},
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// plainAnswer is Boris's answer as he sends it.
const plainAnswer = `From: Boris <boris@example.com>
To: anna@example.org
Subject: Accepted: Planning
Date: Sun, 1 Nov 2026 13:15:05 +0300
Message-ID: <signed-1@example.com>
MIME-Version: 1.0
Content-Type: text/calendar; method=REPLY; charset=utf-8

BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Test//EN
METHOD:REPLY
BEGIN:VEVENT
UID:planning-1@example.org
DTSTAMP:20261101T101500Z
ORGANIZER:mailto:anna@example.org
ATTENDEE;PARTSTAT=ACCEPTED:mailto:boris@example.com
SEQUENCE:0
END:VEVENT
END:VCALENDAR
`

// TestSignatures takes answers of which no mail server has said anything, with their signatures.
func TestSignatures(t *testing.T) {
	const applied, refused, wrong = "REPLY boris@example.com ACCEPTED: applied", "REPLY boris@example.com: unvouched", "REPLY boris@example.com: mismatch"
	replaced := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	same := func(s string) string { return s }
	large := strings.Replace(strings.Replace(plainAnswer, "Content-Type: text/calendar; method=REPLY; charset=utf-8\n\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/calendar\n\n", 1), "END:VCALENDAR\n",
		"END:VCALENDAR\n\n--b\nContent-Type: image/png\n\n"+strings.Repeat(strings.Repeat("x", 70)+"\n", 70000)+"--b--\n", 1)
	for name, c := range map[string]struct {
		mail    string
		domains []string // that sign, the last on top
		after   func(string) string
		want    string
	}{
		"signed":                    {plainAnswer, []string{"example.com"}, same, applied},
		"signed twice":              {plainAnswer, []string{"relay.example", "example.com"}, same, applied},
		"signed by a host above":    {strings.Replace(plainAnswer, "boris@example.com>", "boris@mail.example.com>", 1), []string{"example.com"}, same, wrong},
		"not signed":                {plainAnswer, nil, same, refused},
		"of a calendar service":     {plainAnswer, []string{"calendar.example"}, same, applied},
		"of its customer":           {plainAnswer, []string{"rented.calendar.example"}, same, refused},
		"of another":                {plainAnswer, []string{"evil.example"}, same, refused},
		"of a host below":           {plainAnswer, []string{"rented.example.com"}, same, refused},
		"body changed":              {plainAnswer, []string{"example.com"}, replaced("ACCEPTED:mailto", "DECLINED:mailto"), refused},
		"From changed":              {strings.Replace(plainAnswer, "Boris <boris@", "Mallory <mallory@", 1), []string{"example.com"}, replaced("Mallory <mallory@", "Boris <boris@"), refused},
		"From added on top":         {plainAnswer, []string{"example.com"}, func(s string) string { return "From: Boris <boris@example.com>\n" + s }, wrong},
		"From added below":          {strings.Replace(plainAnswer, "Boris <boris@", "Mallory <mallory@", 1), []string{"example.com"}, replaced("Message-ID:", "From: boris@example.com\nMessage-ID:"), wrong},
		"part of it signed":         {plainAnswer, []string{"example.com"}, replaced("c=relaxed/relaxed;", "c=relaxed/relaxed; l=10;"), refused},
		"date changed":              {plainAnswer, []string{"example.com"}, replaced("13:15:05", "13:15:06"), refused},
		"line added":                {plainAnswer, []string{"example.com"}, replaced("\nTo:", "\nX-Spam-Status: No\nTo:"), applied},
		"signature of another mail": {plainAnswer, []string{"example.com"}, replaced("d=example.com", "d=EXAMPLE.com"), refused},
		"many bad ones": {plainAnswer, []string{"example.com"}, func(s string) string {
			return strings.Repeat("DKIM-Signature: v=1; d=example.com; b=x\n", mostSignatures) + s
		}, refused},
		"larger than is kept": {large, []string{"example.com"}, same, refused},
	} {
		t.Run(name, func(t *testing.T) {
			keys := dkimKeys{}
			b := newInboxBench(t, func(o *InboxOptions) { o.LookupTXT, o.Signers = keys.lookup, []string{"calendar.example"} })
			mail := c.mail
			for _, domain := range c.domains {
				mail = keys.sign(t, domain, mail)
			}
			before := mail
			if mail = c.after(mail); mail == before && c.want != applied && fmt.Sprint(c.domains) == "[example.com]" && len(mail) < 10000 && !strings.Contains(mail, "mail.example.com") {
				t.Fatal("nothing was changed")
			}
			if got := b.take([]byte(mail)); got != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, b.rows("planning-1@example.org"))
			}
			if b.take([]byte(strings.ReplaceAll(mail, "\n", "\r\n"))); c.want != applied && len(b.answers.told) > 0 {
				t.Errorf("with CRLF it was applied")
			}
		})
	}
}

// TestSignatureAndServer takes signed answers of which a server says something: what it says comes first, but
// where it looked at the envelope only.
func TestSignatureAndServer(t *testing.T) {
	for results, want := range map[string]string{
		"mx.example.org; dmarc=fail header.from=example.com":                "REPLY boris@example.com: forged",
		"mx.example.org; dkim=fail header.d=example.com":                    "REPLY boris@example.com: forged",
		"mx.example.org; spf=fail smtp.mailfrom=boris@example.com":          "REPLY boris@example.com ACCEPTED: applied",
		"mx.example.org; spf=none":                                          "REPLY boris@example.com ACCEPTED: applied",
		"mx.evil.example; dmarc=fail header.from=example.com":               "REPLY boris@example.com ACCEPTED: applied",
		"mx.example.org; spf=pass smtp.mailfrom=lists.example; dkim=policy": "REPLY boris@example.com ACCEPTED: applied",
	} {
		keys := dkimKeys{}
		b := newInboxBench(t, func(o *InboxOptions) { o.LookupTXT = keys.lookup })
		mail := "Authentication-Results: " + results + "\n" + keys.sign(t, "example.com", plainAnswer)
		if got := b.take([]byte(mail)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", results, got, want)
		}
	}
}

// TestOnlyTheDomainsKeysAreAsked holds that mails cannot have us ask the DNS for names of their choice, nor for
// any where the answer does not concern an event here or is not the sender's.
func TestOnlyTheDomainsKeysAreAsked(t *testing.T) {
	keys := dkimKeys{}
	var asked []string
	b := newInboxBench(t, func(o *InboxOptions) {
		o.LookupTXT = func(ctx context.Context, name string) ([]string, error) {
			asked = append(asked, name)
			return keys.lookup(ctx, name)
		}
	})
	mail := keys.sign(t, "evil.example", keys.sign(t, "example.com", plainAnswer))
	b.take([]byte(strings.Replace(mail, "planning-1@", "planning-2@", 1)))
	b.take([]byte(strings.Replace(mail, "From: Boris <boris@", "From: Boris <vera@", 1)))
	if len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
	b.take([]byte(mail))
	if fmt.Sprint(asked) != "[s1._domainkey.example.com]" {
		t.Errorf("asked for %q", asked)
	}
}

// TestUnverified takes answers that nobody vouches for, as the administrator has chosen.
func TestUnverified(t *testing.T) {
	mails := incomingMails(t)
	b := newInboxBench(t, func(o *InboxOptions) { o.Unverified = true })
	for name, want := range map[string]string{
		"no-results":            "REPLY boris@example.com DECLINED: applied",
		"forged-dmarc-fail":     "REPLY boris@example.com: forged",
		"forged-spf-fail":       "REPLY boris@example.com: forged",
		"forged-display-name":   "REPLY boris@example.com: mismatch",
		"from-several":          "REPLY boris@example.com: mismatch",
		"sent-by-only-in-reply": "REPLY boris@example.com: mismatch",
	} {
		if got := b.take(mails[name]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestBrokenResults holds that a sender who breaks what a trusted server writes, or writes into it, gains nothing.
func TestBrokenResults(t *testing.T) {
	const forgedBelow = "\nReceived: from evil.example by mx.example.org\nAuthentication-Results: mx.example.org; dmarc=pass header.from=example.com\n"
	for _, c := range []struct{ above, want string }{
		{"mx.example.org; spf=fail (domain of a(b@evil.example does not permit) smtp.mailfrom=evil.example", "REPLY boris@example.com: unvouched"},
		{"mx.example.org (mail server; none", "REPLY boris@example.com: unvouched"},
		{"MX.example.org 1; spf=fail smtp.mailfrom=\"a\x01b\"@evil.example", "REPLY boris@example.com: unvouched"},
		{"mx.example.org; spf=pass (domain of \"a) ; dmarc=pass header.from=example.com (b\"@evil.example) smtp.mailfrom=evil.example;" +
			" dmarc=fail header.from=example.com", "REPLY boris@example.com: forged"},
		{"mx.relay.example; (broken", "REPLY boris@example.com ACCEPTED: applied"}, // of a hop within
	} {
		b := newInboxBench(t, nil)
		if got := b.take([]byte("Authentication-Results: " + c.above + forgedBelow + plainAnswer)); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.above, got, c.want)
		}
	}
}

// TestJudgeForms: a domain is the same in every form in which mail servers write it.
func TestJudgeForms(t *testing.T) {
	for _, c := range []struct {
		results, from string
		want          verdict
	}{
		{"dmarc=fail header.from=xn--e1afmkfd.xn--p1ai", "boris@пример.рф", forged},
		{"dmarc=pass header.from=xn--e1afmkfd.xn--p1ai", "boris@пример.рф", vouched},
		{"dkim=pass header.d=xn--e1afmkfd.xn--p1ai", "boris@пример.рф", vouched},
		{"dmarc=pass header.from=пример.рф", "boris@xn--e1afmkfd.xn--p1ai", vouched},
		{`dmarc=fail header.from="example.com"`, "boris@example.com", forged},
		{`dmarc=fail header.from=example.com.`, "boris@example.com", forged},
		{`dmarc=FAIL header.from=Example.COM`, "boris@example.com", forged},
		{`dmarc=temperror header.from=example.com; spf=pass smtp.mailfrom=x@example.com`, "boris@example.com", vouched},
		{`spf=pass (mx: domain of "a) ; dmarc=pass header.from=example.com (b"@evil.example designates) smtp.mailfrom=evil.example; dmarc=fail header.from=example.com`,
			"boris@example.com", forged},
	} {
		_, list, err := authResults("mx; " + c.results)
		if err != nil {
			t.Errorf("%s: %v", c.results, err)
			continue
		}
		if got, why := new(Inbox).judge(list, c.from, nil); got != c.want {
			t.Errorf("%s for %s: got %d (%s), want %d", c.results, c.from, got, why, c.want)
		}
	}
}
