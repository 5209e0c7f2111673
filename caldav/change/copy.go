package change

import (
	"context"
	"fmt"
	"net/http"

	"joinery/store"
)

// maxCopied bounds the objects of a calendar that is copied: all of them are stored in one transaction.
const maxCopied = 1000

// copyObject stores a source's bytes in another place, with its dead properties. The copy is of the same
// UID, so that it takes the event over as the object that was written last.
func (c *Changer) copyObject(ctx context.Context, r MoveRequest) (Result, error) {
	if r.From.UserID != r.To.UserID {
		return Result{}, &Refusal{Status: http.StatusForbidden, Text: "objects are copied within one home only"}
	}
	var src *store.Object
	err := c.opts.Store.View(ctx, func(tx *store.Tx) (err error) {
		src, err = c.target(tx, r.From, r.Name, r.Conditions)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	put := PutRequest{Caller: r.Caller, Calendar: r.To, Name: r.ToName, Data: src.Data, Conditions: Conditions{IfNoneMatch: !r.Overwrite}}
	put.copying = func(tx *store.Tx, write func() (*store.Object, error)) error {
		now, err := c.target(tx, r.From, r.Name, r.Conditions)
		if err != nil {
			return err
		}
		if now.ID != src.ID || now.ETag != src.ETag {
			return errPrecondition // it was changed since it was read
		}
		o, err := write()
		if err != nil {
			return err
		}
		return copyProperties(tx, src.ID, o)
	}
	return c.put(ctx, put)
}

// copyProperties gives an object the dead properties of another.
func copyProperties(tx *store.Tx, from int64, to *store.Object) error {
	props, err := tx.Properties(store.PropertiesOfObject, from)
	if err != nil {
		return fmt.Errorf("read the properties of what is copied: %w", err)
	}
	old, err := tx.Properties(store.PropertiesOfObject, to.ID)
	if err != nil {
		return fmt.Errorf("read the properties of a copy: %w", err)
	}
	if len(props)+len(old) == 0 {
		return nil
	}
	return tx.PutProperties(store.PropertiesOfObject, to.ID, to.UserID, props)
}

// moveCalendar gives a calendar another slug. Nothing in it changes, and nobody is told.
func (c *Changer) moveCalendar(ctx context.Context, r CalendarRequest) (created bool, err error) {
	err = c.opts.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if created, err = c.makeRoom(tx, r); err != nil {
			return err
		}
		if err := tx.RenameCalendar(r.Calendar.ID, r.Slug); err != nil {
			return fmt.Errorf("move the calendar: %w", err)
		}
		return nil
	})
	return created, err
}

// copyCalendar makes another calendar like it. The objects in it own no event until they are saved, or
// those that do are deleted: nobody is told, and no conference is made.
func (c *Changer) copyCalendar(ctx context.Context, r CalendarRequest) (created bool, err error) {
	err = c.opts.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if created, err = c.makeRoom(tx, r); err != nil {
			return err
		}
		to := *r.Calendar
		to.ID, to.Slug = 0, r.Slug
		if err := tx.CreateCalendar(&to); err != nil {
			return fmt.Errorf("make the copy of a calendar: %w", err)
		}
		if !r.Members {
			return nil
		}
		ids, err := tx.ObjectIDs(r.Calendar.ID)
		if err != nil {
			return fmt.Errorf("list the calendar: %w", err)
		}
		if len(ids) > maxCopied {
			return &Refusal{Status: http.StatusInsufficientStorage, Text: fmt.Sprintf("more than %d objects are not copied at once", maxCopied)}
		}
		for _, id := range ids {
			o, err := tx.ObjectByID(id)
			if err != nil {
				return fmt.Errorf("read an object of the calendar: %w", err)
			}
			o.ID, o.CalendarID, o.ETag, o.Own = 0, to.ID, c.tag(), false
			if o.ScheduleTag != "" {
				o.ScheduleTag = c.tag()
			}
			if err := tx.PutObject(o); err != nil {
				return fmt.Errorf("copy an object: %w", err)
			}
			if err := copyProperties(tx, id, o); err != nil {
				return err
			}
			attached, err := tx.AttachmentsOf(id)
			if err == nil && len(attached) > 0 {
				err = tx.SetAttachments(o.ID, attached)
			}
			if err != nil {
				return fmt.Errorf("refer to the attachments of a copy: %w", err)
			}
		}
		return nil
	})
	return created, err
}

// makeRoom deletes the calendar that stands where another is to, if it may be; created tells that none did.
func (c *Changer) makeRoom(tx *store.Tx, r CalendarRequest) (created bool, err error) {
	target, err := find(tx.CalendarBySlug(r.Calendar.UserID, r.Slug))
	if err != nil || target == nil {
		return true, err
	}
	switch {
	case target.ID == r.Calendar.ID:
		return false, &Refusal{Status: http.StatusForbidden, Text: "that is where it is"}
	case !r.Overwrite:
		return false, errPrecondition
	}
	u, err := tx.UserByID(r.Calendar.UserID)
	if err != nil {
		return false, fmt.Errorf("read the calendar's owner: %w", err)
	}
	standard, err := DefaultCalendar(tx, u)
	if err != nil {
		return false, err
	}
	if standard != nil && standard.ID == target.ID {
		return false, refuse("default-calendar-needed", "another default calendar must be chosen first")
	}
	return false, c.deleteCalendarTx(tx, r.Caller, target)
}
