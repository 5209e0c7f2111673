// Package itip says who must be told what about an event (RFC 5546, RFC 6638 §3.2). It is pure: it
// compares the view of an event that one person was last sent with the view that the person is to
// have now, and makes the message that brings the one to the other. It sends nothing and remembers
// nothing.
package itip
