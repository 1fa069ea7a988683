package token

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// provider is an OpenID Provider of a library that is certified for it. It has a client for each service and gives it tokens for the audience
// that it asks for.
type provider struct {
	*storage.Storage
	url     string
	mu      sync.Mutex
	secrets map[string]string
	asked   int
	down    bool
}

type audienceKey struct{}

func newProvider(t *testing.T, secrets map[string]string) *provider {
	t.Helper()
	p := &provider{secrets: secrets}
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	p.url = server.URL
	p.Storage = storage.NewStorage(storage.NewUserStore(p.url))
	withAudience := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if p.count() {
				http.Error(w, "down", http.StatusBadGateway)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), audienceKey{}, r.FormValue("audience"))))
		})
	}
	provider, err := op.NewProvider(&op.Config{CryptoKey: sha256.Sum256([]byte("test"))}, p, op.StaticIssuer(p.url),
		op.WithAllowInsecure(), op.WithHttpInterceptors(withAudience), op.WithLogger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = provider
	return p
}

func (p *provider) count() (down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return p.down
}

func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// serviceClient is a service's client: like the example's, with signed tokens instead of opaque ones.
type serviceClient struct {
	op.Client
	id string
}

func (c serviceClient) GetID() string                       { return c.id }
func (c serviceClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// ClientCredentials implements op.ClientCredentialsStorage.
func (p *provider) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	p.mu.Lock()
	want, ok := p.secrets[id]
	p.mu.Unlock()
	if !ok || secret != want {
		return nil, errors.New("wrong client or secret")
	}
	example, err := p.Storage.ClientCredentials(ctx, "sid1", "verysecret")
	return serviceClient{example, id}, err
}

// ClientCredentialsTokenRequest implements op.ClientCredentialsStorage.
func (p *provider) ClientCredentialsTokenRequest(ctx context.Context, id string, scopes []string) (op.TokenRequest, error) {
	audience, _ := ctx.Value(audienceKey{}).(string)
	return &oidc.JWTTokenRequest{Subject: id, Audience: []string{audience}, Scopes: scopes}, nil
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client-secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// caller is a service that gets its tokens from the provider.
func (p *provider) caller(t *testing.T, name, secret string) rpc.TokenSource {
	t.Helper()
	t.Setenv("OAUTH2_CLIENT_SECRET_FILE", secretFile(t, secret))
	auth, err := OAuth2(Edges{Calls: true})(service.Process{Name: name, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return auth.Tokens
}

func newOAuth2Callee(t *testing.T, name string, callers ...string) *callee {
	t.Helper()
	c := &callee{registry: prometheus.NewRegistry(), log: &logs{}, who: make(chan string, 1000)}
	logger := slog.New(slog.NewTextHandler(c.log, nil))
	var err error
	if c.auth, err = OAuth2(Edges{Callers: callers})(service.Process{Name: name, Logger: logger, Registry: c.registry}); err != nil {
		t.Fatal(err)
	}
	c.serve(t, logger)
	return c
}

func TestOAuth2(t *testing.T) {
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	p := newProvider(t, map[string]string{"orders": "s3cret-of-orders", "client-7": "s3cret-of-gateway", "stranger": "s3cret-of-stranger"})
	t.Setenv("OAUTH2_ISSUER", p.url)
	t.Setenv("GATEWAY_CLIENT_ID", "client-7")
	pricing := newOAuth2Callee(t, "pricing", "orders", "gateway")
	orders := p.caller(t, "orders", "s3cret-of-orders")
	t.Setenv("OAUTH2_CLIENT_ID", "client-7")
	gateway := p.caller(t, "gateway", "s3cret-of-gateway")
	t.Setenv("OAUTH2_CLIENT_ID", "")
	stranger := p.caller(t, "stranger", "s3cret-of-stranger")

	for name, source := range map[string]rpc.TokenSource{"orders": orders, "gateway": gateway} {
		conn := pricing.dial(t, rpc.DialOptions{Tokens: source, Service: "pricing"})
		for range 3 {
			if err := conn.Invoke(t.Context(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if who := <-pricing.who; who != name {
				t.Errorf("%s is taken for %q", name, who)
			}
		}
	}
	token := func(source rpc.TokenSource, audience string) string {
		t.Helper()
		text, err := source.Token(t.Context(), audience)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, c := range map[string]struct{ token, reason string }{
		"a client that may not call":       {token(stranger, "pricing"), "undeclared"},
		"a token for another service":      {token(orders, "payments"), "audience"},
		"an issuer of the attacker's":      {newParty(t, "orders").token(t, "pricing"), "undeclared"},
		"the issuer's name, another's key": {newParty(t, "orders").forge(t, func(_ map[string]any, c jwt.MapClaims) { c["iss"], c["aud"] = p.url, "pricing" }), "key"},
	} {
		if _, err := pricing.call(t.Context(), c.token); status.Code(err) != codes.Unauthenticated || pricing.refused(t, c.reason) == 0 {
			t.Errorf("%s: %v, want UNAUTHENTICATED counted as %s", name, err, c.reason)
		}
	}
	t.Run("a wrong secret", func(t *testing.T) {
		wrong := p.caller(t, "orders", "hunter2hunter2")
		_, err := wrong.Token(t.Context(), "pricing")
		if err == nil || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
		err = pricing.dial(t, rpc.DialOptions{Tokens: wrong, Service: "pricing"}).Invoke(t.Context(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{})
		if status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a call: %v", err)
		}
	})
	t.Run("a secret that rotates", func(t *testing.T) {
		file := secretFile(t, "s3cret-of-orders")
		t.Setenv("OAUTH2_CLIENT_SECRET_FILE", file)
		auth, err := OAuth2(Edges{Calls: true})(service.Process{Name: "orders", Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		token(auth.Tokens, "pricing")
		p.set(func() { p.secrets["orders"] = "another" })
		if err := os.WriteFile(file, []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		token(auth.Tokens, "inventory")
	})
	t.Run("the issuer is down", func(t *testing.T) {
		p.set(func() { p.down = true })
		conn := pricing.dial(t, rpc.DialOptions{Tokens: gateway, Service: "pricing"})
		if err := conn.Invoke(t.Context(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
			t.Errorf("a token that is still good, and a known key: %v", err)
		}
		if _, err := gateway.Token(t.Context(), "history"); err == nil {
			t.Error("a token without an issuer")
		}
		p.set(func() { p.down = false })
		token(gateway, "history")
	})
}

// The issuer may come after the services, and its name must be its own.
func TestOAuth2Discovery(t *testing.T) {
	p := newProvider(t, map[string]string{"orders": "s3cret-of-orders"})
	t.Setenv("OAUTH2_ISSUER", p.url)
	p.set(func() { p.down = true })
	orders := p.caller(t, "orders", "s3cret-of-orders")
	pricing := newOAuth2Callee(t, "pricing", "orders")
	conn := pricing.dial(t, rpc.DialOptions{Tokens: orders, Service: "pricing"})
	call := func() error {
		return conn.Invoke(t.Context(), "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}, grpc.WaitForReady(true))
	}
	if err := call(); status.Code(err) != codes.Unavailable {
		t.Errorf("without an issuer: %v", err)
	}
	p.set(func() { p.down = false })
	if err := call(); err != nil {
		t.Errorf("once there is one: %v", err)
	}

	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + p.url + `","token_endpoint":"` + p.url + `/oauth/token","jwks_uri":"` + p.url + `/keys"}`))
	}))
	t.Cleanup(other.Close)
	t.Setenv("OAUTH2_ISSUER", other.URL)
	if _, err := p.caller(t, "orders", "s3cret-of-orders").Token(t.Context(), "pricing"); err == nil || !strings.Contains(err.Error(), "is of the issuer") {
		t.Errorf("a document of another issuer: %v", err)
	}
	for what, err := range map[string]error{
		"no secret": func() error {
			t.Setenv("OAUTH2_CLIENT_SECRET_FILE", "")
			_, err := OAuth2(Edges{Calls: true})(service.Process{Name: "orders", Logger: quiet})
			return err
		}(),
		"an empty secret": func() error {
			t.Setenv("OAUTH2_CLIENT_SECRET_FILE", secretFile(t, ""))
			_, err := OAuth2(Edges{Calls: true})(service.Process{Name: "orders", Logger: quiet})
			return err
		}(),
		"no url": func() error {
			t.Setenv("OAUTH2_ISSUER", "id.example.com")
			_, err := OAuth2(Edges{})(service.Process{Name: "orders", Logger: quiet})
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
