package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Errors of AddAttachment that are its caller's.
var (
	ErrTooLarge = errors.New("the attachment is too large")
	ErrQuota    = errors.New("the user's attachments take up too much")
)

// AttachmentLimits bound what a user may attach, in bytes.
type AttachmentLimits struct {
	Size  int64 // of one attachment
	Quota int64 // of those that a user's objects refer to; as much again may be stored that none refers to
}

// purgeChunks is how many chunks are removed in one transaction where somebody waits for it.
const purgeChunks = 16

// AddAttachment stores what r gives as an attachment of a.UserID, with a.Name and a.Type, that no object
// refers to yet, and sets everything else of a. Each chunk is durable before the next is read, and a's row
// does not outlast an error. It is ErrTooLarge or ErrQuota, or that of r, wrapped. Where a user has stored
// too much that no object refers to, the oldest of it is removed.
func (s *Store) AddAttachment(ctx context.Context, a *Attachment, r io.Reader, limits AttachmentLimits) error {
	var id [12]byte
	var token [20]byte
	for _, b := range [][]byte{id[:], token[:]} {
		if _, err := io.ReadFull(s.opts.Rand, b); err != nil {
			return fmt.Errorf("name an attachment: %w", err)
		}
	}
	a.ID, a.ManagedID, a.Token = 0, hex.EncodeToString(id[:]), hex.EncodeToString(token[:])
	err := s.fill(ctx, a, r, limits)
	if err != nil && a.ID != 0 {
		return errors.Join(err, s.DropAttachment(context.WithoutCancel(ctx), a.ID))
	}
	return err
}

func (s *Store) fill(ctx context.Context, a *Attachment, r io.Reader, limits AttachmentLimits) error {
	buf := make([]byte, attachmentChunk)
	for {
		n, err := io.ReadFull(r, buf)
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return fmt.Errorf("read the attachment: %w", err)
		}
		if a.ID != 0 && n == 0 {
			return nil
		}
		if a.Size+int64(n) > limits.Size {
			return ErrTooLarge
		}
		if err := s.appendChunk(ctx, a, buf[:n], limits); err != nil {
			return err
		}
		if last {
			return nil
		}
	}
}

// appendChunk stores the next bytes of a, none for an empty one.
func (s *Store) appendChunk(ctx context.Context, a *Attachment, data []byte, limits AttachmentLimits) error {
	for {
		made, full := *a, false
		err := s.Update(ctx, func(tx *Tx) error {
			made, full = *a, false
			use, err := tx.AttachmentUse(a.UserID)
			if err != nil {
				return err
			}
			size := int64(len(data))
			if use.Held+a.Size+size > limits.Quota {
				return ErrQuota
			}
			if over := use.Total + size - 2*limits.Quota; over > 0 || made.ID == 0 && use.Count >= mostAttachments {
				full = true
				found, err := tx.reclaim(a.UserID, over)
				if err == nil && !found {
					err = ErrQuota
				}
				return err
			}
			if made.ID == 0 {
				if err := tx.insertAttachment(&made); err != nil {
					return err
				}
			}
			if size == 0 {
				return nil
			}
			if err := tx.appendAttachment(&made, data); err != nil {
				return err
			}
			made.Size += size
			return nil
		})
		if err == nil && full {
			err = s.purgeGone(ctx)
		}
		if err != nil {
			return err
		}
		if !full {
			*a = made
			return nil
		}
	}
}

// mostAttachments is how many attachments of one user are stored, whatever their size: adding one looks at
// them all.
const mostAttachments = 20_000

// DropAttachment removes an attachment that no object refers to, at once; it does nothing where one does.
func (s *Store) DropAttachment(ctx context.Context, id int64) error {
	if err := s.Update(ctx, func(tx *Tx) error { return tx.giveUp(id) }); err != nil {
		return err
	}
	return s.purgeGone(ctx)
}

// purgeGone removes what is gone, a few rows at a time.
func (s *Store) purgeGone(ctx context.Context) (err error) {
	for more := true; more && err == nil; {
		err = s.Update(ctx, func(tx *Tx) (err error) {
			more, err = tx.purgeGone(purgeChunks)
			return err
		})
	}
	return err
}

// An AttachmentReader reads an attachment's bytes, a chunk in memory at a time, each in a View of its own.
// It is not safe for concurrent use.
type AttachmentReader struct {
	ctx   context.Context
	store *Store
	a     *Attachment
	at    int64
	chunk []byte
	held  int64 // number of chunk, if that is not nil
}

var _ io.ReadSeeker = (*AttachmentReader)(nil)

// OpenAttachment returns a reader of a's bytes, whose reads fail once ctx has ended.
func (s *Store) OpenAttachment(ctx context.Context, a *Attachment) *AttachmentReader {
	return &AttachmentReader{ctx: ctx, store: s, a: a}
}

// Read implements io.Reader.
func (r *AttachmentReader) Read(p []byte) (int, error) {
	if r.at >= r.a.Size {
		return 0, io.EOF
	}
	number := r.at / attachmentChunk
	if r.chunk == nil || r.held != number {
		err := r.store.View(r.ctx, func(tx *Tx) (err error) {
			r.chunk, err = tx.attachmentData(r.a.ID, number)
			return err
		})
		if err != nil {
			return 0, err
		}
		r.held = number
	}
	offset := r.at % attachmentChunk
	if offset >= int64(len(r.chunk)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, r.chunk[offset:])
	r.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (r *AttachmentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.a.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning")
	}
	r.at = offset
	return offset, nil
}
