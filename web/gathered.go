package web

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"joinery/store"
)

const gatherTimeout = 5 * time.Second

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	workWaiting     = describe("joinery_work_waiting", "Work in the outbox, timers included, by kind.", "kind")
	workFailing     = describe("joinery_work_failing", "Work whose last attempt failed, by kind.", "kind")
	workOverdue     = describe("joinery_work_overdue_seconds", "How long the oldest due work has been due, by kind; 0: none is.", "kind")
	roomsInState    = describe("joinery_rooms", "Rooms at providers, by state.", "state")
	messagesInState = describe("joinery_messages", "Mails, by state (stored and trying are on their way).", "state")
	accountFailing  = describe("joinery_provider_failing", "1 while an account's last calls failed.", "provider")
	storeUp         = describe("joinery_store_up", "1 if the store could be read for these metrics.")
)

// gathered is a collector of what the store and the accounts say when they are asked.
type gathered struct {
	metrics  *Metrics
	store    *store.Store
	accounts func() []Account
}

// Describe implements prometheus.Collector.
func (g *gathered) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{workWaiting, workFailing, workOverdue, roomsInState, messagesInState, accountFailing, storeUp} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gathered) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, a := range g.accounts() {
		failing := 0.0
		if a.Failing {
			failing = 1
		}
		gauge(accountFailing, failing, a.Name)
	}
	var work map[string]store.WorkCount
	var rooms map[string]int
	var messages map[store.MessageState]int
	ctx, cancel := context.WithTimeout(context.Background(), gatherTimeout)
	defer cancel()
	err := g.store.View(ctx, func(tx *store.Tx) (err error) {
		if work, err = tx.CountWork(); err != nil {
			return err
		}
		if rooms, err = tx.CountRooms(); err != nil {
			return err
		}
		messages, err = tx.CountMessages()
		return err
	})
	if err != nil {
		g.metrics.storeFailure.Inc()
		gauge(storeUp, 0)
		return
	}
	gauge(storeUp, 1)
	now := g.metrics.now()
	for kind, c := range work {
		gauge(workWaiting, float64(c.Waiting), kind)
		gauge(workFailing, float64(c.Failing), kind)
		overdue := 0.0
		if !c.Oldest.IsZero() {
			overdue = max(0, now.Sub(c.Oldest).Seconds())
		}
		gauge(workOverdue, overdue, kind)
	}
	for state, n := range rooms {
		gauge(roomsInState, float64(n), state)
	}
	for state, n := range messages {
		gauge(messagesInState, float64(n), string(state))
	}
}
