package token

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// logs is a log that a test reads while others may write.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// keyFile is a file that a test writes anew, as a mounted Secret is.
type keyFile string

func newKeyFile(t testing.TB, k crypto.Signer) keyFile {
	t.Helper()
	f := keyFile(filepath.Join(t.TempDir(), "tls.key"))
	f.write(t, k)
	return f
}

func (f keyFile) write(t testing.TB, k crypto.Signer) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	f.put(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (f keyFile) put(t testing.TB, text []byte) {
	t.Helper()
	if err := os.WriteFile(string(f)+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(string(f)+".new", string(f)); err != nil {
		t.Fatal(err)
	}
}

// party is a service of the test that calls: its key, its issuer and where its keys are.
type party struct {
	name   string
	file   keyFile
	key    ed25519.PrivateKey
	issuer *Issuer
	url    string
	mu     sync.Mutex
	down   bool
	asked  int
	given  int
}

func newParty(t testing.TB, name string) *party {
	t.Helper()
	p := &party{name: name, key: newKey(t)}
	p.file = newKeyFile(t, p.key)
	var err error
	if p.issuer, err = newIssuer(name, string(p.file), 0, quiet); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.asked++; p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		p.given++
		p.issuer.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *party) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *party) fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *party) served() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

// token is a good token for audience.
func (p *party) token(t testing.TB, audience string) string {
	t.Helper()
	text, err := p.issuer.Token(t.Context(), audience)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// forge signs anything with the party's key, if key is nil, under its key id.
func (p *party) forge(t testing.TB, change func(header map[string]any, c jwt.MapClaims)) string {
	t.Helper()
	now := time.Now()
	c := jwt.MapClaims{
		"iss": p.name, "sub": p.name, "aud": "callee", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": "1",
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	token.Header["kid"] = thumbprint(p.key.Public().(ed25519.PublicKey))
	change(token.Header, c)
	text, err := token.SignedString(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// callee is a service that lets in the callers of its architecture.
type callee struct {
	auth     *service.Auth
	registry *prometheus.Registry
	log      *logs
	conn     *grpc.ClientConn
	addr     string
	who      chan string
}

func newCallee(t testing.TB, name string, callers ...*party) *callee {
	t.Helper()
	edges := Edges{}
	for _, p := range callers {
		edges.Callers = append(edges.Callers, p.name)
		t.Setenv(variable(p.name, "JWKS_URL"), p.url)
	}
	c := &callee{registry: prometheus.NewRegistry(), log: &logs{}, who: make(chan string, 1000)}
	logger := slog.New(slog.NewTextHandler(c.log, nil))
	var err error
	if c.auth, err = JWT(edges)(service.Process{Name: name, Logger: logger, Registry: c.registry}); err != nil {
		t.Fatal(err)
	}
	c.serve(t, logger)
	return c
}

// serve serves the method /test/Do, and connects to it without any token.
func (c *callee) serve(t testing.TB, logger *slog.Logger) {
	t.Helper()
	server, err := rpc.NewServer(rpc.ServerOptions{Logger: logger, Tokens: c.auth.Callers, Callers: rpc.Callers{"/test/Do": {"orders", "gateway"}}})
	if err != nil {
		t.Fatal(err)
	}
	healthpb.RegisterHealthServer(server, health.NewServer())
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Do", Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			req := &emptypb.Empty{}
			if err := decode(req); err != nil {
				return nil, err
			}
			return intercept(ctx, req, &grpc.UnaryServerInfo{FullMethod: "/test/Do"}, func(ctx context.Context, _ any) (any, error) {
				if md, _ := metadata.FromIncomingContext(ctx); len(md.Get("authorization")) > 0 {
					return nil, status.Error(codes.Internal, "the handler sees the token")
				}
				c.who <- rpc.Caller(ctx)
				return &emptypb.Empty{}, nil
			})
		}}},
	}, struct{}{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	c.addr = l.Addr().String()
	c.conn = c.dial(t, rpc.DialOptions{})
}

func (c *callee) dial(t testing.TB, opts rpc.DialOptions) *grpc.ClientConn {
	t.Helper()
	conn, err := rpc.Dial(c.addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// call calls with a token, "" for none, and returns who the callee takes for its caller.
func (c *callee) call(ctx context.Context, token string) (string, error) {
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	if err := c.conn.Invoke(ctx, "/test/Do", &emptypb.Empty{}, &emptypb.Empty{}); err != nil {
		return "", err
	}
	return <-c.who, nil
}

func (c *callee) refused(t testing.TB, reason string) float64 {
	t.Helper()
	v, ok := c.auth.Callers.(*Verifier)
	if !ok {
		t.Fatalf("the verifier is a %T", c.auth.Callers)
	}
	return testutil.ToFloat64(v.refused.WithLabelValues(reason))
}
