package itip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/caldav/ical"
)

// answer makes a part of "ACCEPTED", "DECLINED 20261212T090000Z" or "DELEGATED 20261212 vera@example.com".
func answer(t *testing.T, s string) Part {
	t.Helper()
	words := strings.Fields(s)
	p := Part{PartStat: words[0]}
	for _, word := range words[1:] {
		if strings.Contains(word, "@") {
			p.DelegatedTo = append(p.DelegatedTo, Delegate{Address: word, Name: strings.ToUpper(word[:strings.Index(word, "@")])})
			continue
		}
		for _, form := range []string{"20060102T150405Z", "20060102"} {
			if at, err := time.Parse(form, word); err == nil {
				p.Occurrence = at
			}
		}
		if p.Occurrence.IsZero() {
			t.Fatalf("not a time: %s", word)
		}
	}
	return p
}

// Each case is named after what asks for it. The golden files hold what Apply changes in the organiser's
// event.
func TestApply(t *testing.T) {
	weekly := series(t)
	acceptedWeekly := answered(t, weekly, "ACCEPTED")
	instance19 := strings.ReplaceAll(instance12, "20261212", "20261219")
	floating := strings.NewReplacer(";TZID=Europe/Berlin", "")
	utc := strings.NewReplacer("DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART:20261205T090000Z",
		"DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND:20261205T100000Z")
	allDay := strings.NewReplacer("DTSTART;TZID=Europe/Berlin:20261205T100000", "DTSTART;VALUE=DATE:20261205",
		"DTEND;TZID=Europe/Berlin:20261205T110000", "DTEND;VALUE=DATE:20261206")
	midnight := strings.NewReplacer("T100000", "T010000", "T110000", "T020000")
	future := weekly + edit(t, moved12(t, instance12), "RECURRENCE-ID;", "RECURRENCE-ID;RANGE=THISANDFUTURE;", "SUMMARY:Planning", "SUMMARY:Later")
	rich := add(t, weekly, "CREATED:20261001T080000Z\nLAST-MODIFIED:20261101T080000Z\nX-JOINERY-BOOKING;X-GENERATION=1:abc\nURL:"+link+"\n"+
		"EXDATE;TZID=Europe/Berlin:20261219T100000\nRDATE;TZID=Europe/Berlin:20261208T100000\n"+alarm)
	const at12, at19 = " 20261212T090000Z", " 20261219T090000Z"
	autumn := strings.NewReplacer("20261205", "20261017", "20261212", "20261024")
	tests := []struct {
		name    string
		body    string
		answers string // separated by commas
		unknown string // of them
	}{
		{"rfc5546-3.2.3-accepted", single, "ACCEPTED", ""},
		{"rfc5546-3.2.3-declined", single, "DECLINED", ""},
		{"rfc5546-3.2.3-tentative", single, "TENTATIVE", ""},
		{"rfc5546-3.2.3-the-same-again", answered(t, single, "ACCEPTED"), "ACCEPTED", ""},
		{"rfc5546-3.2.3-another-mind", answered(t, single, "ACCEPTED"), "DECLINED", ""},
		{"rfc5546-3.2.3-not-invited", edit(t, single, boris, ""), "ACCEPTED", "ACCEPTED"},
		{"rfc5546-3.2.3-cancelled", add(t, single, "STATUS:CANCELLED\n"), "ACCEPTED", "ACCEPTED"},
		{"rfc5546-3.2.3-the-only-time-of-a-single-event", single, "ACCEPTED 20261205T090000Z", ""},
		{"rfc5546-3.2.3-another-time-of-a-single-event", single, "ACCEPTED 20261206T090000Z", "ACCEPTED 20261206T090000Z"},
		{"rfc5546-3.2.3-nothing-said", single, "", ""},
		{"rfc6638-3.2.2.3-series", weekly, "ACCEPTED", ""},
		{"rfc6638-3.2.2.3-instance", acceptedWeekly, "DECLINED" + at12, ""},
		{"rfc6638-3.2.2.3-first-instance", acceptedWeekly, "DECLINED 20261205T090000Z", ""},
		{"rfc6638-3.2.2.3-instance-as-the-series", acceptedWeekly, "ACCEPTED" + at12, ""},
		{"rfc6638-3.2.2.3-instance-of-its-own", weekly + instance12, "ACCEPTED" + at12, ""},
		{"rfc6638-3.2.2.3-instance-moved", weekly + moved12(t, instance12), "ACCEPTED" + at12, ""},
		{"rfc6638-3.2.2.3-series-and-instance", weekly, "DECLINED" + at12 + ",ACCEPTED", ""},
		{"rfc6638-3.2.2.3-series-and-the-same-instance", weekly, "ACCEPTED,ACCEPTED" + at12, ""},
		{"rfc6638-3.2.2.3-two-instances", weekly, "DECLINED" + at12 + ",TENTATIVE" + at19, ""},
		{"rfc6638-3.2.2.3-the-last-word-on-an-instance", weekly, "DECLINED" + at12 + ",TENTATIVE" + at12, ""},
		{"rfc6638-3.2.2.3-series-takes-like-instances-along", weekly + instance12 + strings.ReplaceAll(said12(t, "DECLINED"), "20261212", "20261219"), "ACCEPTED", ""},
		{"rfc6638-3.2.2.3-series-leaves-who-changed-the-mind", acceptedWeekly + instance12 + strings.ReplaceAll(said12(t, "ACCEPTED"), "20261212", "20261219"), "DECLINED", ""},
		{"rfc6638-3.2.2.3-series-leaves-a-cancelled-instance", weekly + add(t, instance12, "STATUS:CANCELLED\n"), "ACCEPTED", ""},
		{"rfc6638-3.2.2.3-no-such-instance", weekly, "ACCEPTED 20261213T090000Z,ACCEPTED", "ACCEPTED 20261213T090000Z"},
		{"rfc6638-3.2.2.3-behind-the-end", weekly, "ACCEPTED 20270213T090000Z", "ACCEPTED 20270213T090000Z"},
		{"rfc6638-3.2.2.3-instance-without-me", weekly + edit(t, instance12, boris, ""), "ACCEPTED" + at12, "ACCEPTED" + at12},
		{"rfc6638-3.2.2.3-only-an-instance", edit(t, weekly, boris, "") + instance12, "ACCEPTED" + at12 + ",DECLINED" + at19, "DECLINED" + at19},
		{"rfc6638-3.2.2.3-instances-without-series", instance12 + instance19, "ACCEPTED" + at12, ""},
		{"rfc6638-3.2.2.3-all-of-the-series-but-its-rule", rich, "DECLINED" + at12, ""},
		{"rfc6638-3.2.2.3-an-rdate", rich, "DECLINED 20261208T090000Z", ""},
		{"rfc5545-3.8.5.1-exdate", rich, "ACCEPTED" + at19, "ACCEPTED" + at19},
		{"rfc5545-3.8.5.1-exdate-before-override", add(t, weekly, off12) + instance12, "ACCEPTED" + at12, "ACCEPTED" + at12},
		{"rfc5545-3.8.1.11-instance-cancelled", weekly + add(t, instance12, "STATUS:CANCELLED\n"), "ACCEPTED" + at12, "ACCEPTED" + at12},
		{"rfc5545-3.8.5.2-rdate-period", add(t, weekly, "RDATE;VALUE=PERIOD;TZID=Europe/Berlin:20261208T100000/PT3H\n"), "ACCEPTED 20261208T090000Z", ""},
		{"rfc5545-3.8.2.5-duration", edit(t, weekly, "DTEND;TZID=Europe/Berlin:20261205T110000", "DURATION:PT1H"), "ACCEPTED" + at12, ""},
		{"rfc5545-3.8.2.4-no-end", edit(t, weekly, "DTEND;TZID=Europe/Berlin:20261205T110000\n", ""), "ACCEPTED" + at12, ""},
		{"rfc5545-3.2.13-this-and-future", future, "ACCEPTED" + at19, ""},
		{"rfc5545-3.2.13-before-this-and-future", future, "ACCEPTED 20261205T090000Z", ""},
		{"rfc5545-3.2.13-the-beginning-of-this-and-future", future, "ACCEPTED" + at12, ""},
		{"rfc5545-3.2.13-series-takes-this-and-future-along", future, "ACCEPTED", ""},
		{"rfc5545-3.2.13-this-and-future-over-the-clocks-change", autumn.Replace(future), "ACCEPTED 20261031T090000Z", ""},
		{"rfc5545-3.3.12-floating", floating.Replace(weekly), "ACCEPTED 20261212T100000Z", ""},
		{"rfc5545-3.3.4-all-day", allDay.Replace(weekly), "ACCEPTED 20261212", ""},
		{"rfc5545-3.3.5-utc", utc.Replace(weekly), "ACCEPTED" + at12, ""},
		{"rfc5545-3.8.4.4-a-date-for-a-time", weekly, "ACCEPTED 20261212", ""},
		{"rfc5545-3.8.4.4-a-date-for-an-excluded-time", add(t, weekly, off12), "ACCEPTED 20261212", "ACCEPTED 20261212"},
		{"rfc5545-3.8.4.4-midnight-in-utc-is-a-time", add(t, midnight.Replace(weekly), "EXDATE;TZID=Europe/Berlin:20261212T010000\n"), "ACCEPTED 20261212", "ACCEPTED 20261212"},
		{"rfc5546-3.2.2.3-delegated", single, "DELEGATED vera@example.com", ""},
		{"rfc5546-3.2.2.3-delegated-to-somebody-there", add(t, single, vera), "DELEGATED vera@example.com", ""},
		{"rfc5546-3.2.2.3-delegated-to-several", add(t, single, vera), "DELEGATED gleb@example.com vera@example.com", ""},
		{"rfc5546-3.2.2.3-delegated-with-role", edit(t, single, "CN=Boris;", "CN=Boris;ROLE=CHAIR;"), "DELEGATED vera@example.com", ""},
		{"rfc5546-3.2.2.3-delegated-to-nobody-named", single, "DELEGATED", ""},
		{"rfc5546-3.2.2.3-delegated-to-the-organizer", single, "DELEGATED anna@example.org", "DELEGATED anna@example.org"},
		{"rfc5546-3.2.2.3-delegated-to-oneself", single, "DELEGATED boris@example.org", "DELEGATED boris@example.org"},
		{"rfc5546-3.2.2.3-delegated-to-no-mailbox", single, "DELEGATED no@body@", "DELEGATED no@body@"},
		{"rfc5546-3.2.2.3-delegated-back", add(t, edit(t, single, "CN=Boris;", `CN=Boris;DELEGATED-FROM="mailto:vera@example.com";`),
			edit(t, vera, "PARTSTAT=NEEDS-ACTION", `PARTSTAT=DELEGATED;DELEGATED-TO="mailto:boris@example.org"`)), "DELEGATED vera@example.com", "DELEGATED vera@example.com"},
		{"rfc5546-3.2.2.3-delegated-back-over-two-hands", add(t, edit(t, single, "CN=Boris;", `CN=Boris;DELEGATED-FROM="mailto:gleb@example.com";`),
			`ATTENDEE;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:boris@example.org";DELEGATED-FROM="mailto:vera@example.com":mailto:gleb@example.com`+"\n"+
				edit(t, vera, "PARTSTAT=NEEDS-ACTION", `PARTSTAT=DELEGATED;DELEGATED-TO="mailto:gleb@example.com"`)), "DELEGATED vera@example.com", "DELEGATED vera@example.com"},
		{"rfc5546-3.2.2.3-six-delegates", single, "DELEGATED a@example.com b@example.com c@example.com d@example.com e@example.com f@example.com", ""},
		{"rfc5546-3.2.2.3-one-of-two-refused", single, "DELEGATED anna@example.org vera@example.com", ""},
		{"rfc5546-3.2.2.3-instance-delegated", acceptedWeekly, "DELEGATED vera@example.com" + at12, ""},
		{"rfc5546-3.2.2.3-series-delegated", weekly + instance12, "DELEGATED vera@example.com", ""},
		{"rfc5546-3.2.2.3-taken-back", add(t, edit(t, single, "CN=Boris;PARTSTAT=NEEDS-ACTION", `CN=Boris;PARTSTAT=DELEGATED;DELEGATED-TO="mailto:vera@example.com"`),
			edit(t, vera, "CN=Vera", `CN=Vera;DELEGATED-FROM="mailto:boris@example.org"`)), "ACCEPTED", ""},
		{"apple-principal-with-email", edit(t, single, "RSVP=TRUE:mailto:boris@example.org", "RSVP=TRUE;EMAIL=boris@example.org:/principals/boris/"), "ACCEPTED", ""},
		{"outlook-mailto-in-capitals", edit(t, single, "mailto:boris@example.org", "MAILTO:Boris@Example.ORG"), "ACCEPTED", ""},
		{"evolution-no-partstat", edit(t, single, "PARTSTAT=NEEDS-ACTION;RSVP=TRUE", "RSVP=TRUE"), "ACCEPTED", ""},
		{"a-client-that-wrote-the-attendee-twice", add(t, single, boris), "ACCEPTED", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := event(t, tt.body)
			var parts []Part
			for s := range strings.SplitSeq(tt.answers, ",") {
				if s != "" {
					parts = append(parts, answer(t, s))
				}
			}
			data, unknown, _ := Apply(ev, "boris@example.org", parts, roomy, dtstamp)
			var got []string
			for _, p := range unknown {
				got = append(got, fmt.Sprint(p))
			}
			var want []string
			for s := range strings.SplitSeq(tt.unknown, ",") {
				if s != "" {
					want = append(want, fmt.Sprint(answer(t, s)))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("unknown: got %v, want %v", got, want)
			}
			golden(t, "apply/"+tt.name+".txt", []byte(changed(ev.Object.Data, data)))
			wellFormed(t, data)
			if again, _, _ := Apply(read(t, data), "boris@example.org", parts, roomy, dtstamp.Add(time.Hour)); string(again) != string(data) {
				t.Errorf("applied twice: %s", changed(data, again))
			}
			sameInstancesAs(t, ev, read(t, data))
		})
	}
}

// sameInstancesAs checks that an answer moves nothing.
func sameInstancesAs(t *testing.T, before, after *ical.Event) {
	t.Helper()
	list := func(ev *ical.Event) (out []string) {
		err := ev.Expand(time.Time{}, time.Time{}, time.UTC, func(i ical.Instance) bool {
			out = append(out, fmt.Sprint(stampValue(i.RecurrenceID), stampValue(i.Start), stampValue(i.End), i.VEvent.Summary, i.VEvent.Status))
			return len(out) < 100
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got, want := fmt.Sprint(list(after)), fmt.Sprint(list(before)); got != want {
		t.Errorf("instances: got %s, want %s", got, want)
	}
}

// A message with answers to every day of a long series must not make it grow without end.
// roomy is a limit that no event of these tests reaches.
const roomy = 4 << 20

func TestApplyIsBounded(t *testing.T) {
	var people strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&people, "ATTENDEE;CN=Somebody with a long name;PARTSTAT=ACCEPTED:mailto:somebody%d@example.com\n", i)
	}
	ev := event(t, add(t, edit(t, single, "SUMMARY:Planning\n", "SUMMARY:Planning\nRRULE:FREQ=DAILY\n"), people.String()))
	var parts []Part
	for i := range maxParts {
		parts = append(parts, Part{Occurrence: ev.Master.Start.Time.AddDate(0, 0, i), PartStat: "DECLINED"})
	}
	const limit = 1 << 20
	data, unknown, full := Apply(ev, "boris@example.org", parts, limit, dtstamp)
	if len(data) > limit || len(unknown) > 0 || len(full) == 0 || len(full) == maxParts {
		t.Errorf("%d bytes, %d unknown, %d without room; want no more than %d, and some with and without", len(data), len(unknown), len(full), limit)
	}
	// What needs no override finds room in any event.
	series := []Part{{PartStat: "TENTATIVE"}, {Occurrence: parts[1].Occurrence, PartStat: "DECLINED"}}
	if data, _, full := Apply(ev, "boris@example.org", series, 1, dtstamp); len(full) != 1 || !strings.Contains(string(data), "TENTATIVE") {
		t.Errorf("%d parts without room, want 1, and the series answered", len(full))
	}
}
