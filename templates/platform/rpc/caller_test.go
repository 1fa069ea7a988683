package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// authority makes certificates of a system for the test.
func authority(t *testing.T, names ...string) localca.Authority {
	t.Helper()
	return localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: names}
}

func issue(t *testing.T, a localca.Authority, now time.Time) localca.Authority {
	t.Helper()
	if _, err := a.Ensure(now); err != nil {
		t.Fatal(err)
	}
	return a
}

func source(t *testing.T, a localca.Authority, name string, opts mtls.Options) *mtls.Source {
	t.Helper()
	s, err := mtls.Open(mtls.Config{Dir: filepath.Join(a.Dir, name)}, name, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// invoke calls test/Do once, without waiting for a server to get better.
func invoke(t *testing.T, conn *grpc.ClientConn) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return do(ctx, conn, valid())
}

// payments is a server with TLS that lets orders call Do and nobody call Stream.
type payments struct {
	addr     string
	logs     *logs
	registry *prometheus.Registry
	source   *mtls.Source
	callers  chan string // of each call
}

func servePayments(t *testing.T, a localca.Authority, mode string) payments {
	t.Helper()
	p := payments{logs: &logs{}, registry: prometheus.NewRegistry(), callers: make(chan string, 10_000)}
	logger := slog.New(slog.NewTextHandler(p.logs, nil))
	p.source = source(t, a, "payments", mtls.Options{Registry: p.registry, Logger: logger})
	p.addr = server(t, ServerOptions{Registry: p.registry, Logger: logger, TLS: p.source, Mode: mode, Callers: Callers{"/test/Do": {"orders"}}},
		func(ctx context.Context, _ *dynamicpb.Message) error { p.callers <- Caller(ctx); return nil })
	return p
}

func (p payments) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestOnlyDeclaredCallersAreLetIn(t *testing.T) {
	a := issue(t, authority(t, "payments", "orders", "history"), time.Now())
	p := servePayments(t, a, mtls.Strict)
	as := func(name string) *grpc.ClientConn {
		return dial(t, p.addr, DialOptions{TLS: source(t, a, name, mtls.Options{}), Mode: mtls.Strict, Service: "payments"})
	}

	if err := invoke(t, as("orders")); err != nil {
		t.Fatal(err)
	}
	if caller := <-p.callers; caller != "orders" {
		t.Errorf("the handler is told that %q calls", caller)
	}
	err := invoke(t, as("history"))
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "history may not call /test/Do") {
		t.Errorf("an undeclared caller got %v", err)
	}
	// Of a method that nobody may call, also its streams are closed.
	opened, err := as("orders").NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, "/test/Stream")
	if err != nil {
		t.Fatal(err)
	}
	if err := opened.RecvMsg(&emptypb.Empty{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a closed stream: %v", err)
	}
	// Whether it is healthy may be asked by every service; this server has no such service, and says so.
	if _, err := healthpb.NewHealthClient(as("history")).Check(t.Context(), &healthpb.HealthCheckRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("a health check: %v", err)
	}
	if n := p.metric(t, "rpc_denied_total"); n != 2 {
		t.Errorf("%v refusals are counted, want 2", n)
	}
	if !strings.Contains(p.logs.String(), `msg="call refused" method=/test/Do caller=history`) {
		t.Errorf("the refusal is not in the log:\n%s", p.logs)
	}
	if len(p.callers) != 0 {
		t.Error("a refused call reached the handler")
	}
}

func TestStrangersGetNoConnection(t *testing.T) {
	ours := issue(t, authority(t, "payments", "orders"), time.Now())
	theirs := issue(t, authority(t, "payments", "orders"), time.Now())
	old := issue(t, authority(t, "orders"), time.Now())
	p := servePayments(t, ours, mtls.Strict)

	// A certificate of ours that is over. Its chain is right, so the time is all that is wrong with it.
	expired := authority(t, "orders")
	copyAuthority(t, ours.Dir, expired.Dir)
	issue(t, expired, time.Now().Add(-2*time.Hour))
	elsewhere := authority(t, "orders")
	elsewhere.Domain = "other"
	copyAuthority(t, ours.Dir, elsewhere.Dir)
	issue(t, elsewhere, time.Now())

	for name, creds := range map[string]credentials.TransportCredentials{
		"another authority":    source(t, theirs, "orders", mtls.Options{}).ClientCredentials(mtls.Strict, "payments"),
		"over":                 credentials.NewTLS(shown(t, expired, "orders")),
		"of another domain":    credentials.NewTLS(shown(t, elsewhere, "orders")),
		"signed by nobody":     credentials.NewTLS(shown(t, old, "orders")),
		"no certificate":       credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
		"an older TLS version": credentials.NewTLS(older(shown(t, ours, "orders"))),
	} {
		conn, err := grpc.NewClient(p.addr, grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := invoke(t, conn); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v, want no connection", name, err)
		}
	}
	plain := dial(t, p.addr, DialOptions{})
	if err := invoke(t, plain); status.Code(err) != codes.Unavailable {
		t.Errorf("a plain connection: %v", err)
	}
	if len(p.callers) != 0 {
		t.Error("a stranger's call reached the handler")
	}
	// A client may hear of its end before the server has counted it.
	for deadline := time.Now().Add(30 * time.Second); p.metric(t, "tls_refused_connections_total") < 7; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%v refused connections are counted, want 7 at least", p.metric(t, "tls_refused_connections_total"))
		}
	}
	if !strings.Contains(p.logs.String(), "connection refused") || strings.Contains(p.logs.String(), "PRIVATE KEY") {
		t.Errorf("the log:\n%s", p.logs)
	}
}

func TestClientsCheckTheServer(t *testing.T) {
	ours := issue(t, authority(t, "payments", "orders"), time.Now())
	theirs := issue(t, authority(t, "payments"), time.Now())
	orders := source(t, ours, "orders", mtls.Options{})

	genuine := servePayments(t, ours, mtls.Strict)
	err := invoke(t, dial(t, genuine.addr, DialOptions{TLS: orders, Mode: mtls.Strict, Service: "inventory"}))
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "not spiffe://shop/ns/shop/sa/inventory") {
		t.Errorf("payments in the place of inventory: %v", err)
	}
	fake := servePayments(t, theirs, mtls.Strict)
	if err := invoke(t, dial(t, fake.addr, DialOptions{TLS: orders, Mode: mtls.Strict, Service: "payments"})); status.Code(err) != codes.Unavailable {
		t.Errorf("a server of another authority: %v", err)
	}
}

// The way from plain connections to strict ones goes over permissive: at each step, replicas of the step before are still there.
func TestPermissiveIsAWayToStrict(t *testing.T) {
	a := issue(t, authority(t, "payments", "orders", "history"), time.Now())
	orders, history := source(t, a, "orders", mtls.Options{}), source(t, a, "history", mtls.Options{})
	off := server(t, ServerOptions{}, func(context.Context, *dynamicpb.Message) error { return nil })
	permissive, strict := servePayments(t, a, mtls.Permissive), servePayments(t, a, mtls.Strict)

	for _, c := range []struct {
		name, addr string
		client     DialOptions
		caller     string
	}{
		{"off to permissive", permissive.addr, DialOptions{}, ""},
		{"permissive to off", off, DialOptions{TLS: orders, Mode: mtls.Permissive, Service: "payments"}, ""},
		{"permissive to permissive", permissive.addr, DialOptions{TLS: orders, Mode: mtls.Permissive, Service: "payments"}, "orders"},
		{"permissive to strict", strict.addr, DialOptions{TLS: orders, Mode: mtls.Permissive, Service: "payments"}, "orders"},
		{"strict to permissive", permissive.addr, DialOptions{TLS: orders, Mode: mtls.Strict, Service: "payments"}, "orders"},
	} {
		conn := dial(t, c.addr, c.client)
		deadline := time.Now().Add(20 * time.Second)
		err := invoke(t, conn)
		for ; err != nil && time.Now().Before(deadline); err = invoke(t, conn) { // the first connection finds out that there is no TLS
			time.Sleep(10 * time.Millisecond)
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if c.addr == off {
			continue
		}
		p := permissive
		if c.addr == strict.addr {
			p = strict
		}
		if caller := <-p.callers; caller != c.caller {
			t.Errorf("%s: the caller is %q, want %q", c.name, caller, c.caller)
		}
	}
	// Who shows a certificate is held to it.
	err := invoke(t, dial(t, permissive.addr, DialOptions{TLS: history, Mode: mtls.Permissive, Service: "payments"}))
	if status.Code(err) != codes.PermissionDenied {
		t.Errorf("an undeclared caller with a certificate: %v", err)
	}
	if n := testutil.CollectAndCount(permissive.registry, "rpc_plain_connections_total"); n != 1 || permissive.metric(t, "rpc_plain_connections_total") < 1 {
		t.Errorf("plain connections are not counted")
	}
}

// Under load, both sides get new certificates, again and again, and no call fails: connections that stand go on, new ones show the new
// certificate.
func TestRotationFailsNoCall(t *testing.T) {
	a := authority(t, "payments", "orders")
	issue(t, a, time.Now())
	p := servePayments(t, a, mtls.Strict)
	orders := source(t, a, "orders", mtls.Options{})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = p.source.Watch(ctx) })
	running.Go(func() { _ = orders.Watch(ctx) })

	standing := dial(t, p.addr, DialOptions{TLS: orders, Mode: mtls.Strict, Service: "payments"})
	calls, serials := 0, map[string]bool{}
	for range 3 {
		before := leaf(t, orders)
		if err := os.RemoveAll(filepath.Join(a.Dir, "payments", "tls.crt")); err != nil { // a moment without
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(a.Dir, "orders", "tls.crt")); err != nil {
			t.Fatal(err)
		}
		issue(t, a, time.Now())
		for deadline := time.Now().Add(20 * time.Second); leaf(t, orders) == before || leaf(t, p.source) == ""; {
			if time.Now().After(deadline) {
				t.Fatal("the new certificate is not taken")
			}
			for _, conn := range []*grpc.ClientConn{standing, dial(t, p.addr, DialOptions{TLS: orders, Mode: mtls.Strict, Service: "payments"})} {
				if err := invoke(t, conn); err != nil {
					t.Fatalf("call %d during a rotation: %v", calls, err)
				}
				calls++
			}
			time.Sleep(20 * time.Millisecond)
		}
		serials[leaf(t, orders)] = true
	}
	if len(serials) != 3 || calls < 10 {
		t.Errorf("%d certificates and %d calls: the test showed nothing", len(serials), calls)
	}
}

func leaf(t *testing.T, s *mtls.Source) string {
	t.Helper()
	svid, err := s.GetX509SVID()
	if err != nil {
		t.Fatal(err)
	}
	return svid.Certificates[0].SerialNumber.String()
}

// shown is a client that shows a certificate, whatever it is worth, and believes any server.
func shown(t *testing.T, a localca.Authority, name string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(a.Dir, name, "tls.crt"), filepath.Join(a.Dir, name, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			t.Fatal(err)
		}
	}
	return &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }}
}

func older(cfg *tls.Config) *tls.Config {
	cfg.MaxVersion = tls.VersionTLS12
	return cfg
}

// copyAuthority lets another folder sign with the same key.
func copyAuthority(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to, "_ca"), os.DirFS(filepath.Join(from, "_ca"))); err != nil {
		t.Fatal(err)
	}
}
