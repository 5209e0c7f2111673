package ical

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// contested are the vectors whose instances are not given or that the RFC does not bear out, by rule
// and start, with the instances that we hold to be right.
var contested = map[string]struct{ why, want string }{
	"FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=30;BYWEEKNO=1;UNTIL=20320101 20241230": {
		"the vectors' library leaves it out; RFC 5545 §3.3.10 takes the days that every part takes",
		"20241230,20251230,20301230,20311230",
	},
}

// A vector is one case of the file. Its instances are the rule's alone: a DTSTART that the rule does
// not meet is not among them.
type vector struct{ rule, start, startAt, instances string }

func readVectors(t *testing.T) []vector {
	t.Helper()
	dir := os.Getenv("JOINERY_VECTORS")
	if dir == "" {
		t.Skip("JOINERY_VECTORS does not name the folder with other projects' vectors")
	}
	f, err := os.Open(filepath.Join(dir, "icalrecur_test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		if name == "RRULE" {
			list = append(list, vector{rule: value})
			continue
		}
		if len(list) == 0 {
			continue
		}
		v := &list[len(list)-1]
		switch name {
		case "DTSTART":
			v.start = value
		case "START-AT":
			v.startAt = value
		case "INSTANCES":
			v.instances = value
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestVectors(t *testing.T) {
	vectors := readVectors(t)
	passed := 0
	for _, v := range vectors {
		want := v.instances
		if c, ok := contested[v.rule+" "+v.start]; ok {
			want = c.want
		}
		ok := true
		if got := instancesFrom(t, v, ""); got != want {
			t.Errorf("%s from %s:\n got %s\nwant %s", v.rule, v.start, got, want)
			ok = false
		}
		// From each instance on, and from the place that the vector names, a jump gives the same.
		list := strings.Split(want, ",")
		for i, from := range list {
			if got, want := instancesFrom(t, v, from), strings.Join(list[i:], ","); got != want {
				t.Errorf("%s from %s, jumping to %s:\n got %s\nwant %s", v.rule, v.start, from, got, want)
				ok = false
				break
			}
		}
		if v.startAt != "" {
			i := 0
			for i < len(list) && list[i] < v.startAt {
				i++
			}
			if got, want := instancesFrom(t, v, v.startAt), strings.Join(list[i:], ","); got != want {
				t.Errorf("%s from %s, jumping to %s:\n got %s\nwant %s", v.rule, v.start, v.startAt, got, want)
				ok = false
			}
		}
		if ok {
			passed++
		}
	}
	t.Logf("%d of %d vectors, %d of them contested", passed, len(vectors), len(contested))
	if len(vectors) < 146 {
		t.Errorf("got %d vectors, want 146", len(vectors))
	}
}

// instancesFrom writes the instances as the vectors do, those before from left out.
func instancesFrom(t *testing.T, v vector, from string) string {
	t.Helper()
	r, err := ParseRule(v.rule)
	if err != nil {
		t.Errorf("%s: %v", v.rule, err)
		return ""
	}
	start, allDay, _, err := parseCivil(v.start)
	if err != nil {
		t.Fatal(err)
	}
	last := lastCivil
	if r.Until != nil {
		last = untilCivil(r.Until, nil, false)
	}
	b := expandBudget
	it := r.series(start, allDay).iterate(last, &b)
	left := r.Count
	if from != "" {
		c, _, _, err := parseCivil(from)
		if err != nil {
			t.Fatal(err)
		}
		if r.Count > 0 {
			left -= it.skip(c)
		} else {
			it.seek(c)
		}
	}
	layout := "20060102T150405"
	if allDay {
		layout = "20060102"
	} else if strings.HasSuffix(v.start, "Z") {
		layout += "Z"
	}
	var list []string
	for r.Count == 0 || left > 0 {
		c, ok := it.next()
		if !ok {
			break
		}
		left--
		list = append(list, c.utc().Format(layout))
	}
	if it.err != nil {
		t.Errorf("%s: %v", v.rule, it.err)
	}
	return strings.Join(list, ",")
}
