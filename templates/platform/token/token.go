// Package token lets services prove to each other who they are: each call carries a signed token that names the calling service and is
// good for one callee and a few minutes.
//
// By JWT a service signs its own tokens with an Ed25519 key and publishes the public half as a JSON Web Key Set on its operations endpoint.
// By OAuth2 it gets them from an issuer, by client credentials. A callee takes tokens of the services that the architecture lets call it,
// and of nobody else.
//
// A token is a bearer's: who steals one can use it on its callee until it expires. With mutual TLS the certificate has to name the same
// service, and a stolen token is worth nothing.
package token

import (
	"strings"
	"time"
)

const (
	lifetime = 5 * time.Minute
	leeway   = 30 * time.Second // between the clocks of two services

	// refresh is the time between two looks at a caller's keys. It must be well below a key's delay: see Issuer.
	refresh = time.Minute

	maxToken = 8 << 10 // bytes of one that is looked at: what is longer is none of ours
)

// KeysPath is where a service publishes its keys, on its operations endpoint.
const KeysPath = "/.well-known/jwks.json"

// variable is the environment variable of a service: ORDER_HISTORY_JWKS_URL for order-history and JWKS_URL.
func variable(service, name string) string {
	return strings.ToUpper(strings.ReplaceAll(service, "-", "_")) + "_" + name
}
