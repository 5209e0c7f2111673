package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3" // the run looks at the server's database

	"joinery/conference/emulator"
)

// faultConfig is the configuration of the server of a run: everything is short, so that much happens.
const faultConfig = `
listen = "%[1]s"
public_url = "http://%[1]s"
service_domain = "conference.example.org"
settle = "1s"
log = "info"

[store]
url = "sqlite:%[2]s"

[caldav]
wait_for_link = "300ms"
import_burst = 100000

[mail]
relay = "smtp://%[3]s"
domains = ["example.org"]
wait_for_link = "60s"
settle = "500ms"

[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "http://%[4]s/v3"
token = "%[5]s"
words = { "Webinar" = "webinar", "Вебинар" = "webinar", "МТС Линк" = "meeting", "MTS Link" = "meeting" }
resource = "webinar"
default = true
calls_per_second = 1000.0
late_answer = "2s"
denied_retry = "1s"
`

const (
	faultToken    = "token-of-the-fault-program"
	faultPassword = "correct horse"
	faultResource = "webinar@conference.example.org"
)

// faultWorld is the processes of a run: the server, which is killed and started again, the provider's
// emulator and the SMTP server, which live on.
type faultWorld struct {
	t      *testing.T
	dir    string
	binary string
	config string
	listen string // of the server
	mts    string // base address of the emulator
	relay  string // address of the SMTP server's control
	http   *http.Client

	command func(ctx context.Context, args ...string) *exec.Cmd // of the program
	serving *os.File                                            // the server's input

	mu     sync.Mutex
	server *exec.Cmd
	exited chan error
	up     chan struct{} // closed while the server is there
	starts int
}

// newFaultWorld builds the program and starts everything. All of it ends with the test.
func newFaultWorld(ctx context.Context, t *testing.T, seed uint64) *faultWorld {
	t.Helper()
	w := &faultWorld{t: t, dir: t.TempDir(), http: &http.Client{Timeout: 30 * time.Second}, up: make(chan struct{})}
	w.binary = filepath.Join(w.dir, "joinery")
	build := exec.CommandContext(ctx, "go", "build", "-o", w.binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	w.command = func(ctx context.Context, args ...string) *exec.Cmd {
		return exec.CommandContext(ctx, w.binary, append(args, "--config", w.config)...)
	}
	ports := faultPorts(t, 4)
	w.listen, w.relay = ports[0], ports[3]
	w.mts = "http://" + ports[1]
	w.config = filepath.Join(w.dir, "joinery.toml")
	text := fmt.Sprintf(faultConfig, w.listen, filepath.ToSlash(filepath.Join(w.dir, "joinery.db")), ports[2], ports[1], faultToken)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	w.process("emulator", exec.Command(w.binary, "emulate", "mtslink", "--listen", ports[1], "--token", faultToken))
	w.startRelay(ctx, ports[2], seed)
	w.await(ctx, "the emulator", func() error { _, err := w.state(ctx); return err })
	return w
}

// startRelay starts the SMTP server, whose control is at w.relay.
func (w *faultWorld) startRelay(ctx context.Context, listen string, seed uint64) {
	w.t.Helper()
	relay := exec.Command(os.Args[0], "-test.run=^TestFaultSMTP$", "-test.timeout=0")
	relay.Env = append(os.Environ(), faultSMTPListen+"="+listen, faultSMTPControl+"="+w.relay,
		faultSMTPLog+"="+w.mailLog(), fmt.Sprintf("%s=%d", faultSMTPSeed, seed))
	stdin, err := relay.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { stdin.Close() })
	w.process("smtp", relay)
	w.await(ctx, "the SMTP server", func() error { _, err := w.relayPlan(ctx, faultRelayPlan{}); return err })
}

func (w *faultWorld) database() string { return filepath.Join(w.dir, "joinery.db") }
func (w *faultWorld) mailLog() string  { return filepath.Join(w.dir, "mail.jsonl") }

// faultPorts returns addresses that were free a moment ago. They are none of those that systems give to connections:
// one of these would be taken while the process is down.
func faultPorts(t *testing.T, n int) []string {
	t.Helper()
	var list []string
	for range 1000 {
		if len(list) == n {
			return list
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err != nil {
			continue
		}
		defer l.Close()
		list = append(list, l.Addr().String())
	}
	t.Fatalf("no %d ports are free", n)
	return nil
}

// output opens the file that a process writes its output to.
func (w *faultWorld) output(name string) *os.File {
	w.t.Helper()
	f, err := os.OpenFile(filepath.Join(w.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// process starts a process that lives as long as the test.
func (w *faultWorld) process(name string, cmd *exec.Cmd) {
	w.t.Helper()
	log := w.output(name)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("start %s: %v", name, err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// await polls until ready has no error.
func (w *faultWorld) await(ctx context.Context, what string, ready func() error) {
	w.t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if err = ready(); err == nil {
			return
		}
	}
	w.t.Fatalf("%s is not there: %v", what, errors.Join(err, ctx.Err()))
}

// run runs a command of the program.
func (w *faultWorld) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := w.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("joinery %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// start starts the server and waits until it answers.
func (w *faultWorld) start(ctx context.Context) {
	w.t.Helper()
	log := w.output("serve")
	defer log.Close()
	cmd := w.command(context.WithoutCancel(ctx), "serve")
	cmd.Stdout, cmd.Stderr = log, log
	if w.serving != nil {
		cmd.Stdin = w.serving
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("start the server: %v", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	w.mu.Lock()
	w.server, w.exited = cmd, exited
	w.starts++
	first := w.starts == 1
	w.mu.Unlock()
	if first {
		w.t.Cleanup(func() { w.kill() })
	}
	w.await(ctx, "the server", func() error {
		select {
		case err := <-exited:
			exited <- err
			return fmt.Errorf("it ended: %v\n%s", err, w.tail("serve", 2000))
		default:
		}
		res, err := w.http.Get("http://" + w.listen + "/healthz")
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	})
	w.mu.Lock()
	close(w.up)
	w.mu.Unlock()
}

// kill ends the server as a power cut would. It may be called when it is not there.
func (w *faultWorld) kill() {
	w.mu.Lock()
	cmd, exited := w.server, w.exited
	w.server = nil
	if cmd != nil {
		select {
		case <-w.up:
			w.up = make(chan struct{})
		default:
		}
	}
	w.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	<-exited
	w.http.CloseIdleConnections()
}

// awaitUp waits until the server answers.
func (w *faultWorld) awaitUp(ctx context.Context) error {
	for {
		w.mu.Lock()
		up := w.up
		w.mu.Unlock()
		select {
		case <-up:
			return nil
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tail is the end of a process' output.
func (w *faultWorld) tail(name string, n int) string {
	data, err := os.ReadFile(filepath.Join(w.dir, name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-n):])
}

// exchange does a JSON request.
func (w *faultWorld) exchange(ctx context.Context, method, url string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	res, err := w.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %s", method, url, res.Status, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// state is the provider's own account of itself.
func (w *faultWorld) state(ctx context.Context) (s emulator.State, err error) {
	return s, w.exchange(ctx, http.MethodGet, w.mts+"/_state", nil, &s)
}

// fault has calls of the provider go wrong.
func (w *faultWorld) fault(ctx context.Context, f emulator.Fault) error {
	return w.exchange(ctx, http.MethodPost, w.mts+"/_fault", f, nil)
}

func (w *faultWorld) clearFaults(ctx context.Context) error {
	return w.exchange(ctx, http.MethodDelete, w.mts+"/_fault", nil, nil)
}

// relayPlan says what goes wrong with mail from now on, and returns what did so far.
func (w *faultWorld) relayPlan(ctx context.Context, p faultRelayPlan) (counts map[string]int, err error) {
	return counts, w.exchange(ctx, http.MethodPut, "http://"+w.relay+"/", p, &counts)
}

func (w *faultWorld) relayCounts(ctx context.Context) (counts map[string]int, err error) {
	return counts, w.exchange(ctx, http.MethodGet, "http://"+w.relay+"/", nil, &counts)
}

// live opens the server's database for reading.
func (w *faultWorld) live() (*sql.DB, error) {
	return sql.Open("sqlite3", "file:"+w.database()+"?mode=ro&_busy_timeout=5000")
}

// snapshot copies the database of a server that was killed and opens the copy, so that what the
// server finds when it starts again is what it left.
func (w *faultWorld) snapshot() (db *sql.DB, err error) {
	dir, err := os.MkdirTemp(w.dir, "snapshot-")
	if err != nil {
		return nil, err
	}
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(w.database() + suffix)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "copy.db"+suffix), data, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	return sql.Open("sqlite3", "file:"+filepath.Join(dir, "copy.db"))
}
