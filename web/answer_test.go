package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
	"joinery/caldav/itip"
)

// answerToken is one whose letters stand in no page by chance.
const answerToken = "aB3-_xYz0123456789QWERTYuiop"

// invitation is a meeting of tomorrow, an hour from 12:00 in Moscow on, not answered yet.
func invitation(t *testing.T) change.Invitation {
	start := joinNow.Add(24*time.Hour + 30*time.Minute)
	return change.Invitation{
		State: change.InvitationOpen, EventID: 7, Address: "vera@partner.example", PartStat: "NEEDS-ACTION",
		Title: "Planning", Agenda: "One\nTwo", Place: "Room 5", Link: "https://rooms.example/7", Service: "MTS Link", Organizer: "Anna",
		People: []change.InvitedPerson{{Name: "Vera", PartStat: "NEEDS-ACTION"}, {Name: "Boris", PartStat: "DECLINED"}},
		Start:  start, End: start.Add(time.Hour), Organizers: moscow(t), Zone: moscow(t), Locale: "en", Sequence: 3,
	}
}

// weekly is a series of three occurrences.
func weekly(t *testing.T) change.Invitation {
	i := invitation(t)
	i.Series = true
	for n := range 3 {
		at := i.Start.AddDate(0, 0, 7*n)
		i.Occurrences = append(i.Occurrences, change.InvitedOccurrence{
			Key: at.Format("20060102T150405Z"), Occurrence: at, Start: at, End: at.Add(time.Hour), PartStat: "NEEDS-ACTION",
		})
	}
	return i
}

// An answerDesk stands behind answer pages.
type answerDesk struct {
	change.Invitation
	outcome change.Outcome
	err     error // of taking an answer
	taken   []change.Answer
	asked   int
	log     bytes.Buffer
	get     func(method, path string, body io.Reader, header ...string) answered
}

func serveAnswers(t *testing.T, i change.Invitation) *answerDesk {
	d := &answerDesk{Invitation: i, outcome: change.OutcomeApplied}
	d.get = serve(t, Options{
		Log: slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Invitation: func(_ context.Context, token string) (change.Invitation, bool, error) {
			d.asked++
			return d.Invitation, token == answerToken, nil
		},
		Answer: func(_ context.Context, a change.Answer) (change.Outcome, error) {
			d.taken = append(d.taken, a)
			return d.outcome, d.err
		},
	})
	return d
}

const formType = "application/x-www-form-urlencoded"

// post sends a form, in which the fields of the page that is shown stand already.
func (d *answerDesk) post(fields ...string) answered {
	form := url.Values{"sequence": {"3"}, "shown": {shown(&d.Invitation)}}
	for n := 0; n < len(fields); n += 2 {
		form.Set(fields[n], fields[n+1])
	}
	return d.get("POST", "/r/"+answerToken, strings.NewReader(form.Encode()), "Content-Type", formType, "Accept-Language", "en")
}

func TestAnswerWords(t *testing.T) {
	for _, c := range catalogues {
		v := reflect.ValueOf(*answerTexts[c.Lang])
		for n := range v.NumField() {
			if v.Field(n).String() == "" {
				t.Errorf("%s: %s is empty", c.Lang, v.Type().Field(n).Name)
			}
		}
	}
}

func TestAnswerPageShows(t *testing.T) {
	d := serveAnswers(t, invitation(t))
	for _, test := range []struct {
		lang string
		want []string
	}{
		{"en", []string{`<html lang="en">`, "Invited by <bdi>Anna</bdi>", "Tuesday, 6 January 2026, 12:00–13:00 (Moscow, UTC+3)", "Room 5", `<a href="https://rooms.example/7"`, "MTS Link",
			"One\nTwo", "<bdi>Boris</bdi> – will not attend", "<bdi>Vera</bdi> – no answer yet", "Will you attend?"}},
		{"ru", []string{`<html lang="ru">`, "Вас приглашает <bdi>Anna</bdi>", "вторник, 6 января 2026 г., 12:00–13:00 (Москва, UTC+3)", "не примет участия", "Вы примете участие?"}},
		{"uk", []string{`<html lang="uk">`, "Вас запрошує <bdi>Anna</bdi>", "вівторок, 6 січня 2026 р., 12:00–13:00 (Москва, UTC+3)", "не візьме участі", "Ви візьмете участь?"}},
	} {
		got := d.get("GET", "/r/"+answerToken, nil, "Accept-Language", test.lang)
		if got.StatusCode != 200 || got.Header.Get("Content-Language") != test.lang {
			t.Errorf("%s: %d in %s", test.lang, got.StatusCode, got.Header.Get("Content-Language"))
		}
		for _, want := range test.want {
			if !strings.Contains(got.text, want) {
				t.Errorf("%s: no %q in\n%s", test.lang, want, got.raw)
			}
		}
		if strings.Contains(got.raw, " checked") || strings.Contains(got.text, answerTexts[test.lang].Ready) || strings.Contains(got.text, answerTexts[test.lang].OrganizersTime) {
			t.Errorf("%s: something is chosen, or told twice:\n%s", test.lang, got.raw)
		}
	}
	// A local user reads the own language and both clocks.
	kyiv, err := time.LoadLocation("Europe/Kyiv")
	if err != nil {
		t.Fatal(err)
	}
	d.Local, d.Locale, d.Zone = true, "uk", kyiv
	got := d.get("GET", "/r/"+answerToken, nil, "Accept-Language", "en")
	for _, want := range []string{`<html lang="uk">`, "11:00–12:00 (Київ, UTC+2)", "За часом організатора", "12:00–13:00 (Москва, UTC+3)"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("no %q in\n%s", want, got.raw)
		}
	}
}

// TestAnswerPageFacts holds what the page says where not everything is there, or more than usual.
func TestAnswerPageFacts(t *testing.T) {
	for _, test := range []struct {
		name      string
		set       func(i *change.Invitation)
		want, not []string
	}{
		{"no link", func(i *change.Invitation) { i.Link, i.Service = "", "" }, nil, []string{"Conference", "<a "}},
		{"a link that follows", func(i *change.Invitation) { i.Link, i.Pending = "", true }, []string{"Conference", "The link will follow."}, []string{"<a "}},
		{"a link that is none", func(i *change.Invitation) { i.Link = "javascript:alert(1)" }, nil, []string{"<a ", "alert"}},
		{"no title", func(i *change.Invitation) { i.Title = " " }, []string{">Meeting</h1>"}, nil},
		{"no place, agenda or people", func(i *change.Invitation) { i.Place, i.Agenda, i.People = "", "", nil }, nil, []string{"Where", "Description", "<h2>"}},
		{"all day", func(i *change.Invitation) {
			i.AllDay, i.Start, i.End = true, time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 8, 0, 0, 0, 0, time.UTC)
		}, []string{"Tuesday, 6 January 2026 — Wednesday, 7 January 2026, all day", `name="last"`}, []string{"<time", "<script", "Moscow", `name="from"`}},
		{"answered", func(i *change.Invitation) { i.PartStat = "TENTATIVE" }, []string{`<dd id="mine">maybe</dd>`, `value="tentative" checked`}, []string{`value="accepted" checked`}},
		{"waiting", func(i *change.Invitation) { i.PartStat, i.Waiting = "TENTATIVE", true }, []string{`<dd id="mine">waits for a free place</dd>`, `value="accepted" checked`}, []string{`value="tentative" checked`}},
		{"a comment", func(i *change.Invitation) { i.Comment = "I am <late>" }, []string{"<details open>\n<summary>Add a comment", ">I am <late></textarea>"}, nil},
		{"a crowd", func(i *change.Invitation) {
			for range 110 {
				i.People = append(i.People, change.InvitedPerson{Name: "Somebody"})
			}
		}, []string{"<summary>100 + 12</summary>", "… 12 more"}, nil},
		{"a long agenda", func(i *change.Invitation) { i.Agenda = strings.Repeat("я", 20000) }, []string{"я…</p>"}, []string{strings.Repeat("я", 9000), "\ufffd"}},
		{"no time", func(i *change.Invitation) { i.Start, i.End = time.Time{}, time.Time{} }, []string{"Will you attend?"}, []string{"<time", "0001"}},
		{"no zones", func(i *change.Invitation) { i.Zone, i.Organizers = nil, nil }, []string{"09:00–10:00 (UTC)"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := invitation(t)
			test.set(&i)
			got := serveAnswers(t, i).get("GET", "/r/"+answerToken, nil)
			for _, want := range test.want {
				if !strings.Contains(got.text, want) {
					t.Errorf("no %q in\n%s", want, got.raw)
				}
			}
			for _, not := range test.not {
				if strings.Contains(got.text, not) {
					t.Errorf("%q is in\n%s", not, got.raw)
				}
			}
		})
	}
}

// TestAnswerPageSafe opens links as programs do that look through mail: nothing is answered.
func TestAnswerPageSafe(t *testing.T) {
	d := serveAnswers(t, weekly(t))
	on := shownAs(d.Occurrences[1].Key, d.Occurrences[1].Start)
	for _, method := range []string{"GET", "HEAD"} {
		for _, query := range []string{
			"", "?answer=accepted", "?answer=declined&comment=no&sequence=3&on=" + url.QueryEscape(on), "?done=applied", "?done=nonsense", "?answer=%00&on=%ff", "?;;;",
		} {
			got := d.get(method, "/r/"+answerToken+query, nil)
			if got.StatusCode != 200 || got.Header.Get("Set-Cookie") != "" || method == "HEAD" && got.raw != "" {
				t.Errorf("%s %s: %d, %d bytes", method, query, got.StatusCode, len(got.raw))
			}
		}
	}
	if len(d.taken) > 0 {
		t.Errorf("answers were taken: %v", d.taken)
	}
	for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"} {
		if got := d.get(method, "/r/"+answerToken, nil); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%s: %d, Allow %q", method, got.StatusCode, got.Header.Get("Allow"))
		}
	}
}

// TestAnswerChosenBeforehand follows the links of a mail.
func TestAnswerChosenBeforehand(t *testing.T) {
	d := serveAnswers(t, invitation(t))
	for value := range answers {
		got := d.get("GET", "/r/"+answerToken+"?answer="+value, nil, "Accept-Language", "en")
		if !strings.Contains(got.raw, `value="`+value+`" checked`) || strings.Count(got.raw, " checked") != 1 || !strings.Contains(got.text, answerTexts["en"].Ready) {
			t.Errorf("%s is not chosen, or does not say that it was not sent:\n%s", value, got.raw)
		}
	}
	// The button beside that sends just this, also where something else is chosen below meanwhile.
	d.Comment = "Hello"
	got := d.get("GET", "/r/"+answerToken+"?answer=accepted", nil, "Accept-Language", "en")
	quick, _, _ := strings.Cut(got.text, "</form>")
	for _, want := range []string{"Send answer: I will attend</button>", `name="answer" value="accepted"`, `name="comment" value="Hello"`, `name="shown" value="` + shown(&d.Invitation)} {
		if !strings.Contains(quick, want) {
			t.Errorf("the first form has no %q:\n%s", want, quick)
		}
	}
	all, some := serveAnswers(t, weekly(t)), serveAnswers(t, weekly(t))
	some.PartStat = ""
	if got := all.get("GET", "/r/"+answerToken+"?answer=accepted", nil, "Accept-Language", "en"); !strings.Contains(got.text, "Send answer: I will attend (All dates)</button>") {
		t.Errorf("it is not said that all dates are meant:\n%s", got.raw)
	}
	if got := some.get("GET", "/r/"+answerToken+"?answer=accepted", nil, "Accept-Language", "en"); strings.Count(got.raw, "<button") != 1 {
		t.Errorf("an answer can be sent before its date was chosen:\n%s", got.raw)
	}
	// What stands already needs nothing to be confirmed.
	d.PartStat = "ACCEPTED"
	got = d.get("GET", "/r/"+answerToken+"?answer=accepted", nil, "Accept-Language", "en")
	if strings.Contains(got.text, answerTexts["en"].Ready) || !strings.Contains(got.raw, `<dd id="mine">will attend</dd>`) {
		t.Errorf("an answer that stands is to be confirmed:\n%s", got.raw)
	}
}

func TestAnswerTaken(t *testing.T) {
	single, series := invitation(t), weekly(t)
	dates := single
	dates.AllDay, dates.Start = true, time.Date(2026, 1, 6, 0, 0, 0, 0, time.UTC)
	dates.End = dates.Start.AddDate(0, 0, 1)
	once := weekly(t)
	once.PartStat, once.Occurrences = "", once.Occurrences[:1]
	answer := func(comment string, part itip.Part) change.Answer {
		return change.Answer{EventID: 7, Address: "vera@partner.example", Parts: []itip.Part{part}, Sequence: 3, Comment: comment, Source: change.FromPage}
	}
	second := series.Occurrences[1]
	on := shownAs(second.Key, second.Start)
	thursday := time.Date(2026, 1, 8, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		shown  change.Invitation
		fields []string
		want   change.Answer
	}{
		{"accepted", single, []string{"answer", "accepted"}, answer("", itip.Part{PartStat: "ACCEPTED"})},
		{"tentative", single, []string{"answer", "tentative"}, answer("", itip.Part{PartStat: "TENTATIVE"})},
		{"declined with a comment", single, []string{"answer", "declined", "comment", " I am\r\naway\x07 "}, answer("I am\naway", itip.Part{PartStat: "DECLINED"})},
		{"a thousand characters", single, []string{"answer", "declined", "comment", strings.Repeat("я", 1000)}, answer(strings.Repeat("я", 1000), itip.Part{PartStat: "DECLINED"})},
		{"no occurrence of what does not recur", single, []string{"answer", "accepted", "on", on}, answer("", itip.Part{PartStat: "ACCEPTED"})},
		{"the series", series, []string{"answer", "accepted", "on", ""}, answer("", itip.Part{PartStat: "ACCEPTED"})},
		{"one occurrence", series, []string{"answer", "declined", "on", on}, answer("", itip.Part{PartStat: "DECLINED", Occurrence: second.Occurrence})},
		{"the only occurrence", once, []string{"answer", "accepted", "on", shownAs(once.Occurrences[0].Key, once.Occurrences[0].Start)}, answer("", itip.Part{PartStat: "ACCEPTED", Occurrence: once.Occurrences[0].Occurrence})},
		{"another time", single, []string{"day", "2026-01-08", "from", "15:00", "to", "16:30"},
			answer("", itip.Part{PartStat: "TENTATIVE", Start: thursday, End: thursday.Add(90 * time.Minute)})},
		{"another time with seconds", single, []string{"answer", "declined", "day", "2026-01-08", "from", "15:00:00", "to", "16:30:00.000"},
			answer("", itip.Part{PartStat: "DECLINED", Start: thursday, End: thursday.Add(90 * time.Minute)})},
		{"another time of one occurrence", series, []string{"answer", "accepted", "on", on, "day", "2026-01-08", "from", "15:00", "to", "16:30"},
			answer("", itip.Part{PartStat: "ACCEPTED", Occurrence: second.Occurrence, Start: thursday, End: thursday.Add(90 * time.Minute)})},
		{"other dates", dates, []string{"day", "2026-01-08", "last", "2026-01-09"},
			answer("", itip.Part{PartStat: "TENTATIVE", Start: thursday.Truncate(24 * time.Hour), End: thursday.Truncate(24*time.Hour).AddDate(0, 0, 2), Floating: true})},
		{"another date", dates, []string{"day", "2026-01-08"},
			answer("", itip.Part{PartStat: "TENTATIVE", Start: thursday.Truncate(24 * time.Hour), End: thursday.Truncate(24*time.Hour).AddDate(0, 0, 1), Floating: true})},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := serveAnswers(t, test.shown)
			got := d.post(test.fields...)
			if got.StatusCode != 303 || !strings.HasPrefix(got.Header.Get("Location"), "?done=applied") || got.raw != "" {
				t.Fatalf("%d to %q: %s", got.StatusCode, got.Header.Get("Location"), got.text)
			}
			if len(d.taken) != 1 {
				t.Fatalf("%d answers were taken", len(d.taken))
			}
			a := d.taken[0]
			if a.By.UserAgent == "" {
				t.Error("who answered is not said")
			}
			a.By = change.Caller{}
			p, want := &a.Parts[0], &test.want.Parts[0]
			if !p.Start.Equal(want.Start) || !p.End.Equal(want.End) {
				t.Errorf("proposed %v–%v, want %v–%v", p.Start, p.End, want.Start, want.End)
			}
			p.Start, p.End = want.Start, want.End
			if !reflect.DeepEqual(a, test.want) {
				t.Errorf("got  %+v\nwant %+v", a, test.want)
			}
			// Where the browser is led to says what came of it.
			back := d.get("GET", "/r/"+answerToken+got.Header.Get("Location"), nil, "Accept-Language", "en")
			if back.StatusCode != 200 || !strings.Contains(back.text, answerTexts["en"].Applied) || strings.Contains(back.text, answerTexts["en"].Ready) {
				t.Errorf("afterwards: %d %s", back.StatusCode, back.raw)
			}
			if one := strings.Contains(test.name, "one occurrence"); one && !strings.Contains(back.text, `value="`+on+`" checked`) {
				t.Errorf("the occurrence that was answered is not the one chosen:\n%s", back.raw)
			}
		})
	}
}

func TestAnswerFaults(t *testing.T) {
	single, series := invitation(t), weekly(t)
	once := weekly(t)
	once.PartStat = ""
	w := answerTexts["en"]
	for _, test := range []struct {
		name   string
		shown  change.Invitation
		fields []string
		want   string
		keeps  []string
	}{
		{"nothing chosen", single, []string{"comment", "Hello"}, w.NoAnswer, []string{">Hello</textarea>", `href="#accepted"`}},
		{"something else", single, []string{"answer", "ACCEPTED"}, w.NoAnswer, nil},
		{"a long comment", single, []string{"answer", "declined", "comment", strings.Repeat("a", 1001)}, w.LongComment, []string{`value="declined" checked`, `href="#comment"`}},
		{"no end", single, []string{"answer", "declined", "day", "2026-01-08", "from", "15:00"}, w.HalfTime, []string{`value="2026-01-08"`, `value="15:00"`, `href="#day"`}},
		{"no day", single, []string{"from", "15:00", "to", "16:00"}, w.HalfTime, nil},
		{"no time", single, []string{"day", "2026-01-08", "from", "3 pm", "to", "four"}, w.HalfTime, nil},
		{"the end before the start", single, []string{"day", "2026-01-08", "from", "15:00", "to", "14:00"}, w.BadTime, nil},
		{"a time that is over", single, []string{"day", "2026-01-04", "from", "15:00", "to", "16:00"}, w.PastTime, nil},
		{"another time for a series", series, []string{"answer", "accepted", "day", "2026-01-08", "from", "15:00", "to", "16:00"}, w.WhichTime, []string{`href="#on"`}},
		{"no date of those", once, []string{"answer", "accepted"}, w.BadDate, []string{`href="#on"`, `id="on"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := serveAnswers(t, test.shown)
			got := d.post(test.fields...)
			if got.StatusCode != 422 || !strings.Contains(got.text, test.want) || len(d.taken) > 0 || !strings.Contains(got.raw, `role="alert"`) {
				t.Errorf("%d, %d taken: %s", got.StatusCode, len(d.taken), got.text)
			}
			for _, want := range test.keeps {
				if !strings.Contains(got.text, want) {
					t.Errorf("no %q in\n%s", want, got.raw)
				}
			}
		})
	}
}

func TestAnswerOutcomes(t *testing.T) {
	w := answerTexts["en"]
	for _, test := range []struct {
		outcome change.Outcome
		want    string
		good    bool
	}{
		{change.OutcomeApplied, w.Applied, true},
		{change.OutcomeSame, w.Applied, true},
		{change.OutcomeProposed, w.Proposed, true},
		{change.OutcomeWaiting, w.Waits, true},
		{change.OutcomeOlder, w.Older, false},
		{change.OutcomeCancelled, w.OffDate, false},
		{change.OutcomePast, w.PastDate, false},
		{change.OutcomeUninvited, w.Uninvited, false},
		{change.OutcomeUnknown, w.Unknown, false},
	} {
		d := serveAnswers(t, invitation(t))
		d.outcome, d.Waiting = test.outcome, test.outcome == change.OutcomeWaiting
		got := d.post("answer", "accepted")
		if got.StatusCode != 303 || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %v", test.outcome, got.StatusCode, got.Header)
		}
		back := d.get("GET", "/r/"+answerToken+got.Header.Get("Location"), nil, "Accept-Language", "en")
		if !strings.Contains(back.text, test.want) || !strings.Contains(back.raw, `role="status"`) || strings.Contains(back.raw, `class="told bad"`) == test.good {
			t.Errorf("%s: %s", test.outcome, back.raw)
		}
		if !strings.Contains(back.text, "<title>"+test.want+" – Planning</title>") {
			t.Errorf("%s: the page's name does not say it", test.outcome)
		}
	}
	// A place that became free since is not waited for.
	d := serveAnswers(t, invitation(t))
	if got := d.get("GET", "/r/"+answerToken+"?done=waiting", nil, "Accept-Language", "en"); strings.Contains(got.text, w.Waits) || !strings.Contains(got.text, w.Applied) {
		t.Errorf("with a place: %s", got.raw)
	}
}

// TestAnswerStale answers what was changed after the page was opened.
func TestAnswerStale(t *testing.T) {
	w := answerTexts["en"]
	stale := func(name string, d *answerDesk, taken int, fields ...string) {
		t.Helper()
		got := d.post(fields...)
		if got.StatusCode != 409 || len(d.taken) != taken || !strings.Contains(got.text, w.Stale) || strings.Contains(got.raw, `value="accepted" checked`) ||
			!strings.Contains(got.text, ">Hello</textarea>") || !strings.Contains(got.text, `name="shown" value="`+shown(&d.Invitation)+`"`) {
			t.Errorf("%s: %d, %d taken: %s", name, got.StatusCode, len(d.taken), got.text)
		}
	}
	d := serveAnswers(t, invitation(t))
	was := shown(&d.Invitation)
	d.outcome = change.OutcomeStale
	stale("by its sequence", d, 1, "answer", "accepted", "comment", "Hello")
	d.Start = d.Start.Add(time.Hour)
	stale("by its time", d, 1, "answer", "accepted", "comment", "Hello", "shown", was)
	for _, bad := range []string{"", "-1", "x", "99999999999999999999"} {
		stale("sequence "+bad, d, 1, "answer", "accepted", "comment", "Hello", "sequence", bad)
	}
	for _, bad := range []string{"", "@", "x@y", "20260106T090000Z@0"} {
		stale("shown "+bad, d, 1, "answer", "accepted", "comment", "Hello", "shown", bad)
	}

	d = serveAnswers(t, weekly(t))
	first, second := d.Occurrences[0], d.Occurrences[1]
	moved := shownAs(second.Key, second.Start.Add(time.Hour))
	stale("an occurrence that was moved", d, 0, "answer", "accepted", "comment", "Hello", "on", moved)
	d.Occurrences = d.Occurrences[2:]
	stale("an occurrence that was taken out", d, 0, "answer", "accepted", "comment", "Hello", "on", shownAs(second.Key, second.Start))
	stale("the first occurrence was taken out", d, 0, "answer", "accepted", "comment", "Hello", "shown", shownAs(first.Key, first.Start))

	// What has begun since the page was opened is no change of a series; an answer to it comes too late.
	begun := shownAs("20260105T080000Z", joinNow.Add(-time.Minute))
	if got := d.post("answer", "accepted", "shown", begun); got.StatusCode != 303 || len(d.taken) != 1 {
		t.Errorf("a page that was opened before the last occurrence: %d, %d taken", got.StatusCode, len(d.taken))
	}
	if got := d.post("answer", "accepted", "shown", begun, "on", begun); got.Header.Get("Location") != "?done=past&on=20260105T080000Z" || len(d.taken) != 1 {
		t.Errorf("an occurrence that has passed: %d to %s, %d taken", got.StatusCode, got.Header.Get("Location"), len(d.taken))
	}
}

// TestAnswerClosed holds what is shown where nothing can be answered.
func TestAnswerClosed(t *testing.T) {
	c, w := catalogues[0], answerTexts["en"]
	for _, test := range []struct {
		state  change.InvitationState
		status int
		want   []string
		learns bool
	}{
		{change.InvitationCancelled, 410, []string{c.Cancelled, "Planning", "Tuesday, 6 January 2026"}, true},
		{change.InvitationOver, 200, []string{w.Over, "Planning", "Tuesday, 6 January 2026"}, true},
		{change.InvitationRemoved, 410, []string{w.Removed, w.RemovedText}, false},
	} {
		i := invitation(t)
		i.State = test.state
		d := serveAnswers(t, i)
		for _, got := range []answered{d.get("GET", "/r/"+answerToken+"?answer=accepted", nil, "Accept-Language", "en"), d.post("answer", "accepted")} {
			if got.StatusCode != test.status || strings.Contains(got.raw, "<form") || len(d.taken) > 0 {
				t.Errorf("%s: %d, %d taken", test.state, got.StatusCode, len(d.taken))
			}
			for _, want := range test.want {
				if !strings.Contains(got.text, want) {
					t.Errorf("%s: no %q in\n%s", test.state, want, got.text)
				}
			}
			if !test.learns && regexp.MustCompile("Planning|Room 5|Anna|Boris|<time|rooms.example").MatchString(got.raw) {
				t.Errorf("%s tells more:\n%s", test.state, got.raw)
			}
		}
	}
}

// TestAnswerUnknown: nothing tells a token that nobody has from one that cannot be, and for the latter
// nobody looks.
func TestAnswerUnknown(t *testing.T) {
	d := serveAnswers(t, invitation(t))
	want := d.get("GET", "/r/"+strings.ToLower(answerToken), nil)
	want.Header.Del("Date")
	if want.StatusCode != 404 || d.asked != 1 {
		t.Fatalf("an unknown token: %d, %d looked for", want.StatusCode, d.asked)
	}
	for _, path := range []string{
		"", "/", "/short", "/" + strings.Repeat("a", 5000), "/" + answerToken + "/", "/" + answerToken + "/a", "/" + answerToken + "%2F", "/%00" + answerToken,
		"//" + answerToken, "/" + answerToken + "%20", "/" + answerToken + ".", "/яяяяяяяяяяяяяяяяяяяя",
	} {
		got := d.get("GET", "/r"+path, nil)
		got.Header.Del("Date")
		if got.StatusCode != 404 || got.raw != want.raw || !reflect.DeepEqual(got.Header, want.Header) {
			t.Errorf("%.40s: %d %v %s", path, got.StatusCode, got.Header, got.raw)
		}
	}
	if d.asked != 1 {
		t.Errorf("%d tokens were looked for", d.asked)
	}
	if got := d.get("POST", "/r/"+strings.ToLower(answerToken), strings.NewReader("answer=accepted"), "Content-Type", formType); got.StatusCode != 404 || len(d.taken) > 0 {
		t.Errorf("an answer to an unknown token: %d", got.StatusCode)
	}
}

// TestAnswerRequests holds which forms are read.
func TestAnswerRequests(t *testing.T) {
	for _, test := range []struct {
		name   string
		header []string
		body   string
		want   int
	}{
		{"plain", nil, "", 303},
		{"with a charset", []string{"Content-Type", formType + "; charset=utf-8"}, "", 303},
		{"no type", []string{"Content-Type", ""}, "", 415},
		{"as JSON", []string{"Content-Type", "application/json"}, `{"answer":"accepted"}`, 415},
		{"as text", []string{"Content-Type", "text/plain"}, "", 415},
		{"in parts", []string{"Content-Type", "multipart/form-data; boundary=x"}, "--x--", 415},
		{"too large", nil, "answer=accepted&comment=" + strings.Repeat("a", maxAnswer), 413},
		{"malformed", nil, "answer=%zz", 400},
		{"our page, a recent browser", []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, "", 303},
		{"our page, an older browser", []string{"Origin", "null"}, "", 303},
		{"our page by its name", []string{"Origin", "http://HOST"}, "", 303},
		{"our page behind a proxy", []string{"Origin", "https://joinery.example", "X-Forwarded-Host", "joinery.example"}, "", 303},
		{"typed", []string{"Sec-Fetch-Site", "none"}, "", 303},
		{"another site", []string{"Origin", "https://evil.example"}, "", 403},
		{"another site, a recent browser", []string{"Sec-Fetch-Site", "cross-site", "Origin", "null"}, "", 403},
		{"a neighbour", []string{"Sec-Fetch-Site", "same-site"}, "", 403},
		{"no origin at all", []string{"Origin", "nonsense"}, "", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := serveAnswers(t, invitation(t))
			body := test.body
			if body == "" {
				body = url.Values{"answer": {"accepted"}, "sequence": {"3"}, "shown": {shown(&d.Invitation)}}.Encode()
			}
			header := append([]string(nil), test.header...)
			if !strings.Contains(strings.Join(header, " "), "Content-Type") {
				header = append(header, "Content-Type", formType)
			}
			for n := range header {
				header[n] = strings.ReplaceAll(header[n], "HOST", d.host())
			}
			got := d.get("POST", "/r/"+answerToken, strings.NewReader(body), header...)
			if got.StatusCode != test.want || len(d.taken) != map[bool]int{true: 1}[test.want == 303] {
				t.Errorf("%d, %d taken, want %d", got.StatusCode, len(d.taken), test.want)
			}
			if test.want != 303 && !strings.Contains(got.raw, "<h1") {
				t.Errorf("no page for people: %s", got.raw)
			}
		})
	}
}

// host is the name that the server is asked by.
func (d *answerDesk) host() string {
	return d.get("GET", "/r/", nil).Request.URL.Host
}

// TestAnswerTrouble: what goes wrong is ours, what was filled in stays, and no log holds the token.
func TestAnswerTrouble(t *testing.T) {
	d := serveAnswers(t, invitation(t))
	d.err = errors.New("answer " + answerToken + ": disk full")
	got := d.post("answer", "accepted", "comment", "Hello")
	if got.StatusCode != 503 || !strings.Contains(got.text, answerTexts["en"].Trouble) || !strings.Contains(got.text, ">Hello</textarea>") || !strings.Contains(got.raw, `value="accepted" checked`) {
		t.Errorf("%d %s", got.StatusCode, got.raw)
	}
	if log := d.log.String(); !strings.Contains(log, "disk full") || strings.Contains(log, answerToken) {
		t.Errorf("the log is %q", log)
	}
	d.State = "ajar"
	if got := d.get("GET", "/r/"+answerToken, nil); got.StatusCode != 503 || strings.Contains(d.log.String(), answerToken) {
		t.Errorf("an unknown state: %d, log %q", got.StatusCode, d.log.String())
	}
	var log bytes.Buffer
	get := serve(t, Options{
		Log: slog.New(slog.NewTextHandler(&log, nil)),
		Invitation: func(_ context.Context, token string) (change.Invitation, bool, error) {
			return change.Invitation{}, false, errors.New("read " + token)
		},
		Answer: func(context.Context, change.Answer) (change.Outcome, error) { return "", nil },
	})
	if got := get("GET", "/r/"+answerToken, nil); got.StatusCode != 503 || got.Header.Get("Retry-After") == "" || log.Len() == 0 || strings.Contains(log.String()+got.raw, answerToken) {
		t.Errorf("%d, log %q, %s", got.StatusCode, log.String(), got.raw)
	}
}

// TestAnswerGuarded holds what the page's headers say, and that it loads nothing.
func TestAnswerGuarded(t *testing.T) {
	d := serveAnswers(t, weekly(t))
	got := d.get("GET", "/r/"+answerToken, nil)
	policy := got.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	for _, part := range element.FindAllStringSubmatch(got.raw, -1) {
		if !strings.Contains(policy, part[1]+"-src "+sourceHash(part[2])) {
			t.Errorf("the policy does not allow its own %s", part[1])
		}
	}
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if external := regexp.MustCompile(`(?i)src=|<link|@import|url\(|style=| on[a-z]+=`).FindString(got.raw); external != "" {
		t.Errorf("it loads or runs something: %s", external)
	}
	if strings.Contains(got.raw, answerToken) || d.log.Len() > 0 {
		t.Errorf("the token stands in the page or something in the log: %s", d.log.String())
	}
}

// TestAnswerInjection gives everything that is not ours what could become more than text.
func TestAnswerInjection(t *testing.T) {
	bad := "</title></style></script></textarea><script>alert(1)</script><img src=x onerror=alert(1)>\" onload='x' {{.Title}} \r\nSet-Cookie: a=b \x00 <!--"
	i := weekly(t)
	i.Title, i.Agenda, i.Place, i.Service, i.Organizer, i.Comment, i.Name, i.Locale = bad, bad, bad, bad, bad, bad, bad, bad
	i.People = []change.InvitedPerson{{Name: bad, PartStat: bad}}
	i.Link = "https://rooms.example/\"><script>alert(2)</script>"
	i.Zone = time.FixedZone("<b>/"+bad, 3600)
	i.Occurrences[0].Key = bad
	d := serveAnswers(t, i)
	for _, got := range []answered{
		d.get("GET", "/r/"+answerToken+"?answer="+url.QueryEscape(bad)+"&on="+url.QueryEscape(bad)+"&done="+url.QueryEscape(bad), nil),
		d.post("answer", bad, "on", "", "comment", bad, "day", bad, "from", bad, "to", bad),
		d.post("answer", "accepted", "shown", bad, "sequence", bad, "comment", bad),
	} {
		for _, not := range []string{"alert(1)</script>", "<img", "<script>alert", "<b>", "\x00", "<!--"} {
			if strings.Contains(got.raw, not) {
				t.Errorf("%q in %s", not, got.raw)
			}
		}
		if n := len(element.FindAllString(got.raw, -1)); n != 2 {
			t.Errorf("%d inline elements", n)
		}
		if got.Header.Get("Set-Cookie") != "" {
			t.Error("a cookie is set")
		}
	}
	if got := d.post("answer", "accepted", "on", shownAs(bad, i.Occurrences[0].Start)); got.StatusCode != http.StatusSeeOther || strings.ContainsAny(got.Header.Get("Location"), "\r\n<>\"") {
		t.Errorf("%d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}
