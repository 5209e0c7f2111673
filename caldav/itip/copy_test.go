package itip

import (
	"fmt"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

// Each case is named after what asks for it. The golden files hold what Copy changes in the copy that
// is held.
func TestCopy(t *testing.T) {
	weekly := series(t)
	accepted := answered(t, single, "ACCEPTED")
	acceptedWeekly := answered(t, weekly, "ACCEPTED")
	renamed := func(s string) string { return strings.ReplaceAll(s, "SUMMARY:Planning", "SUMMARY:Review") }
	raised := func(s string) string { return strings.ReplaceAll(s, "SEQUENCE:2", "SEQUENCE:3") }
	instance19 := strings.ReplaceAll(instance12, "20261212", "20261219")
	allDay := strings.NewReplacer("DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205",
		"DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND;VALUE=DATE:20261206")
	floating := strings.NewReplacer(";TZID=Europe/Berlin", "")
	withLink := add(t, edit(t, single, "LOCATION:Room 5", "LOCATION:Room 5\\; "+link, "DESCRIPTION:Agenda", `DESCRIPTION:Agenda\n\n`+block),
		"URL:"+link+"\nCONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=MTS Link:"+link+"\nX-JOINERY-BOOKING;X-GENERATION=1:abc\n")
	tests := []struct {
		name       string
		view, held string // bodies: the organiser's event, the copy; empty: no copy
		want       string // same: held's bytes; quiet: changed without weight; loud: significant
	}{
		{"rfc6638-3.2.1-delivered-first", single, "", "loud"},
		{"rfc6638-3.2.10-nothing-new", single, single, "same"},
		{"rfc6638-3.2.10-answer-of-another", add(t, single, edit(t, vera, "NEEDS-ACTION", "ACCEPTED")), add(t, single, vera), "quiet"},
		{"rfc6638-3.2.10-own-answer-from-the-page", accepted, single, "quiet"},
		{"rfc6638-3.2.10-renamed", renamed(single), single, "loud"},
		{"rfc6638-3.2.10-attendee-added", add(t, single, vera), single, "loud"},
		{"rfc6638-3.2.10-attendee-removed", single, add(t, single, vera), "loud"},
		{"rfc6638-3.2.10-role-of-another", add(t, single, edit(t, vera, "CN=Vera", "CN=Vera;ROLE=OPT-PARTICIPANT")), add(t, single, vera), "loud"},
		{"rfc6638-3.2.9-schedule-status-stays", single, edit(t, single, "ORGANIZER;CN=Anna", "ORGANIZER;SCHEDULE-STATUS=2.0;CN=Anna"), "same"},
		{"rfc6638-3.2.8-rescheduled", raised(edit(t, single, "T100000", "T120000", "T110000", "T130000")), add(t, accepted, "TRANSP:TRANSPARENT\nX-MOZ-GENERATION:3\n"+alarm), "loud"},
		{"rfc6638-3.2.8-all-day-now", allDay.Replace(single), accepted, "loud"},
		{"rfc6638-3.2.8-another-zone", strings.ReplaceAll(edit(t, paris+weekly, "20261205T100000", "20261205T120000", "20261205T110000", "20261205T130000"), "TZID=Europe/Berlin", "TZID=Europe/Paris"), acceptedWeekly, "loud"},
		{"rfc6638-3.2.2.1-alarm-stays", renamed(single), add(t, single, alarm), "loud"},
		{"rfc6638-3.2.2.1-transp-stays", single, add(t, single, "TRANSP:TRANSPARENT\n"), "same"},
		{"rfc6638-3.2.2.1-transp-not-the-organisers", add(t, single, "TRANSP:TRANSPARENT\n"), add(t, single, "TRANSP:OPAQUE\n"), "same"},
		{"rfc6638-3.2.2.1-comment-stays", single, add(t, single, "COMMENT:I am late\n"), "same"},
		{"rfc6638-3.2.2.1-override-with-own-alarm", weekly, weekly + add(t, instance12, alarm), "same"},
		{"rfc6638-3.2.2.1-override-with-own-alarm-follows", renamed(weekly), weekly + add(t, instance12, alarm), "loud"},
		{"rfc6638-3.2.2.1-override-with-own-alarm-off", add(t, weekly, off12), weekly + add(t, instance12, alarm), "loud"},
		{"rfc6638-3.2.2.1-instance-taken-out", weekly, add(t, weekly, off12), "same"},
		{"rfc6638-3.2.2.1-instance-taken-out-and-declined", acceptedWeekly + said12(t, "DECLINED"), add(t, acceptedWeekly, off12), "same"},
		{"rfc6638-3.2.2.1-instance-taken-out-series-renamed", renamed(weekly), add(t, weekly, off12), "loud"},
		{"rfc6638-3.2.2.1-two-of-three-taken-out-stay", acceptedWeekly + moved12(t, instance12), add(t, acceptedWeekly, "EXDATE;TZID=Europe/Berlin:20261212T100000,20261219T100000,20261226T100000\n"), "loud"},
		{"rfc6638-3.2.8-taken-out-then-moved", acceptedWeekly + moved12(t, instance12), add(t, acceptedWeekly, off12), "loud"},
		{"rfc6638-3.2.8-taken-out-then-accepted", acceptedWeekly + said12(t, "TENTATIVE"), add(t, acceptedWeekly, off12), "loud"},
		{"rfc6638-3.2.6-uninvited-from-one-and-invited-again", acceptedWeekly + instance12, add(t, acceptedWeekly, off12), "loud"},
		{"rfc6638-3.2.8-reinstated", raised(weekly), add(t, weekly, off12), "loud"},
		{"rfc6638-3.2.8-reinstated-but-declined", raised(acceptedWeekly) + raised(said12(t, "DECLINED")), add(t, acceptedWeekly, off12), "loud"},
		{"rfc6638-3.2.8-series-moved-with-instance-out", raised(strings.ReplaceAll(strings.ReplaceAll(weekly, "T100000", "T120000"), "T110000", "T130000")), add(t, weekly, off12), "loud"},
		{"rfc6638-3.2.6-instance-cancelled", weekly + add(t, instance12, "STATUS:CANCELLED\n"), weekly, "loud"},
		{"rfc6638-3.2.6-moved-instance-cancelled", add(t, weekly, off12), weekly + moved12(t, instance12), "loud"},
		{"rfc6638-3.2.6-instance-moved", weekly + moved12(t, instance12), add(t, weekly, "TRANSP:TRANSPARENT\n"+alarm), "loud"},
		{"rfc6638-3.2.6-instance-as-the-rule-again", weekly, add(t, weekly, alarm) + add(t, moved12(t, instance12), alarm), "loud"},
		{"rfc6638-3.2.6-instance-answered-by-another", add(t, weekly, vera) + add(t, instance12, edit(t, vera, "NEEDS-ACTION", "DECLINED")), add(t, add(t, weekly, vera), alarm), "quiet"},
		{"rfc6638-3.2.6-instance-answered-by-me", acceptedWeekly + said12(t, "DECLINED"), acceptedWeekly, "quiet"},
		{"rfc6638-3.2.6-an-instance-of-no-rule", weekly + strings.ReplaceAll(instance12, "20261212T", "20261213T"), add(t, weekly, alarm), "loud"},
		{"rfc6638-3.2.6-this-and-future", weekly + edit(t, moved12(t, instance12), "RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;"), weekly, "loud"},
		{"rfc6638-3.2.6-only-one-instance-now", edit(t, weekly, boris, "") + instance12, weekly, "loud"},
		{"rfc6638-3.2.6-the-series-now", weekly, add(t, instance12, alarm), "loud"},
		{"rfc6638-3.2.6-another-single-instance", edit(t, weekly, boris, "") + instance12 + instance19, add(t, instance12, alarm), "loud"},
		{"rfc6638-3.2.6-invited-again", single, add(t, single, "STATUS:CANCELLED\n"), "loud"},
		{"rfc5545-3.3.10-rule-longer", edit(t, weekly, "COUNT=10", "COUNT=12"), add(t, weekly, off12), "loud"},
		{"rfc5545-3.8.5.1-floating-instance-out", floating.Replace(weekly), floating.Replace(add(t, weekly, off12)), "same"},
		{"rfc5545-3.3.12-floating-renamed", renamed(floating.Replace(weekly)), floating.Replace(add(t, weekly, off12)), "loud"},
		{"rfc5546-3.2.2.3-delegate-added", add(t, edit(t, single, "CN=Boris;PARTSTAT=NEEDS-ACTION", `CN=Boris;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:vera@example.com"`), edit(t, vera, "CN=Vera", `CN=Vera;DELEGATED-FROM="mailto:boris@example.org"`)), single, "loud"},
		{"rfc9073-7.1-participant", add(t, single, "BEGIN:PARTICIPANT\nUID:p1\nPARTICIPANT-TYPE:SPEAKER\nEND:PARTICIPANT\n"), add(t, single, alarm), "loud"},
		{"design-4-link-arrives", answered(t, withLink, "ACCEPTED"), add(t, accepted, "X-MOZ-LASTACK:20261121T080000Z\n"), "loud"},
		{"thunderbird-own-properties", single, add(t, single, "X-MOZ-LASTACK:20261121T080000Z\nX-MOZ-GENERATION:3\nX-MOZ-RECEIVED-SEQUENCE:2\n"), "same"},
		{"thunderbird-new-stamps", single, strings.ReplaceAll(add(t, single, "LAST-MODIFIED:20261122T080000Z\nCREATED:20261122T080000Z\n"), "DTSTAMP:20261101", "DTSTAMP:20261122"), "same"},
		{"thunderbird-without-rsvp", single, strings.ReplaceAll(single, ";RSVP=TRUE", ""), "same"},
		{"apple-attendee-parameters", single, edit(t, single, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE", `ATTENDEE;RSVP=TRUE;CN="Boris";EMAIL=boris@example.org;X-CALENDARSERVER-DTSTAMP=20261101T080000Z;PARTSTAT=NEEDS-ACTION`), "same"},
		{"apple-attendee-parameters-answered", accepted, edit(t, single, "ATTENDEE;CN=Boris;PARTSTAT=NEEDS-ACTION;RSVP=TRUE", `ATTENDEE;RSVP=TRUE;CN="Boris";X-CALENDARSERVER-DTSTAMP=20261101T080000Z;PARTSTAT=NEEDS-ACTION`), "quiet"},
		{"apple-travel", single, add(t, single, "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC\n"), "same"},
		{"evolution-categories-colour", add(t, single, "CATEGORIES:Work\nCOLOR:red\n"), add(t, single, "CATEGORIES:Boris\nCOLOR:blue\nX-EVOLUTION-CALDAV-HREF:/x\n"), "same"},
		{"davx5-zone-under-its-own-name", weekly, strings.ReplaceAll(strings.ReplaceAll(zone, "TZID:Europe/Berlin", "TZID:/freeassociation.sourceforge.net/Europe/Berlin")+weekly, "TZID=Europe/Berlin", "TZID=/freeassociation.sourceforge.net/Europe/Berlin"), "same"},
		{"davx5-rule-respelt", weekly, edit(t, weekly, "RRULE:FREQ=WEEKLY;COUNT=10", "RRULE:FREQ=WEEKLY;COUNT=10;BYDAY=SA;WKST=SU"), "same"},
		{"davx5-duration", single, edit(t, single, "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:PT1H"), "same"},
		{"outlook-utc", single, edit(t, single, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART:20261205T090000Z", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND:20261205T100000Z"), "same"},
		{"outlook-defaults", single, add(t, single, "STATUS:CONFIRMED\nCLASS:PUBLIC\nPRIORITY:0\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\n"), "same"},
		{"exchange-trailing-space", edit(t, single, "Agenda", `Agenda\nof today`), edit(t, single, "Agenda", `Agenda \nof today\n`), "same"},
		{"organizer-writes-from-an-alias", edit(t, single, "ORGANIZER;CN=Anna:mailto:anna@", "ORGANIZER;CN=Anna;SENT-BY=\"mailto:office@example.org\":mailto:anna.alias@"), single, "loud"},
		{"a-list-of-lines-for-one-text", edit(t, single, "Agenda", `1. Money\n2. People`), edit(t, single, "Agenda", `1. Money 2. People`), "loud"},
		{"a-client-that-lost-the-series-end", weekly, edit(t, weekly, ";COUNT=10", ""), "loud"},
		{"alias-is-the-same-attendee", accepted, edit(t, single, "mailto:boris@example.org", "mailto:b@example.net"), "quiet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := asSeen(t, tt.view)
			var held *ical.Event
			var before []byte
			if tt.held != "" {
				held = event(t, tt.held)
				before = held.Object.Data
			}
			data, significant := Copy(view, held, me, nil)
			got := "quiet"
			switch {
			case significant:
				got = "loud"
			case string(data) == string(before):
				got = "same"
			}
			if got != tt.want {
				t.Errorf("got %s, want %s; %s", got, tt.want, changed(before, data))
			}
			golden(t, "copy/"+tt.name+".txt", []byte(changed(before, data)))
			wellFormed(t, data)
			if again, loud := Copy(view, read(t, data), me, nil); loud || string(again) != string(data) {
				t.Errorf("once more: significant %v, changed\n%s", loud, changed(data, again))
			}
			ownKept(t, held, read(t, data))
		})
	}
}

// ownKept checks that no component of before lost what is the attendee's own there.
func ownKept(t *testing.T, before, after *ical.Event) {
	t.Helper()
	if before == nil {
		return
	}
	for _, v := range before.All() {
		is := after.Master
		if v.RecurrenceID != nil {
			is = override(after, named(before, *v.RecurrenceID))
		}
		if is == nil {
			continue
		}
		if got, want := fmt.Sprint(keeping(is)), fmt.Sprint(keeping(v)); got != want {
			t.Errorf("the attendee's own: got %s, want %s", got, want)
		}
		for _, l := range v.Component.Lines {
			if (attendees(l.Name) || l.Name == "CREATED") && !strings.Contains("\n"+rawText(is.Component)+"\n", "\n"+l.Raw()+"\n") {
				t.Errorf("lost: %s", l.Raw())
			}
		}
	}
}

// What other clients write is told apart to the byte: nothing is written anew.
func TestCopyKeepsForeignBytes(t *testing.T) {
	body := edit(t, single, "DESCRIPTION:Agenda\n", "DESCRIPTION:Agen\n da\nX-LIC-ERROR;X-A=b:c\n", "SUMMARY:Planning", "SUMMARY;LANGUAGE=de:Planning")
	held := event(t, body)
	data, _ := Copy(asSeen(t, answered(t, single, "ACCEPTED")), held, me, nil)
	want := strings.Replace(string(held.Object.Data), "CN=Boris;PARTSTAT=NEEDS-ACTION", "CN=Boris;PARTSTAT=ACCEPTED", 1)
	if string(data) != want {
		t.Errorf("changed: %s", changed(held.Object.Data, data))
	}
}

// Bare line feeds stay bare.
func TestCopyKeepsLineEnds(t *testing.T) {
	text := strings.ReplaceAll(string(event(t, single).Object.Data), "\r\n", "\n")
	held := read(t, []byte(text))
	data, _ := Copy(asSeen(t, add(t, single, vera)), held, me, nil)
	if strings.Contains(string(data), "\r") {
		t.Errorf("got carriage returns in %q", data)
	}
}

// A zone that has the name of the organiser's and other offsets gives way to it.
func TestCopyBringsItsZone(t *testing.T) {
	mine := strings.ReplaceAll(strings.ReplaceAll(paris, "Europe/Paris", "Office"), "+0100", "+0300")
	its := strings.ReplaceAll(mine, "+0300", "+0500")
	office := strings.ReplaceAll(single, "Europe/Berlin", "Office")
	held := event(t, mine+office)
	data, significant := Copy(asSeen(t, its+office), held, me, nil)
	got := read(t, data)
	if want := event(t, its+office).Master.Start.Time; !significant || !got.Master.Start.Time.Equal(want) {
		t.Errorf("got %v (significant %v), want %v\n%s", got.Master.Start.Time, significant, want, data)
	}
}

func TestCancelledCopy(t *testing.T) {
	for _, tt := range []struct{ name, held string }{
		{"rfc6638-3.2.1-single", add(t, single, alarm)},
		{"rfc6638-3.2.1-series-with-instance", series(t) + moved12(t, instance12)},
		{"rfc5546-3.2.5-without-sequence", edit(t, single, "SEQUENCE:2\n", "STATUS:CONFIRMED\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			held := event(t, tt.held)
			data := CancelledCopy(held, 4)
			golden(t, "copy/cancelled-"+tt.name+".txt", []byte(changed(held.Object.Data, data)))
			again := read(t, data)
			if got := CancelledCopy(again, 5); string(got) != string(data) {
				t.Errorf("cancelled twice: %s", changed(data, got))
			}
			if SequenceOf(again) != 4 {
				t.Errorf("SEQUENCE %d, want 4", SequenceOf(again))
			}
		})
	}
}
