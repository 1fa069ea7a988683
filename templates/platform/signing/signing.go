// Package signing lets processes of a system know each other's messages and requests by an HMAC-SHA256 under keys that all of them share.
// Messages are signed over a canonical form of their own (canonical.go); requests as RFC 9421 does it, as far as it fits gRPC (request.go).
//
// Whoever holds a key can sign as any service: the keys keep out those who reach the broker or the network and hold none. What tells services
// from each other is mutual TLS.
package signing

import (
	"errors"
	"time"
)

// Window is how far the time of a signature may be from the time at which a message reached the broker, or a request its server. It covers
// clocks that differ and the wait of a message for a broker.
const Window = 5 * time.Minute

// The reasons for which a signature is not taken. They are labels of metrics.
const (
	Unsigned   = "unsigned"
	UnknownKey = "unknown_key"
	BadSign    = "bad_signature" // forged or altered
	Late       = "late"          // or early: outside of the window
	Untimed    = "untimed"       // the broker did not say when it got the message
	Source     = "source"        // signed, and of a service that does not send this
	Replayed   = "replayed"      // a request that was seen before
)

// refusal is why something is not taken.
type refusal struct {
	reason string
	error
}

// Reason is the reason in an error of this package, one of the constants; "" for other errors.
func Reason(err error) string {
	var r refusal
	if errors.As(err, &r) {
		return r.reason
	}
	return ""
}

// within reports whether two times are no further apart than the window.
func within(a, b time.Time) bool { return a.Sub(b).Abs() <= Window }
