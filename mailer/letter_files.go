package mailer

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"joinery/caldav/ical"
)

// maxFiles is how many files a letter names, maxFileURL how long the address of one may be, in bytes.
const (
	maxFiles   = 20
	maxFileURL = 2000
)

// files adds the files that are attached to ev and can be had at an address, each once.
func (s setting) files(l *letter, ev *ical.Event) {
	for _, v := range ev.All() {
		for _, line := range v.Component.All("ATTACH") {
			f, ok := fileOf(line)
			if !ok || v.Cancelled() || slices.Contains(l.Files, f) {
				continue
			}
			if len(l.Files) == maxFiles {
				return
			}
			l.FilesLabel, l.Files = s.words.Files, append(l.Files, f)
		}
	}
}

// fileOf is an ATTACH line as a letter shows it: under its name, or that in its address. Contents and
// addresses that are not of the web are not shown.
func fileOf(line *ical.Line) (row, bool) {
	address := strings.TrimSpace(line.Value)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(address) > maxFileURL || printable(address) != address {
		return row{}, false
	}
	name := printable(line.Param("FILENAME"))
	if name == "" {
		name = printable(path.Base(u.Path))
	}
	if name == "" || name == "." || name == "/" {
		name = u.Host
	}
	return row{Label: short(name, maxPhrase), Value: address}, true
}
