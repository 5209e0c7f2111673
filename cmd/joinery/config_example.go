package main

import (
	"io"

	"github.com/spf13/cobra"
)

func (p *program) configCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "config",
		Short:   "Print a commented configuration",
		Example: "  joinery config > joinery.toml",
		Args:    exactly(),
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(p.out, exampleConfig+furtherMark+furtherConfig)
			return err
		},
	}
}

// exampleConfig is the beginning of every configuration.
const exampleConfig = `listen = "127.0.0.1:8080"
public_url = "http://127.0.0.1:8080"
service_domain = "conference.example.org"   # resources: webinar@conference.example.org
settle = "30s"

[store]
url = "sqlite:joinery.db"                   # later also postgres://…

[caldav]
wait_for_link = "3s"

[mail]
relay = "smtp://127.0.0.1:2525"             # smtp:// (STARTTLS when offered), smtp+starttls://, smtps://USER@HOST:PORT
domains = ["example.org"]                   # senders we may use as they are
wait_for_link = "10m"
settle = "20s"

[[provider]]
name = "mtslink"
kind = "mtslink"
base_url = "http://127.0.0.1:9090/v3"
token = "…"                                 # or token_file, or the environment
words = { "Webinar" = "webinar", "Вебинар" = "webinar", "МТС Линк" = "meeting", "MTS Link" = "meeting" }
resource = "webinar"
default = true
`

// furtherMark stands between the beginning and the keys that few need.
const furtherMark = `
# Here the example ends. Below are all keys with what they mean and their defaults, as comments: put a
# line that you need into its section above. Unknown keys are errors.
#
# Relative paths begin at this file's folder. Time spans are written like 30s, 10m or 2h.
# The environment goes before this file: JOINERY_LISTEN is listen, JOINERY_MAIL_RELAY is relay in
# [mail], JOINERY_PROVIDER_MTSLINK_TOKEN is token of the provider that is called mtslink. Lists are
# separated by commas there.

`

// furtherConfig documents every key with its default, each line commented out.
const furtherConfig = `## The address to listen on. Port 0 takes any free one.
# listen = "127.0.0.1:8080"
## The server's address as clients have it: https://HOST. Made of listen if it is empty.
# public_url = ""
## The domain of resource addresses (see resource) and of Message-IDs; it is our name to the relay too. It
## should be a domain in which nobody has a mailbox. Without a resource it may be empty: then it is localhost.
# service_domain = ""
## What the service is called in mails.
# service_name = "Joinery"
## How long deletions wait before conferences are deleted and cancellations mailed: an event that comes
## back meanwhile keeps its conference. At most 1h.
# settle = "30s"
## How often the accounts are compared with the conferences that events have (joinery reconcile). 1m to 24h.
# reconcile_every = "1h"
## debug, info, warn or error.
# log = "info"
## text or json.
# log_format = "text"
## A further address for /metrics, for everybody who reaches it. Without one /metrics is on listen, for
## clients on this machine that come without a proxy.
# metrics = ""

# [tls]
## Files in PEM form. With both, listen speaks HTTPS; without, a reverse proxy should.
# cert = ""
# key = ""

# [store]
## sqlite:PATH.
# url = "sqlite:joinery.db"

# [caldav]
## How long a save waits for its link before it is answered without.
# wait_for_link = "3s"
## Refuse saves whose If-Match names the revision before our own edit, instead of merging them.
# strict_if_match = false
## The largest object, in bytes.
# max_size = 1048576
## The most attendees of an event.
# max_attendees = 1000
## From so many new events of one user and client within a minute on, more of them are an import: no
## conference and no mail until they are saved again. 0: 30.
# import_burst = 30
## How many requests of one user are answered in a second, with ten times as many at once.
# requests_per_second = 100.0
## Take the client's address from the last X-Forwarded-For: only behind a proxy that sets it.
# trust_proxy = false
## The largest file that can be attached to an event, in bytes, and how many files one event may have.
# max_attachment_size = 26214400
# max_attachments = 20
## How many bytes of files all events of a user may have. 0: nobody can attach any.
# attachment_quota = 1073741824

# [mail]
## The relay that takes all mail: smtp://HOST:PORT (STARTTLS when offered), smtp+starttls:// (or
## nothing), smtps:// (TLS from the start). USER@ before HOST logs in with password. Without PORT it is
## 25, 587 or 465.
# relay = ""
## The relay's password, or the file that it stands in, or JOINERY_MAIL_PASSWORD.
# password = ""
# password_file = ""
## Authorities in PEM form to trust for the relay and the mailbox, besides the system's.
# ca_file = ""
## Domains whose addresses may stand in From. Mail of other organisers is "NAME via SERVICE", with
## Reply-To.
# domains = []
## Who such mail, and notices to organisers, come from. joinery@ and the first of domains, or else
## service_domain, if it is empty.
# address = ""
## How long an invitation waits for its link at most; then it says that the link will follow.
# wait_for_link = "10m"
## How long updates wait for further saves. First invitations do not wait.
# settle = "20s"
## Mail invitations to users of this server too, who find them in their calendars in any case.
# local = true

# [mail.incoming]
## Where the mail server hands over copies of what comes for the organisers, by LMTP: unix:PATH or an
## address of this machine, 127.0.0.1:2424 say; others are refused, since LMTP has no password.
# lmtp = ""
## Or a mailbox that gets them: imaps://USER@HOST:PORT/MAILBOX, or imap:// (STARTTLS; unencrypted on this
## machine only). It is only read: nothing is flagged, moved or deleted.
# imap = ""
## The mailbox's password, or the file that it stands in, or JOINERY_MAIL_INCOMING_PASSWORD.
# password = ""
# password_file = ""
## How often the mailbox is looked at, even where the server says itself that mail came. 5s to 1h.
# interval = "1m"
## The mail servers whose Authentication-Results are believed, by the name that stands first there. They
## must remove such lines from mail that others send. "*.example.org" is all of a domain.
# trust = []
## Domains whose DKIM signature is believed for senders of every domain, as that of a calendar service which signs
## with its own name what its customers answer: "google.com" does for Google Workspace domains without DKIM.
# signers = []
## Believe answers for which nobody vouches: whoever can send mail here can then answer for anybody.
# unverified = false

# [policy]
## Who may have conferences: logins, addresses or domains. Everybody if it is empty.
# who = []
## How many conferences a user may have made in a day. 0: no limit.
# per_day = 0
## Give providers the description too. Their pages about an event may be public.
# send_description = false

# [conference]
## What stands in an event that does not recur: provider, the provider's own link, or join, that of the
## join page of this server, which leads to the room and tells what has become of the event.
# links = "provider"
## The same of a series: join, which stays the same, or direct, the provider's link of the next
## occurrence, of which everybody is mailed each time.
# series_links = "join"
## How long before a meeting the join page lets people in. At most 24h.
# opens = "30m"
## Register the participants at the provider, so that the conference is in their accounts there. It
## gives the provider their names and addresses. The organiser's is asked for in any case.
# register = true
## Take people who decline out again.
# unregister_declined = false

# [[provider]]
## What this account is called here. It must not change: conferences are remembered by it.
# name = ""
## Its interface: mtslink.
# kind = ""
## Where the interface is. The provider's own address if it is empty.
# base_url = ""
## The account's key, or the file that it stands in, or the environment.
# token = ""
# token_file = ""
## Words that ask for a conference when they stand in LOCATION or CATEGORIES, and the kind that each
## asks for: webinar, meeting, or "" for default_kind.
# words = {}
## The local part of the resource that can be invited, in service_domain. None if it is empty.
# resource = ""
## The account of calendars whose rule is "always" or "outside", and of X-JOINERY-CONFERENCE without a
## name. The first account where none is the default.
# default = false
## meeting or webinar, where nothing says which. meeting if it is empty.
# default_kind = ""
## How many calls a second at most. 0: 10.
# calls_per_second = 0.0
## The longest meeting to ask for; longer ones are booked for so long. 0s: what the provider takes.
# max_duration = "0s"
## For how long after a call without an answer its effect may still come, before it is looked for. 0s:
## 30s.
# late_answer = "0s"
## How often to try again what only a person can mend, a wrong key say. 0s: after 30s, then at doubling intervals up to 10m.
# denied_retry = "0s"
## The name of another account of this kind: conferences that are asked of that one may be made at this
## one too. Then this one needs no words of its own.
# pool = ""
## This account's licence allows one meeting at a time: at the same time another account of the pool is
## taken, or, if there is none, the organiser is told.
# one_at_a_time = false
## The secret phrase of the webhooks that the provider sends to PUBLIC_URL/hook/NAME, or the environment.
## Without it webhooks are refused; meetings are then looked at by the clock alone.
# webhook_secret = ""
`
