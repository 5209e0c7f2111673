package mailer

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"joinery/caldav/change"
)

// BenchmarkInvite20 tells 20 people of a change, from the save until the relay has every mail and the event says so:
// w8 of the load program, less the PUT.
func BenchmarkInvite20(b *testing.B) {
	r := startRelay(b, nil)
	w := newBench(b, "smtp://"+r.addr, plainEvent, func(o *Options) {
		o.Policy = change.Policy{ServiceDomain: "conference.example.org", AnswerBase: "https://joinery.example/r/"}
	})
	w.rest()
	body := crowd(20, "")
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		want := len(r.got()) + 20
		w.save(strings.Replace(body, "SUMMARY:Planning", fmt.Sprintf("SUMMARY:Planning %d", n), 1), nil)
		for len(r.got()) < want {
			time.Sleep(time.Millisecond)
		}
	}
	w.rest()
	b.ReportMetric(float64(len(r.got()))/float64(b.N), "mails/op")
}
