package store_test

import (
	"maps"
	"testing"

	"joinery/store"
)

// Dead properties follow their object when it is moved and replaced, go with it, and are counted.
func TestProperties(t *testing.T) {
	s := openStore(t, store.Options{Now: newClock().now})
	want := func(tx *store.Tx, kind store.PropertyKind, subject int64, props map[string]string) {
		t.Helper()
		got, err := tx.Properties(kind, subject)
		if err != nil || !maps.Equal(got, props) {
			t.Errorf("%s %d: got %v (%v), want %v", kind, subject, got, err, props)
		}
	}
	var u store.User
	var c, other store.Calendar
	var o, second store.Object
	props, none := map[string]string{"{x:}a": "1", "{x:}b": "<y/>"}, map[string]string(nil)
	update(t, s, func(tx *store.Tx) error {
		u = store.User{Login: "anna"}
		if err := tx.CreateUser(&u); err != nil {
			return err
		}
		c, other = store.Calendar{UserID: u.ID, Slug: "a"}, store.Calendar{UserID: u.ID, Slug: "b"}
		for _, c := range []*store.Calendar{&c, &other} {
			if err := tx.CreateCalendar(c); err != nil {
				return err
			}
		}
		o, second = store.Object{CalendarID: c.ID, Name: "o", UID: "o", Data: []byte("old")}, store.Object{CalendarID: c.ID, Name: "p", UID: "p", Data: []byte("old")}
		for _, o := range []*store.Object{&o, &second} {
			if err := tx.PutObject(o); err != nil {
				return err
			}
		}
		for kind, subject := range map[store.PropertyKind]int64{
			store.PropertiesOfHome: u.ID, store.PropertiesOfPrincipal: u.ID, store.PropertiesOfObject: o.ID,
		} {
			if err := tx.PutProperties(kind, subject, u.ID, props); err != nil {
				return err
			}
		}
		return tx.PutProperties(store.PropertiesOfObject, second.ID, u.ID, props)
	})
	update(t, s, func(tx *store.Tx) error {
		changes, _, _, err := tx.Changes(c.ID, second.Seq, 0)
		if err != nil || len(changes) != 2 {
			t.Errorf("changes after properties were put: %v (%v), want both objects", changes, err)
		}
		if n, size, err := tx.CountProperties(u.ID); err != nil || n != 4 || size != 4*15 {
			t.Errorf("count: %d, %d bytes (%v)", n, size, err)
		}
		if err := tx.MoveObject(o.ID, other.ID, "moved"); err != nil {
			return err
		}
		o.Data = []byte("new")
		if err := tx.PutObject(&o); err != nil {
			return err
		}
		want(tx, store.PropertiesOfObject, o.ID, props)
		if err := tx.DeleteObject(o.ID); err != nil {
			return err
		}
		want(tx, store.PropertiesOfObject, o.ID, none)
		want(tx, store.PropertiesOfObject, second.ID, props)
		if err := tx.DeleteCalendar(c.ID); err != nil {
			return err
		}
		want(tx, store.PropertiesOfObject, second.ID, none)
		if err := tx.PutProperties(store.PropertiesOfHome, u.ID, u.ID, nil); err != nil {
			return err
		}
		want(tx, store.PropertiesOfHome, u.ID, none)
		want(tx, store.PropertiesOfPrincipal, u.ID, props)
		return tx.DeleteUser(u.ID)
	})
	view(t, s, func(tx *store.Tx) error {
		want(tx, store.PropertiesOfPrincipal, u.ID, none)
		return nil
	})
}
