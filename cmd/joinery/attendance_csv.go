package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// attendanceCSV writes for programs and spreadsheets.
type attendanceCSV struct {
	*csv.Writer
}

func newAttendanceCSV(out io.Writer) *attendanceCSV {
	w := &attendanceCSV{csv.NewWriter(out)}
	w.UseCRLF = true // RFC 4180 §2
	// What Write could say, Flush's Error says.
	_ = w.Write([]string{"uid", "user", "title", "start", "end", "room", "name", "address", "role", "invited", "came", "joined", "left", "minutes", "visits"})
	w.Flush()
	return w
}

func (w *attendanceCSV) event(*change.Present, int) error { return w.Error() }

func (w *attendanceCSV) meeting(_ *store.Tx, p *change.Present, m *meeting) error {
	yes := map[bool]string{true: "yes", false: "no"}
	instant := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(p.Zone).Format(time.RFC3339)
	}
	for _, who := range m.people {
		came, present, visits := "", "", "" // unknown
		if m.counted {
			came, present, visits = yes[who.visits > 0], strconv.Itoa(minutes(who.present)), strconv.Itoa(who.visits)
		}
		row := []string{p.Row.UID, p.User.Login, titleOf(p), instant(m.room.Start), instant(m.room.End), m.room.Key, who.name, who.address,
			who.role, yes[who.invited], came, instant(who.joined), instant(who.left), present, visits}
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cell is s as no spreadsheet takes it for a formula.
func cell(s string) string {
	s = line(s)
	if s != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
