package mailer

import (
	"bytes"
	"strings"
	"testing"
)

// Whoever is written to after others of any letter gets what they would get alone, with links of their own.
func TestPress(t *testing.T) {
	alone, among := testSender(t, "example.org", "example.com"), testSender(t, "example.org", "example.com")
	for _, c := range letterCases() {
		for _, lang := range []string{"en", "ru"} {
			var types press
			for person := range 3 {
				want, got := mailOf(t, alone, c, lang), mailSet(t, among, c, lang, &types)
				if !bytes.Equal(got.Body, want.Body) {
					t.Errorf("%s, %s, person %d: got\n%s\nwant\n%s", c.name, lang, person, tree(t, got.Body), tree(t, want.Body))
				}
			}
		}
	}
}

func TestPressTellsLettersApart(t *testing.T) {
	at := func(token string, change func(l *letter)) *letter {
		page := "https://joinery.example/r/" + token
		l := &letter{Lang: "en", Title: "Planning", Question: "Will you come?", Rows: []row{{Label: "When", Value: "today"}},
			Choices:  []choice{{"Yes", page + "?answer=accepted", "#fff"}, {"No", page + "?answer=declined", "#000"}},
			OwnWords: choice{Text: "Add a comment", Link: page}}
		if change != nil {
			change(l)
		}
		return l
	}
	var types press
	set := func(l *letter) string {
		t.Helper()
		plain, html, err := types.text(l)
		if err != nil {
			t.Fatal(err)
		}
		wantPlain, wantHTML, err := l.text()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(plain, wantPlain) || !bytes.Equal(html, wantHTML) {
			t.Errorf("got\n%s%s\nwant\n%s%s", plain, html, wantPlain, wantHTML)
		}
		return types.token
	}
	if got := set(at("first", nil)); got != "first" {
		t.Errorf("the first letter is set with %q", got)
	}
	if got := set(at("second", nil)); got != "first" {
		t.Errorf("the second letter, like the first, is set with %q", got)
	}
	for name, change := range map[string]func(l *letter){
		"a row":      func(l *letter) { l.Rows[0].Value = "tomorrow" },
		"a choice":   func(l *letter) { l.Choices[1].Text = "Never" },
		"an agenda":  func(l *letter) { l.Agenda = "nothing" },
		"no choices": func(l *letter) { l.Choices = nil },
		"own words":  func(l *letter) { l.OwnWords.Text = "Answer for single dates" },
		"no page":    func(l *letter) { l.Choices, l.OwnWords = nil, choice{} },
		"elsewhere":  func(l *letter) { l.Choices[0].Link = strings.Replace(l.Choices[0].Link, "/r/", "/x/", 1) },
		"another server": func(l *letter) {
			l.OwnWords.Link = strings.Replace(l.OwnWords.Link, "joinery.example", "other.example", 1)
			for i := range l.Choices {
				l.Choices[i].Link = strings.Replace(l.Choices[i].Link, "joinery.example", "other.example", 1)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { set(at("third", change)) })
	}
	// Somebody's own address in the text stands as it is written.
	types = press{}
	quoted := func(l *letter) { l.Agenda = "see https://joinery.example/r/first?answer=accepted" }
	set(at("first", quoted))
	set(at("second", quoted))
	set(at("first", quoted))
}
