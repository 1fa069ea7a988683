package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/msgen-dev/msgen/templates/platform/jwks"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// oauth2Config is what the environment says.
type oauth2Config struct {
	Issuer     string `env:"OAUTH2_ISSUER,required"` // its URL, as in its tokens' iss
	TokenURL   string `env:"OAUTH2_TOKEN_URL"`       // "": by discovery
	JWKS       string `env:"OAUTH2_JWKS_URL"`        // "": by discovery
	ClientID   string `env:"OAUTH2_CLIENT_ID"`       // "": the service's name
	SecretFile string `env:"OAUTH2_CLIENT_SECRET_FILE"`
	Audience   string `env:"OAUTH2_AUDIENCE"` // of the tokens for this service, "": its name
}

// OAuth2 makes a service get its tokens from an issuer by client credentials (RFC 6749 §4.4): an Auth for service.Defaults. Its client at the
// issuer must be for nothing else: no end user may get a token through it. Where the client of a caller is not named like the service,
// <SERVICE>_CLIENT_ID says its id, and where the tokens for a callee have another audience, <SERVICE>_AUDIENCE says which.
func OAuth2(edges Edges) service.NewAuth {
	return func(p service.Process) (*service.Auth, error) {
		var cfg oauth2Config
		if err := service.LoadEnv(&cfg); err != nil {
			return nil, err
		}
		discovery, err := newDiscovery(cfg.Issuer)
		if err != nil {
			return nil, fmt.Errorf("OAUTH2_ISSUER: %w", err)
		}
		auth := &service.Auth{}
		if edges.Calls {
			if cfg.SecretFile == "" {
				return nil, errors.New("environment: OAUTH2_CLIENT_SECRET_FILE is not set")
			}
			if _, err := readSecret(cfg.SecretFile); err != nil {
				return nil, err
			}
			c := &client{id: cmp.Or(cfg.ClientID, p.Name), secretFile: cfg.SecretFile, tokenURL: cfg.TokenURL, discovery: discovery}
			auth.Tokens = source{newCache(c.get, time.Now)}
		}
		locate := func(ctx context.Context) (string, error) {
			if cfg.JWKS != "" {
				return cfg.JWKS, nil
			}
			found, err := discovery.document(ctx)
			return found.JWKS, err
		}
		keys, err := jwks.Find(locate, jwks.Options{Logger: p.Logger, OnDemand: true})
		if err != nil {
			return nil, err
		}
		if len(edges.Callers) > 0 {
			auth.Workers = append(auth.Workers, func(ctx context.Context) error { keys.Run(ctx); return nil })
		}
		of := func(issuer string) *jwks.Set {
			if issuer != cfg.Issuer {
				return nil
			}
			return keys
		}
		verifier, err := newVerifier(cmp.Or(cfg.Audience, p.Name), jwks.Algorithms(), of, clientOf(clients(edges.Callers)), p.Registry)
		if err != nil {
			return nil, err
		}
		auth.Callers = verifier
		return auth, nil
	}
}

// clients are the callers by the ids of their clients at the issuer.
func clients(callers []string) map[string]string {
	table := map[string]string{}
	for _, caller := range callers {
		table[cmp.Or(os.Getenv(variable(caller, "CLIENT_ID")), caller)] = caller
	}
	return table
}

// clientOf names the service whose client a token was given to. Issuers say it in client_id (RFC 9068 §2.2), in azp, or as the subject alone.
func clientOf(services map[string]string) func(*claims) (string, error) {
	return func(c *claims) (string, error) {
		service, ok := services[cmp.Or(c.ClientID, c.AuthorizedParty, c.Subject)]
		if !ok {
			return "", undeclared
		}
		return service, nil
	}
}

// source gives the tokens of a cache, for the audience that a callee's tokens have.
type source struct{ tokens *cache }

// Token implements rpc.TokenSource.
func (s source) Token(ctx context.Context, service string) (string, error) {
	return s.tokens.token(ctx, cmp.Or(os.Getenv(variable(service, "AUDIENCE")), service))
}

// client gets tokens by client credentials.
type client struct {
	id, secretFile, tokenURL string
	discovery                *discovery
}

func (c *client) get(ctx context.Context, audience string) (text string, expires time.Time, err error) {
	secret, err := readSecret(c.secretFile) // each time, as it rotates
	if err != nil {
		return "", expires, err
	}
	address := c.tokenURL
	if address == "" {
		found, err := c.discovery.document(ctx)
		if err != nil {
			return "", expires, err
		}
		address = found.TokenURL
	}
	config := clientcredentials.Config{ClientID: c.id, ClientSecret: secret, TokenURL: address, EndpointParams: url.Values{"audience": {audience}}}
	token, err := config.Token(context.WithValue(ctx, oauth2.HTTPClient, http.DefaultClient))
	if err != nil {
		return "", expires, failure(err)
	}
	if expires = token.Expiry; expires.IsZero() { // expires_in is only recommended (RFC 6749 §5.1): the token itself says it
		if expires = expiry(token.AccessToken); expires.IsZero() {
			return "", expires, errors.New("the issuer does not say when its token expires")
		}
	}
	return token.AccessToken, expires, nil
}

// failure leaves of the issuer's answer what it says by the standard (RFC 6749 §5.2): the rest of its body may hold anything.
func failure(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("the issuer answers %s: %s", refused.Response.Status, cmp.Or(refused.ErrorCode, "no reason given"))
}

// expiry is when a token expires by its own word, which its callee verifies and we need not.
func expiry(token string) time.Time {
	var c jwt.RegisteredClaims
	if _, _, err := jwt.NewParser().ParseUnverified(token, &c); err != nil || c.ExpiresAt == nil {
		return time.Time{}
	}
	return c.ExpiresAt.Time
}

func readSecret(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("client secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("client secret: %s is empty", file)
	}
	return secret, nil
}
