package change

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"joinery/caldav/ical"
	"joinery/store"
)

// tokenAt is the token in an address of ours, empty if it is another's.
func (p *AttachmentPolicy) tokenAt(address string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(address), p.Base)
	if !ok || p.Base == "" {
		return ""
	}
	token, _, _ := strings.Cut(rest, "/")
	return token
}

// attachLines are the lines of o that name an attachment, by its id or its address here.
func (c *Changer) attachLines(o *ical.Object) []*ical.Line {
	var lines []*ical.Line
	for _, comp := range o.Root.Children {
		for _, l := range comp.Lines {
			if l.Name == "ATTACH" && (l.Param("MANAGED-ID") != "" || c.opts.Policy.Attachments.tokenAt(l.Value) != "") {
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// claim finds the attachments that a save refers to: the calendar's owner's, in what the owner organises
// (RFC 8607 §3.7). Where a client has lost the id or changed the address they are put back, in the body that
// is returned. An id that names nothing of the owner's is refused where files can be attached, unless it stood
// there before; an import loses it.
func (c *Changer) claim(tx *store.Tx, r PutRequest, in *body, cur *store.Object) ([]int64, *body, error) {
	if len(in.attached) == 0 {
		return nil, in, nil
	}
	u, err := tx.UserByID(r.Calendar.UserID)
	if err != nil {
		return nil, nil, fmt.Errorf("read the calendar's owner: %w", err)
	}
	if !organizes(in.object, u) {
		return nil, in, nil
	}
	stood := map[string]bool{}
	if cur != nil {
		if o, err := ical.Parse(cur.Data, ical.Limits{Size: max(len(cur.Data), 1)}); err == nil {
			stood = managedIDs(o)
		}
	}
	var ids []int64
	edit := in.object.Edit()
	var again int64 // bytes that were released
	for _, l := range in.attached {
		id := l.Param("MANAGED-ID")
		a, err := c.opts.Policy.Attachments.attachmentOf(tx, l)
		switch {
		case err != nil:
			return nil, nil, err
		case a != nil && a.UserID == u.ID:
			if id != a.ManagedID {
				edit.SetParam(l, "MANAGED-ID", a.ManagedID)
			}
			if address := c.AttachmentAddress(a); strings.TrimSpace(l.Value) != address {
				edit.SetValue(l, address)
			}
			if !slices.Contains(ids, a.ID) {
				ids = append(ids, a.ID)
				if !a.Released.IsZero() {
					again += a.Size
				}
			}
		case id == "", c.opts.Policy.Attachments.Quota == 0, stood[id]:
		case r.Import:
			edit.SetParam(l, "MANAGED-ID", "")
		default:
			return nil, nil, refuse("valid-managed-id-parameter", "MANAGED-ID names no attachment of yours")
		}
	}
	if again > 0 {
		if err := c.room(tx, u.ID, again, cur, ids); err != nil {
			return nil, nil, err
		}
	}
	if edit.Changed() {
		if in, err = c.check(r.Calendar, edit.Bytes()); err != nil {
			return nil, nil, err
		}
	}
	return ids, in, nil
}

// room says whether a user's quota has room for so many bytes more, once cur refers to ids only.
func (c *Changer) room(tx *store.Tx, userID, more int64, cur *store.Object, ids []int64) error {
	use, err := tx.AttachmentUse(userID)
	if err != nil {
		return err
	}
	held := use.Held
	if cur != nil {
		own, err := tx.AttachmentsOnlyOf(cur.ID)
		if err != nil {
			return err
		}
		for _, a := range own {
			if !slices.Contains(ids, a.ID) {
				held -= a.Size
			}
		}
	}
	if held+more > c.opts.Policy.Attachments.Quota {
		return errQuota
	}
	return nil
}

// errQuota is of RFC 4331 §6.
var errQuota = &Refusal{
	Status: http.StatusInsufficientStorage, Space: "DAV:", Condition: "quota-not-exceeded", Text: "there is no room for more attachments",
}

// attachmentOf is what l names; nil if it is nothing of ours any more.
func (p *AttachmentPolicy) attachmentOf(tx *store.Tx, l *ical.Line) (*store.Attachment, error) {
	if id := l.Param("MANAGED-ID"); id != "" {
		a, err := find(tx.AttachmentByManagedID(id))
		if err != nil || a != nil {
			return a, err
		}
	}
	token := p.tokenAt(l.Value)
	if token == "" {
		return nil, nil
	}
	return find(tx.AttachmentByToken(token))
}

// refer stores which attachments o refers to. cur is what stood there before, and before the same parsed, nil
// where that is not at hand.
func (c *Changer) refer(tx *store.Tx, o, cur *store.Object, before *ical.Event, ids []int64) error {
	if len(ids) == 0 && (cur == nil || before != nil && len(c.attachLines(before.Object)) == 0) {
		return nil
	}
	return tx.SetAttachments(o.ID, ids)
}

// Lost names the files that data, an object of u's, leads to at addresses here and that are not there. Of what
// somebody else organises, and of what cannot be read, there are none.
func (p *AttachmentPolicy) Lost(tx *store.Tx, u *store.User, data []byte) (names []string, err error) {
	o, err := ical.Parse(data, ical.Limits{Size: max(len(data), 1)})
	if err != nil || !organizes(o, u) {
		return nil, nil
	}
	for _, comp := range attachable(o) {
		for _, l := range comp.All("ATTACH") {
			if p.tokenAt(l.Value) == "" {
				continue
			}
			a, err := p.attachmentOf(tx, l)
			if err != nil {
				return nil, err
			}
			if name := cmp.Or(l.Param("FILENAME"), "a file"); a == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}
