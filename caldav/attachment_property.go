package caldav

import (
	"encoding/xml"
	"strconv"

	"joinery/store"
)

// attachmentProperties are those of RFC 8607 §6, and of RFC 4331 the quota that attachments fill. They are
// there where files can be attached.
func attachmentProperties() map[xml.Name]property {
	limit := func(kinds kind, of func(q *request) string) property {
		return property{kinds: kinds, get: func(q *request, _ *resource) (string, bool) {
			if q.attachments == nil {
				return "", false
			}
			return of(q), true
		}}
	}
	quota := func(of func(q *request, use *store.AttachmentUse) int64) property {
		return property{kinds: kindHome, get: func(q *request, res *resource) (string, bool) {
			if res.use == nil {
				return "", false
			}
			return strconv.FormatInt(of(q, res.use), 10), true
		}}
	}
	return map[xml.Name]property{
		cal("managed-attachments-server-URL"): limit(kindHome, func(q *request) string { return hrefXML(q.publicURL) }),
		cal("max-attachment-size"): limit(kindCalendar, func(q *request) string {
			return strconv.FormatInt(q.attachable.Size, 10)
		}),
		cal("max-attachments-per-resource"): limit(kindCalendar, func(q *request) string {
			return strconv.Itoa(q.attachable.PerObject)
		}),
		dav("quota-available-bytes"): quota(func(q *request, use *store.AttachmentUse) int64 {
			return max(0, q.attachable.Quota-use.Held)
		}),
		dav("quota-used-bytes"): quota(func(_ *request, use *store.AttachmentUse) int64 { return use.Held }),
	}
}

// attachmentUse completes the resource of a home.
func (q *request) attachmentUse(tx *store.Tx, res *resource) error {
	if q.attachments == nil {
		return nil
	}
	use, err := tx.AttachmentUse(q.user.ID)
	res.use = &use
	return err
}
