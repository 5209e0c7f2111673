package emulator

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
)

// pages are the addresses outside /v3; none wants a token.
func (m *MTSLink) pages() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", m.serveAccount)
	mux.HandleFunc("GET /_state", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, m.State())
	})
	mux.HandleFunc("/_fault", m.serveFault)
	mux.HandleFunc("POST /_live", m.serveLive)
	mux.HandleFunc("POST /_hand", m.serveHand)
	mux.HandleFunc("POST /_switch", m.serveSwitch)
	mux.HandleFunc("POST /_member", m.serveMember)
	mux.HandleFunc("GET /j/{owner}/{event}", m.serveJoin)
	mux.HandleFunc("GET /j/{owner}/{event}/{rest...}", m.serveJoin)
	return mux
}

var accountPage = template.Must(template.New("account").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10"><title>MTS Link (emulated): conferences</title>` + pageStyle + `</head><body>
<h1>MTS Link (emulated): personal account</h1>
{{if .Conferences}}<p>{{with len .Conferences}}{{.}} conference{{if gt . 1}}s{{end}}{{end}}</p>{{else}}<p>No conferences.</p>{{end}}
{{range .Conferences}}<article>
<h2><a href="/j/{{.OwnerID}}/{{.ID}}">{{.Name}}</a></h2>
<p><b>{{.Status}}</b> · {{.Type}} · <time datetime="{{.Start.Format "2006-01-02T15:04:05Z07:00"}}">{{.Start.Format "Mon 2 Jan 2006 15:04"}}</time> {{.Zone}}{{with .Duration}} · {{.}}{{end}}</p>
<dl><dt>Link</dt><dd><a href="{{.Link}}">{{.Link}}</a></dd>
<dt>Owner</dt><dd>{{.Owner}}</dd>
<dt>Participants</dt><dd>{{range $i, $p := .Participants}}{{if $i}}, {{end}}{{$p}}{{else}}none registered{{end}}</dd>
{{with .Present}}<dt>Present</dt><dd>{{range $i, $p := .}}{{if $i}}, {{end}}{{$p}}{{end}}</dd>
{{end}}<dt>Tags</dt><dd>{{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$t}}{{else}}none{{end}}</dd>
<dt>Ids</dt><dd>event {{.ID}}{{with .Session}}, session {{.}}{{end}}</dd></dl>
<form method="post" action="/_live"><input type="hidden" name="id" value="{{or .Session .ID}}">
{{if eq .Status "ACTIVE"}}<button name="action" value="start">Start</button>{{end}}
{{if eq .Status "ACTIVE" "START"}}<button name="action" value="stop">Stop</button>{{end}}
<button name="action" value="delete">Delete</button></form>
</article>{{end}}
{{if .Deleted}}<h2>Deleted</h2><ul>{{range .Deleted}}<li>{{.Name}} ({{.Start.Format "2 Jan 2006 15:04"}} {{.Zone}}), deleted {{.DeletedAt.Format "2 Jan 15:04:05"}}</li>{{end}}</ul>{{end}}
<p><a href="/_state">State as JSON</a></p></body></html>
`))

var joinPage = template.Must(template.New("join").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{with .}}{{.Name}}{{else}}No such conference{{end}}</title>` + pageStyle + `</head><body>
{{with .}}<h1>{{.Name}}</h1>
<p><time datetime="{{.Start.Format "2006-01-02T15:04:05Z07:00"}}">{{.Start.Format "Mon 2 Jan 2006 15:04"}}</time> {{.Zone}}</p>
<p><b>{{.Status}}</b>: {{if eq .Status "START"}}the conference is live{{else if eq .Status "STOP"}}the conference has ended{{else}}the conference has not begun{{end}}</p>
<p>Owner: {{.Owner}}</p>{{else}}<h1>No such conference</h1><p>It was deleted, or never was.</p>{{end}}
</body></html>
`))

const pageStyle = `<style>
body{font:1rem/1.5 system-ui,sans-serif;max-width:50rem;margin:1rem auto;padding:0 1rem;color:#222;background:#fff;overflow-wrap:anywhere}
article{border:1px solid #ccc;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}h1{font-size:1.4rem}h2{font-size:1.1rem;margin:.3rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{color:#666}dd{margin:0}button{font:inherit;padding:.2rem .8rem}
</style>`

// writePage renders t; nothing of a page may run.
func (m *MTSLink) writePage(w http.ResponseWriter, status int, t *template.Template, data any) {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		m.log.Error("emulator: page", "page", t.Name(), "error", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}

// serveAccount is the list of conferences, as the provider's site would show it.
func (m *MTSLink) serveAccount(w http.ResponseWriter, _ *http.Request) {
	m.writePage(w, http.StatusOK, accountPage, m.State())
}

// serveJoin is the page behind a conference's link, its session's and its personal links.
func (m *MTSLink) serveJoin(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("event")
	m.mu.Lock()
	m.autostart()
	var found *Conference
	if e := m.linked(name); e != nil {
		var last *mtsSession
		if n := len(e.Sessions); n > 0 {
			last = e.Sessions[n-1]
		}
		c := m.conference(e, last)
		found = &c
	}
	m.mu.Unlock()
	status := http.StatusOK
	if found == nil {
		status = http.StatusNotFound
	}
	m.writePage(w, status, joinPage, found)
}

// linked finds an event by what its link ends with: its id or its alias.
func (m *MTSLink) linked(name string) *mtsEvent {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil && m.index.events[id] != nil {
		return m.index.events[id]
	}
	for _, e := range m.data.Events {
		if e.Alias != "" && e.Alias == name {
			return e
		}
	}
	return nil
}
