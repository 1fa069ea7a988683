package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Audience is the audience of the tokens that an Issuer signs.
const Audience = "shop"

// Issuer signs tokens and serves the keys to check them. Services get theirs by client credentials.
type Issuer struct {
	URL    string
	key    *rsa.PrivateKey
	server *httptest.Server
	secret string // of every client
	down   atomic.Bool
}

// NewIssuer starts an issuer on loopback.
func NewIssuer() (*Issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	i := &Issuer{key: key, secret: rand.Text()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks.json", i.keys)
	mux.HandleFunc("POST /token", i.clientToken)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.down.Load() {
			panic(http.ErrAbortHandler) // hangs up
		}
		mux.ServeHTTP(w, r)
	}))
	i.URL = i.server.URL
	return i, nil
}

// Close stops the issuer.
func (i *Issuer) Close() { i.server.Close() }

// Down has it hang up on everybody, or answer again.
func (i *Issuer) Down(down bool) { i.down.Store(down) }

// Token returns a token that is good for an hour.
func (i *Issuer) Token(subject string, scopes ...string) (string, error) {
	return i.Sign(jwt.MapClaims{
		"iss": i.URL, "aud": Audience, "sub": subject, "scope": strings.Join(scopes, " "),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
}

// Sign signs any claims.
func (i *Issuer) Sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = "e2e"
	return token.SignedString(i.key)
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	encode := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "e2e",
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/jwks.json"})
}

// ClientToken is the token that a service's client gets for a callee.
func (i *Issuer) ClientToken(client, audience string) (string, error) {
	return i.Sign(jwt.MapClaims{
		"iss": i.URL, "aud": audience, "sub": client, "client_id": client, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
	})
}

// clientToken is the token endpoint (RFC 6749 §4.4).
func (i *Issuer) clientToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	client, secret, ok := r.BasicAuth()
	if !ok || secret != i.secret || r.PostFormValue("grant_type") != "client_credentials" {
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client"})
		return
	}
	token, err := i.ClientToken(client, r.PostFormValue("audience"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 300})
}
