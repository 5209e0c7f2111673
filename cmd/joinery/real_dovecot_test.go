//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// A dovecot is a private mailbox server: mail goes in by LMTP and is read by IMAP, with the password
// "demo". Recipients without a mailbox are refused.
type dovecot struct {
	imap string // HOST:PORT, without TLS
	lmtp string // the path of its socket
}

// dovecotConfig is in the language of Dovecot 2.3.
const dovecotConfig = `
base_dir = %[1]s/run
state_dir = %[1]s/state
instance_name = joinery-test
log_path = %[1]s/log
protocols = imap lmtp
listen = %[2]s
ssl = no
disable_plaintext_auth = no
hostname = mailbox.example.org
mail_location = maildir:%[1]s/mail/%%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
service imap-login {
  inet_listener imap {
    port = %[3]s
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%u %[1]s/users
}
userdb {
  driver = passwd-file
  args = username_format=%%u %[1]s/users
}
`

// needDovecot ends the test where Dovecot cannot be run.
func needDovecot(t *testing.T) (program string) {
	t.Helper()
	program = need(t, "dovecot-imapd", "dovecot")[0]
	version, err := exec.Command(program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(version), "2.3.") {
		lacking(t, fmt.Sprintf("Dovecot is %s, the test's configuration is for 2.3", strings.TrimSpace(string(version))))
	}
	if os.Geteuid() != 0 {
		lacking(t, "Dovecot and Postfix are started by root only")
	}
	if _, err := exec.LookPath("/usr/lib/dovecot/lmtp"); err != nil {
		lacking(t, "Dovecot takes no LMTP (Debian package dovecot-lmtpd)")
	}
	return program
}

// startDovecot starts one with these mailboxes.
func startDovecot(t *testing.T, mailboxes ...string) *dovecot {
	t.Helper()
	program := needDovecot(t)
	dir := realFolder(t)
	host, port := loopback(t)
	var users strings.Builder
	for _, m := range mailboxes {
		fmt.Fprintf(&users, "%s:{PLAIN}demo:mail:mail::%s/mail/%s::\n", m, dir, m)
	}
	writeFile(t, dir+"/users", users.String(), 0o644)
	writeFile(t, dir+"/dovecot.conf", fmt.Sprintf(dovecotConfig, dir, host, port), 0o644)
	ownedFolder(t, dir+"/mail", "mail", 0o755)
	background(t, exec.Command(program, "-F", "-c", dir+"/dovecot.conf"), dir+"/log")
	d := &dovecot{imap: net.JoinHostPort(host, port), lmtp: filepath.Join(dir, "run", "lmtp")}
	listening(t, "tcp", d.imap)
	listening(t, "unix", d.lmtp)
	return d
}

// ownedFolder makes a folder that belongs to a user and that user's group.
func ownedFolder(t *testing.T, path, owner string, mode os.FileMode) {
	t.Helper()
	u, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		t.Fatalf("%s has the ids %s and %s", owner, u.Uid, u.Gid)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// mails are the mails in somebody's INBOX, oldest first, and the flags of each, read without setting any.
func (d *dovecot) mails(t *testing.T, mailbox string) (raw [][]byte, flags [][]imap.Flag) {
	t.Helper()
	c, err := imapclient.DialInsecure(d.imap, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(mailbox, "demo").Wait(); err != nil {
		t.Fatal(err)
	}
	inbox, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	if inbox.NumMessages == 0 {
		return nil, nil
	}
	whole := &imap.FetchItemBodySection{Peek: true}
	list, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{Flags: true, BodySection: []*imap.FetchItemBodySection{whole}}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		raw = append(raw, m.FindBodySection(whole))
		flags = append(flags, m.Flags)
	}
	return raw, flags
}
