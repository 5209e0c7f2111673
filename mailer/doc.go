// Package mailer tells people about events by mail (iMIP, RFC 6047): it decides from an event as it
// stands and from what each person was last sent what is owed, composes the message once, stores it
// in the transaction that records it, and submits the same bytes until the relay takes or refuses
// them. It takes the answers that come in by LMTP or into a mailbox, judges who vouches for them, and
// hands them to the write path.
package mailer
