package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/jwks"
)

// verifiedCache is how many verified tokens are remembered. A caller has one for us at a time, or two.
const verifiedCache = 4096

// Verifier tells which service a token names. A verified token is remembered by its hash until it expires or the keys change.
type Verifier struct {
	parser     *jwt.Parser
	algorithms []string
	keys       func(issuer string) *jwks.Set // nil: nobody's tokens are taken who says so
	name       func(c *claims) (string, error)
	verified   *lru.Cache[[sha256.Size]byte, verified]
	refused    *prometheus.CounterVec
	now        func() time.Time
}

type verified struct {
	service    string
	expires    time.Time
	keys       *jwks.Set
	generation uint64
}

// claims are what a token says. OAuth2 issuers name the client in client_id (RFC 9068 §2.2) or azp.
type claims struct {
	jwt.RegisteredClaims
	ClientID        string `json:"client_id"`
	AuthorizedParty string `json:"azp"`
}

// newVerifier takes tokens of the given algorithms for audience. keys finds an issuer's keys, and name who a token names.
func newVerifier(
	audience string, algorithms []string, keys func(string) *jwks.Set, name func(*claims) (string, error), registry prometheus.Registerer,
) (*Verifier, error) {
	cache, err := lru.New[[sha256.Size]byte, verified](verifiedCache)
	if err != nil {
		return nil, err
	}
	v := &Verifier{algorithms: algorithms, keys: keys, name: name, verified: cache, now: time.Now, refused: newRefused()}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods(algorithms), jwt.WithAudience(audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(func() time.Time { return v.now() }),
	)
	if registry != nil {
		if err := registry.Register(v.refused); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Verify implements rpc.TokenVerifier. Its errors are UNAUTHENTICATED or, when the keys cannot be had, UNAVAILABLE; neither they nor the
// metric that counts them hold anything of the token.
func (v *Verifier) Verify(ctx context.Context, token, certified string) (string, error) {
	service, why := v.verify(ctx, token)
	if why == nil && certified != "" && certified != service {
		why = stolen
	}
	if why != nil {
		v.refused.WithLabelValues(why.reason).Inc()
		return "", why
	}
	return service, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (string, *refusal) {
	switch {
	case token == "":
		return "", missing
	case len(token) > maxToken:
		return "", malformed
	}
	hash := sha256.Sum256([]byte(token))
	if known, ok := v.verified.Get(hash); ok {
		if known.keys.Generation() == known.generation && v.now().Before(known.expires.Add(leeway)) {
			return known.service, nil
		}
		v.verified.Remove(hash)
	}
	var got claims
	var keys *jwks.Set
	var generation uint64
	parsed, err := v.parser.ParseWithClaims(token, &got, func(t *jwt.Token) (any, error) {
		if keys = v.keys(got.Issuer); keys == nil { // before anything is fetched
			return nil, undeclared
		}
		generation = keys.Generation() // before the key is found: keys that change meanwhile outdate the result
		key, err := keys.Keyfunc(ctx)(t)
		switch {
		case errors.Is(err, jwks.ErrNoKeys):
			return nil, noKeys
		case err != nil:
			return nil, unknownKey
		}
		return key, nil
	})
	if err != nil {
		return "", explain(err, parsed, v.algorithms)
	}
	service, err := v.name(&got)
	if err != nil {
		return "", explain(err, parsed, v.algorithms)
	}
	v.verified.Add(hash, verified{service, got.ExpiresAt.Time, keys, generation})
	return service, nil
}
