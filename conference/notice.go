package conference

import (
	"errors"
	"net/http"
	"time"
)

// A Notice is what a service's webhook tells. It is only a hint to look: the state is then asked for.
type Notice struct {
	Ref, Value string // names the room: its Refs[Ref] is Value
	What       string // the service's name of what happened, for logs: "eventSession.ended"
	At         time.Time
}

// ErrForged is a webhook whose signature is missing or wrong.
var ErrForged = errors.New("the webhook's signature is missing or wrong")

// A Notifier reads the webhooks of its service.
type Notifier interface {
	// Notice reads one. The error is ErrForged where the signature does not match the secret that
	// both sides share, or where there is no such secret; any other means that the body cannot be
	// read. ok is false for a genuine one that concerns no room.
	Notice(header http.Header, body []byte) (n Notice, ok bool, err error)
}
