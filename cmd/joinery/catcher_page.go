package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// catcherShown is how many messages the page shows; the JSON has all.
const catcherShown = 100

// catcherScript renews the page when there is new mail, and not while somebody only reads.
const catcherScript = `setInterval(async () => {
  const answer = await fetch("/demo/mail.json", {method: "HEAD"}).catch(() => null);
  const newest = answer && answer.ok && answer.headers.get("X-Newest");
  if (newest && newest !== document.body.dataset.newest) location.reload();
}, 3000);`

// catcherPolicy lets the page's own script run and nothing else: a message may not run, fetch or
// send anything.
func catcherPolicy() string {
	sum := sha256.Sum256([]byte(catcherScript))
	return "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

var catcherPage = template.Must(template.New("mail").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<noscript><meta http-equiv="refresh" content="10"></noscript><title>Mail ({{.Total}})</title><style>
body{font:1rem/1.5 system-ui,sans-serif;max-width:55rem;margin:1rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.4rem}article{border:1px solid #ccc;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}
h2{font-size:1.1rem;margin:.3rem 0;overflow-wrap:anywhere}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.3rem 0}
dt{color:#666}dd{margin:0;overflow-wrap:anywhere}summary{cursor:pointer}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f5f5f5;padding:.5rem;margin:.3rem 0}
iframe{box-sizing:border-box;width:100%;height:24rem;border:1px solid #ccc;background:#fff}.problem{color:#a00}
</style></head><body data-newest="{{.Newest}}">
<h1>Caught mail</h1>
<p>{{if eq .Total 1}}1 message{{else}}{{.Total}} messages{{end}}{{if gt .Total (len .Messages)}}, the newest {{len .Messages}} are shown{{end}}. New mail shows by itself. <a href="/demo/mail.json">JSON</a></p>
{{range $n, $m := .Messages}}<article id="m{{$m.ID}}">
<h2>{{or $m.Subject "(no subject)"}}</h2>
<dl><dt>From</dt><dd>{{$m.From}}</dd><dt>To</dt><dd>{{$m.To}}</dd>
<dt>Delivered to</dt><dd>{{range $i, $a := $m.Envelope.To}}{{if $i}}, {{end}}{{$a}}{{end}}</dd>
<dt>Received</dt><dd><time datetime="{{$m.Received.Format "2006-01-02T15:04:05Z07:00"}}">{{$m.Received.Format "2 Jan 2006 15:04:05 -0700"}}</time>, {{$m.Size}} bytes</dd></dl>
{{with $m.Problem}}<p class="problem">{{.}}</p>{{end}}
{{range $m.Parts}}<details{{if and (eq $n 0) (eq .MediaType "text/html")}} open{{end}}><summary>{{.MediaType}}{{with index .Params "method"}}, method {{.}}{{end}}{{with .Filename}}, {{.}}{{end}}</summary>
{{if eq .MediaType "text/html"}}<iframe title="Message as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" srcdoc="&lt;base target=_blank&gt;{{.Text}}"></iframe>{{end}}
{{if .Base64}}<p>{{len .Base64}} characters of base64; see the JSON.</p>{{else if eq .MediaType "text/html"}}<details><summary>Source</summary><pre>{{.Text}}</pre></details>{{else}}<pre>{{.Text}}</pre>{{end}}</details>
{{end}}<details><summary>Headers</summary><pre>{{range $name, $values := $m.Headers}}{{range $values}}{{$name}}: {{.}}
{{end}}{{end}}</pre></details></article>
{{else}}<p>Nothing yet.</p>{{end}}<script>` + catcherScript + `</script></body></html>
`))

// caughtView is a message with what the page shows at its top.
type caughtView struct {
	caughtMessage
	Subject, From, To string
}

// ServeHTTP serves /demo/mail, a page, newest message first, and its twin /demo/mail.json, a
// list, oldest first.
func (c *catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	messages := c.Messages()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	switch r.URL.Path {
	case "/demo/mail.json":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Newest", strconv.Itoa(newestCaught(messages)))
		if r.Method == http.MethodHead {
			return
		}
		_ = json.NewEncoder(w).Encode(messages)
	case "/demo/mail", "/demo/mail/":
		var b bytes.Buffer
		if err := catcherPage.Execute(&b, caughtViews(messages)); err != nil {
			http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", catcherPolicy())
		_, _ = b.WriteTo(w)
	default:
		http.NotFound(w, r)
	}
}

// newestCaught returns the id of the last message, 0 for none.
func newestCaught(messages []caughtMessage) int {
	if len(messages) == 0 {
		return 0
	}
	return messages[len(messages)-1].ID
}

func caughtViews(messages []caughtMessage) any {
	total := len(messages)
	shown := messages[max(0, total-catcherShown):]
	views := make([]caughtView, 0, len(shown))
	for _, m := range slices.Backward(shown) {
		views = append(views, caughtView{m, strings.Join(m.Headers["Subject"], " "), m.person("From"), m.person("To")})
	}
	return struct {
		Total    int
		Newest   int
		Messages []caughtView
	}{total, newestCaught(messages), views}
}
