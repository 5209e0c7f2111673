package ical

import (
	"testing"
	"time"
)

const benchEvent = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nCALSCALE:GREGORIAN\r\nBEGIN:VEVENT\r\nUID:bench\r\n" +
	"DTSTAMP:20260101T000000Z\r\nCREATED:20260101T000000Z\r\nLAST-MODIFIED:20260101T000000Z\r\nDTSTART:20260105T090000Z\r\nDTEND:20260105T100000Z\r\n" +
	"SUMMARY:Planning\r\nLOCATION:Room 5\\, Building B\r\nDESCRIPTION:Weekly planning of the work at hand. Please read the notes\r\n" +
	"  beforehand and bring the open questions with you\\; the agenda is below.\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nSEQUENCE:3\r\n"

const benchSeries = benchEvent + "RRULE:FREQ=WEEKLY;COUNT=20\r\nEXDATE:20260126T090000Z\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:bench\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260209T090000Z\r\nDTSTART:20260209T110000Z\r\nDTEND:20260209T120000Z\r\n" +
	"SUMMARY:moved\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func benchParse(b *testing.B, text string) *Event {
	b.Helper()
	o, err := Parse([]byte(text), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	e, err := ParseEvent(o)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

func BenchmarkReadEvent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		benchParse(b, benchEvent+"END:VEVENT\r\nEND:VCALENDAR\r\n")
	}
}

// BenchmarkExpand reads a series and works out a month of it.
func BenchmarkExpand(b *testing.B) {
	b.ReportAllocs()
	from := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		n := 0
		err := benchParse(b, benchSeries).Expand(from, from.AddDate(0, 1, 0), time.UTC, func(Instance) bool { n++; return true })
		if err != nil || n != 4 {
			b.Fatalf("%d instances, %v", n, err)
		}
	}
}
