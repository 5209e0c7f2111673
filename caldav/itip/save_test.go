package itip

import (
	"fmt"
	"strings"
	"testing"

	"joinery/caldav/ical"
)

// Each case is named after what asks for it. The golden files hold what Saved changes in what the client
// stores.
func TestSaved(t *testing.T) {
	weekly := series(t)
	accepted := answered(t, single, "ACCEPTED")
	acceptedWeekly := answered(t, weekly, "ACCEPTED")
	later := func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "T110000", "T130000"), "T100000", "T120000")
	}
	raised := func(s string) string { return strings.ReplaceAll(s, "SEQUENCE:2", "SEQUENCE:3") }
	off := func(s string) string {
		return strings.ReplaceAll(s, "SUMMARY:Planning", "SUMMARY:Planning\nSTATUS:CANCELLED")
	}
	renamed := func(s string) string { return strings.ReplaceAll(s, "SUMMARY:Planning", "SUMMARY:Review") }
	delegating := add(t, edit(t, single, "CN=Boris;PARTSTAT=NEEDS-ACTION", `CN=Boris;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:vera@example.com"`),
		edit(t, vera, "CN=Vera", `CN=Vera;DELEGATED-FROM="mailto:boris@example.org"`))
	bare12 := "BEGIN:VEVENT\nUID:u1\nDTSTAMP:20261121T080000Z\nRECURRENCE-ID;TZID=Europe/Berlin:20261212T100000\nDTSTART;TZID=Europe/Berlin:20261212T100000\n" +
		"SUMMARY:Planning\n" + answered(t, boris, "DECLINED") + "END:VEVENT\n"
	tests := []struct {
		name           string
		held, base, in string // bodies; an empty base is unknown
		want           string // as it is, mended, stale, or what is forbidden
	}{
		{"rfc6638-3.2.2.1-unchanged", single, single, single, "as it is"},
		{"rfc6638-3.2.2.1-accepted", single, single, accepted, "as it is"},
		{"rfc6638-3.2.2.1-accepted-from-an-unknown-revision", single, "", accepted, "as it is"},
		{"rfc6638-3.2.2.1-transp-alarm-percent", single, single, add(t, single, "TRANSP:TRANSPARENT\nPERCENT-COMPLETE:5\nCATEGORIES:Mine\nCOLOR:red\nCOMMENT:Late\n"+alarm), "as it is"},
		{"rfc6638-3.2.2.1-stamps", single, single, strings.ReplaceAll(add(t, single, "CREATED:20261122T080000Z\nLAST-MODIFIED:20261122T080000Z\n"), "DTSTAMP:20261101", "DTSTAMP:20261122"), "as it is"},
		{"rfc6638-3.2.2.1-instance-taken-out", weekly, weekly, add(t, weekly, off12), "as it is"},
		{"rfc6638-3.2.2.1-override-taken-out", weekly + moved12(t, instance12), weekly + moved12(t, instance12), add(t, weekly, off12), "as it is"},
		{"rfc6638-3.2.2.1-instance-declined", acceptedWeekly, acceptedWeekly, acceptedWeekly + said12(t, "DECLINED"), "as it is"},
		{"rfc6638-3.2.2.1-instance-with-own-alarm", weekly, weekly, weekly + add(t, instance12, alarm), "as it is"},
		{"rfc6638-3.2.2.1-own-override-dropped-again", weekly + add(t, instance12, alarm), weekly + add(t, instance12, alarm), weekly, "as it is"},
		{"rfc6638-3.2.2.1-exdate-put-back", add(t, weekly, off12), add(t, weekly, off12), weekly, "mended"},
		{"rfc6638-3.2.2.1-override-dropped", weekly + moved12(t, instance12), weekly + moved12(t, instance12), weekly, "mended"},
		{"rfc6638-3.2.2.1-answered-override-dropped", acceptedWeekly + said12(t, "DECLINED"), acceptedWeekly + said12(t, "DECLINED"), acceptedWeekly, "mended"},
		{"rfc6638-3.2.2.1-excluded-instance-resurrected", add(t, weekly, off12), add(t, weekly, off12), add(t, weekly, off12) + instance12, "mended"},
		{"rfc6638-3.2.2.1-location-and-description", single, single, edit(t, accepted, "Room 5", "Room 7", "Agenda", "Nonsense"), "mended"},
		{"rfc6638-3.2.2.1-status-and-class", single, single, add(t, accepted, "STATUS:CANCELLED\nCLASS:PRIVATE\nPRIORITY:1\n"), "mended"},
		{"rfc6638-3.2.2.1-attachment", single, single, add(t, accepted, "ATTACH:https://example.com/a.pdf\n"), "mended"},
		{"rfc6638-3.2.2.1-answer-of-another", add(t, single, vera), add(t, single, vera), add(t, accepted, edit(t, vera, "NEEDS-ACTION", "DECLINED")), "mended"},
		{"rfc6638-3.2.2.1-somebody-invited", single, single, add(t, accepted, vera), "mended"},
		{"rfc6638-3.2.2.1-somebody-uninvited", add(t, single, vera), add(t, single, vera), accepted, "mended"},
		{"rfc6638-3.2.2.1-oneself-uninvited", accepted, accepted, edit(t, single, boris, ""), "mended"},
		{"rfc6638-3.2.2.1-own-role", single, single, edit(t, accepted, "CN=Boris;", "CN=Boris;ROLE=CHAIR;"), "mended"},
		{"rfc6638-3.2.2.1-title", single, single, renamed(accepted), "title"},
		{"rfc6638-3.2.2.1-title-of-an-instance", weekly, weekly, weekly + renamed(instance12), "title"},
		{"rfc6638-3.2.2.1-time", single, single, later(accepted), "time"},
		{"rfc6638-3.2.2.1-end", single, single, edit(t, accepted, "20261205T110000", "20261205T120000"), "time"},
		{"rfc6638-3.2.2.1-all-day", single, single, edit(t, accepted, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND;VALUE=DATE:20261206"), "time"},
		{"rfc6638-3.2.2.1-floating", single, single, strings.ReplaceAll(accepted, ";TZID=Europe/Berlin", ""), "time"},
		{"rfc6638-3.2.2.1-time-of-an-instance", weekly, weekly, weekly + moved12(t, instance12), "time"},
		{"rfc6638-3.2.2.1-time-of-an-override", weekly + moved12(t, instance12), weekly + moved12(t, instance12), weekly + instance12, "time"},
		{"rfc6638-3.2.2.1-series-in-utc", weekly, weekly, edit(t, weekly, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART:20261205T090000Z", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND:20261205T100000Z", ";COUNT=10", ";COUNT=30"), "time"},
		{"rfc6638-3.2.2.1-repetition", weekly, weekly, edit(t, acceptedWeekly, "COUNT=10", "COUNT=20"), "repetition"},
		{"rfc6638-3.2.2.1-repetition-gone", weekly, weekly, accepted, "repetition"},
		{"rfc6638-3.2.2.1-rdate", weekly, weekly, add(t, acceptedWeekly, "RDATE;TZID=Europe/Berlin:20261206T100000\n"), "repetition"},
		{"rfc6638-3.2.2.1-an-instance-of-no-rule", weekly, weekly, weekly + strings.ReplaceAll(instance12, "20261212T", "20261213T"), "repetition"},
		{"rfc6638-3.2.2.1-the-series-where-one-instance-was-asked", instance12, instance12, weekly + instance12, "repetition"},
		{"rfc6638-3.2.4.4-organizer", single, single, edit(t, accepted, "ORGANIZER;CN=Anna:mailto:anna@", "ORGANIZER;CN=Gleb:mailto:gleb@"), "organizer"},
		{"rfc6638-3.2.4.4-organizer-of-an-instance", weekly, weekly, weekly + edit(t, instance12, "ORGANIZER;CN=Anna:mailto:anna@", "ORGANIZER;CN=Gleb:mailto:gleb@"), "organizer"},
		{"rfc6638-3.2.4.4-organizer-lost", single, single, edit(t, accepted, "ORGANIZER;CN=Anna:mailto:anna@example.org\n", ""), "mended"},
		{"rfc6638-3.2.4.4-organizer-in-other-letters", single, single, edit(t, accepted, "ORGANIZER;CN=Anna:mailto:anna@example.org", `ORGANIZER;CN="Anna A.":MAILTO:Anna@Example.org`), "as it is"},
		{"rfc6638-3.2.8-stale-title", renamed(single), single, accepted, "stale"},
		{"rfc6638-3.2.8-stale-title-of-the-same-revision", renamed(single), renamed(single), accepted, "title"},
		{"rfc6638-3.2.8-stale-time", raised(later(single)), single, accepted, "stale"},
		{"rfc6638-3.2.8-stale-time-by-sequence", raised(later(single)), "", accepted, "stale"},
		{"rfc6638-3.2.8-stale-repetition", raised(edit(t, weekly, "COUNT=10", "COUNT=12")), weekly, acceptedWeekly, "stale"},
		{"rfc6638-3.2.8-stale-end-of-the-series", raised(edit(t, weekly, "COUNT=10", "COUNT=8")), weekly, acceptedWeekly, "stale"},
		{"rfc6638-3.2.8-stale-instance-answer-stays", raised(later(weekly)), weekly, acceptedWeekly + said12(t, "DECLINED"), "stale"},
		{"rfc6638-3.2.8-stale-override", acceptedWeekly, weekly + moved12(t, instance12), acceptedWeekly + moved12(t, instance12), "stale"},
		{"rfc6638-3.2.8-stale-without-a-new-override", weekly + moved12(t, instance12), weekly, acceptedWeekly, "stale"},
		{"rfc6638-3.2.8-stale-without-a-new-exdate", add(t, weekly, off12), weekly, acceptedWeekly, "stale"},
		{"rfc6638-3.2.8-stale-takes-out-what-was-moved", weekly + moved12(t, instance12), weekly, add(t, weekly, off12), "stale"},
		{"rfc6638-3.2.8-stale-takes-out-what-was-moved-again", weekly + moved12(t, instance12), weekly + instance12, add(t, acceptedWeekly, off12), "stale"},
		{"rfc6638-3.2.8-stale-takes-out-what-was-renamed", renamed(weekly) + renamed(instance12), weekly, add(t, weekly, off12), "stale"},
		{"rfc6638-3.2.8-stale-called-off", acceptedWeekly + said12(t, "ACCEPTED"), off(acceptedWeekly + said12(t, "ACCEPTED")), add(t, off(acceptedWeekly+said12(t, "ACCEPTED")), "TRANSP:TRANSPARENT\n"), "mended"},
		{"rfc6638-3.2.8-stale-called-off-by-an-unknown-revision", acceptedWeekly + said12(t, "ACCEPTED"), "", off(acceptedWeekly + said12(t, "ACCEPTED")), "mended"},
		{"rfc6638-3.2.8-stale-instance-called-off", acceptedWeekly + said12(t, "ACCEPTED"), acceptedWeekly + off(said12(t, "ACCEPTED")), acceptedWeekly + off(said12(t, "ACCEPTED")), "mended"},
		{"rfc6638-3.2.8-stale-exdate-of-a-reinstated-instance", raised(weekly), add(t, weekly, off12), add(t, acceptedWeekly, off12), "stale"},
		{"rfc6638-3.2.8-stale-exdate-at-the-old-time", raised(later(weekly)), weekly, add(t, weekly, off12), "stale"},
		{"rfc6638-3.2.10-answered-elsewhere-since", accepted, single, add(t, single, alarm), "mended"},
		{"rfc6638-3.2.10-declined-elsewhere-since", answered(t, single, "DECLINED"), accepted, add(t, accepted, alarm), "mended"},
		{"rfc6638-3.2.10-instance-answered-elsewhere-since", acceptedWeekly + said12(t, "DECLINED"), acceptedWeekly + said12(t, "ACCEPTED"), acceptedWeekly + add(t, said12(t, "ACCEPTED"), alarm), "mended"},
		{"rfc6638-3.2.10-another-mind", accepted, accepted, answered(t, single, "DECLINED"), "as it is"},
		{"rfc6638-3.2.10-partstat-nobody-knows", accepted, accepted, answered(t, single, "X-MAYBE"), "mended"},
		{"design-4-needs-action-undoes-no-answer", accepted, accepted, single, "mended"},
		{"design-4-needs-action-of-an-unknown-revision", accepted, "", single, "mended"},
		{"rfc5546-3.2.2.3-delegated", single, single, delegating, "as it is"},
		{"rfc5546-3.2.2.3-delegated-and-somebody-else", single, single, add(t, delegating, "ATTENDEE:mailto:gleb@example.com\n"), "mended"},
		{"rfc6638-7.3-schedule-status-is-the-servers", edit(t, single, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;SCHEDULE-STATUS=2.0"), "", edit(t, accepted, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;SCHEDULE-STATUS=5.1"), "mended"},
		{"rfc6638-7.1-agent-none-is-respected", single, single, edit(t, accepted, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;SCHEDULE-AGENT=NONE"), "as it is"},
		{"thunderbird-accepts", single, single, edit(t, accepted, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;X-EXAMPLE-O=2;SCHEDULE-AGENT=CLIENT"), "mended"},
		{"thunderbird-own-properties", single, single, add(t, accepted, "X-MOZ-LASTACK:20261121T080000Z\nX-MOZ-GENERATION:3\nX-MOZ-SEND-INVITATIONS:TRUE\n"), "as it is"},
		{"thunderbird-undoes-a-deletion", add(t, acceptedWeekly, off12), add(t, acceptedWeekly, off12), acceptedWeekly, "mended"},
		{"outlook-synchronizer-mails-itself", single, single, edit(t, accepted, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;SCHEDULE-AGENT=CLIENT", "ATTENDEE;CN=Anna", "ATTENDEE;SCHEDULE-AGENT=CLIENT;CN=Anna"), "as it is"},
		{"outlook-synchronizer-windows-zone", strings.ReplaceAll(weekly, "Europe/Berlin", "Europe/Amsterdam"), "", acceptedWeekly, "mended"},
		{"outlook-utc", single, single, edit(t, accepted, "DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART:20261205T090000Z", "DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND:20261205T100000Z"), "as it is"},
		{"outlook-cancelled-override", acceptedWeekly, acceptedWeekly, acceptedWeekly + add(t, instance12, "STATUS:CANCELLED\n"), "mended"},
		{"outlook-defaults", single, single, add(t, accepted, "STATUS:CONFIRMED\nPRIORITY:0\nCLASS:PUBLIC\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\n"), "as it is"},
		{"davx5-sequence", single, single, edit(t, accepted, "SEQUENCE:2", "SEQUENCE:3"), "mended"},
		{"davx5-zone-under-its-own-name", weekly, weekly, strings.ReplaceAll(strings.ReplaceAll(zone, "TZID:Europe/Berlin", "TZID:/freeassociation.sourceforge.net/Europe/Berlin")+acceptedWeekly, "TZID=Europe/Berlin", "TZID=/freeassociation.sourceforge.net/Europe/Berlin"), "as it is"},
		{"davx5-rule-respelt", weekly, weekly, edit(t, acceptedWeekly, "RRULE:FREQ=WEEKLY;COUNT=10", "RRULE:FREQ=WEEKLY;WKST=SU;COUNT=10;BYDAY=SA"), "as it is"},
		{"davx5-exception-with-little-in-it", acceptedWeekly, acceptedWeekly, acceptedWeekly + bare12, "mended"},
		{"apple-attendee-parameters", add(t, single, vera), add(t, single, vera), add(t, edit(t, accepted, "ORGANIZER;CN=Anna", "ORGANIZER;CN=Anna;EMAIL=anna@example.org"), edit(t, vera, "CN=Vera", "CN=Vera;EMAIL=vera@example.com;CUTYPE=INDIVIDUAL;X-A=b")), "as it is"},
		{"apple-instance-declined", acceptedWeekly, acceptedWeekly, acceptedWeekly + strings.ReplaceAll(strings.ReplaceAll(said12(t, "DECLINED"), "RECURRENCE-ID;TZID=Europe/Berlin:20261212T100000", "RECURRENCE-ID:20261212T090000Z"), "DTSTAMP:20261101", "CREATED:20261122T080000Z\nDTSTAMP:20261122"), "as it is"},
		{"evolution-rewrapped-description", edit(t, single, "Agenda", `Agenda\nof today`), "", edit(t, accepted, "Agenda", `Agenda of\n today\n`), "as it is"},
		{"evolution-duration", single, single, edit(t, accepted, "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:PT1H"), "as it is"},
		{"etar-lost-the-people", acceptedWeekly, "", edit(t, weekly, "ORGANIZER;CN=Anna:mailto:anna@example.org\n", "", "ATTENDEE;CN=Anna;PARTSTAT=ACCEPTED:mailto:anna@example.org\n", "", boris, ""), "mended"},
		{"a-client-that-stores-the-instance-alone", weekly + moved12(t, instance12), "", moved12(t, said12(t, "ACCEPTED")), "mended"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			held, in := event(t, tt.held), event(t, tt.in)
			var base *ical.Event
			if tt.base != "" {
				base = event(t, tt.base)
			}
			data, stale, forbidden := Saved(held, base, in, me)
			got := forbidden
			switch {
			case forbidden != "":
			case stale:
				got = "stale"
			case string(data) == string(in.Object.Data):
				got = "as it is"
			default:
				got = "mended"
			}
			if got != tt.want {
				t.Errorf("got %s, want %s; %s", got, tt.want, changed(in.Object.Data, data))
			}
			golden(t, "save/"+tt.name+".txt", []byte(changed(in.Object.Data, data)))
			if forbidden != "" {
				return
			}
			wellFormed(t, data)
			after := read(t, data)
			if again, stale, forbidden := Saved(held, held, after, me); stale || forbidden != "" || string(again) != string(data) {
				t.Errorf("saved once more: stale %v, forbidden %q, changed\n%s", stale, forbidden, changed(data, again))
			}
			// Once the organiser has the answers, the copy is told nothing new but those.
			joined, loud := Copy(view(t, answering(t, held, after)), after, me, nil)
			if loud && !strings.Contains(tt.name, "rewrapped") {
				t.Errorf("the organiser's word differs: %s", changed(data, joined))
			}
			ownKept(t, in, after)
		})
	}
}

// answering is the organiser's event with the answers in saved.
func answering(t *testing.T, ev, saved *ical.Event) *ical.Event {
	t.Helper()
	told := ReplyView(view(t, ev), me, nil, 0)
	var parts []Part
	for _, a := range DiffReply(told, ReplyView(saved, me, told, SequenceOf(saved))) {
		p := Part{Occurrence: a.Occurrence, PartStat: a.PartStat}
		if a.PartStat == "DELEGATED" {
			p.DelegatedTo = []Delegate{{Address: "vera@example.com", Name: "Vera"}}
		}
		parts = append(parts, p)
	}
	data, unknown, _ := Apply(ev, "boris@example.org", parts, roomy, dtstamp)
	if len(unknown) > 0 {
		t.Errorf("unknown: %v", unknown)
	}
	return read(t, data)
}

// view is a copy as the organiser would tell it.
func view(t *testing.T, held *ical.Event) *ical.Event {
	t.Helper()
	return read(t, View(held, "boris@example.org"))
}

// What a client writes is kept to the byte.
func TestSavedKeepsForeignBytes(t *testing.T) {
	in := event(t, edit(t, answered(t, single, "ACCEPTED"), "DESCRIPTION:Agenda\n", "DESCRIPTION:Agen\n da\nX-LIC-ERROR;X-A=b:c\n", "SEQUENCE:2", "SEQUENCE:7"))
	data, _, _ := Saved(event(t, single), nil, in, me)
	if want := strings.Replace(string(in.Object.Data), "SEQUENCE:7", "SEQUENCE:2", 1); string(data) != want {
		t.Errorf("changed: %s", changed(in.Object.Data, data))
	}
}

// The time that is put back means what it meant, whatever the client's zone of that name says.
func TestSavedBringsItsZone(t *testing.T) {
	office := func(offset string) string {
		return strings.ReplaceAll(strings.ReplaceAll(paris, "Europe/Paris", "Office"), "+0100", offset)
	}
	body := strings.ReplaceAll(single, "Europe/Berlin", "Office")
	held, in := event(t, office("+0300")+body), event(t, office("+0500")+answered(t, body, "ACCEPTED"))
	data, stale, forbidden := Saved(held, in, in, me)
	if !stale || forbidden != "" {
		t.Fatalf("stale %v, forbidden %q", stale, forbidden)
	}
	if got := read(t, data).Master; !got.Start.Time.Equal(held.Master.Start.Time) || fmt.Sprint(got.Attendees[1].PartStat) != "NEEDS-ACTION" {
		t.Errorf("got %v %s, want %v\n%s", got.Start.Time, got.Attendees[1].PartStat, held.Master.Start.Time, data)
	}
}

// Thunderbird 153 accepts: it takes the agent over, mails nothing, and keeps one of several CONFERENCE
// lines and X- properties of a name.
func TestSavedThunderbirdAccepts(t *testing.T) {
	in := recorded(t, "72-put-accepted-auto-schedule.ics")
	text := strings.ReplaceAll(string(in.Object.Data), "\r\n ", "")
	text = edit(t, text, "X-EXAMPLE-O=2;SCHEDULE-AGENT=CLIENT", "X-EXAMPLE-O=2", "CN=Boris;PARTSTAT=ACCEPTED", "CN=Boris;PARTSTAT=NEEDS-ACTION",
		"CONFERENCE;FEATURE", "CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://meet.example.org/r/7Kq2vXwPz9\r\nCONFERENCE;FEATURE")
	held := read(t, []byte(text))
	data, stale, forbidden := Saved(held, held, in, me)
	if stale || forbidden != "" {
		t.Fatalf("stale %v, forbidden %q", stale, forbidden)
	}
	golden(t, "save/thunderbird-recorded.txt", []byte(changed(in.Object.Data, data)))
	got := read(t, data)
	if a := attendee(got.Master, "boris@example.org"); a.PartStat != "ACCEPTED" || got.Organizer().Agent != "SERVER" {
		t.Errorf("PARTSTAT %s, agent %s", a.PartStat, got.Organizer().Agent)
	}
}
