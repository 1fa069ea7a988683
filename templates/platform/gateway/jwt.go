package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/grpc/codes"

	"github.com/msgen-dev/msgen/templates/platform/jwks"
)

const (
	tokenLeeway   = 30 * time.Second // between the issuer's clock and ours
	verifiedCache = 8192             // tokens
	maxSubject    = 255              // characters, as OpenID Connect Core §2 has it
)

// caller is whom a valid token names.
type caller struct {
	subject string
	scopes  []string
	scope   string // the scopes, as services are told
	expires time.Time
	keys    uint64 // generation of the keys that verified it
}

// claims are the token's claims that the gateway reads beside the registered ones. Issuers put the granted scopes into
// one string (RFC 8693) or an array.
type claims struct {
	jwt.RegisteredClaims
	Scope  stringOrList `json:"scope"`
	Scopes stringOrList `json:"scp"`
}

// stringOrList is a claim that is a space-separated string or an array of such.
type stringOrList []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *stringOrList) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*s = strings.Fields(one)
		return nil
	}
	var many []string
	if err := json.Unmarshal(text, &many); err != nil {
		return err
	}
	*s = strings.Fields(strings.Join(many, " "))
	return nil
}

// authenticator verifies bearer tokens. An RS256 signature took some 100 µs to verify when measured,
// so a verified token is remembered by its hash (5 µs) until it expires or the issuer's keys change.
type authenticator struct {
	realm    string
	keys     *jwks.Set
	parser   *jwt.Parser
	verified *lru.Cache[[sha256.Size]byte, *caller]
	now      func() time.Time
}

// newAuthenticator returns nil without an error when opts is nil.
func newAuthenticator(realm string, opts *JWT, logger *slog.Logger) (*authenticator, error) {
	if opts == nil {
		return nil, nil
	}
	if opts.Issuer == "" || opts.Audience == "" {
		return nil, errors.New("jwt: issuer and audience must be set, or tokens meant for others would pass")
	}
	keys, err := jwks.New(opts.JWKS, jwks.Options{Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	verified, err := lru.New[[sha256.Size]byte, *caller](verifiedCache)
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	a := &authenticator{realm: realm, keys: keys, verified: verified, now: time.Now}
	a.parser = jwt.NewParser(
		jwt.WithValidMethods(jwks.Algorithms()),
		jwt.WithIssuer(opts.Issuer),
		jwt.WithAudience(opts.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(func() time.Time { return a.now() }),
	)
	return a, nil
}

// verify returns whom the token names. Its error is fit for the client, but for jwks.ErrNoKeys.
func (a *authenticator) verify(ctx context.Context, token string) (*caller, error) {
	hash := sha256.Sum256([]byte(token))
	generation := a.keys.Generation() // before verification: keys that change meanwhile outdate the result
	if known, ok := a.verified.Get(hash); ok {
		if known.keys == generation && a.now().Before(known.expires.Add(tokenLeeway)) {
			return known, nil
		}
		a.verified.Remove(hash)
	}
	var got claims
	if _, err := a.parser.ParseWithClaims(token, &got, a.keys.Keyfunc(ctx)); err != nil {
		return nil, a.explain(err)
	}
	scopes := slices.Concat(got.Scope, got.Scopes)
	who := &caller{subject: got.Subject, scopes: scopes, scope: strings.Join(scopes, " "), expires: got.ExpiresAt.Time, keys: generation}
	if who.subject == "" || len(who.subject) > maxSubject || !printable(who.subject) || !printable(who.scope) {
		return nil, errors.New("token has no usable subject or scope")
	}
	a.verified.Add(hash, who)
	return who, nil
}

// explain keeps the parser's inner errors from the client.
func (a *authenticator) explain(err error) error {
	switch {
	case errors.Is(err, jwks.ErrNoKeys):
		return err
	case errors.Is(err, jwt.ErrTokenExpired):
		return errors.New("token is expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return errors.New("token is not valid yet")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return errors.New("token is meant for another audience")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return errors.New("token is of another issuer")
	default:
		return errors.New("token is malformed or its signature is not valid")
	}
}

// authenticate finds out who calls.
func (gw *Gateway) authenticate(c *gin.Context) {
	token, err := bearer(c.Request.Header)
	if err != nil {
		gw.unauthenticated(c, err)
		return
	}
	if token == "" {
		return // authorize refuses, when the limit has counted the request
	}
	who, err := gw.auth.verify(c.Request.Context(), token)
	if errors.Is(err, jwks.ErrNoKeys) {
		exchangeOf(c).err = err
		setRetryAfter(c, jwks.RetryFirst)
		abort(c, http.StatusServiceUnavailable, codes.Unavailable, "tokens cannot be verified at the moment")
		return
	}
	if err != nil {
		gw.unauthenticated(c, err)
		return
	}
	exchangeOf(c).caller = who
}

// authorize lets pass who has every scope.
func (gw *Gateway) authorize(scopes []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		who := exchangeOf(c).caller
		if who == nil {
			c.Header("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q", gw.auth.realm))
			abort(c, http.StatusUnauthorized, codes.Unauthenticated, "a bearer token is required")
			return
		}
		for _, scope := range scopes {
			if !slices.Contains(who.scopes, scope) {
				c.Header("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q, error=\"insufficient_scope\", scope=%q", gw.auth.realm, strings.Join(scopes, " ")))
				abort(c, http.StatusForbidden, codes.PermissionDenied, "the token lacks the scope %s", scope)
				return
			}
		}
	}
}

// unauthenticated refuses a token. Where the limit counts by token, a bad one counts for its client, or guessing would
// be free.
func (gw *Gateway) unauthenticated(c *gin.Context, reason error) {
	if gw.limiter != nil && gw.limiter.by == byToken {
		if limit(gw.limiter)(c); c.IsAborted() {
			return
		}
	}
	c.Header("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q, error=\"invalid_token\", error_description=%q", gw.auth.realm, reason.Error()))
	abort(c, http.StatusUnauthorized, codes.Unauthenticated, "%s", reason)
}

// bearer returns the token of the header Authorization, "" without one.
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimSpace(token)
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errors.New("authorization must be one bearer token")
	}
	return token, nil
}

// printable reports that s can be the value of gRPC metadata.
func printable(s string) bool {
	for _, b := range []byte(s) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}
