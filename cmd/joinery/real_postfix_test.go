//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

// A postfix is a private mail server for example.org and partner.example, whose mailboxes a dovecot
// has. It takes any recipient there, so that an unknown one is a bounce. It sends no mail elsewhere.
//
// Answers go to Joinery's LMTP socket in three ways: a copy of what is sent to anna
// (recipient_bcc_maps, which copies no bounce that this server makes itself: postconf(5)), a copy of
// all that is for dmitri, bounces too (virtual_alias_maps), and what is for the service's own address
// (transport_maps).
type postfix struct {
	smtp   string // HOST:PORT
	socket string // where it expects Joinery's LMTP
}

const (
	dmitri = "dmitri@example.org"
	galina = "galina@partner.example" // a user here whose domain is not ours to send for
	oleg   = "oleg@example.org"       // whose mailbox is polled
	nobody = "nobody@partner.example" // has no mailbox

	serviceAddress = "joinery@example.org"
)

// postfixMain is main.cf.
const postfixMain = `
compatibility_level = 3.6
queue_directory = %[1]s/spool
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = %[1]s
myhostname = mx.example.org
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sender_restrictions = check_sender_access regexp:%[1]s/vouched
smtpd_tls_security_level = none
notify_classes =
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
virtual_mailbox_domains = example.org, partner.example
virtual_mailbox_maps =
virtual_transport = lmtp:unix:%[2]s
recipient_bcc_maps = inline:{ { anna@example.org = anna@answers.example.org } }
virtual_alias_maps = inline:{ { dmitri@example.org = dmitri@example.org dmitri@answers.example.org } }
transport_maps = inline:{ { answers.example.org = lmtp:unix:%[3]s }, { joinery@example.org = lmtp:unix:%[3]s } }
`

// postfixMaster is master.cf: what is needed of Debian's, nothing in a chroot.
const postfixMaster = `
%[1]s:%[2]s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// postfixVouched says of a sender what a DMARC filter would, and where it would: above the server's own
// Received (access(5), PREPEND). Of senders elsewhere it says nothing.
const postfixVouched = `
/@partner\.example$/ PREPEND Authentication-Results: mx.example.org; dmarc=pass header.from=partner.example
/@evil\.example$/ PREPEND Authentication-Results: mx.example.org; dmarc=fail header.from=partner.example
`

// startPostfix starts one in front of d.
func startPostfix(t *testing.T, d *dovecot) *postfix {
	t.Helper()
	paths := need(t, "postfix", "postfix", "postconf")
	dir := realFolder(t)
	host, port := loopback(t)
	p := &postfix{smtp: net.JoinHostPort(host, port), socket: dir + "/answers/lmtp"}
	for _, sub := range []string{"etc", "spool"} {
		ownedFolder(t, dir+"/"+sub, "root", 0o755)
	}
	ownedFolder(t, dir+"/data", "postfix", 0o755)
	// A socket in a setgid folder has the folder's group, so that Postfix may write to it.
	ownedFolder(t, dir+"/answers", "postfix", os.ModeSetgid|0o770)
	writeFile(t, dir+"/vouched", postfixVouched, 0o644)
	writeFile(t, dir+"/etc/main.cf", fmt.Sprintf(postfixMain, dir, d.lmtp, p.socket), 0o644)
	writeFile(t, dir+"/etc/master.cf", fmt.Sprintf(postfixMaster, host, port), 0o644)
	if out, err := exec.Command(paths[0], "-c", dir+"/etc", "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	daemons, err := exec.Command(paths[1], "-c", dir+"/etc", "-h", "daemon_directory").Output()
	if err != nil {
		t.Fatal(err)
	}
	// master(8) itself, for `postfix start` would leave it behind if the test is killed; -e ends it then.
	background(t, exec.Command(strings.TrimSpace(string(daemons))+"/master", "-c", dir+"/etc", "-s", "-e", "600"), dir+"/log")
	listening(t, "tcp", p.smtp)
	return p
}

// send submits a mail, as a person's mail program or another mail server does.
func (p *postfix) send(t *testing.T, from, to, raw string) {
	t.Helper()
	c, err := smtp.Dial(p.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail(from, []string{to}, strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	if err := c.Quit(); err != nil {
		t.Fatal(err)
	}
}
