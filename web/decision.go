package web

import (
	"context"
	_ "embed" // the page's parts
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"joinery/caldav/change"
	"joinery/mailer"
)

// decisionPage answers /p/TOKEN: it shows an organiser the other times that attendees propose, and takes the
// decision about each. As on an answerPage only POST changes anything, and a browser is led back afterwards.
// Tokens are secrets: they stand in no page, no log and no header.
type decisionPage struct {
	proposals func(ctx context.Context, token string) (change.Proposals, bool, error)
	keep      func(ctx context.Context, token string, id int64, userAgent string) (change.Outcome, error)
	take      func(ctx context.Context, token string, id int64, userAgent string) (change.Outcome, error)
	log       *slog.Logger
}

func (p *decisionPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, form, ok := asked(w, r, "/p/")
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), doorTimeout)
	defer cancel()
	list, ok, err := p.proposals(ctx, token)
	c := wordsFor(r, "")
	if own := catalogueOf(language.Make(list.Locale)); own != nil {
		c = own
	}
	switch {
	case err != nil:
		p.failed("look up the proposals of an event", err, token)
		trouble(w, r, c)
	case !ok:
		notFound(w, r)
	case r.Method == http.MethodPost:
		p.decide(ctx, w, r, &list, form, token)
	default:
		newDecisionView(&list, c, r.URL.Query().Get("done")).write(w, r)
	}
}

// decide takes the decision in form. What was decided, or changed, since the page was made is not touched: the
// organiser looks once more.
func (p *decisionPage) decide(ctx context.Context, w http.ResponseWriter, r *http.Request, list *change.Proposals, form url.Values, token string) {
	done := "stale"
	for verb, act := range map[string]func(context.Context, string, int64, string) (change.Outcome, error){"taken": p.take, "kept": p.keep} {
		value, ok := form[verb]
		if !ok {
			continue
		}
		for _, one := range list.List {
			if value[0] != decisionOf(&one) {
				continue
			}
			outcome, err := act(ctx, token, one.ID, r.UserAgent())
			if err != nil {
				p.failed("decide about a proposal", err, token)
				trouble(w, r, wordsFor(r, list.Locale))
				return
			}
			if outcome == change.OutcomeApplied {
				done = verb
			}
		}
	}
	seeOther(w, url.Values{"done": {done}})
}

// failed logs what is ours.
func (p *decisionPage) failed(what string, err error, token string) {
	p.log.Error(what, "error", strings.ReplaceAll(err.Error(), token, "TOKEN"))
}

// decisionOf names a proposal with the times that are shown of it.
func decisionOf(p *change.Proposal) string {
	var b strings.Builder
	b.WriteString(strconv.FormatInt(p.ID, 10))
	for _, at := range []time.Time{p.Time.Start, p.Time.End, p.Start, p.End} {
		b.WriteString("@" + strconv.FormatInt(at.Unix(), 10))
	}
	return b.String()
}

var (
	//go:embed templates/decision.html
	decisionHTML     string
	decisionTemplate = template.Must(template.New("decision").Parse(decisionHTML))
)

// A decisionView is what the template of a decisionPage is filled in with.
type decisionView struct {
	W     *decisionWords
	words *catalogue

	Title string
	Told  string // of what was just decided, or of what cannot be any more
	Good  bool
	None  string // nothing is to be decided
	List  []decisionRow
}

// A decisionRow is one proposal.
type decisionRow struct {
	Name, Proposed, Now, Comment, Value string
	Calendar                            bool // see change.Proposal
}

func (v *decisionView) Lang() string        { return v.words.Lang }
func (v *decisionView) Style() template.CSS { return template.CSS(answerStyle) }

func newDecisionView(list *change.Proposals, c *catalogue, done string) *decisionView {
	w := decisionTexts[c.Lang]
	v := &decisionView{W: w, words: c, Title: list.Title}
	if strings.TrimSpace(v.Title) == "" {
		v.Title = c.Meeting
	}
	switch done {
	case "taken":
		v.Told, v.Good = w.Taken, true
	case "kept":
		v.Told, v.Good = w.Kept, true
	case "stale":
		v.Told = w.Stale
	}
	when := func(start, end time.Time, days bool) string {
		if !days && list.Zone != nil {
			start = start.In(list.Zone)
		}
		return mailer.When(c.Lang, start, end, days)
	}
	for i := range list.List {
		p := &list.List[i]
		v.List = append(v.List, decisionRow{
			Name: p.Name, Proposed: when(p.Time.Start, p.Time.End, p.Time.AllDay), Now: when(p.Start, p.End, p.AllDay),
			Comment: p.Comment, Value: decisionOf(p), Calendar: p.Calendar,
		})
	}
	switch {
	case list.State == change.InvitationCancelled:
		v.None = w.Cancelled
	case list.State == change.InvitationOver:
		v.None = w.Over
	case len(v.List) == 0:
		v.None = w.None
	}
	return v
}

func (v *decisionView) write(w http.ResponseWriter, r *http.Request) {
	a := appearance{words: v.words, status: http.StatusOK, style: answerStyleSource, forms: true}
	a.write(w, r, decisionTemplate, v)
}
