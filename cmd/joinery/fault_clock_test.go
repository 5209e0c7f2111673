package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The environment of the program's process, which is this test binary again: so it has a clock of
// the test's.
const (
	faultProgramArgs  = "JOINERY_FAULT_PROGRAM" // its arguments, by lines
	faultProgramClock = "JOINERY_FAULT_CLOCK"   // the clock's file
)

// A faultClock runs as fast as any other, and jumps. Processes share it by a file with how far it is
// before the machine's.
type faultClock struct {
	path  string
	file  *os.File
	ahead atomic.Int64 // what the file said last, of whoever moves it
}

// openFaultClock opens a clock, and makes it if need be.
func openFaultClock(path string) (*faultClock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &faultClock{path: path, file: f}, nil
}

// read is how far the clock is before the machine's.
func (c *faultClock) read() time.Duration {
	var b [8]byte
	if _, err := c.file.ReadAt(b[:], 0); err != nil {
		panic(fmt.Sprintf("read the clock: %v", err))
	}
	return time.Duration(binary.BigEndian.Uint64(b[:]))
}

// shared is the time for a process that does not move the clock.
func (c *faultClock) shared() time.Time { return time.Now().Add(c.read()) }

// now is the time for the process that moves the clock.
func (c *faultClock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// move sets the clock. It must not go back.
func (c *faultClock) move(to time.Time) error {
	ahead := time.Until(to)
	if before := time.Duration(c.ahead.Load()); ahead < before {
		return fmt.Errorf("the clock would go back by %v", before-ahead)
	}
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(ahead))
	if _, err := c.file.WriteAt(b[:], 0); err != nil {
		return fmt.Errorf("move the clock: %w", err)
	}
	c.ahead.Store(int64(ahead))
	return nil
}

// TestFaultProgram is no test of its own: TestFaultSeries runs it as the program with its clock.
func TestFaultProgram(t *testing.T) {
	args := strings.Split(os.Getenv(faultProgramArgs), "\n")
	if args[0] == "" {
		t.Skip("this is the program for TestFaultSeries, which starts it by the environment")
	}
	clock, err := openFaultClock(os.Getenv(faultProgramClock))
	if err != nil {
		t.Fatal(err)
	}
	environ := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "JOINERY_FAULT") })
	p := &program{name: "joinery", in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: environ, now: clock.shared, random: rand.Reader}
	if args[0] != "serve" {
		os.Exit(p.run(context.Background(), args))
	}
	p.configPath = args[slices.Index(args, "--config")+1]
	if err := faultServe(p, clock); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// faultServe is joinery serve, whose queues notice at once when the clock was moved. It ends with the
// process that started it, however that one ends.
func faultServe(p *program, clock *faultClock) error {
	c, err := loadConfig(p.configPath, p.environ)
	if err != nil {
		return err
	}
	l, err := listenTCP(c.Listen)
	if err != nil {
		return err
	}
	incoming, err := c.listenLMTP()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a, err := newApp(ctx, c, p.logger(c), p.now)
	if err != nil {
		return err
	}
	a.lmtpOn = incoming
	go func() {
		_, _ = io.Copy(io.Discard, p.in)
		os.Exit(2)
	}()
	go func() {
		for was := clock.read(); ctx.Err() == nil; time.Sleep(time.Millisecond) {
			if is := clock.read(); is != was {
				was = is
				a.outbox.Look()
			}
		}
	}()
	return errors.Join(a.run(ctx, l), a.Close())
}
