package mailer

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"
)

// A relay that says nothing to QUIT holds up nobody's mail.
func TestRelayThatHangsAtQuit(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
				say("220 relay")
				data := false
				for lines := bufio.NewScanner(c); lines.Scan(); {
					line := lines.Text()
					switch {
					case data:
						if line == "." {
							data = false
							say("250 taken")
						}
					case strings.HasPrefix(line, "QUIT"): // nothing
					case strings.HasPrefix(line, "DATA"):
						data = true
						say("354 go on")
					default:
						say("250 fine")
					}
				}
			}()
		}
	}()
	r, err := NewRelay("smtp://"+l.Addr().String(), "", nil, "")
	if err != nil {
		t.Fatal(err)
	}
	submit := func() time.Duration {
		began := time.Now()
		if err := r.Submit(t.Context(), "a@example.org", "b@example.org", []byte("Subject: x\r\n\r\nx\r\n")); err != nil {
			t.Error(err)
		}
		return time.Since(began)
	}
	submit()
	time.Sleep(idleTime + 1500*time.Millisecond) // the session is being closed
	if took := submit(); took > 2*time.Second {
		t.Errorf("a mail waited %v for a session that nobody uses any more", took)
	}
}
