package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"joinery/store"
)

// quotaNear is how much of the quota, in percent, a user's files may take up without a warning.
const quotaNear = 90

// attachments holds the files of events to what the events say, and to the quota.
func (d *doctor) attachments(ctx context.Context) {
	if d.store == nil {
		return
	}
	const name = "attachments"
	var uses []store.UserAttachments
	var faults store.AttachmentFaults
	var unnamed, lost []store.AttachmentName
	err := d.store.View(ctx, func(tx *store.Tx) (err error) {
		if uses, err = tx.AttachmentUses(); err != nil {
			return err
		}
		if faults, err = tx.CheckAttachments(); err != nil {
			return err
		}
		if lost, err = d.lostFiles(tx); err != nil {
			return err
		}
		unnamed = nil
		return tx.EachAttachmentReference(func(r store.AttachmentReference, data []byte) error {
			if !strings.Contains(unfolded.Replace(string(data)), r.ManagedID) {
				unnamed = append(unnamed, r.AttachmentName)
			}
			return nil
		})
	})
	if err != nil {
		d.add(statusFail, name, err.Error(), "See the store's line.")
		return
	}
	var all store.AttachmentUse
	var near []string
	quota := int64(d.config.CalDAV.AttachmentQuota)
	for _, u := range uses {
		all.Held, all.Total, all.Count = all.Held+u.Held, all.Total+u.Total, all.Count+u.Count
		if d.config.attaches() && u.Held >= quota/100*quotaNear {
			near = append(near, fmt.Sprintf("%s has %d of %d MiB", u.Login, u.Held>>20, quota>>20))
		}
	}
	sound := true
	bad := func(s status, files []store.AttachmentName, what, remedy string) {
		if len(files) > 0 {
			d.add(s, name, what+": "+fileNames(files), remedy)
			sound = false
		}
	}
	bad(statusFail, faults.Incomplete, "bytes are missing of", "Have each attached to its event again; a backup from before may have it whole.")
	bad(statusFail, faults.Doomed, "events have these, and they are about to be removed", "Save a backup now, and have each attached to its event again.")
	bad(statusWarn, unnamed, "their events do not name them", "Save these events in a client again; until then the files count and take up room.")
	bad(statusWarn, lost, "events lead to files that are not there", "Attach them again, or take them off the events; a backup from before may have them.")
	if odd := faults.Unused + faults.Dangling + faults.Stray; odd > 0 {
		d.add(statusWarn, name, fmt.Sprintf("rows that belong to no event or no file: %d (files %d, references %d, parts %d)", odd, faults.Unused, faults.Dangling, faults.Stray),
			"They only take up room. Say so to whoever changed the database by hand, or report it.")
		sound = false
	}
	if len(near) > 0 {
		d.add(statusWarn, name+", quota", enumerated(near), "Raise attachment_quota in [caldav], or have them take files off their events: at the quota no more can be attached.")
	}
	if sound {
		detail := "there are none"
		if all.Count > 0 {
			detail = fmt.Sprintf("files: %d, of %d MiB; %d MiB are off their events, and go in time", all.Count, all.Total>>20, (all.Total-all.Held)>>20)
		}
		d.add(statusOK, name, detail, "")
	}
}

// lostFiles are the files that organisers' events lead to and that are not there.
func (d *doctor) lostFiles(tx *store.Tx) (lost []store.AttachmentName, err error) {
	policy := d.config.attachable()
	users := map[int64]*store.User{}
	err = tx.EachAttaching(func(userID int64, data []byte) error {
		if !strings.Contains(unfolded.Replace(string(data)), policy.Base) {
			return nil
		}
		u := users[userID]
		if u == nil {
			var err error
			if u, err = tx.UserByID(userID); err != nil {
				return err
			}
			users[userID] = u
		}
		names, err := policy.Lost(tx, u, data)
		for _, name := range names {
			lost = append(lost, store.AttachmentName{Login: u.Login, Name: name})
		}
		return err
	})
	return lost, err
}

// unfolded joins the parts of long lines (RFC 5545 §3.1).
var unfolded = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "")

func fileNames(files []store.AttachmentName) string {
	list := make([]string, len(files))
	for i, f := range files {
		list[i] = fmt.Sprintf("%s of %s", f.Name, f.Login)
	}
	return enumerated(slices.Compact(list))
}

// enumerated names the first few of a list.
func enumerated(list []string) string {
	const most = 5
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), more)
	}
	return strings.Join(list, ", ")
}
