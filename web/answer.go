package web

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"joinery/caldav/change"
)

const (
	minToken  = 16      // bytes
	maxAnswer = 8 << 10 // bytes of a form
)

// answerPage answers /r/TOKEN: it shows an event to one of those invited, and takes the answer. Programs
// that look through mail open every link in it, so only POST changes anything; what a link says is chosen
// beforehand (?answer=accepted, tentative or declined) and is sent by a person. After a POST the browser is
// led back (303), so that a reload repeats nothing; done and on tell the page then what came of it.
// Tokens are secrets: they stand in no page, no log and no header.
type answerPage struct {
	invitation func(ctx context.Context, token string) (change.Invitation, bool, error)
	answer     func(ctx context.Context, a change.Answer) (change.Outcome, error)
	now        func() time.Time
	log        *slog.Logger
}

func (p *answerPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, form, ok := asked(w, r, "/r/")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), doorTimeout)
	defer cancel()
	i, ok, err := p.invitation(ctx, token)
	switch {
	case err != nil:
		p.failed("look up an answer page", err, token)
		trouble(w, r, wordsFor(r, ""))
	case !ok:
		notFound(w, r)
	case i.State != change.InvitationOpen:
		closed := closedPage(&i, readersWords(r, &i))
		if closed == nil {
			p.log.Error("look up an answer page", "error", "unknown state", "state", string(i.State))
			trouble(w, r, readersWords(r, &i))
			return
		}
		closed.write(w, r)
	case r.Method == http.MethodPost:
		p.take(ctx, w, r, &i, form, token)
	default:
		v := newAnswerView(&i, readersWords(r, &i))
		v.asked(&i, r.URL.Query())
		v.write(w, r, http.StatusOK)
	}
}

// take takes the answer in form.
func (p *answerPage) take(ctx context.Context, w http.ResponseWriter, r *http.Request, i *change.Invitation, form url.Values, token string) {
	f := formOf(form)
	again := func(status int, faults ...fault) {
		v := newAnswerView(i, readersWords(r, i))
		v.again(f, faults)
		v.write(w, r, status)
	}
	a, faults, outcome := f.answer(i, p.now())
	if len(faults) > 0 {
		again(http.StatusUnprocessableEntity, faults...)
		return
	}
	if outcome == "" {
		a.By.UserAgent = r.UserAgent()
		var err error
		if outcome, err = p.answer(ctx, a); err != nil {
			p.failed("take an answer", err, token)
			again(http.StatusServiceUnavailable, fault{Field: fieldSend, text: func(w *answerWords) string { return w.Trouble }})
			return
		}
	}
	if outcome == change.OutcomeStale {
		// What is shown below may differ from what was answered: it is to be chosen anew.
		if fresh, ok, err := p.invitation(ctx, token); err == nil && ok && fresh.State == change.InvitationOpen {
			*i = fresh
		}
		f.Answer, f.On = "", ""
		again(http.StatusConflict, fault{text: func(w *answerWords) string { return w.Stale }})
		return
	}
	back := url.Values{"done": {string(outcome)}}
	if key, _, _ := strings.Cut(f.On, "@"); key != "" {
		back.Set("on", key)
	}
	seeOther(w, back)
}

// failed logs what is ours.
func (p *answerPage) failed(what string, err error, token string) {
	p.log.Error(what, "error", strings.ReplaceAll(err.Error(), token, "TOKEN"))
}

// asked reads a request for a page below prefix that can be opened and sent back: its token and, of a POST, its form. ok is
// false where it is answered already.
func asked(w http.ResponseWriter, r *http.Request, prefix string) (token string, form url.Values, ok bool) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		methodNotAllowed(w, "GET, HEAD, POST")
		return "", nil, false
	}
	if token = strings.TrimPrefix(r.URL.Path, prefix); !tokenLike(token) {
		notFound(w, r)
		return "", nil, false
	}
	if r.Method == http.MethodPost {
		form, ok = readForm(w, r)
		return token, form, ok
	}
	return token, nil, true
}

// seeOther leads a browser back to the page that it came from, so that a reload repeats nothing.
func seeOther(w http.ResponseWriter, query url.Values) {
	guardLink(w.Header())
	w.Header().Set("Location", "?"+query.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// tokenLike tells whether s may be the token of an answer page: nobody looks for another.
func tokenLike(s string) bool {
	return len(s) >= minToken && len(s) <= maxToken && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// readForm reads a form that one of our own pages sent; ok is false where it is answered already.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, ok bool) {
	c := wordsFor(r, "")
	words := answerTexts[c.Lang]
	refuse := func(status int, headline, text string) (url.Values, bool) {
		p := page{words: c, status: status, Headline: headline, Texts: []string{text}}
		p.write(w, r)
		return nil, false
	}
	if !fromHere(r) {
		return refuse(http.StatusForbidden, words.Foreign, words.ForeignText)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return refuse(http.StatusUnsupportedMediaType, words.Form, words.FormText)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxAnswer)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return refuse(http.StatusRequestEntityTooLarge, words.TooLarge, words.TooLargeText)
		}
		return refuse(http.StatusBadRequest, words.Form, words.FormText)
	}
	return r.PostForm, true
}

// fromHere tells whether a form was sent by a page of ours, or by what is no browser. The token is the
// permission; this only keeps other sites' pages from using one. Our pages ask for no referrer, and so
// their forms come from the origin "null" (Fetch §3.2).
func fromHere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" || origin == "null" {
		return true
	}
	u, err := url.Parse(origin)
	// A proxy may call us by another name than the browser.
	return err == nil && u.Host != "" && (strings.EqualFold(u.Host, r.Host) || strings.EqualFold(u.Host, r.Header.Get("X-Forwarded-Host")))
}
