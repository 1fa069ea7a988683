package mtls_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// certified returns a folder with a certificate for each name.
func certified(t *testing.T, now time.Time, names ...string) localca.Authority {
	t.Helper()
	a := localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: names}
	if _, err := a.Ensure(now); err != nil {
		t.Fatal(err)
	}
	return a
}

func replaceFile(t *testing.T, name, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	other := certified(t, time.Now(), "orders")
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		made    time.Duration // before now
		want    string
	}{
		"no key":              {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "tls.key")) }, 0, "tls.key: no such file"},
		"no authorities":      {func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "ca.crt")) }, 0, "ca.crt: no such file"},
		"another key":         {func(t *testing.T, dir string) { replaceFile(t, dir+"/tls.key", other.Dir+"/orders/tls.key") }, 0, "does not match"},
		"another authority":   {func(t *testing.T, dir string) { replaceFile(t, dir+"/ca.crt", other.Dir+"/orders/ca.crt") }, 0, "unknown authority"},
		"a certificate in it": {func(t *testing.T, dir string) { replaceFile(t, dir+"/tls.key", dir+"/tls.crt") }, 0, "private key"},
		"one that is over":    {func(*testing.T, string) {}, 2 * time.Hour, "expired"},
		"another service's":   {func(t *testing.T, dir string) { takeAll(t, dir, filepath.Join(filepath.Dir(dir), "payments")) }, 0, "is of spiffe://shop/ns/shop/sa/payments, and this is orders"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(certified(t, time.Now().Add(-c.made), "orders", "payments").Dir, "orders")
			c.prepare(t, dir)
			_, err := mtls.Open(mtls.Config{Dir: dir}, "orders", mtls.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := mtls.Open(mtls.Config{}, "orders", mtls.Options{}); err == nil || !strings.Contains(err.Error(), "TLS_DIR is not set") {
		t.Errorf("no folder: %v", err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func takeAll(t *testing.T, dir, from string) {
	t.Helper()
	for _, name := range []string{"tls.crt", "tls.key", "ca.crt"} {
		replaceFile(t, filepath.Join(dir, name), filepath.Join(from, name))
	}
}

func TestServiceOf(t *testing.T) {
	a := certified(t, time.Now(), "orders")
	s, err := mtls.Open(mtls.Config{Dir: filepath.Join(a.Dir, "orders")}, "orders", mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"spiffe://shop/ns/shop/sa/payments":      "payments",
		"spiffe://shop/ns/shop/sa/orders":        "orders",
		"spiffe://shop/ns/other/sa/payments":     "",
		"spiffe://other/ns/shop/sa/payments":     "",
		"spiffe://shop/ns/shop/sa/payments/more": "",
		"spiffe://shop/ns/shop/sa":               "",
		"spiffe://shop":                          "",
		"https://shop/ns/shop/sa/payments":       "",
	} {
		u, err := url.Parse(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.ServiceOf(u); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if got := s.ServiceOf(nil); got != "" {
		t.Errorf("no ID is %q", got)
	}
}

// A pair that does not belong together, as a reader sees it in the middle of a renewal, changes nothing; the whole pair does.
func TestWatchTakesWholePairsOnly(t *testing.T) {
	a, next := certified(t, time.Now(), "orders"), certified(t, time.Now(), "orders")
	dir := filepath.Join(a.Dir, "orders")
	var log syncBuffer
	registry := prometheus.NewRegistry()
	s, err := mtls.Open(mtls.Config{Dir: dir}, "orders", mtls.Options{Registry: registry, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Watch(ctx) }()
	defer func() { stop(); <-done }()
	before := serial(t, s)

	replaceFile(t, dir+"/tls.key", filepath.Join(next.Dir, "orders", "tls.key"))
	await(t, func() bool { return strings.Contains(log.String(), "certificate files cannot be used") })
	if serial(t, s) != before || s.Valid(ctx) != nil {
		t.Error("half a pair is used")
	}
	takeAll(t, dir, filepath.Join(next.Dir, "orders"))
	await(t, func() bool { return serial(t, s) != before })
	if n, err := testutil.GatherAndCount(registry, "tls_certificate_expiry_timestamp_seconds", "tls_reload_failures_total"); err != nil || n != 2 {
		t.Errorf("%d metrics, %v", n, err)
	}
}

func serial(t *testing.T, s *mtls.Source) string {
	t.Helper()
	svid, err := s.GetX509SVID()
	if err != nil {
		t.Fatal(err)
	}
	return svid.Certificates[0].SerialNumber.String()
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time")
		}
	}
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
