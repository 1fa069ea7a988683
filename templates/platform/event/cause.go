package event

import (
	"context"
	"encoding/json"
	"strings"
)

// The kinds of principals that this system names as the cause of an event (CloudEvents extension "Auth Context", authtype).
const (
	AppUser        = "app_user"        // an end user, who was authenticated at the gateway
	ServiceAccount = "service_account" // a service on its own, or the gateway for a client that is not authenticated
)

// The attributes of the CloudEvents extension "Auth Context". They inform and prove nothing: whoever can write to the broker can write
// them, unless messages are signed.
const (
	extAuthType   = "authtype"
	extAuthID     = "authid"
	extAuthClaims = "authclaims"
)

// maxPrincipal bounds what is taken over from a message: OpenID Connect Core §2 gives a subject 255 characters.
const maxPrincipal = 255

// Cause is who caused an event: who asked for what the chain of requests, events and commands began with.
type Cause struct {
	// Type is AppUser or ServiceAccount; other values of the extension come from other systems. "" if nobody is known.
	Type string
	// ID is the subject of an end user's token, or the name of a service.
	ID string
	// Scopes are what an end user's token permitted when it was shown. They are for the record and no right: an event and a saga live
	// longer than the token.
	Scopes []string
}

// claims are the claims of a principal that travel: never a credential.
type claims struct {
	Scope string `json:"scope,omitempty"` // as in RFC 8693 §4.2
}

type causeKey struct{}

// WithCause returns ctx for work that c caused. Messages made with it say so.
func WithCause(ctx context.Context, c Cause) context.Context {
	return context.WithValue(ctx, causeKey{}, c)
}

// CauseOf returns who caused the work that ctx is for: in a handler of an event or of a saga's command who is at the beginning of the chain,
// in a request its user. It is the zero Cause if nobody is known, as for what a service does by itself.
func CauseOf(ctx context.Context) Cause {
	c, _ := ctx.Value(causeKey{}).(Cause)
	return c
}

// Cause returns who caused the message, by its own word. What could not be a principal is nobody.
func (m Message) Cause() Cause {
	c := Cause{Type: m.Extensions[extAuthType], ID: m.Extensions[extAuthID]}
	if c.Type == "" || !principal(c.Type) || !principal(c.ID) {
		return Cause{}
	}
	var said claims
	if json.Unmarshal([]byte(m.Extensions[extAuthClaims]), &said) == nil {
		c.Scopes = strings.Fields(said.Scope)
	}
	return c
}

// inject writes who caused the message into its extensions.
func (c Cause) inject(extensions map[string]string) {
	if c.Type == "" {
		return
	}
	extensions[extAuthType] = c.Type
	if c.ID != "" {
		extensions[extAuthID] = c.ID
	}
	if len(c.Scopes) > 0 {
		if text, err := json.Marshal(claims{Scope: strings.Join(c.Scopes, " ")}); err == nil {
			extensions[extAuthClaims] = string(text)
		}
	}
}

// principal reports that s can be the value of a header everywhere that it travels.
func principal(s string) bool {
	if len(s) > maxPrincipal {
		return false
	}
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}
