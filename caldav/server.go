package caldav

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"joinery/caldav/change"
	"joinery/store"
)

// Changes is the write path of events; *change.Changer is one.
type Changes interface {
	Put(ctx context.Context, r change.PutRequest) (change.Result, error)
	Delete(ctx context.Context, r change.DeleteRequest) error
	Move(ctx context.Context, r change.MoveRequest) (change.Result, error)
	Copy(ctx context.Context, r change.MoveRequest) (change.Result, error)
	MoveCalendar(ctx context.Context, r change.CalendarRequest) (created bool, err error)
	CopyCalendar(ctx context.Context, r change.CalendarRequest) (created bool, err error)
	DeleteCalendar(ctx context.Context, by change.Caller, cal *store.Calendar) error
}

// Options are what a Server is given from outside.
type Options struct {
	Store     *store.Store
	Changes   Changes
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil: discarded
	PublicURL string           // its host is ours in absolute addresses, beside the request's own

	Attachments Attachments // nil: no files can be attached
	Attachable  change.AttachmentPolicy

	MaxSize      int // bytes of an object; 0: 1 MiB
	MaxAttendees int // of a component; 0: 1000

	// PerSecond bounds the requests of one principal, with ten times as many at once; 0: 100.
	PerSecond float64
	// ClientAddress says from where a request comes, for counting wrong passwords; nil: the
	// connection's other end.
	ClientAddress func(*http.Request) string
	// Observe is told of every request; nil: nobody is.
	Observe func(method string, status int, d time.Duration)
}

// A Server is the CalDAV server. It expects to stand at the root of its host and to get paths as
// they were sent.
type Server struct {
	store        *store.Store
	changes      Changes
	now          func() time.Time
	log          *slog.Logger
	publicURL    string
	publicHost   string
	maxSize      int
	maxAttendees int
	observe      func(method string, status int, d time.Duration)
	auth         *authenticator
	turns        *turns
	uploads      *turns
	attachments  Attachments
	attachable   change.AttachmentPolicy
	davHeader    string
	methods      map[kind]map[string]handler
}

// New returns a Server.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, changes: o.Changes, now: o.Now, log: o.Log, observe: o.Observe, methods: methodTable(), turns: newTurns(),
		maxSize: o.MaxSize, maxAttendees: o.MaxAttendees, publicURL: o.PublicURL, davHeader: davHeader,
		uploads: newTurns(), attachments: o.Attachments, attachable: o.Attachable,
	}
	if s.attachments != nil {
		s.davHeader += ", calendar-managed-attachments" // RFC 8607 §2
		s.methods[kindObject]["POST"] = (*request).attach
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.observe == nil {
		s.observe = func(string, int, time.Duration) {}
	}
	if s.maxSize == 0 {
		s.maxSize = 1 << 20
	}
	if s.maxAttendees == 0 {
		s.maxAttendees = 1000
	}
	if u, err := url.Parse(o.PublicURL); err == nil {
		s.publicHost = u.Host
	}
	address, perSecond := o.ClientAddress, o.PerSecond
	if address == nil {
		address = remoteHost
	}
	if perSecond == 0 {
		perSecond = 100
	}
	s.auth = newAuthenticator(o.Store, s.now, address, perSecond)
	return s
}

// A request is one request under way.
type request struct {
	*Server
	w      *response
	r      *http.Request
	until  time.Time   // when the answer must be out
	user   *store.User // nil for an OPTIONS without credentials
	place  place
	prefer preferences
	ifTag  string          // see checkIf
	ifCal  *store.Calendar // likewise
}

// ctx is the request's context.
func (q *request) ctx() context.Context { return q.r.Context() }

// hosts are those that absolute addresses of ours may name.
func (q *request) hosts() []string { return []string{q.r.Host, q.publicHost} }

// caller says who asks, for the write path.
func (q *request) caller() change.Caller {
	return change.Caller{User: q.user, UserAgent: q.r.UserAgent()}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := &request{Server: s, w: &response{ResponseWriter: w}, r: r, prefer: parsePreferences(r.Header)}
	start := time.Now() // for people and the network, not the injected clock
	q.until = start.Add(maxAnswer)
	q.answerBy(q.until)
	defer func() {
		p := recover()
		if p != nil && p != http.ErrAbortHandler {
			s.log.LogAttrs(r.Context(), slog.LevelError, "caldav: panic",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("panic", p),
				slog.String("stack", string(debug.Stack())))
			if q.w.status == 0 {
				writeError(q.w, asHTTPError(errors.New("panic"), nil))
				p = nil
			} else {
				p = http.ErrAbortHandler // the answer is torn: the client must see that
			}
		}
		q.finish(start)
		if p != nil {
			panic(p)
		}
	}()
	q.w.Header().Set("DAV", q.davHeader)
	err := q.serve()
	if err == nil {
		return
	}
	if q.w.status != 0 {
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "caldav: answer broke off", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	q.fail(err)
}

// fail answers with an error.
func (q *request) fail(err error) {
	e := asHTTPError(err, func(name string) string {
		slug, object, _ := strings.Cut(name, "/")
		return objectPath(q.user.Login, slug, object)
	})
	if (e.status == http.StatusInternalServerError || errors.Is(err, store.ErrFull)) && q.ctx().Err() == nil {
		q.log.LogAttrs(q.ctx(), slog.LevelError, "caldav: request", slog.String("method", q.r.Method),
			slog.String("path", q.r.URL.Path), slog.Any("error", err))
	}
	if e.status == http.StatusUnauthorized {
		q.w.Header().Set("WWW-Authenticate", `Basic realm="Joinery", charset="UTF-8"`)
	}
	writeError(q.w, e)
}

// finish logs the request, without credentials or bodies.
func (q *request) finish(start time.Time) {
	d := time.Since(start)
	status := q.w.status
	if status == 0 {
		status = http.StatusOK
	}
	q.observe(q.knownMethod(), status, d)
	level := slog.LevelDebug
	switch {
	case status >= 500:
		level = slog.LevelWarn
	case q.r.Method != "PROPFIND" && q.r.Method != "REPORT" && q.r.Method != "OPTIONS":
		level = slog.LevelInfo
	}
	login := ""
	if q.user != nil {
		login = q.user.Login
	}
	q.log.LogAttrs(q.ctx(), level, "caldav", slog.String("method", q.r.Method), slog.String("path", q.r.URL.Path),
		slog.Int("status", status), slog.Duration("took", d), slog.Int64("bytes", q.w.written),
		slog.String("user", login), slog.String("agent", q.r.UserAgent()))
}

// knownMethod is the request's method, or OTHER: what clients make up must not fill the metrics.
func (q *request) knownMethod() string {
	for _, ms := range q.methods {
		if ms[q.r.Method] != nil {
			return q.r.Method
		}
	}
	return "OTHER"
}

// serve does what is the same for all methods, then the method.
func (q *request) serve() error {
	r := q.r
	if r.Method == http.MethodOptions && r.RequestURI == "*" {
		return q.options()
	}
	escaped := r.URL.EscapedPath()
	if strings.TrimSuffix(escaped, "/") == wellKnownPath {
		// RFC 6764 §5, for every method and before credentials are asked for.
		q.w.Header().Set("Cache-Control", "max-age=86400")
		q.w.Header().Set("Location", "/")
		q.w.WriteHeader(http.StatusMovedPermanently)
		return nil
	}
	if strings.Contains(r.RequestURI, "#") {
		return refuse(http.StatusBadRequest, "the address carries a fragment") // RFC 9112 §3.2; it would name something else
	}
	var err error
	if q.place, err = parsePath(escaped); err != nil {
		return err
	}
	if r.Method == http.MethodOptions && r.Header.Get("Authorization") == "" {
		return q.options()
	}
	if q.user, err = q.auth.user(r); err != nil {
		return err
	}
	if wait := q.auth.admit(q.user); wait > 0 {
		e := refuse(http.StatusTooManyRequests, "too many requests")
		e.retryAfter = wait
		return e
	}
	if err := q.ownOnly(q.place); err != nil {
		return err
	}
	if q.place.kind == kindNone && r.Method != http.MethodOptions {
		if q.place.login != "" && (r.Method == http.MethodPut || r.Method == "MKCOL" || r.Method == "MKCALENDAR") {
			return errNoParent
		}
		return errNotFound
	}
	handle := q.methods[q.place.kind][r.Method]
	if q.addsMember() {
		handle = (*request).addMember
	}
	if handle == nil {
		e := refuse(http.StatusMethodNotAllowed, "%s is not for this address", r.Method)
		if e.allow, err = q.allowedHere(); err != nil {
			return err
		}
		return e
	}
	if err := q.checkIf(); err != nil {
		return err
	}
	if err := q.checkUnmodified(); err != nil {
		return err
	}
	return handle(q)
}

// ownOnly refuses what belongs to somebody else, whether or not there is such a person.
func (q *request) ownOnly(p place) error {
	if p.login == "" || p.of(q.user) {
		return nil
	}
	return needPrivilege(q.r.URL.EscapedPath(), dav("read"))
}

// A response remembers what was answered.
type response struct {
	http.ResponseWriter
	status  int
	written int64
}

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
