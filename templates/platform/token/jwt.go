package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/jwks"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// Edges are the declared calls of a service.
type Edges struct {
	Calls   bool     // it calls others
	Callers []string // the services that may call it, and the gateway
}

// jwtConfig is what the environment says.
type jwtConfig struct {
	KeyFile string        `env:"TOKEN_KEY_FILE"`  // Ed25519, PKCS#8 PEM; needed by who calls
	Delay   time.Duration `env:"TOKEN_KEY_DELAY"` // how long a new key is published before it signs, 3 min
}

// JWT makes a service sign its tokens itself: an Auth for service.Defaults. The keys of a caller are fetched from its operations endpoint,
// http://<service>:9100/.well-known/jwks.json, or from where <SERVICE>_JWKS_URL says. Under strict mutual TLS that is https, and the
// caller's certificate has to be there.
func JWT(edges Edges) service.NewAuth {
	return func(p service.Process) (*service.Auth, error) {
		var cfg jwtConfig
		if err := service.LoadEnv(&cfg); err != nil {
			return nil, err
		}
		auth := &service.Auth{}
		if edges.Calls {
			if cfg.KeyFile == "" {
				return nil, errors.New("environment: TOKEN_KEY_FILE is not set")
			}
			issuer, err := newIssuer(p.Name, cfg.KeyFile, cfg.Delay, p.Logger)
			if err != nil {
				return nil, err
			}
			auth.Tokens, auth.JWKS = issuer, issuer
			auth.Workers = append(auth.Workers, issuer.Run)
		}
		sets := map[string]*jwks.Set{}
		for _, caller := range edges.Callers {
			scheme, client := "http://", (*http.Client)(nil)
			if p.Mode == mtls.Strict {
				scheme, client = "https://", &http.Client{Timeout: getTimeout, Transport: &http.Transport{TLSClientConfig: p.TLS.Client(caller)}}
			}
			address := cmp.Or(os.Getenv(variable(caller, "JWKS_URL")), scheme+caller+":9100"+KeysPath)
			// A replica that starts after a rotation publishes its new key alone, while others still sign with the old one.
			set, err := jwks.New(address, jwks.Options{
				Logger: p.Logger, Refresh: refresh, Keep: lifetime + 2*leeway, OnDemand: true, Client: client,
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", variable(caller, "JWKS_URL"), err)
			}
			sets[caller] = set
			auth.Workers = append(auth.Workers, func(ctx context.Context) error { set.Run(ctx); return nil })
		}
		verifier, err := newVerifier(p.Name, []string{"EdDSA"}, func(issuer string) *jwks.Set { return sets[issuer] }, signer(p.Name), p.Registry)
		if err != nil {
			return nil, err
		}
		auth.Callers = verifier
		return auth, nil
	}
}

// signer names the service that signed: it speaks for itself, and to one callee.
func signer(self string) func(*claims) (string, error) {
	return func(c *claims) (string, error) {
		if c.Subject != c.Issuer || len(c.Audience) != 1 || c.Audience[0] != self {
			return "", badClaims
		}
		return c.Issuer, nil
	}
}
