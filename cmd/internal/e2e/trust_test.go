package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

// startTrusting runs the shop with the given section on security. Extra is added to every process's environment.
func startTrusting(t *testing.T, security string, extra ...string) *e2e.System {
	t.Helper()
	spec, err := os.ReadFile("../../../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(spec), "\nsecurity:")
	file := filepath.Join(t.TempDir(), "msgen.yaml")
	if err := os.WriteFile(file, []byte(before+security), 0o600); err != nil {
		t.Fatal(err)
	}
	return startShopOf(t, []string{"--spec", file}, extra...)
}

// TestTrust runs the shop with strict mutual TLS and attacks it.
func TestTrust(t *testing.T) {
	shop := startTrusting(t, `
security: # msgen:ignore MSG410 -- this test is about certificates alone
  mtls: {mode: strict, rotation: 24h}
`)
	write, read := token(t, shop, "orders.write"), token(t, shop, "orders.read")
	t.Run("an order is confirmed", func(t *testing.T) { confirmed(t, shop, write, read, "trusted") })
	t.Run("who has no edge is denied", func(t *testing.T) { undeclaredCallers(t, shop) })
	t.Run("strangers get no connection", func(t *testing.T) { strangers(t, shop) })
	t.Run("metrics are for prometheus", func(t *testing.T) { scrapers(t, shop) })
	t.Run("certificates rotate under load", func(t *testing.T) { rotation(t, shop, write) })
	t.Run("no log holds a key", func(t *testing.T) {
		for _, name := range append([]string{"gateway"}, shopServices...) {
			log, err := os.ReadFile(shop.Process(name).LogFile)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(log), "PRIVATE KEY") || strings.Contains(string(log), write) {
				t.Errorf("the log of %s holds a secret", name)
			}
		}
	})
}

// confirmed places an order and waits until it went through the whole system.
func confirmed(t *testing.T, shop *e2e.System, write, read, key string) {
	t.Helper()
	placed := send(t, shop, http.MethodPost, "/v1/orders", write, key, order("tea", 1))
	if placed.Status != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %v", placed)
	}
	eventually(t, "the order", func() string {
		if got := send(t, shop, http.MethodGet, "/v1/orders/"+placed.text("id"), read, "", nil); got.text("state") != "STATE_CONFIRMED" {
			return got.String()
		}
		return ""
	})
}

const (
	quote = "/shop.pricing.v1.PricingService/QuoteOrder"
	void  = "/shop.payments.v1.PaymentsService/VoidPayment"
)

// call calls a method of a service as another process of the system, once.
func call(t *testing.T, shop *e2e.System, dir, as, service, method string) error {
	t.Helper()
	source, err := mtls.Open(mtls.Config{Dir: dir}, as, mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := rpc.Dial(shop.Process(service).Main, rpc.DialOptions{TLS: source, Mode: mtls.Strict, Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return invoke(t, conn, method)
}

func invoke(t *testing.T, conn *grpc.ClientConn, method string) error {
	t.Helper()
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})
}

func undeclaredCallers(t *testing.T, shop *e2e.System) {
	if err := call(t, shop, shop.CertificateDir("orders"), "orders", "pricing", quote); status.Code(err) == codes.PermissionDenied || status.Code(err) == codes.Unavailable {
		t.Errorf("orders calls pricing in the spec, and got %v", err)
	}
	for _, c := range [][3]string{
		{"gateway", "pricing", quote},
		{"inventory", "pricing", quote},
		{"orders", "payments", void}, // its saga's commands go through the broker
		{"prometheus", "pricing", quote},
	} {
		if err := call(t, shop, shop.CertificateDir(c[0]), c[0], c[1], c[2]); status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s to %s%s: %v, want PermissionDenied", c[0], c[1], c[2], err)
		}
	}
	if n := metric(t, shop, "pricing", "rpc_denied_total"); n != 3 {
		t.Errorf("pricing counts %v refusals, want 3", n)
	}
}

func strangers(t *testing.T, shop *e2e.System) {
	other := localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: []string{"orders"}}
	if _, err := other.Ensure(time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := call(t, shop, filepath.Join(other.Dir, "orders"), "orders", "pricing", quote); status.Code(err) != codes.Unavailable {
		t.Errorf("a certificate of another authority: %v", err)
	}
	plain, err := rpc.Dial(shop.Process("pricing").Main, rpc.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := invoke(t, plain, quote); status.Code(err) != codes.Unavailable {
		t.Errorf("a plain connection: %v", err)
	}
	if n := metric(t, shop, "pricing", "tls_refused_connections_total"); n < 2 {
		t.Errorf("pricing counts %v refused connections, want 2 at least", n)
	}
}

func scrapers(t *testing.T, shop *e2e.System) {
	ops := "https://" + shop.Process("orders").Ops
	for _, c := range []struct {
		as, path string
		want     int
	}{{"prometheus", "/metrics", 200}, {"payments", "/metrics", 403}, {"", "/metrics", 403}, {"", "/readyz", 200}, {"", "/healthz", 200}} {
		client := shop.ClientOf(c.as, "orders")
		res, err := client.Get(ops + c.path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%q gets %d for %s, want %d", c.as, res.StatusCode, c.path, c.want)
		}
	}
	if res, err := http.Get("http://" + shop.Process("orders").Ops + "/metrics"); err == nil {
		_ = res.Body.Close()
		if res.StatusCode < 400 {
			t.Errorf("metrics in plain text: %s", res.Status)
		}
	}
}

// rotation sends requests while every process gets a new certificate, three times. Not one may fail.
func rotation(t *testing.T, shop *e2e.System, write string) {
	processes := append([]string{"gateway"}, shopServices...)
	orders := placeOrders(t, shop, write)
	for range 3 {
		for _, name := range processes {
			if err := os.Remove(filepath.Join(shop.CertificateDir(name), "tls.crt")); err != nil {
				t.Fatal(err)
			}
		}
		if err := shop.Recertify(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range processes {
			eventually(t, name+"'s certificate", func() string { return shows(t, shop, name) })
		}
	}
	orders.finish()
}

// shows says whether a process shows the certificate that lies in its folder.
func shows(t *testing.T, shop *e2e.System, name string) string {
	t.Helper()
	want, err := mtls.Open(mtls.Config{Dir: shop.CertificateDir(name)}, name, mtls.Options{})
	if err != nil {
		return err.Error()
	}
	svid, err := want.GetX509SVID()
	if err != nil {
		return err.Error()
	}
	res, err := shop.ClientOf("", name).Get("https://" + shop.Process(name).Ops + "/healthz")
	if err != nil {
		return err.Error()
	}
	_ = res.Body.Close()
	if !res.TLS.PeerCertificates[0].Equal(svid.Certificates[0]) {
		return "not the new one"
	}
	return ""
}

// metric is the sum of a counter over its labels, as a process's metrics say.
func metric(t *testing.T, shop *e2e.System, process, name string) float64 {
	t.Helper()
	code, body, err := shop.Process(process).GetOps(t.Context(), "/metrics")
	if err != nil || code != http.StatusOK {
		t.Fatalf("metrics of %s: %d %v", process, code, err)
	}
	sum := 0.0
	for line := range strings.Lines(string(body)) {
		series := strings.TrimPrefix(line, name)
		if series == line || series[0] != ' ' && series[0] != '{' {
			continue
		}
		value := series[strings.LastIndexByte(series, '}')+1:]
		var n float64
		if _, err := fmt.Sscan(value, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sum += n
	}
	return sum
}
