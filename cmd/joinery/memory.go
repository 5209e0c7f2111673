package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

// ballast is memory that is never touched, and so takes none: the heap is collected when it has doubled,
// and of a server that holds little this would be after every few requests.
const ballast = 8 << 20

// restAfter is for how long nobody must have asked for anything before memory is given back.
const restAfter = 30 * time.Second

// giveBack holds the ballast, and gives the memory that requests took, password hashes above all, back to
// the system when nobody has asked for anything for a while: left alone, the runtime keeps it for minutes.
func (a *app) giveBack(ctx context.Context) error {
	hold := make([]byte, ballast)
	defer runtime.KeepAlive(hold)
	tick := time.NewTicker(restAfter)
	defer tick.Stop()
	for seen, given := int64(0), false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch n := a.asked.Load(); {
		case n != seen:
			seen, given = n, false
		case !given:
			debug.FreeOSMemory()
			given = true
		}
	}
}
