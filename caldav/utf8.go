package caldav

import (
	"bytes"
	"unicode/utf8"
)

// wholeCharacters returns iCalendar text without the folds that stand inside a character (RFC 5545 §3.1
// lets octets be folded, XML knows characters only); data itself where there are none. ok tells that
// the text is UTF-8.
func wholeCharacters(data []byte) (text []byte, ok bool) {
	if utf8.Valid(data) {
		return data, true
	}
	text = make([]byte, 0, len(data))
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 || i+1 == len(data) {
			break
		}
		line, next := bytes.TrimSuffix(data[:i], []byte("\r")), data[i+1]
		if text = append(text, line...); (next == ' ' || next == '\t') && splits(text) {
			data = data[i+2:]
			continue
		}
		text = append(text, data[len(line):i+1]...)
		data = data[i+1:]
	}
	text = append(text, data...)
	return text, utf8.Valid(text)
}

// splits tells whether b ends inside a character.
func splits(b []byte) bool {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax+1; i-- {
		if utf8.RuneStart(b[i]) {
			return !utf8.FullRune(b[i:])
		}
	}
	return false
}
