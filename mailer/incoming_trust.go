package mailer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-msgauth/dkim"
	"golang.org/x/net/idna"

	"joinery/store"
)

// A verdict says whether a mail is from whom its From names.
type verdict int

// The verdicts.
const (
	unvouched verdict = iota // nobody says so
	doubtful                 // a trusted host says that it may not be, having looked at the envelope only
	vouched
	forged // a trusted host says that it is not
)

// trustedResults are the results that hosts which are trusted wrote, of each method those of the topmost
// field. Fields are written from the bottom to the top, so these stand above the Received line of the hop
// before, and below that line is what the sender may have made up (RFC 8601 §4, §7.1).
func (i *Inbox) trustedResults(h mailHeader) []authResult {
	var out []authResult
	begun := false
	for _, f := range h {
		if begun && f.name == "received" {
			break
		}
		if f.name != "authentication-results" {
			continue
		}
		server, results, err := authResults(f.value)
		if err != nil {
			// Senders can break what a server writes, by a parenthesis in their address say. It says nothing then,
			// and what stands below that server's line is the sender's all the same.
			begun = begun || i.trusts(serverOf(f.value))
			continue
		}
		if !i.trusts(server) {
			continue
		}
		begun = true
		above := len(out)
		for _, r := range results {
			known := slices.ContainsFunc(out[:above], func(o authResult) bool { return o.method == r.method })
			if !known {
				out = append(out, r)
			}
		}
	}
	return out
}

func (i *Inbox) trusts(server string) bool {
	return slices.ContainsFunc(i.opts.TrustedHosts, func(host string) bool {
		host = strings.ToLower(strings.TrimSpace(host))
		if below, ok := strings.CutPrefix(host, "*."); ok {
			return below != "" && strings.HasSuffix(server, "."+below)
		}
		return host != "" && server == host
	})
}

// judge weighs results for a mail whose From is from. person is the local user of that address, nil if it is
// none's. why is for operators.
func (i *Inbox) judge(results []authResult, from string, person *store.User) (v verdict, why string) {
	domain := domainOf(from)
	// The submission server knows who logged in.
	for _, r := range results {
		if r.method == "auth" && r.result == "pass" && isPerson(r.props["smtp.auth"], from, person) {
			return vouched, r.String()
		}
	}
	passed := ""
	for _, r := range results {
		if about := r.props["header.from"]; r.method != "dmarc" || about != "" && domainOf(about) != domain {
			continue
		}
		switch r.result {
		case "pass":
			passed = r.String()
		case "fail": // counts beside a pass too: a server says one of them, the other is a sender's
			return forged, r.String()
		}
	}
	if passed != "" {
		return vouched, passed
	}
	checked := false // somebody looked at signatures
	for _, r := range results {
		identity := ""
		switch r.method {
		case "dkim":
			checked = true
			if identity = r.props["header.d"]; identity == "" {
				identity = r.props["header.i"]
			}
		case "spf":
			if identity = r.props["smtp.mailfrom"]; identity == "" {
				identity = r.props["smtp.mail"] // RFC 5451; Yandex
			}
		}
		signer := r.method == "dkim" && r.result == "pass" && i.vouches(domainOf(identity))
		if !signer && !covers(domainOf(identity), domain) {
			continue
		}
		switch r.result {
		case "pass":
			return vouched, r.String()
		case "fail", "hardfail":
			v, why = doubtful, r.String()
		}
	}
	if v == doubtful && checked {
		v = forged
	}
	return v, why
}

// vouches tells whether signer, a domain in a signature, speaks for every domain.
func (i *Inbox) vouches(signer string) bool {
	return slices.ContainsFunc(i.opts.Signers, func(s string) bool { return asciiDomain(strings.TrimSpace(s)) == asciiDomain(signer) && signer != "" })
}

// isPerson tells whether login is that of whom from is an address of.
func isPerson(login, from string, person *store.User) bool {
	login = strings.ToLower(login)
	if login == "" {
		return false
	}
	return login == from || person != nil && (login == strings.ToLower(person.Login) || slices.Contains(person.Addresses, login))
}

// covers tells whether signer, a domain, speaks for domain: it is the same, or one above it that is more
// than a top-level domain. One below does not: it may be rented to anybody.
func covers(signer, domain string) bool {
	signer, domain = asciiDomain(signer), asciiDomain(domain)
	return signer != "" && (signer == domain || strings.Contains(signer, ".") && strings.HasSuffix(domain, "."+signer))
}

// asciiDomain is a domain in lower case, with the names of other scripts as DNS has them (RFC 5890 §2.3.2.1).
func asciiDomain(domain string) string {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		return ascii
	}
	return domain
}

// domainOf is what stands behind the last @, as asciiDomain has it.
func domainOf(address string) string {
	return asciiDomain(address[strings.LastIndexByte(address, '@')+1:])
}

// Signatures are checked where no mail server has said anything: so many at most, and so long.
const (
	mostSignatures = 3
	signatureTime  = 15 * time.Second
)

// signed tells whether the domain of from, or one of Signers, has signed the mail (RFC 6376). why says what hinders where it has
// not, or by whom.
func (i *Inbox) signed(ctx context.Context, m *mailRead, from string) (ok bool, why string) {
	domain := domainOf(from)
	ctx, cancel := context.WithTimeout(ctx, signatureTime)
	defer cancel()
	lookup := func(name string) ([]string, error) { return i.opts.LookupTXT(ctx, name) }
	why = "nobody has signed it for " + domain
	tried := 0
	for n, f := range m.header {
		if f.name != signatureField || !covers(signerOf(f.value), domain) && !i.vouches(signerOf(f.value)) {
			continue
		}
		if m.kept == nil {
			return false, fmt.Sprintf("larger than %d MiB, its signature is not checked", mostKept>>20)
		}
		if tried++; tried > mostSignatures {
			break
		}
		signer, err := verify(m, n, lookup)
		if err == nil && (covers(signer, domain) || i.vouches(signer)) {
			return true, "DKIM of " + signer
		}
		why = "the signature is of " + signer
		if err != nil {
			why = err.Error()
		}
	}
	return false, why
}

const signatureField = "dkim-signature"

// signerOf is a signature's d=.
func signerOf(value string) string {
	for _, tag := range strings.Split(value, ";") {
		name, v, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) == "d" {
			return strings.ToLower(strings.Join(strings.Fields(v), ""))
		}
	}
	return ""
}

// verify checks the signature that is the header's field n, and returns whose it is. Others are left out, so
// that it is checked alone and by this goroutine.
func verify(m *mailRead, n int, lookup func(string) ([]string, error)) (signer string, err error) {
	var head bytes.Buffer
	for k, f := range m.header {
		if f.name != signatureField || k == n {
			head.Write(f.raw)
		}
	}
	head.WriteString("\r\n")
	found, err := dkim.VerifyWithOptions(io.MultiReader(&head, bytes.NewReader(m.kept)), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", errors.New("the signature is not found")
	}
	return found[0].Domain, found[0].Err
}
