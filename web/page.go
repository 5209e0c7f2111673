package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

var (
	//go:embed templates/page.html
	pageHTML string
	//go:embed templates/page.css
	pageStyle string
	//go:embed templates/waiting.js
	waitingScript string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
	styleSource  = sourceHash(pageStyle)
	scriptSource = sourceHash(waitingScript)
)

// sourceHash names an inline element's content in a Content-Security-Policy (CSP 3 §2.3.1).
func sourceHash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// A page is what people see behind a link: complete in itself, so that nothing else is loaded and
// nobody else learns that it was opened.
type page struct {
	words   *catalogue
	status  int
	refresh time.Duration // after which the browser asks again; 0: never

	Headline string
	Title    string // of the event, other people's text
	Service  string
	Texts    []string
	Quote    string
	Rows     []row
	Left     int    // seconds that a script counts down; 0: none
	URL      string // an http or https address
	live     bool   // carries the script that shows the reader's own zone and counts down
}

// A row is a time with its label.
type row struct {
	Label, Value string
	Start, End   string // RFC 3339, for the script; no End: a moment
	Offset       int    // seconds east of UTC of the zone in which Value tells it
}

// What the template asks a page for beside its fields.

func (p *page) Lang() string      { return p.words.Lang }
func (p *page) YourTime() string  { return p.words.YourTime }
func (p *page) LeftLabel() string { return p.words.Left }
func (p *page) Days() string      { return p.words.Days }
func (p *page) URLText() string   { return p.words.OpenNow }

// Style and Script are our own files, written into the page as they are: their hashes are in its policy.

func (p *page) Style() template.CSS { return template.CSS(pageStyle) }

func (p *page) Script() template.JS {
	if !p.live {
		return ""
	}
	return template.JS(waitingScript)
}

// write answers with the page.
func (p *page) write(w http.ResponseWriter, r *http.Request) {
	a := appearance{words: p.words, status: p.status, refresh: p.refresh, style: styleSource}
	if p.live {
		a.script = scriptSource
	}
	a.write(w, r, pageTemplate, p)
}

// An appearance is what the answer says around a page.
type appearance struct {
	words   *catalogue
	status  int
	refresh time.Duration // see page
	style   string        // of the page's style, see sourceHash
	script  string        // the same; empty: it has none
	forms   bool          // its forms may be sent, to where it came from
}

// write answers with t filled in by data; to HEAD without it.
func (a *appearance) write(w http.ResponseWriter, r *http.Request, t *template.Template, data any) {
	var body bytes.Buffer
	if err := t.Execute(&body, data); err != nil {
		// The template and all that is put into it are ours: a test renders every page.
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	script, forms := "'none'", "'none'"
	if a.script != "" {
		script = a.script
	}
	if a.forms {
		forms = "'self'"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", a.words.Lang)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+a.style+"; script-src "+script+
		"; base-uri 'none'; form-action "+forms+"; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	guardLink(h)
	if a.refresh > 0 {
		h.Set("Refresh", strconv.Itoa(int((a.refresh+time.Second-1)/time.Second)))
	}
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body.Bytes())
	}
}

// guardLink keeps an answer to a secret link out of caches, of search engines and of the Referer that
// other sites see.
func guardLink(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Content-Type-Options", "nosniff")
}

// notFound answers 404 with a page for people. It says nothing of the path, which may hold a token.
func notFound(w http.ResponseWriter, r *http.Request) {
	c := wordsFor(r, "")
	p := page{words: c, status: http.StatusNotFound, Headline: c.Missing, Texts: []string{c.MissingText}}
	p.write(w, r)
}

// trouble answers 503 with a page that tries again.
func trouble(w http.ResponseWriter, r *http.Request, c *catalogue) {
	w.Header().Set("Retry-After", strconv.Itoa(int(troubleRetry/time.Second)))
	p := page{words: c, status: http.StatusServiceUnavailable, refresh: troubleRetry, Headline: c.Trouble, Texts: []string{c.TroubleText}}
	p.write(w, r)
}
