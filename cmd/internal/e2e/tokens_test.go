package e2e_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// TestTokens runs the shop with tokens between its services: an order goes through, nobody gets in without a token of his own, and keys
// rotate under load.
func TestTokens(t *testing.T) {
	shop := startTrusting(t, "\nsecurity:\n  mtls: {mode: strict}\n  serviceAuth: jwt\n", "TOKEN_KEY_DELAY=2s")
	write, read := token(t, shop, "orders.write"), token(t, shop, "orders.read")
	t.Run("an order is confirmed", func(t *testing.T) { confirmed(t, shop, write, read, "") })
	t.Run("attacks", func(t *testing.T) { tokenAttacks(t, shop) })
	t.Run("keys rotate under load", func(t *testing.T) { rotateTokenKeys(t, shop, write, read) })
}

// signAs is a token signed with a service's own key; claims change it.
func signAs(t *testing.T, shop *e2e.System, service, audience string, change func(jwt.MapClaims)) string {
	t.Helper()
	text, err := os.ReadFile(shop.TokenKeyFile(service))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(ed25519.PrivateKey)
	claims := jwt.MapClaims{"iss": service, "sub": service, "aud": audience, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}
	change(claims)
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	x := base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	token.Header["kid"] = base64.RawURLEncoding.EncodeToString(sum[:])
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// tokenAttacks calls pricing, which orders alone may call, past the gateway, with the certificate of orders unless the case says another's.
func tokenAttacks(t *testing.T, shop *e2e.System) {
	as := func(service, audience string) string {
		return signAs(t, shop, service, audience, func(jwt.MapClaims) {})
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "orders", "sub": "orders", "aud": "pricing"}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	refuseTokens(t, shop, map[string]attack{
		"no token":                         {"orders", "", "missing"},
		"alg none":                         {"orders", none, "algorithm"},
		"a service without the edge":       {"gateway", as("gateway", "pricing"), "undeclared"},
		"a stolen token":                   {"gateway", as("orders", "pricing"), "certificate"},
		"a token for another service":      {"orders", as("orders", "inventory"), "audience"},
		"an expired token":                 {"orders", signAs(t, shop, "orders", "pricing", func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), "expired"},
		"another's name under its own key": {"orders", signAs(t, shop, "gateway", "pricing", func(c jwt.MapClaims) { c["iss"], c["sub"] = "orders", "orders" }), "key"},
		"the end user's token":             {"orders", token(t, shop, "orders.write"), "algorithm"},
	})
	if err := callPricing(t, shop, "orders", as("orders", "pricing")); status.Code(err) == codes.Unauthenticated || status.Code(err) == codes.PermissionDenied {
		t.Errorf("a good token: %v", err)
	}
}

// callPricing calls pricing past the gateway, with the certificate of a service and with a token, "" for none.
func callPricing(t *testing.T, shop *e2e.System, certificate, token string) error {
	t.Helper()
	source, err := mtls.Open(mtls.Config{Dir: shop.CertificateDir(certificate)}, certificate, mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(shop.Process("pricing").Main, rpc.DialOptions{TLS: source, Mode: mtls.Strict, Service: "pricing"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-subject", "root")
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return conn.Invoke(ctx, "/shop.pricing.v1.PricingService/QuoteOrder", &emptypb.Empty{}, &emptypb.Empty{})
}

// attack is a call with a token that must be refused, for a reason.
type attack struct{ certificate, token, reason string }

// refuseTokens holds that pricing refuses each attack, counts it, and writes nothing of its token into the log.
func refuseTokens(t *testing.T, shop *e2e.System, attacks map[string]attack) {
	t.Helper()
	for name, c := range attacks {
		before := refusedTokens(t, shop, "pricing", c.reason)
		if err := callPricing(t, shop, c.certificate, c.token); status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s: %v, want UNAUTHENTICATED", name, err)
		}
		if n := refusedTokens(t, shop, "pricing", c.reason) - before; n != 1 {
			t.Errorf("%s: counted %d times as %q", name, n, c.reason)
		}
		for _, part := range strings.Split(c.token, ".") {
			if len(part) > 10 && strings.Contains(shop.Process("pricing").Tail(), part[:10]) {
				t.Errorf("%s: a part of the token is in the log", name)
			}
		}
	}
}

// TestTokensOfAnIssuer runs the shop with tokens that its services get by client credentials.
func TestTokensOfAnIssuer(t *testing.T) {
	shop := startTrusting(t, "\nsecurity:\n  mtls: {mode: strict}\n  serviceAuth: oauth2\n")
	confirmed(t, shop, token(t, shop, "orders.write"), token(t, shop, "orders.read"), "")
	as := func(client, audience string) string {
		text, err := shop.ClientToken(client, audience)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	refuseTokens(t, shop, map[string]attack{
		"no token":                    {"orders", "", "missing"},
		"a service without the edge":  {"gateway", as("gateway", "pricing"), "undeclared"},
		"a stolen token":              {"gateway", as("orders", "pricing"), "certificate"},
		"a token for another service": {"orders", as("orders", "inventory"), "audience"},
		"the end user's token":        {"orders", token(t, shop, "orders.write"), "audience"},
		"a token of its own making":   {"orders", signAs(t, shop, "orders", "pricing", func(jwt.MapClaims) {}), "undeclared"},
	})
	if err := callPricing(t, shop, "orders", as("orders", "pricing")); status.Code(err) == codes.Unauthenticated || status.Code(err) == codes.PermissionDenied {
		t.Errorf("a good token: %v", err)
	}
}

// refusedTokens is a service's metric.
func refusedTokens(t *testing.T, shop *e2e.System, service, reason string) int {
	t.Helper()
	text := ops(t, shop, service, "/metrics")
	found := regexp.MustCompile(`(?m)^service_tokens_refused_total\{reason="` + reason + `"\} (\d+)$`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("%s does not count the tokens that it refuses for %q", service, reason)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ops asks a process's operations endpoint.
func ops(t *testing.T, shop *e2e.System, service, path string) string {
	t.Helper()
	code, text, err := shop.Process(service).GetOps(t.Context(), path)
	if err != nil || code != http.StatusOK {
		t.Fatalf("%s of %s: %d %v", path, service, code, err)
	}
	return string(text)
}

// rotateTokenKeys gives the gateway and orders new keys while orders are placed, and waits until these sign.
func rotateTokenKeys(t *testing.T, shop *e2e.System, write, read string) {
	orders := placeOrders(t, shop, write)
	for _, service := range []string{"gateway", "orders"} {
		if err := shop.NewTokenKey(service); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new key of "+service, func() string {
			var set struct{ Keys []struct{ Kid string } }
			if err := json.Unmarshal([]byte(ops(t, shop, service, "/.well-known/jwks.json")), &set); err != nil || len(set.Keys) != 2 {
				return fmt.Sprintf("%d keys are published, %v", len(set.Keys), err)
			}
			return ""
		})
	}
	// Published; two seconds later they sign. What is called then has to be verified with them.
	signs := time.Now().Add(3 * time.Second)
	eventually(t, "calls with the new keys", func() string {
		if time.Now().After(signs) {
			return ""
		}
		return "not yet"
	})
	before := orders.placed.Load()
	eventually(t, "calls with the new keys", func() string {
		if n := orders.placed.Load() - before; n < 20 && !t.Failed() {
			return fmt.Sprintf("%d calls", n)
		}
		return ""
	})
	orders.finish()
	confirmed(t, shop, write, read, "")
}
