package store

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
)

var errTaken = errors.New("taken back")

// TestCheckAttachments breaks stored attachments in every way that is looked for.
func TestCheckAttachments(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	o := Object{Name: "a.ics", UID: "a", Data: []byte("event")}
	err := s.Update(t.Context(), func(tx *Tx) error {
		c := Calendar{UserID: anna, Slug: "calendar"}
		if err := tx.CreateCalendar(&c); err != nil {
			return err
		}
		o.CalendarID = c.ID
		return tx.PutObject(&o)
	})
	if err != nil {
		t.Fatal(err)
	}
	a := attached(t, s, anna, "agenda", manyBytes, o.ID)
	attached(t, s, anna, "", manyBytes) // an empty one that nothing refers to yet
	check := func() (f AttachmentFaults) {
		t.Helper()
		err := s.View(t.Context(), func(tx *Tx) (err error) {
			f, err = tx.CheckAttachments()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if got := check(); !reflect.DeepEqual(got, AttachmentFaults{}) {
		t.Errorf("all is well, and the check finds %+v", got)
	}
	err = s.View(t.Context(), func(tx *Tx) error {
		uses, err := tx.AttachmentUses()
		if want := (UserAttachments{"anna", AttachmentUse{Held: 6, Total: 6, Count: 2}}); err != nil || len(uses) != 1 || uses[0] != want {
			t.Errorf("uses: got %+v (%v), want %+v", uses, err, want)
		}
		n := 0
		err = tx.EachAttachmentReference(func(r AttachmentReference, data []byte) error {
			n++
			if want := (AttachmentReference{a.ManagedID, AttachmentName{"anna", "x"}}); r != want || string(data) != "event" {
				t.Errorf("reference: got %+v to %q, want %+v", r, data, want)
			}
			return nil
		})
		if n != 1 {
			t.Errorf("%d references, want 1", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := []AttachmentName{{"anna", "x"}}
	for name, test := range map[string]struct {
		breaks string
		want   AttachmentFaults
	}{
		"bytes missing":      {`DELETE FROM attachment_chunks`, AttachmentFaults{Incomplete: named}},
		"bytes cut":          {`UPDATE attachment_chunks SET data = substr(data, 2)`, AttachmentFaults{Incomplete: named}},
		"to be removed":      {`UPDATE attachments SET released_at = 1 WHERE size > 0`, AttachmentFaults{Doomed: named}},
		"no reference":       {`DELETE FROM attachment_objects`, AttachmentFaults{Unused: 1}},
		"of no object":       {`UPDATE attachment_objects SET object_id = 99`, AttachmentFaults{Dangling: 1}},
		"of no attachment":   {`PRAGMA defer_foreign_keys = 1; UPDATE attachment_chunks SET attachment_id = 99`, AttachmentFaults{Stray: 1, Incomplete: named}},
		"gone is no trouble": {`UPDATE attachments SET gone = TRUE, released_at = 1`, AttachmentFaults{}},
	} {
		t.Run(name, func(t *testing.T) {
			// What is broken is taken back.
			err := s.Update(t.Context(), func(tx *Tx) error {
				if _, err := tx.exec(test.breaks); err != nil {
					return err
				}
				got, err := tx.CheckAttachments()
				if err != nil || !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %+v (%v), want %+v", got, err, test.want)
				}
				return errTaken
			})
			if err != errTaken {
				t.Error(err)
			}
		})
	}
}
