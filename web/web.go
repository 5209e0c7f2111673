package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// An Account is a provider's account as it is now.
type Account struct {
	Name    string
	Failing bool
	Error   string // why it fails, for operators; holds no secret
}

// Options are what the handler is given from outside.
type Options struct {
	Store    *store.Store
	CalDAV   http.Handler // everything that is not ours
	Metrics  *Metrics
	Accounts func() []Account // nil: none
	Log      *slog.Logger     // nil: discarded
	Now      func() time.Time // nil: time.Now
	// OpenMetrics serves /metrics here too, to clients on this machine that come without a proxy.
	OpenMetrics bool
	// Door says what stands behind a join page's token now; false: no such token ever was. An error
	// is ours (the store's), and the reader is asked to wait. nil: there are no join pages.
	Door func(ctx context.Context, token string) (change.Door, bool, error)
	// Invitation says what the answer page of a token shows now; false: no such page. An error is ours.
	// nil: there are no answer pages.
	Invitation func(ctx context.Context, token string) (change.Invitation, bool, error)
	// Answer takes an answer that was given on such a page. The same again changes nothing.
	Answer func(ctx context.Context, a change.Answer) (change.Outcome, error)
	// Attachments serves the files of events. false: there are none.
	Attachments bool
	// Proposals says what an organiser is to decide on the page of a token; false: no such page. KeepTime and
	// TakeTime decide about one of them. nil: there are no such pages.
	Proposals          func(ctx context.Context, token string) (change.Proposals, bool, error)
	KeepTime, TakeTime func(ctx context.Context, token string, id int64, userAgent string) (change.Outcome, error)
	// Hook takes a webhook for an account. It keeps neither header nor body, and may be called again
	// with the same ones. Its error is conference.ErrForged, ErrUnknownHook, ErrUnreadableHook, or one
	// of ours, after which the service sends it again; its text is logged. nil: there are no webhooks.
	Hook func(ctx context.Context, account string, header http.Header, body []byte) error
}

// New returns the handler of everything that the program answers over HTTP:
//
//	/healthz        whether this process can do its work, see health
//	/metrics        see Metrics; 404 unless Options.OpenMetrics, and for anybody from elsewhere
//	/j/TOKEN        the join page, see joinPage; 404 without Options.Door
//	/r/TOKEN        the answer page, see answerPage; 404 without Options.Invitation
//	/a/TOKEN/NAME   a file of an event, see attachment; 404 without Options.Attachments
//	/p/TOKEN        the organiser's page of proposals, see decisionPage; 404 without Options.Proposals
//	/hook/ACCOUNT   webhooks of providers, see hook; 404 without Options.Hook
//
// All other paths go to CalDAV as they were sent.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Accounts == nil {
		o.Accounts = func() []Account { return nil }
	}
	ours := map[string]http.Handler{}
	if o.Door != nil {
		ours["j"] = &joinPage{door: o.Door, now: o.Now, log: o.Log}
	}
	if o.Invitation != nil && o.Answer != nil {
		ours["r"] = &answerPage{invitation: o.Invitation, answer: o.Answer, now: o.Now, log: o.Log}
	}
	if o.Attachments {
		ours["a"] = &attachment{store: o.Store, log: o.Log}
	}
	if o.Proposals != nil && o.KeepTime != nil && o.TakeTime != nil {
		ours["p"] = &decisionPage{proposals: o.Proposals, keep: o.KeepTime, take: o.TakeTime, log: o.Log}
	}
	if o.Hook != nil {
		ours["hook"] = &hook{take: o.Hook, now: o.Now, log: o.Log, timeout: hookTimeout}
	}
	health := &health{store: o.Store, accounts: o.Accounts, now: o.Now, log: o.Log}
	var metrics http.Handler
	if o.OpenMetrics && o.Metrics != nil {
		metrics = o.Metrics.Handler(o.Store, o.Accounts)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimLeft(r.URL.Path, "/"), "/")
		switch first {
		case "healthz":
			health.ServeHTTP(w, r)
		case "metrics":
			if metrics == nil || !direct(r) {
				notFound(w, r)
				return
			}
			metrics.ServeHTTP(w, r)
		case "a", "j", "p", "r", "hook":
			if h := ours[first]; h != nil {
				h.ServeHTTP(w, r)
				return
			}
			notFound(w, r)
		default:
			o.CalDAV.ServeHTTP(w, r)
		}
	})
}

// direct tells whether a request comes from this machine and was not passed on by a proxy on it.
func direct(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(h) != "" {
			return false
		}
	}
	ip := net.ParseIP(connectionHost(r))
	return ip != nil && ip.IsLoopback()
}

// connectionHost is the other end of the connection.
func connectionHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// ForwardedFor is the client's address behind one trusted proxy: the last one of X-Forwarded-For,
// which is the one that the proxy itself saw (those before it are the client's own words). Without
// a usable one it is the connection's other end.
func ForwardedFor(r *http.Request) string {
	if values := r.Header.Values("X-Forwarded-For"); len(values) > 0 {
		last := values[len(values)-1]
		last = strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
		if host, _, err := net.SplitHostPort(last); err == nil {
			last = host
		}
		if ip := net.ParseIP(strings.Trim(last, "[]")); ip != nil {
			return ip.String()
		}
	}
	return connectionHost(r)
}
