package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
)

// TestDecisionWords holds every language to every word.
func TestDecisionWords(t *testing.T) {
	for lang := range answerTexts {
		words := decisionTexts[lang]
		if words == nil {
			t.Errorf("%s: no words", lang)
			continue
		}
		v := reflect.ValueOf(*words)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				t.Errorf("%s: %s is empty", lang, v.Type().Field(i).Name)
			}
		}
	}
}

// TestDecisionPage asks for the page as people, mail scanners and other sites do.
func TestDecisionPage(t *testing.T) {
	start := joinNow.Add(24*time.Hour + 30*time.Minute)
	list := change.Proposals{
		State: change.InvitationOpen, Title: "Planning <1>", Zone: moscow(t), Locale: "en",
		List: []change.Proposal{{
			ID: 3, Name: "Vera", Comment: "<b>Better</b>", Start: start, End: start.Add(time.Hour),
			Time: itip.Time{Start: start.Add(2 * time.Hour), End: start.Add(3 * time.Hour)},
		}},
	}
	var decided []string
	var failure error
	var log bytes.Buffer
	act := func(verb string) func(context.Context, string, int64, string) (change.Outcome, error) {
		return func(_ context.Context, token string, id int64, _ string) (change.Outcome, error) {
			if token != answerToken || id != 3 {
				t.Errorf("%s: token %q, proposal %d", verb, token, id)
			}
			if failure != nil {
				return change.OutcomeUnknown, failure
			}
			decided = append(decided, verb)
			return change.OutcomeApplied, nil
		}
	}
	get := serve(t, Options{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Proposals: func(_ context.Context, token string) (change.Proposals, bool, error) {
			return list, token == answerToken, failure
		},
		KeepTime: act("kept"), TakeTime: act("taken"),
	})
	path := "/p/" + answerToken
	post := func(path, field, value string, header ...string) answered {
		return get(http.MethodPost, path, strings.NewReader(url.Values{field: {value}}.Encode()), append([]string{"Content-Type", formType}, header...)...)
	}
	value := decisionOf(&list.List[0])

	page := get(http.MethodGet, path+"?taken="+url.QueryEscape(value), nil)
	for _, want := range []string{"Planning &lt;1&gt;", "&lt;b&gt;Better&lt;/b&gt;", "Vera", "14:00–15:00", "12:00–13:00", `name="taken" value="` + value, `name="kept" value="` + value} {
		if !strings.Contains(page.raw, want) {
			t.Errorf("the page lacks %q:\n%s", want, page.text)
		}
	}
	if strings.Contains(page.raw, answerToken) || page.Header.Get("Referrer-Policy") != "no-referrer" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page gives its address away: %v", page.Header)
	}
	if len(decided) > 0 {
		t.Errorf("GET decided %v", decided)
	}
	for _, c := range []struct {
		name, path, field, value string
		header                   []string
		status                   int
		location, decided        string
	}{
		{"kept", path, "kept", value, nil, http.StatusSeeOther, "?done=kept", "kept"},
		{"taken", path, "taken", value, nil, http.StatusSeeOther, "?done=taken", "taken"},
		{"another time is shown by now", path, "taken", strings.Replace(value, "@", "@1", 1), nil, http.StatusSeeOther, "?done=stale", ""},
		{"another proposal", path, "taken", "4" + value[1:], nil, http.StatusSeeOther, "?done=stale", ""},
		{"nothing", path, "other", value, nil, http.StatusSeeOther, "?done=stale", ""},
		{"from elsewhere", path, "taken", value, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden, "", ""},
		{"another token", "/p/bbbbbbbbbbbbbbbbbbbbbbbbbbbb", "taken", value, nil, http.StatusNotFound, "", ""},
		{"no token", "/p/x", "taken", value, nil, http.StatusNotFound, "", ""},
	} {
		decided = nil
		a := post(c.path, c.field, c.value, c.header...)
		if a.StatusCode != c.status || a.Header.Get("Location") != c.location || strings.Join(decided, " ") != c.decided {
			t.Errorf("%s: got %d, %q, %v; want %d, %q, %q", c.name, a.StatusCode, a.Header.Get("Location"), decided, c.status, c.location, c.decided)
		}
	}
	for done, want := range map[string]string{"taken": "was moved", "kept": "time stays", "stale": "Nothing was changed", "<x>": ""} {
		if a := get(http.MethodGet, path+"?done="+url.QueryEscape(done), nil); !strings.Contains(a.text, want) || strings.Contains(a.raw, "<x>") {
			t.Errorf("done=%s: want %q in\n%s", done, want, a.text)
		}
	}
	for state, want := range map[change.InvitationState]string{change.InvitationCancelled: "was cancelled", change.InvitationOver: "is over", change.InvitationOpen: "nothing to decide"} {
		list.State, list.List = state, nil
		if a := get(http.MethodGet, path, nil); a.StatusCode != http.StatusOK || !strings.Contains(a.text, want) {
			t.Errorf("%s: got %d, want %q in\n%s", state, a.StatusCode, want, a.text)
		}
	}
	failure = errors.New("reading " + answerToken)
	if a := post(path, "kept", value); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the store fails: status %d", a.StatusCode)
	}
	if log.Len() == 0 || strings.Contains(log.String(), answerToken) {
		t.Errorf("the log: %s", log.String())
	}
}
