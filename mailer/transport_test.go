package mailer

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// A fakeTaker remembers what it was given.
type fakeTaker struct {
	answer func(mail string) (handled bool, err error) // nil: an answer
	come   chan string                                 // gets each mail's subject once it was taken; nil: not

	mu    sync.Mutex
	mails []string
	from  []string
}

func (f *fakeTaker) Take(ctx context.Context, mail io.Reader, from string) (bool, error) {
	text, err := io.ReadAll(mail)
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	f.mails, f.from = append(f.mails, string(text)), append(f.from, from)
	f.mu.Unlock()
	handled := true
	if f.answer != nil {
		handled, err = f.answer(string(text))
	}
	if f.come != nil {
		select {
		case f.come <- subject(string(text)):
		case <-ctx.Done():
		}
	}
	return handled, err
}

// subject is a mail's Subject.
func subject(mail string) string {
	_, after, _ := strings.Cut(mail, "Subject: ")
	s, _, _ := strings.Cut(after, "\r\n")
	return s
}

// taken is what was taken, in order, by Subject.
func (f *fakeTaker) taken() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var subjects []string
	for _, m := range f.mails {
		subjects = append(subjects, subject(m))
	}
	return strings.Join(subjects, " ")
}

// A logBook keeps what is logged.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) log() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// has wants one of the lines to have all of parts.
func (b *logBook) has(t *testing.T, parts ...string) {
	t.Helper()
	for l := range strings.Lines(b.String()) {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(l, part)
		}
		if !missing {
			return
		}
	}
	t.Errorf("no line has %q in the log\n%s", parts, b)
}
