package caldav

import (
	"net/http"
	"strings"
	"testing"
)

func onEvent(name, inner string) string {
	return onComp("VEVENT", `<C:prop-filter name="`+name+`">`+inner+`</C:prop-filter>`)
}

func matchText(attributes, text string) string {
	return `<C:text-match ` + attributes + `>` + text + `</C:text-match>`
}

func onParam(name, inner string) string {
	return `<C:param-filter name="` + name + `">` + inner + `</C:param-filter>`
}

// TestFilters has objects that differ in one thing each, and filters that tell them apart (RFC 4791
// §9.7).
func TestFilters(t *testing.T) {
	f := newFixture(t)
	for name, lines := range map[string][]string{
		"plain": {"SUMMARY:Lunch"},
		"two":   {"SUMMARY:Two nai\u0308ve files", "COMMENT:first", "COMMENT:second", "CATEGORIES:Red,Green", "CATEGORIES:Blue"},
		"guests": {"SUMMARY:Guests", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Ann:mailto:ann@example.com",
			"ATTENDEE;PARTSTAT=DECLINED;MEMBER=\"mailto:a@x\",\"mailto:b@x\":mailto:bob@example.com"},
		"cancelled": {"SUMMARY:Off", "STATUS:CANCELLED"},
		"escaped":   {`SUMMARY:a\, b\; c\nd \\ e`, "X-OWN;X-P=Value:Own Thing"},
		"letters":   {"SUMMARY:ÄRGER STRASSE Обед"},
	} {
		f.put(name, event(name, lines...))
	}
	f.put("alarmed", strings.Replace(event("alarmed", "SUMMARY:Bell"), "END:VEVENT",
		"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Ring\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nBEGIN:X-INNER\r\nX-WHAT:deep\r\nEND:X-INNER\r\nEND:VEVENT", 1))
	f.put("outer", strings.Replace(event("outer", "SUMMARY:Outer"), "END:VCALENDAR", "BEGIN:X-OUTER\r\nX-WHAT:side\r\nEND:X-OUTER\r\nEND:VCALENDAR", 1))
	f.put("zoned", strings.Replace(event("zoned", "SUMMARY:Zoned", "DTSTART;TZID=Here:20300101T100000"), "BEGIN:VEVENT",
		"BEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1))
	f.put("task", object("task", []string{"VTODO", "SUMMARY:Task"}))

	const undefined = "<C:is-not-defined/>"
	const events = "alarmed cancelled escaped guests letters outer plain two zoned"
	for _, tt := range []struct{ name, filter, want string }{
		{"nothing but VCALENDAR", "", "alarmed cancelled escaped guests letters outer plain task two zoned"},
		{"a property of VCALENDAR", `<C:prop-filter name="PRODID">` + matchText("", "test") + `</C:prop-filter>` + onComp("VTODO", ""), "task"},
		{"none of VCALENDAR", `<C:prop-filter name="METHOD">` + undefined + `</C:prop-filter>` + onComp("VTODO", ""), "task"},
		{"a component there", onComp("VEVENT", ""), events},
		{"a component not there", onComp("VEVENT", undefined), "task"},
		{"a zone there", onComp("VTIMEZONE", ""), "zoned"},
		{"a zone not there, of an event", onComp("VEVENT", "") + onComp("VTIMEZONE", undefined), "alarmed cancelled escaped guests letters outer plain two"},
		{"a zone by its name", onComp("VTIMEZONE", `<C:prop-filter name="TZID">`+matchText("", "here")+`</C:prop-filter>`), "zoned"},
		{"a part of a zone", onComp("VTIMEZONE", onComp("STANDARD", "")), "zoned"},
		{"another part", onComp("VTIMEZONE", onComp("DAYLIGHT", "")), ""},
		{"what no standard knows", onComp("X-OUTER", ""), "outer"},
		{"what no standard knows, within", onComp("VEVENT", onComp("X-INNER", `<C:prop-filter name="X-WHAT">`+matchText("", "deep")+`</C:prop-filter>`)), "alarmed"},
		{"an alarm there", onComp("VEVENT", onComp("VALARM", "")), "alarmed"},
		{"an alarm not there", onComp("VEVENT", onComp("VALARM", undefined)), "cancelled escaped guests letters outer plain two zoned"},
		{"an alarm's property", onComp("VEVENT", onComp("VALARM", `<C:prop-filter name="ACTION">`+matchText("", "audio")+`</C:prop-filter>`)), ""},

		{"a property there", onEvent("ATTENDEE", ""), "guests"},
		{"in small letters", onEvent("attendee", ""), "guests"},
		{"a property not there", onEvent("SUMMARY", undefined), ""},
		{"one's own property", onEvent("X-OWN", matchText("", "own")), "escaped"},
		{"the first of two", onEvent("COMMENT", matchText("", "first")), "two"},
		{"the second of two", onEvent("COMMENT", matchText("", "second")), "two"},
		{"two of two", onComp("VEVENT", `<C:prop-filter name="COMMENT">`+matchText("", "first")+`</C:prop-filter><C:prop-filter name="COMMENT">`+matchText("", "second")+`</C:prop-filter>`), "two"},
		{"one of a list", onEvent("CATEGORIES", matchText("", "green")), "two"},
		{"a list's second line", onEvent("CATEGORIES", matchText("", "blue")), "two"},
		{"past what is escaped", onEvent("SUMMARY", matchText("", "A, B; C\nD \\ E")), "escaped"},
		{"empty text", onEvent("SUMMARY", matchText("", "")), events},
		{"not this text", onEvent("STATUS", matchText(`negate-condition="yes"`, "confirmed")), "cancelled"},
		{"this text, after all", onEvent("STATUS", matchText(`negate-condition="no"`, "cancel")), "cancelled"},
		{"one of several that is not", onEvent("COMMENT", matchText(`negate-condition="yes"`, "first")), "two"},
		{"none of it", onEvent("COMMENT", matchText(`negate-condition="yes"`, "s")), ""},

		{"by default ASCII alone", onEvent("SUMMARY", matchText("", "ärger")), ""},
		{"ASCII beside others", onEvent("SUMMARY", matchText("", "strasse")), "letters"},
		{"default by name", onEvent("SUMMARY", matchText(`collation="default"`, "STRASSE")), "letters"},
		{"ASCII by name", onEvent("SUMMARY", matchText(`collation="i;ascii-casemap"`, "rger strasse")), "letters"},
		{"octets", onEvent("SUMMARY", matchText(`collation="i;octet"`, "STRASSE")), "letters"},
		{"other octets", onEvent("SUMMARY", matchText(`collation="i;octet"`, "Strasse")), ""},
		{"Unicode", onEvent("SUMMARY", matchText(`collation="i;unicode-casemap"`, "ärger")), "letters"},
		{"Unicode, in two characters", onEvent("SUMMARY", matchText(`collation="i;unicode-casemap"`, "a\u0308rger")), "letters"},
		{"Unicode, in one", onEvent("SUMMARY", matchText(`collation="i;unicode-casemap"`, "NAÏVE")), "two"},
		{"Cyrillic", onEvent("SUMMARY", matchText(`collation="i;unicode-casemap"`, "оБЕД")), "letters"},

		{"a parameter there", onEvent("ATTENDEE", onParam("MEMBER", "")), "guests"},
		{"a parameter not there", onEvent("ATTENDEE", onParam("ROLE", undefined)), "guests"},
		{"a parameter that each lacks", onEvent("ATTENDEE", onParam("PARTSTAT", undefined)), ""},
		{"a parameter's value", onEvent("ATTENDEE", onParam("PARTSTAT", matchText("", "declined"))), "guests"},
		{"the second of its values", onEvent("ATTENDEE", onParam("MEMBER", matchText("", "b@x"))), "guests"},
		{"not that value", onEvent("ATTENDEE", onParam("PARTSTAT", matchText(`negate-condition="yes"`, "e"))), ""},
		{"text and parameter of one line", onEvent("ATTENDEE", matchText("", "ann@")+onParam("PARTSTAT", matchText("", "accepted"))), "guests"},
		{"text and parameter of two lines", onEvent("ATTENDEE", matchText("", "ann@")+onParam("PARTSTAT", matchText("", "declined"))), ""},
		{"two parameters", onEvent("ATTENDEE", onParam("CN", matchText("", "ann"))+onParam("PARTSTAT", matchText("", "accepted"))), "guests"},
		{"two parameters of two lines", onEvent("ATTENDEE", onParam("CN", "")+onParam("MEMBER", "")), ""},
		{"one's own parameter", onEvent("X-OWN", onParam("X-P", matchText("", "value"))), "escaped"},
		{"a time and a parameter", onEvent("DTSTART", `<C:time-range start="20300101T000000Z" end="20300102T000000Z"/>`+onParam("TZID", "")), "zoned"},
		{"all at once", onComp("VEVENT", `<C:time-range start="20300101T000000Z"/><C:prop-filter name="SUMMARY">`+matchText("", "bell")+`</C:prop-filter>`+onComp("VALARM", "")), "alarmed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			if got := strings.Join(f.names(t, tt.filter), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestFilterErrors asks what cannot be answered, and reads why (RFC 4791 §7.8).
func TestFilterErrors(t *testing.T) {
	f := newFixture(t)
	ranged := func(attributes string) string { return onComp("VEVENT", "<C:time-range "+attributes+"/>") }
	const week = `<C:time-range start="20300101T000000Z" end="20300108T000000Z"/>`
	for _, tt := range []struct{ name, filter, condition, inner string }{
		{"an event in a task", onComp("VTODO", onComp("VEVENT", "")), "valid-filter", ""},
		{"an alarm in a calendar", onComp("VALARM", ""), "valid-filter", ""},
		{"an alarm in a journal entry", onComp("VJOURNAL", onComp("VALARM", "")), "valid-filter", ""},
		{"a zone's part in an event", onComp("VEVENT", onComp("STANDARD", "")), "valid-filter", ""},
		{"a calendar in a calendar", onComp("VCALENDAR", ""), "valid-filter", ""},
		{"a range of a zone", onComp("VTIMEZONE", week), "valid-filter", ""},
		{"a range of what no standard knows", onComp("X-OUTER", week), "supported-filter", `<C:comp-filter name="X-OUTER"/>`},
		{"a range of text", onEvent("SUMMARY", week), "valid-filter", ""},
		{"a range of a list of dates", onEvent("EXDATE", week), "valid-filter", ""},
		{"two ranges", onComp("VEVENT", week+week), "valid-filter", ""},
		{"two ranges of a property", onEvent("DTSTART", week+week), "valid-filter", ""},
		{"two texts", onEvent("SUMMARY", matchText("", "a")+matchText("", "b")), "valid-filter", ""},
		{"two texts of a parameter", onEvent("ATTENDEE", onParam("CN", matchText("", "a")+matchText("", "b"))), "valid-filter", ""},
		{"range and text", onEvent("DTSTART", week+matchText("", "a")), "valid-filter", ""},
		{"not there, with a range", onComp("VEVENT", "<C:is-not-defined/>"+week), "valid-filter", ""},
		{"not there, with a component", onComp("VEVENT", "<C:is-not-defined/>"+onComp("VALARM", "")), "valid-filter", ""},
		{"not there, with text", onEvent("SUMMARY", "<C:is-not-defined/>"+matchText("", "a")), "valid-filter", ""},
		{"not there, with a parameter", onEvent("SUMMARY", "<C:is-not-defined/>"+onParam("CN", "")), "valid-filter", ""},
		{"no parameter, with text", onEvent("ATTENDEE", onParam("CN", "<C:is-not-defined/>"+matchText("", "a"))), "valid-filter", ""},
		{"no name", `<C:comp-filter/>`, "valid-filter", ""},
		{"an empty name", onComp("VEVENT", `<C:prop-filter name=" "/>`), "valid-filter", ""},
		{"a range without ends", ranged(""), "valid-filter", ""},
		{"a range that ends as it begins", ranged(`start="20300101T000000Z" end="20300101T000000Z"`), "valid-filter", ""},
		{"a range that ends before it begins", ranged(`start="20300102T000000Z" end="20300101T000000Z"`), "valid-filter", ""},
		{"a range of dates", ranged(`start="20300101" end="20300102"`), "valid-filter", ""},
		{"a local range", ranged(`start="20300101T000000" end="20300102T000000"`), "valid-filter", ""},
		{"a range with an offset", ranged(`start="20300101T000000+0300"`), "valid-filter", ""},
		{"a range in ISO 8601", ranged(`start="2030-01-01T00:00:00Z"`), "valid-filter", ""},
		{"a range with a part of a second", ranged(`start="20300101T000000.5Z"`), "valid-filter", ""},
		{"a range in February 30", ranged(`start="20300230T000000Z"`), "valid-filter", ""},
		{"a range past what can be written", ranged(`end="100000101T000000Z"`), "valid-filter", ""},
		{"a range before all times", ranged(`start="00000101T000000Z"`), "min-date-time", ""},
		{"a range that ends before all times", ranged(`end="00000101T000000Z"`), "min-date-time", ""},
		{"a range that ends as time begins", ranged(`end="00010101T000000Z"`), "min-date-time", ""},
		{"an unknown collation", onEvent("SUMMARY", matchText(`collation="i;klingon"`, "a")), "supported-collation", ""},
		{"a wildcard", onEvent("SUMMARY", matchText(`collation="i;*"`, "a")), "supported-collation", ""},
		{"no collation", onEvent("SUMMARY", matchText(`collation=""`, "a")), "supported-collation", ""},
		{"half a negation", onEvent("SUMMARY", matchText(`negate-condition="maybe"`, "a")), "valid-filter", ""},
		{"an unknown part of a component", onComp("VEVENT", "<C:magic/>"), "supported-filter", `<C:comp-filter name="VEVENT"/>`},
		{"any of several", `<C:comp-filter name="VEVENT" test="anyof"/>`, "supported-filter", `<C:comp-filter name="VEVENT"/>`},
		{"an unknown part of a property", onEvent("X-A&amp;B", "<C:magic/>"), "supported-filter", `<C:prop-filter name="X-A&amp;B"/>`},
		{"an unknown part of a parameter", onEvent("SUMMARY", onParam("CN", "<C:magic/>")), "supported-filter", `<C:param-filter name="CN"/>`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.TB = t
			a := f.do("REPORT", annaCal, query(tt.filter), "Depth: 1").condition(http.StatusForbidden, nsCal, tt.condition)
			a.contains(tt.inner)
		})
	}
	for name, filter := range map[string]string{
		"no filter":                 "",
		"an empty filter":           "<C:filter/>",
		"two in the filter":         `<C:filter><C:comp-filter name="VCALENDAR"/><C:comp-filter name="VCALENDAR"/></C:filter>`,
		"not a component":           `<C:filter><C:prop-filter name="VCALENDAR"/></C:filter>`,
		"not the calendar":          `<C:filter><C:comp-filter name="VEVENT"/></C:filter>`,
		"no calendar":               `<C:filter><C:comp-filter name="VCALENDAR"><C:is-not-defined/></C:comp-filter></C:filter>`,
		"a range of the calendar":   `<C:filter><C:comp-filter name="VCALENDAR">` + week + `</C:comp-filter></C:filter>`,
		"another namespace's":       `<D:filter><C:comp-filter name="VCALENDAR"/></D:filter>`,
		"another namespace's inner": `<C:filter><D:comp-filter name="VCALENDAR"/></C:filter>`,
	} {
		body := `<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/></D:prop>` + filter + `</C:calendar-query>`
		if a := f.do("REPORT", annaCal, body, "Depth: 1"); a.status != http.StatusForbidden || !strings.Contains(a.body, "valid-filter") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	// The whole of time is no error.
	f.put("a", event("a"))
	if got := f.names(t, ranged(`start="00010101T000000Z" end="99991231T235959Z"`)); strings.Join(got, " ") != "a" {
		t.Errorf("at any time: %v", got)
	}
}
