package mailer

import (
	"bytes"
	"reflect"
	"strings"
)

// A press makes the two forms of letters. What is said to many is set once: letters that differ in nothing but whose
// answer page they lead to are made of the first one's forms.
type press struct {
	first       *letter // without its links
	token       string  // of its answer page
	plain, html []byte
}

// text is the letter's text, its links to an answer page replaced where only they differ from the first one's.
func (p *press) text(l *letter) (plain, html []byte, err error) {
	common, token := anonymous(l)
	if p.first != nil && token != "" && reflect.DeepEqual(p.first, common) {
		old, own := []byte(p.token), []byte(token)
		return bytes.ReplaceAll(p.plain, old, own), bytes.ReplaceAll(p.html, old, own), nil
	}
	plain, html, err = l.text()
	links := len(l.Choices) + 1
	if err == nil && token != "" && bytes.Count(plain, []byte(token)) == links && bytes.Count(html, []byte(token)) == links {
		p.first, p.token, p.plain, p.html = common, token, plain, html
	}
	return plain, html, err
}

// anonymous is l without the token of the answer page that its links lead to, and that token; "" where it has no
// such links.
func anonymous(l *letter) (*letter, string) {
	page := l.OwnWords.Link
	token := page[strings.LastIndexByte(page, '/')+1:]
	if token == "" || len(l.Choices) == 0 {
		return l, ""
	}
	common := *l
	common.OwnWords.Link = strings.TrimSuffix(page, token)
	common.Choices = make([]choice, len(l.Choices))
	for i, c := range l.Choices {
		rest, ok := strings.CutPrefix(c.Link, page)
		if !ok {
			return l, ""
		}
		c.Link = rest
		common.Choices[i] = c
	}
	return &common, token
}
