//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The TestReal tests play against programs that people run: Postfix, Dovecot, Evolution Data Server,
// vdirsyncer and khal. Each instance is private: its own folders, its own addresses of the loopback
// network, no system service.

// debianPython is the interpreter that Debian's python3-* packages are for.
const debianPython = "/usr/bin/python3"

// lacking ends a test that needs what is not there. Where CI is set that is a failure, so that no
// run of .ci/run passes for want of a package.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("not tested: %s; .ci/run installs what is needed", what)
	}
	t.Skipf("not tested: %s", what)
}

// need ends the test where a program is missing, and returns the programs' paths in order. pkg is
// the Debian package that has them.
func need(t *testing.T, pkg string, programs ...string) []string {
	t.Helper()
	var paths []string
	for _, program := range programs {
		path, err := exec.LookPath(program)
		if err != nil {
			if path, err = exec.LookPath("/usr/sbin/" + program); err != nil {
				lacking(t, fmt.Sprintf("%s is not here (Debian package %s)", program, pkg))
			}
		}
		paths = append(paths, path)
	}
	return paths
}

// needPython ends the test where Debian's Python lacks modules, named by the statement that imports
// them.
func needPython(t *testing.T, pkg, statement string) {
	t.Helper()
	need(t, "python3", debianPython)
	if out, err := exec.Command(debianPython, "-c", statement).CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("%s says of %q: %s (Debian packages %s)", debianPython, statement, lastLine(string(out)), pkg))
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// realFolder is a folder that the users of other programs may enter, with a path that is short
// enough for Unix sockets in it.
func realFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "joinery-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// loopback is a free port of an address of 127.0.0.0/8 that nobody else has chosen, for programs
// that cannot choose one themselves.
func loopback(t *testing.T) (host, port string) {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// writeFile writes a file whose folder is there.
func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// background runs a program until the test ends, in a session of its own, and then all that it has
// started. What it says, and what stands in its logs, is shown if the test failed.
func background(t *testing.T, cmd *exec.Cmd, logs ...string) {
	t.Helper()
	var out sharedBuffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	cmd.Stderr = &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if cmd.Stdin == nil {
		cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM // where the test is killed; others see the end of their input
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		group := -cmd.Process.Pid
		_ = syscall.Kill(cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Errorf("%s does not end", cmd.Path)
		}
		_ = syscall.Kill(group, syscall.SIGKILL)
		if !t.Failed() {
			return
		}
		t.Logf("%s said\n%s", cmd.Path, tail(out.String()))
		for _, path := range logs {
			data, _ := os.ReadFile(path)
			t.Logf("%s:\n%s", path, tail(string(data)))
		}
	})
}

// tail is the end of a log.
func tail(text string) string {
	const most = 6000
	if len(text) > most {
		return "…" + text[len(text)-most:]
	}
	return text
}

// listening waits until something listens.
func listening(t *testing.T, network, address string) {
	t.Helper()
	soon(t, func() string {
		c, err := net.DialTimeout(network, address, 5*time.Second)
		if err != nil {
			return err.Error()
		}
		_ = c.Close()
		return ""
	})
}
