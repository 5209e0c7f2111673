package main

import (
	"joinery/caldav/change"
	"joinery/store"
)

// attaches tells whether files can be attached to events.
func (c *config) attaches() bool { return c.CalDAV.AttachmentQuota > 0 }

// attachable is what may be attached, as the write path needs it.
func (c *config) attachable() change.AttachmentPolicy {
	return change.AttachmentPolicy{
		Base: c.PublicURL + "/a/", PerObject: c.CalDAV.AttachmentCount,
		AttachmentLimits: store.AttachmentLimits{Size: int64(c.CalDAV.AttachmentSize), Quota: int64(c.CalDAV.AttachmentQuota)},
	}
}

// checkAttachments holds the limits of files to what makes sense together.
func (c *config) checkAttachments() error {
	switch {
	case c.CalDAV.AttachmentQuota < 0:
		return c.wrong("caldav.attachment_quota", "is negative; write 0 if nobody is to attach files")
	case !c.attaches():
		return nil
	case c.CalDAV.AttachmentSize < 1024:
		return c.wrong("caldav.max_attachment_size", "is below 1024 bytes; set attachment_quota to 0 if nobody is to attach files")
	case c.CalDAV.AttachmentSize > 1<<30:
		return c.wrong("caldav.max_attachment_size", "is above 1 GiB; files stand in the database")
	case c.CalDAV.AttachmentCount < 1 || c.CalDAV.AttachmentCount > 1000:
		return c.wrong("caldav.max_attachments", "is not between 1 and 1000; set attachment_quota to 0 if nobody is to attach files")
	case c.CalDAV.AttachmentQuota < c.CalDAV.AttachmentSize:
		return c.wrong("caldav.attachment_quota", "is below max_attachment_size; no such file fits")
	}
	return nil
}
