package itip

import (
	"net/url"
	"slices"
	"strings"

	"joinery/caldav/ical"
)

// The fences of the block that holds a conference in DESCRIPTION (docs/conferences.md).
const (
	fenceOpen  = "----( Video Call )----"
	fenceClose = "---===---"
)

// A Joining is how an event is joined.
type Joining struct {
	Link    string // http or https; empty: none is there
	Label   string // CONFERENCE's LABEL
	Details string // dial-in and passcode: lines of the block besides the link and the label
}

// JoiningOf reads how v is joined: its CONFERENCE line, else the block in DESCRIPTION.
func JoiningOf(v *ical.VEvent) Joining {
	var j Joining
	var phones []string
	for _, l := range v.Component.All("CONFERENCE") {
		value := strings.TrimSpace(l.Value)
		switch {
		case strings.HasPrefix(strings.ToLower(value), "tel:"):
			phones = append(phones, value[len("tel:"):])
		case j.Link == "" && web(value):
			j.Link, j.Label = value, strings.TrimSpace(l.Param("LABEL"))
		}
	}
	_, block := splitBlock(v.Description)
	var details []string
	for i, line := range strings.Split(block, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case web(line) && (j.Link == "" || line == j.Link):
			j.Link = line
		case i == 0 && !strings.ContainsAny(line, ":0123456789"), line == j.Label:
			if j.Label == "" {
				j.Label = line
			}
		case j.Link != "" && line == j.Link:
		default:
			details = append(details, line)
		}
	}
	for _, p := range phones {
		if !strings.Contains(block, p) {
			details = append(details, p)
		}
	}
	j.Details = strings.Join(details, "\n")
	return j
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(s, " \t\r\n")
}

// Place is v's LOCATION without the link of its conference.
func Place(v *ical.VEvent) string { return placeBeside(v, JoiningOf(v).Link) }

// placeBeside is v's LOCATION without link.
func placeBeside(v *ical.VEvent, link string) string {
	l := v.Component.First("LOCATION")
	if l == nil {
		return ""
	}
	if link == "" || !strings.Contains(v.Location, link) {
		return strings.TrimSpace(v.Location)
	}
	var parts []string
	for _, t := range ical.LocationTokens(l.Value) {
		if t.Text != link {
			parts = append(parts, t.Text)
		}
	}
	return strings.Join(parts, "; ")
}

// Agenda is v's DESCRIPTION without the block of its conference.
func Agenda(v *ical.VEvent) string {
	text, _ := splitBlock(v.Description)
	return strings.TrimSpace(text)
}

// splitBlock parts a description into its text and what stands between the fences.
func splitBlock(description string) (text, block string) {
	description = strings.ReplaceAll(description, "\r\n", "\n")
	before, rest, ok := strings.Cut(description, fenceOpen)
	if !ok {
		return description, ""
	}
	block, after, ok := strings.Cut(rest, fenceClose)
	if !ok {
		return description, ""
	}
	text = strings.TrimRight(before, "\n ")
	if after = strings.TrimLeft(after, "\n "); after != "" {
		text += "\n\n" + after
	}
	return text, strings.Trim(block, "\n")
}

// addresses are v's attendees, sorted.
func addresses(v *ical.VEvent) []string {
	var out []string
	for _, a := range v.Attendees {
		out = append(out, a.Address)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// words makes text comparable: a client that re-wraps or trims changes nothing.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
