package token

import (
	"errors"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// refusal is why a token is not taken: a label of the metric, and what the caller is told.
type refusal struct {
	reason, text string
	code         codes.Code
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// GRPCStatus makes the refusal a status.
func (r *refusal) GRPCStatus() *status.Status { return rpc.TokenRefused(r.code, r.text) }

var (
	missing     = &refusal{"missing", "a service's token is required", codes.Unauthenticated}
	malformed   = &refusal{"malformed", "the token is malformed", codes.Unauthenticated}
	algorithm   = &refusal{"algorithm", "the token is not signed as it must be", codes.Unauthenticated}
	undeclared  = &refusal{"undeclared", "the token is not of a service that may call", codes.Unauthenticated}
	unknownKey  = &refusal{"key", "the token is signed with an unknown key", codes.Unauthenticated}
	forged      = &refusal{"signature", "the token's signature is not valid", codes.Unauthenticated}
	expired     = &refusal{"expired", "the token is expired", codes.Unauthenticated}
	notYet      = &refusal{"not_yet_valid", "the token is not valid yet", codes.Unauthenticated}
	notForUs    = &refusal{"audience", "the token is meant for another service", codes.Unauthenticated}
	stolen      = &refusal{"certificate", "the token names another service than the certificate", codes.Unauthenticated}
	badClaims   = &refusal{"claims", "the token lacks what it must say", codes.Unauthenticated}
	noKeys      = &refusal{"no_keys", "tokens cannot be verified at the moment", codes.Unavailable}
	allRefusals = []*refusal{missing, malformed, algorithm, undeclared, unknownKey, forged, expired, notYet, notForUs, stolen, badClaims, noKeys}
)

// explain keeps the parser's own errors, which quote the token, from the caller and from the log.
func explain(err error, token *jwt.Token, algorithms []string) *refusal {
	var ours *refusal
	switch {
	case errors.As(err, &ours):
		return ours
	case token != nil && token.Header["alg"] != nil && !slices.Contains(algorithms, fmt.Sprint(token.Header["alg"])):
		return algorithm
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return forged
	case errors.Is(err, jwt.ErrTokenExpired):
		return expired
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return notYet
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return notForUs
	case errors.Is(err, jwt.ErrTokenInvalidClaims), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return badClaims
	}
	return malformed
}

func newRefused() *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "service_tokens_refused_total", Help: "Calls refused for their token, by reason.",
	}, []string{"reason"})
	for _, r := range allRefusals {
		c.WithLabelValues(r.reason)
	}
	return c
}
