package token

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestCallerIsKnownByItsToken(t *testing.T) {
	orders, gateway := newParty(t, "orders"), newParty(t, "gateway")
	c := newCallee(t, "callee", orders, gateway)
	for range 2 { // fetched and verified, and from memory
		for _, p := range []*party{orders, gateway} {
			if who, err := c.call(t.Context(), p.token(t, "callee")); err != nil || who != p.name {
				t.Errorf("%s is taken for %q, %v", p.name, who, err)
			}
		}
	}
	if n := orders.fetches(); n != 1 {
		t.Errorf("the keys of orders were fetched %d times", n)
	}
}

// Every attack is refused with the right code, counted by its reason, and leaves nothing of the token in the log.
func TestAttacks(t *testing.T) {
	orders, gateway, stranger := newParty(t, "orders"), newParty(t, "gateway"), newParty(t, "stranger")
	public := orders.key.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	kid := thumbprint(public)
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a key was fetched from where a token says") }))
	t.Cleanup(evil.Close)

	claims := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "orders", "sub": "orders", "aud": "callee", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}
	}
	signed := func(method jwt.SigningMethod, key any) string {
		token := jwt.NewWithClaims(method, claims())
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	header := func(pairs ...string) string {
		return orders.forge(t, func(h map[string]any, _ jwt.MapClaims) {
			for i := 0; i < len(pairs); i += 2 {
				h[pairs[i]] = pairs[i+1]
			}
		})
	}
	said := func(name string, value any) string {
		return orders.forge(t, func(_ map[string]any, c jwt.MapClaims) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	in := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	good := orders.token(t, "callee")
	parts := strings.Split(good, ".")
	altered := base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"gateway","sub":"gateway","aud":"callee","exp":9999999999}`))
	flipped := []byte(good)
	if flipped[len(flipped)-10] == 'A' {
		flipped[len(flipped)-10] = 'B'
	} else {
		flipped[len(flipped)-10] = 'A'
	}

	for name, c := range map[string]struct{ token, reason string }{
		"no token":                         {"", "missing"},
		"no JWT":                           {"hunter2hunter2hunter2", "malformed"},
		"far too long":                     {strings.Repeat("a", 9<<10), "malformed"},
		"alg none":                         {signed(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), "algorithm"},
		"alg none, in capitals":            {base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NONE","kid":"`+kid+`"}`)) + "." + parts[1] + ".", "algorithm"},
		"HMAC with the public key":         {signed(jwt.SigningMethodHS256, []byte(public)), "algorithm"},
		"HMAC with the public key, as PEM": {signed(jwt.SigningMethodHS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "algorithm"},
		"expired":                          {said("exp", in(-leeway-time.Minute)), "expired"},
		"no expiry":                        {said("exp", nil), "claims"},
		"not yet valid":                    {said("nbf", in(leeway+time.Minute)), "not_yet_valid"},
		"issued in the future":             {said("iat", in(leeway+time.Minute)), "not_yet_valid"},
		"for another service":              {said("aud", "payments"), "audience"},
		"for another of like name":         {said("aud", "callee2"), "audience"},
		"for several":                      {said("aud", []string{"callee", "payments"}), "claims"},
		"for nobody":                       {said("aud", nil), "claims"},
		"a caller that is not declared":    {stranger.token(t, "callee"), "undeclared"},
		"no issuer":                        {said("iss", nil), "undeclared"},
		"in the name of another":           {said("iss", "gateway"), "key"},
		"speaks for another":               {said("sub", "gateway"), "claims"},
		"kid of another service":           {header("kid", thumbprint(gateway.key.Public().(ed25519.PublicKey))), "key"},
		"kid is a path":                    {header("kid", "../../../dev/null"), "key"},
		"kid is a URL":                     {header("kid", evil.URL), "key"},
		"kid is SQL":                       {header("kid", "' OR 1=1 --"), "key"},
		"key by jku":                       {header("kid", "x", "jku", evil.URL, "x5u", evil.URL), "key"},
		"a critical header":                {orders.forge(t, func(h map[string]any, _ jwt.MapClaims) { h["crit"] = []string{"exp"} }), "key"},
		"its own key, under a known kid":   {stranger.forge(t, func(h map[string]any, c jwt.MapClaims) { h["kid"], c["iss"], c["sub"] = kid, "orders", "orders" }), "signature"},
		"claims altered":                   {parts[0] + "." + altered + "." + parts[2], "key"},
		"signature altered":                {string(flipped), "signature"},
		"signature cut off":                {parts[0] + "." + parts[1] + ".", "signature"},
	} {
		t.Run(name, func(t *testing.T) {
			callee := newCallee(t, "callee", orders, gateway)
			who, err := callee.call(t.Context(), c.token)
			if status.Code(err) != codes.Unauthenticated || who != "" {
				t.Errorf("taken for %q, %v", who, err)
			}
			if n := callee.refused(t, c.reason); n != 1 {
				t.Errorf("not counted as %q: %v", c.reason, err)
			}
			for what, text := range map[string]string{"the answer": status.Convert(err).Message(), "the log": callee.log.String()} {
				for _, part := range strings.Split(c.token, ".") {
					if len(part) > 10 && strings.Contains(text, part[:10]) {
						t.Errorf("%s holds a part of the token: %s", what, text)
					}
				}
			}
			if !strings.Contains(callee.log.String(), "code=Unauthenticated") {
				t.Errorf("not in the log: %s", callee.log.String())
			}
		})
	}
}

// What was good for one callee opens no other, and a flood of invented keys is not a flood of fetches.
func TestStolenToken(t *testing.T) {
	orders := newParty(t, "orders")
	pricing, payments := newCallee(t, "pricing", orders), newCallee(t, "payments", orders)
	token := orders.token(t, "pricing")
	if who, err := pricing.call(t.Context(), token); err != nil || who != "orders" {
		t.Fatal(who, err)
	}
	if _, err := payments.call(t.Context(), token); status.Code(err) != codes.Unauthenticated || payments.refused(t, "audience") != 1 {
		t.Errorf("pricing's token at payments: %v", err)
	}
	before := orders.fetches()
	for range 50 {
		text := orders.forge(t, func(h map[string]any, _ jwt.MapClaims) { h["kid"] = "invented" })
		if _, err := payments.call(t.Context(), text); status.Code(err) != codes.Unauthenticated {
			t.Fatal(err)
		}
	}
	if n := orders.fetches() - before; n > 1 {
		t.Errorf("%d fetches for one invented key id", n)
	}
}
