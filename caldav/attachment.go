package caldav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"joinery/caldav/change"
	"joinery/store"
)

// Attachments is the write path of managed attachments; *change.Changer is one.
type Attachments interface {
	CheckAttachment(ctx context.Context, r change.AttachRequest) error
	Attach(ctx context.Context, r change.AttachRequest) (change.Result, error)
	AttachmentAddress(a *store.Attachment) string
}

var _ Attachments = (*change.Changer)(nil)

const (
	maxUpload   = 15 * time.Minute // how long a file may take to come in
	maxFileName = 200              // bytes
)

// attach answers POST on an object: what RFC 8607 §3.3 does with its attachments.
func (q *request) attach() error {
	res, err := q.lookup(q.place)
	if err != nil {
		return err
	}
	r, err := q.attachRequest(res)
	if err != nil {
		return err
	}
	if err := q.attachments.CheckAttachment(q.ctx(), r); err != nil {
		return err
	}
	if r.Action != change.AttachmentRemove {
		leave, err := q.turnIn(q.uploads)
		if err != nil {
			return err
		}
		defer leave()
		if r.Attachment, err = q.receive(res.cal.UserID, r.ManagedID); err != nil {
			return err
		}
	}
	result, err := q.attachments.Attach(q.ctx(), r)
	if err != nil {
		if r.Attachment != nil {
			err = errors.Join(err, q.store.DropAttachment(context.WithoutCancel(q.ctx()), r.Attachment.ID))
		}
		return err
	}
	return q.attached(r, result, res.href())
}

// attachRequest reads the request's query.
func (q *request) attachRequest(res *resource) (change.AttachRequest, error) {
	r := change.AttachRequest{Caller: q.caller(), Calendar: res.cal, Name: res.obj.Name, Conditions: q.conditions()}
	query, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return r, refuse(http.StatusBadRequest, "the query cannot be read")
	}
	r.Action, r.ManagedID = change.AttachmentAction(query.Get("action")), query.Get("managed-id")
	switch r.Action {
	case change.AttachmentAdd, change.AttachmentUpdate, change.AttachmentRemove:
	default:
		return r, calError(http.StatusForbidden, "valid-action")
	}
	switch {
	case len(query["action"]) > 1:
		return r, calError(http.StatusForbidden, "valid-action")
	case len(query["managed-id"]) > 1:
		return r, calError(http.StatusForbidden, "valid-managed-id")
	case len(query["rid"]) > 1:
		return r, calError(http.StatusForbidden, "valid-rid")
	case len(query["rid"]) == 1:
		r.Occurrences = strings.Split(query.Get("rid"), ",")
	}
	return r, nil
}

// receive stores the body as a file of a user to which nothing refers yet. It may fill the room of the one
// that it is to replace, if any.
func (q *request) receive(userID int64, replaced string) (*store.Attachment, error) {
	if enc := q.r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding %q is not taken", enc)
	}
	if q.r.ContentLength > q.attachable.Size {
		return nil, calError(http.StatusForbidden, "max-attachment-size")
	}
	limits := q.attachable.AttachmentLimits
	freed, err := q.freed(userID, replaced)
	if err != nil {
		return nil, err
	}
	limits.Quota += freed
	q.until = time.Now().Add(maxUpload)
	q.answerBy(q.until)
	a := &store.Attachment{UserID: userID, Name: fileName(q.r.Header), Type: fileType(q.r.Header)}
	body := &upload{r: q.r.Body, control: http.NewResponseController(q.w), until: q.until}
	err = q.store.AddAttachment(q.ctx(), a, body, limits)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return nil, calError(http.StatusForbidden, "max-attachment-size")
	case errors.Is(err, store.ErrQuota):
		return nil, davError(http.StatusInsufficientStorage, "quota-not-exceeded")
	case errors.Is(body.broken, os.ErrDeadlineExceeded):
		return nil, refuse(http.StatusRequestTimeout, "the body came too slowly")
	case body.broken != nil:
		return nil, refuse(http.StatusBadRequest, "the body broke off")
	case err != nil:
		return nil, fmt.Errorf("store an attachment: %w", err)
	}
	return a, nil
}

// freed is the size of a user's file, 0 if there is none.
func (q *request) freed(userID int64, id string) (size int64, err error) {
	if id == "" {
		return 0, nil
	}
	err = q.store.View(q.ctx(), func(tx *store.Tx) error {
		a, err := tx.AttachmentByManagedID(id)
		if err == nil && a.UserID == userID {
			size = a.Size
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read what an attachment replaces: %w", err)
	}
	return size, nil
}

// An upload is a body that has to keep coming.
type upload struct {
	r       io.Reader
	control *http.ResponseController
	until   time.Time
	broken  error // what ended it before its time
}

func (u *upload) Read(p []byte) (int, error) {
	by := time.Now().Add(maxStall)
	if by.After(u.until) {
		by = u.until
	}
	_ = u.control.SetReadDeadline(by) // unsupported in tests only
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		u.broken = err
	}
	return n, err
}

// attached answers a POST that was done (RFC 8607 §3.4 to §3.6).
func (q *request) attached(r change.AttachRequest, result change.Result, href string) error {
	h := q.w.Header()
	status := http.StatusNoContent
	if q.prefer.representation {
		status = http.StatusOK
	}
	if r.Attachment != nil {
		h.Set("Cal-Managed-ID", r.Attachment.ManagedID)
	}
	if r.Action == change.AttachmentAdd {
		status = http.StatusCreated
		h.Set("Location", q.attachments.AttachmentAddress(r.Attachment))
	}
	if q.prefer.representation {
		tagHeaders(h, result.Object)
		applied(h, "return=representation")
		h.Set("Content-Location", href)
		return q.writeObject(status, result.Object)
	}
	if result.ScheduleTag != "" {
		h.Set("Schedule-Tag", `"`+result.ScheduleTag+`"`)
	}
	if status == http.StatusCreated {
		h.Set("Content-Length", "0")
	}
	q.w.WriteHeader(status)
	return nil
}

// fileName is what the client calls the file, made fit for everybody's disk: the last part of a path,
// without what cannot be seen or turns the writing round. Without a name it is "attachment".
func fileName(h http.Header) string {
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		params = nil
	}
	name := strings.ToValidUTF8(params["filename"], "")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), strings.ContainsRune(`<>:"|?*`, r):
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	if len(name) > maxFileName {
		ext := path.Ext(name)
		if len(ext) > 20 {
			ext = ""
		}
		n := maxFileName - len(ext)
		for n > 0 && !utf8.RuneStart(name[n]) {
			n--
		}
		name = strings.TrimRight(name[:n], " .") + ext
	}
	if name == "" {
		return "attachment"
	}
	return name
}

// fileType is the media type that the client gives the file, without parameters.
func fileType(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if kind, sub, ok := strings.Cut(t, "/"); err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !ok || kind == "" || sub == "" || len(t) > 127 {
		return "application/octet-stream"
	}
	return t
}
