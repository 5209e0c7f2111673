package web

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"joinery/store"
)

// Metrics counts what this process does. Its methods are safe for concurrent use. The names are
// documented in docs/administration.md and stay.
type Metrics struct {
	now      func() time.Time
	registry *prometheus.Registry

	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	attempts     *prometheus.CounterVec
	calls        *prometheus.CounterVec
	callTime     *prometheus.HistogramVec
	mails        *prometheus.CounterVec
	incoming     *prometheus.CounterVec
	mailboxFault prometheus.Counter
	storeFailure prometheus.Counter
}

// NewMetrics returns metrics in a registry of their own. now is for ages; nil: time.Now.
func NewMetrics(now func() time.Time) *Metrics {
	if now == nil {
		now = time.Now
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Metrics{
		now:      now,
		registry: prometheus.NewRegistry(),
		requests: counter("joinery_http_requests_total", "CalDAV requests answered, by method and status.", "method", "status"),
		requestTime: histogram("joinery_http_request_duration_seconds", "Time to answer a CalDAV request, waiting for a link included.",
			[]float64{.005, .02, .1, .5, 1, 2, 4, 10, 60}, "method"),
		attempts: counter("joinery_booking_attempts_total", "Attempts of the reconciler, by account, action and outcome (ok or an error's kind).", "provider", "action", "outcome"),
		calls:    counter("joinery_provider_calls_total", "Calls of a provider, by account, call and outcome (ok or an error's kind).", "provider", "call", "outcome"),
		callTime: histogram("joinery_provider_call_duration_seconds", "Time of a provider's call.",
			[]float64{.05, .2, .5, 1, 2, 5, 10, 20}, "provider", "call"),
		mails:    counter("joinery_mail_submissions_total", "Submissions of mail to the relay, by outcome (accepted, refused, temporary, ambiguous).", "outcome"),
		incoming: counter("joinery_incoming_total", "Mails that came in, by what became of them.", "outcome"),
		mailboxFault: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "joinery_incoming_mailbox_faults_total", Help: "Times that reading the mailbox stopped at a fault, to be tried again.",
		}),
		storeFailure: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "joinery_store_gather_failures_total", Help: "Gatherings of these metrics for which the store could not be read.",
		}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "joinery_build_info", Help: "Always 1; the version is a label."}, []string{"version"})
	build.WithLabelValues(version()).Set(1)
	m.registry.MustRegister(m.requests, m.requestTime, m.attempts, m.calls, m.callTime, m.mails, m.incoming, m.mailboxFault, m.storeFailure, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// methods are those that get a label of their own: clients must not be able to make new ones.
var methods = map[string]bool{
	"OPTIONS": true, "HEAD": true, "GET": true, "PUT": true, "POST": true, "DELETE": true, "PROPFIND": true,
	"PROPPATCH": true, "REPORT": true, "MKCALENDAR": true, "MKCOL": true, "MOVE": true, "COPY": true,
}

// Request counts a request that was answered.
func (m *Metrics) Request(method string, status int, took time.Duration) {
	if !methods[method] {
		method = "other"
	}
	m.requests.WithLabelValues(method, strconv.Itoa(status)).Inc()
	m.requestTime.WithLabelValues(method).Observe(took.Seconds())
}

// Attempt counts what the reconciler did for a booking.
func (m *Metrics) Attempt(provider, action, outcome string) {
	m.attempts.WithLabelValues(provider, action, outcome).Inc()
}

// Call counts a call of a provider; kind is the kind of its error, empty for none.
func (m *Metrics) Call(provider, call, kind string, took time.Duration) {
	if kind == "" {
		kind = "ok"
	}
	m.calls.WithLabelValues(provider, call, kind).Inc()
	m.callTime.WithLabelValues(provider, call).Observe(took.Seconds())
}

// Mail counts a submission to the relay.
func (m *Metrics) Mail(outcome string) { m.mails.WithLabelValues(outcome).Inc() }

// Incoming counts a mail that came in; outcome is one of few words.
func (m *Metrics) Incoming(outcome string) { m.incoming.WithLabelValues(outcome).Inc() }

// MailboxFault counts that reading the mailbox stopped.
func (m *Metrics) MailboxFault() { m.mailboxFault.Inc() }

// Handler serves the metrics, together with what the store and the accounts say at that moment.
func (m *Metrics) Handler(st *store.Store, accounts func() []Account) http.Handler {
	// A registry of its own for the gathering: Handler may be called twice.
	gathering := prometheus.NewRegistry()
	gathering.MustRegister(&gathered{metrics: m, store: st, accounts: accounts})
	return promhttp.HandlerFor(prometheus.Gatherers{gathering, m.registry}, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}
