package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// owner makes a user of attachments.
func owner(t *testing.T, s *Store) int64 {
	t.Helper()
	u := &User{Login: "anna"}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.CreateUser(u) }); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// attached makes an attachment to which objects refer.
func attached(t *testing.T, s *Store, userID int64, data string, limits AttachmentLimits, objects ...int64) *Attachment {
	t.Helper()
	a := &Attachment{UserID: userID, Name: "x", Type: "a/b"}
	if err := s.AddAttachment(t.Context(), a, strings.NewReader(data), limits); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetAttachments(o, []int64{a.ID}) }); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func useOf(t *testing.T, s *Store, userID int64) (use AttachmentUse) {
	t.Helper()
	err := s.View(t.Context(), func(tx *Tx) (err error) {
		use, err = tx.AttachmentUse(userID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return use
}

var manyBytes = AttachmentLimits{Size: 1 << 30, Quota: 1 << 30}

// TestAttachmentBytes reads back what was stored, from anywhere, at sizes around those of rows.
func TestAttachmentBytes(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	for _, size := range []int{0, 1, attachmentChunk - 1, attachmentChunk, attachmentChunk + 1, 3*attachmentChunk + 7} {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rand.Uint32())
		}
		a := &Attachment{UserID: anna, Name: "x", Type: "a/b"}
		if err := s.AddAttachment(t.Context(), a, iotest.HalfReader(strings.NewReader(string(data))), manyBytes); err != nil {
			t.Fatal(err)
		}
		if a.Size != int64(size) || a.Released.IsZero() {
			t.Fatalf("%d bytes: %+v", size, a)
		}
		if err := iotest.TestReader(s.OpenAttachment(t.Context(), a), data); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := s.OpenAttachment(t.Context(), &Attachment{}).Seek(-1, io.SeekStart); err == nil {
		t.Error("a place before the beginning was taken")
	}
}

// TestAttachmentLimits: what is refused leaves nothing.
func TestAttachmentLimits(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	limits := AttachmentLimits{Size: 2 * attachmentChunk, Quota: 3 * attachmentChunk}
	broken := errors.New("broken")
	add := func(r io.Reader) error {
		return s.AddAttachment(t.Context(), &Attachment{UserID: anna}, r, limits)
	}
	chunks := func(n int) string { return strings.Repeat("x", n*attachmentChunk) }
	if err := add(strings.NewReader(chunks(2) + "x")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := add(io.MultiReader(strings.NewReader(chunks(1)), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := s.AddAttachment(ctx, &Attachment{UserID: anna}, io.MultiReader(strings.NewReader(chunks(1)), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	}), strings.NewReader(chunks(1))), limits)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up: %v", err)
	}
	attached(t, s, anna, chunks(2), limits, 1)
	if err := add(strings.NewReader(chunks(2))); !errors.Is(err, ErrQuota) {
		t.Errorf("above the quota: %v", err)
	}
	if use := useOf(t, s, anna); use.Held != 2*attachmentChunk || use.Total > use.Held+attachmentChunk {
		t.Errorf("use %+v", use)
	}
	for _, table := range []string{"attachments", "attachment_chunks"} {
		err := s.View(t.Context(), func(tx *Tx) error {
			var n int
			err := tx.row([]any{&n}, `SELECT count(*) FROM `+table)
			if n > 3 {
				t.Errorf("%d rows in %s", n, table)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestAttachmentReferences counts by the objects that refer to an attachment.
func TestAttachmentReferences(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	a := attached(t, s, anna, "a", manyBytes, 1, 2)
	b := attached(t, s, anna, "b", manyBytes)
	held := func(a *Attachment) (held bool) {
		t.Helper()
		err := s.View(t.Context(), func(tx *Tx) error {
			now, err := tx.AttachmentByManagedID(a.ManagedID)
			held = err == nil && now.Released.IsZero()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return held
	}
	set := func(object int64, ids ...int64) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetAttachments(object, ids) }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(wantA, wantB bool) {
		t.Helper()
		if held(a) != wantA || held(b) != wantB {
			t.Errorf("held %v %v, want %v %v", held(a), held(b), wantA, wantB)
		}
	}
	want(true, false)
	set(1, b.ID)
	want(true, true)
	set(1, b.ID, a.ID)
	set(2)
	want(true, true)
	set(3, b.ID, a.ID)
	set(1)
	want(true, true)
	set(3)
	want(false, false)
	set(1, a.ID)
	if err := s.DropAttachment(t.Context(), a.ID); err != nil || !held(a) {
		t.Errorf("an attachment that an object refers to was dropped: %v", err)
	}
	if err := s.DropAttachment(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetAttachments(4, []int64{b.ID}) })
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("an object refers to what has gone: %v", err)
	}
}

// TestPurgeAttachments removes what is due, a few rows at a time, and nothing else.
func TestPurgeAttachments(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	data := strings.Repeat("x", 5*attachmentChunk)
	held := attached(t, s, anna, data, manyBytes, 1)
	released := attached(t, s, anna, data, manyBytes, 2)
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetAttachments(2, nil) }); err != nil {
		t.Fatal(err)
	}
	begun := attached(t, s, anna, data, manyBytes)
	there := func(a *Attachment) bool {
		err := s.View(t.Context(), func(tx *Tx) error {
			_, err := tx.AttachmentByManagedID(a.ManagedID)
			return err
		})
		return err == nil
	}
	purge := func(before, abandoned time.Duration) (rounds int) {
		t.Helper()
		for more := true; more; rounds++ {
			err := s.Update(t.Context(), func(tx *Tx) (err error) {
				more, err = tx.PurgeAttachments(tx.Now().Add(-before), tx.Now().Add(-abandoned), 2)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		return rounds
	}
	steps := []struct {
		before, abandoned     time.Duration
		held, released, begun bool
		rounds                int
	}{
		{time.Hour, time.Hour, true, true, true, 1},
		{time.Hour, -time.Hour, true, true, false, 5},
		{-time.Hour, time.Hour, true, false, false, 5},
		{-time.Hour, -time.Hour, true, false, false, 1},
	}
	for i, step := range steps {
		rounds := purge(step.before, step.abandoned)
		got := fmt.Sprint(there(held), there(released), there(begun), rounds)
		if want := fmt.Sprint(step.held, step.released, step.begun, step.rounds); got != want {
			t.Errorf("step %d: %s, want %s", i, got, want)
		}
	}
	if use := useOf(t, s, anna); use.Total != int64(len(data)) || use.Held != use.Total {
		t.Errorf("use %+v", use)
	}
}

// TestManyAttachments bounds their number, empty ones too: the oldest that nothing refers to make room.
func TestManyAttachments(t *testing.T) {
	s := openPath(t, filepath.Join(t.TempDir(), "test.db"))
	anna := owner(t, s)
	fill := func(from, n int, released int64) {
		t.Helper()
		err := s.Update(t.Context(), func(tx *Tx) error {
			_, err := tx.exec(`WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
				INSERT INTO attachments (user_id, managed_id, token, name, type, size, used, gone, created_at, released_at)
				SELECT ?, i, i, 'x', 'a/b', 0, TRUE, FALSE, i, ? FROM n`, from, from+n, anna, released)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fill(0, 10, 1)
	fill(10, mostAttachments-10, 0)
	a := attached(t, s, anna, "", manyBytes, 1)
	if use := useOf(t, s, anna); use.Count > mostAttachments || use.Count < mostAttachments-10 {
		t.Errorf("%d attachments", use.Count)
	}
	var err error
	for i := 0; i < 10 && err == nil; i++ { // nine others can go
		err = s.AddAttachment(t.Context(), &Attachment{UserID: anna}, strings.NewReader(""), manyBytes)
		if i < 9 && err != nil {
			t.Fatal(i, err)
		}
	}
	if !errors.Is(err, ErrQuota) || a.ID == 0 {
		t.Errorf("one too many: %v", err)
	}
}
