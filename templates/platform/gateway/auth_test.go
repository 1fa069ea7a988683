package gateway

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// issuer signs tokens and serves its keys.
type issuer struct {
	url     string
	mu      sync.Mutex
	keys    map[string]crypto.Signer
	fetches int
	down    bool
}

func newIssuer(tb testing.TB) *issuer {
	tb.Helper()
	is := &issuer{keys: make(map[string]crypto.Signer)}
	is.add(tb, "rsa")
	is.url = serveHTTP(tb, &http.Server{Handler: is, ReadHeaderTimeout: time.Second})
	return is
}

// add makes a key; its id begins with its type: rsa, ec or ed.
func (is *issuer) add(tb testing.TB, kid string) {
	tb.Helper()
	var key crypto.Signer
	var err error
	switch {
	case strings.HasPrefix(kid, "rsa"):
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case strings.HasPrefix(kid, "ec"):
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		tb.Fatal(err)
	}
	is.mu.Lock()
	defer is.mu.Unlock()
	is.keys[kid] = key
}

func (is *issuer) set(change func()) {
	is.mu.Lock()
	defer is.mu.Unlock()
	change()
}

func (is *issuer) fetched() int {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.fetches
}

func (is *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.fetches++
	if is.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	// Beside the keys: one of no known type, one for encryption, and a symmetric one. None may be used or do harm.
	set := []any{map[string]string{"kty": "new", "kid": "odd"}, map[string]string{"kty": "oct", "kid": "secret", "k": "c2VjcmV0"}}
	for kid, key := range is.keys {
		jwk, err := jwkset.NewJWKFromKey(key.Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: kid, USE: jwkset.UseSig}})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		set = append(set, jwk.Marshal())
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
}

func (is *issuer) opts() *JWT { return &JWT{Issuer: is.url, Audience: "shop", JWKS: is.url} }

// claims are those of a good token, changed by the pairs given; nil takes one away.
func (is *issuer) claims(pairs ...any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": is.url, "aud": "shop", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), "scope": "books.read books.write"}
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		if c[name] = pairs[i+1]; pairs[i+1] == nil {
			delete(c, name)
		}
	}
	return c
}

func (is *issuer) token(tb testing.TB, method jwt.SigningMethod, kid string, c jwt.MapClaims) string {
	tb.Helper()
	is.mu.Lock()
	key := is.keys[kid]
	is.mu.Unlock()
	return signed(tb, method, kid, key, c)
}

func signed(tb testing.TB, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	tb.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// waitKeys waits until the gateway has fetched keys.
func (f *fixture) waitKeys(tb testing.TB) {
	tb.Helper()
	for f.gateway.auth.keys.Ready() != nil {
		select {
		case <-tb.Context().Done():
			tb.Fatal("no keys")
		case <-time.After(time.Millisecond):
		}
	}
}

func TestTokensTaken(t *testing.T) {
	is := newIssuer(t)
	is.add(t, "ec")
	is.add(t, "ed")
	f := serve(t, setup{opts: Options{Name: "shop", JWT: is.opts()}})
	f.waitKeys(t)
	for name, token := range map[string]string{
		"RS256":             is.token(t, jwt.SigningMethodRS256, "rsa", is.claims()),
		"PS256":             is.token(t, jwt.SigningMethodPS256, "rsa", is.claims()),
		"ES256":             is.token(t, jwt.SigningMethodES256, "ec", is.claims()),
		"EdDSA":             is.token(t, jwt.SigningMethodEdDSA, "ed", is.claims()),
		"scp array":         is.token(t, jwt.SigningMethodES256, "ec", is.claims("scope", nil, "scp", []string{"books.read", "books.write"})),
		"several audiences": is.token(t, jwt.SigningMethodES256, "ec", is.claims("aud", []string{"x", "shop"})),
		"just expired":      is.token(t, jwt.SigningMethodES256, "ec", is.claims("exp", time.Now().Add(-tokenLeeway/2).Unix())),
		"no key id":         signed(t, jwt.SigningMethodEdDSA, "", is.keys["ed"], is.claims()),
	} {
		for range 2 { // the second time from the cache
			got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token, "X-Subject: root", "X-Scopes: admin", "X-Request-Id: r-1")
			if got.code != 201 {
				t.Fatalf("%s: %d %s", name, got.code, got.body)
			}
			md := f.library.metadata()
			if s, id := md.Get("x-subject"), md.Get("x-request-id"); len(s) != 1 || s[0] != "ann" || len(id) != 1 || id[0] != "r-1" {
				t.Errorf("%s: subject %v, request id %v", name, s, id)
			}
			if s := md.Get("x-scopes"); len(s) != 1 || !strings.HasSuffix(s[0], "books.write") || strings.Contains(s[0], "admin") {
				t.Errorf("%s: scopes %v", name, s)
			}
			for _, header := range []string{"authorization", "grpcgateway-authorization", "cookie"} {
				if md.Get(header) != nil {
					t.Errorf("%s: %s was passed on", name, header)
				}
			}
		}
	}
}

func TestTokensRefused(t *testing.T) {
	is := newIssuer(t)
	is.add(t, "ec")
	f := serve(t, setup{opts: Options{Name: "shop", JWT: is.opts()}})
	f.waitKeys(t)
	public, err := x509.MarshalPKIXPublicKey(is.keys["rsa"].Public())
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims())
	parts := strings.Split(good, ".")
	raised, err := json.Marshal(is.claims("sub", "root"))
	if err != nil {
		t.Fatal(err)
	}
	critical := jwt.NewWithClaims(jwt.SigningMethodRS256, is.claims())
	critical.Header["kid"], critical.Header["crit"] = "rsa", []string{"b64"}
	criticalText, err := critical.SignedString(is.keys["rsa"])
	if err != nil {
		t.Fatal(err)
	}
	for name, auth := range map[string]string{
		"alg none":                  "Bearer " + signed(t, jwt.SigningMethodNone, "rsa", jwt.UnsafeAllowNoneSignatureType, is.claims()),
		"HS256 with the public key": "Bearer " + signed(t, jwt.SigningMethodHS256, "rsa", publicPEM, is.claims()),
		"HS256 with the served oct": "Bearer " + signed(t, jwt.SigningMethodHS256, "secret", []byte("secret"), is.claims()),
		"HS256 without key id":      "Bearer " + signed(t, jwt.SigningMethodHS256, "", publicPEM, is.claims()),
		"another's key, our id":     "Bearer " + signed(t, jwt.SigningMethodRS256, "rsa", other, is.claims()),
		"another's key, no id":      "Bearer " + signed(t, jwt.SigningMethodRS256, "", other, is.claims()),
		"unknown key id":            "Bearer " + signed(t, jwt.SigningMethodRS256, "rsa9", other, is.claims()),
		"key id of another type":    "Bearer " + signed(t, jwt.SigningMethodRS256, "ec", other, is.claims()),
		"claims changed":            "Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString(raised) + "." + parts[2],
		"signature cut":             "Bearer " + parts[0] + "." + parts[1] + ".",
		"critical header":           "Bearer " + criticalText,
		"expired":                   "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("exp", time.Now().Add(-time.Hour).Unix())),
		"no expiry":                 "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("exp", nil)),
		"not yet valid":             "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("nbf", time.Now().Add(time.Hour).Unix())),
		"wrong audience":            "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("aud", "bank")),
		"no audience":               "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("aud", nil)),
		"wrong issuer":              "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("iss", "https://evil.example")),
		"no subject":                "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("sub", nil)),
		"subject with a line break": "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("sub", "ann\nx-scopes: admin")),
		"scope of no kind":          "Bearer " + is.token(t, jwt.SigningMethodRS256, "rsa", is.claims("scope", 7)),
		"no token":                  "Bearer nonsense",
		"empty":                     "Bearer ",
		"another scheme":            "Basic YW5uOmFubg==",
	} {
		got := f.do(t, "POST", "/v1/books", "{}", "Authorization: "+auth)
		info := got.problem(t)
		if got.code != 401 || info.Code != "UNAUTHENTICATED" || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("%s: %d %s, %s", name, got.code, got.body, got.header.Get("WWW-Authenticate"))
		}
	}
	if got := f.do(t, "POST", "/v1/books", "{}"); got.code != 401 || got.header.Get("WWW-Authenticate") != `Bearer realm="shop"` {
		t.Errorf("without a token: %d %s", got.code, got.header.Get("WWW-Authenticate"))
	}
	if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+good, "Authorization: Bearer "+good); got.code != 401 {
		t.Errorf("two headers: %d", got.code)
	}
	for name, c := range map[string]jwt.MapClaims{
		"no scope":      is.claims("scope", nil),
		"another scope": is.claims("scope", "books.read books.writer"),
	} {
		got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+is.token(t, jwt.SigningMethodRS256, "rsa", c))
		if info := got.problem(t); got.code != 403 || info.Code != "PERMISSION_DENIED" || !strings.Contains(got.header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="books.write"`) {
			t.Errorf("%s: %d %s", name, got.code, got.body)
		}
	}
	if md := f.library.metadata(); md != nil {
		t.Errorf("a refused request reached the service: %v", md)
	}
	if got := f.do(t, "GET", "/v1/books/b1", "", "X-Subject: root", "X-Scopes: admin", "Grpc-Metadata-X-Subject: root"); got.code != 200 {
		t.Errorf("public route: %d", got.code)
	}
	if md := f.library.metadata(); md.Get("x-subject") != nil || md.Get("x-scopes") != nil {
		t.Errorf("spoofed identity passed: %v", md)
	}
}

func TestCachedTokenExpires(t *testing.T) {
	is := newIssuer(t)
	f := serve(t, setup{opts: Options{JWT: is.opts()}})
	f.waitKeys(t)
	a := f.gateway.auth
	token := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims())
	if _, err := a.verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if a.verified.Len() != 1 {
		t.Fatal("not cached")
	}
	a.now = func() time.Time { return time.Now().Add(time.Hour + 2*tokenLeeway) }
	if _, err := a.verify(t.Context(), token); err == nil || err.Error() != "token is expired" {
		t.Errorf("got %v", err)
	}
}

func TestKeyRotation(t *testing.T) {
	is := newIssuer(t)
	f := serve(t, setup{opts: Options{JWT: is.opts()}})
	f.waitKeys(t)
	keys := f.gateway.auth.keys
	keys.Unknown.SetLimit(rate.Every(time.Hour)) // however slow the test
	old := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims())
	if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+old); got.code != 201 {
		t.Fatal(got)
	}
	is.add(t, "ec2")
	fresh := is.token(t, jwt.SigningMethodES256, "ec2", is.claims())
	is.set(func() { delete(is.keys, "rsa") })

	// Many at once with a new key: all pass, after one fetch.
	before := is.fetched()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+fresh); got.code != 201 {
				t.Errorf("new key: %d %s", got.code, got.body)
			}
		})
	}
	all.Wait()
	if n := is.fetched() - before; n != 1 {
		t.Errorf("%d fetches for one new key", n)
	}
	// The key that was withdrawn is no longer good, not even for a token verified before.
	if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+old); got.code != 401 {
		t.Errorf("withdrawn key: %d", got.code)
	}
	// A flood of invented key ids does not become a flood of fetches.
	before = is.fetched()
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+signed(t, jwt.SigningMethodRS256, fmt.Sprint("x", i), stranger, is.claims()))
	}
	if n := is.fetched() - before; n > 1 {
		t.Errorf("%d fetches for invented key ids", n)
	}
	// The issuer goes down, also in the middle of a refetch: the keys known stay good.
	is.set(func() { is.down = true })
	keys.Unknown.SetLimit(rate.Inf)
	f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+signed(t, jwt.SigningMethodRS256, "y", stranger, is.claims()))
	if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+is.token(t, jwt.SigningMethodES256, "ec2", is.claims("sub", "bob"))); got.code != 201 {
		t.Errorf("issuer down: %d", got.code)
	}
}

func TestIssuerDownAtStart(t *testing.T) {
	is := newIssuer(t)
	is.set(func() { is.down = true })
	f := serve(t, setup{opts: Options{JWT: is.opts()}})
	token := is.token(t, jwt.SigningMethodRS256, "rsa", is.claims())
	if err := f.gateway.auth.keys.Ready(); err == nil || !strings.Contains(err.Error(), "signing keys") {
		t.Errorf("ready: %v", err)
	}
	got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token)
	if got.problem(t); got.code != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", got.code, got.body)
	}
	if got := f.do(t, "GET", "/v1/books/b1", ""); got.code != 200 {
		t.Errorf("public route: %d", got.code)
	}
	is.set(func() { is.down = false })
	f.waitKeys(t)
	if got := f.do(t, "POST", "/v1/books", "{}", "Authorization: Bearer "+token); got.code != 201 {
		t.Errorf("after the issuer came: %d %s", got.code, got.body)
	}
	if err := f.gateway.auth.keys.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
}
