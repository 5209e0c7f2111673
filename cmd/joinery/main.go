// Command joinery is a CalDAV server that joins video conferences to calendar events.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := &program{name: calledAs(os.Args[0]), in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), now: time.Now, random: rand.Reader}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// A program is the command line and what it is given from outside.
type program struct {
	name     string // how to call it
	in       io.Reader
	out, err io.Writer
	environ  []string
	now      func() time.Time
	random   io.Reader

	configPath string // --config
}

// calledAs is what people type to run this program again.
func calledAs(arg string) string {
	if strings.Contains(arg, "go-build") {
		return "go run ./cmd/joinery"
	}
	return arg
}

// errReported ends a command with status 1 whose output has said why.
var errReported = errors.New("reported")

// run runs a command and returns the exit status. An error is one line on err.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errReported):
		fmt.Fprintln(p.err, "joinery: "+strings.Join(strings.Fields(err.Error()), " "))
	}
	return 1
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "joinery",
		Short:         "Joins video conferences to calendar events",
		Long:          "Joinery is a CalDAV server that joins video conferences to calendar events.\nTo see it work: joinery demo",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          onlyHelp,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().StringVarP(&p.configPath, "config", "c", "joinery.toml", "the configuration `FILE`; joinery config prints an example")
	root.AddCommand(p.serveCommand(), p.demoCommand(), p.userCommand(), p.roomCommand(), p.calendarCommand(), p.importCommand(),
		p.doctorCommand(), p.whyCommand(), p.reconcileCommand(), p.attendanceCommand(), p.emulateCommand(), p.configCommand(), p.versionCommand())
	return root
}

// open reads the configuration and joins the program's parts for a command that runs beside serve.
// What it logs is warnings. The app must be closed.
func (p *program) open(ctx context.Context) (*app, error) {
	c, err := loadConfig(p.configPath, p.environ)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return newApp(ctx, c, log, p.now)
}

// opened is what a command does with the app that open returns, which is closed at the end.
func (p *program) opened(do func(cmd *cobra.Command, a *app, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a, err := p.open(cmd.Context())
		if err != nil {
			return err
		}
		defer a.Close()
		return do(cmd, a, args)
	}
}

// logger logs as the configuration says, to err.
func (p *program) logger(c *config) *slog.Logger {
	var level slog.Level
	// check has let pass only what slog knows.
	_ = level.UnmarshalText([]byte(c.Log))
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.err, o))
	}
	return slog.New(slog.NewTextHandler(p.err, o))
}
