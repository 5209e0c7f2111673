package change

import (
	"context"

	"joinery/store"
)

type waiters struct{}
type bursts struct{}

func newChanger(o Options) *Changer                                        { panic("unwritten") }
func (c *Changer) put(ctx context.Context, r PutRequest) (Result, error)   { panic("unwritten") }
func (c *Changer) delete(ctx context.Context, r DeleteRequest) error       { panic("unwritten") }
func (c *Changer) move(ctx context.Context, r MoveRequest) (Result, error) { panic("unwritten") }
func (c *Changer) deleteCalendar(ctx context.Context, by Caller, cal *store.Calendar) error {
	panic("unwritten")
}
func (c *Changer) removeUser(ctx context.Context, by Caller, u *store.User) error { panic("unwritten") }
func (c *Changer) present(tx *store.Tx, eventID int64) (*Present, error)          { panic("unwritten") }
func (c *Changer) markDelivered(tx *store.Tx, eventID int64, address string, reply bool, status string) error {
	panic("unwritten")
}
