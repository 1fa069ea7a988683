package kv_test

import (
	"context"
	"log/slog"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/msgen-dev/msgen/templates/platform/internal/tlsproxy"
	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// TestTLS has a server that takes connections over TLS only, from who shows a certificate: the real one behind a proxy.
func TestTLS(t *testing.T) {
	cfg := redistest.Config(t)
	cfg.Timeout = 5 * time.Second
	plain, err := url.Parse(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	ours := localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: []string{"redis", "orders"}}
	theirs := ours
	theirs.Dir = t.TempDir()
	for _, a := range []localca.Authority{ours, theirs} {
		if _, err := a.Ensure(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	server := tlsproxy.Start(t, ours, "redis", plain.Host)
	files := func(a localca.Authority) mtls.Component {
		dir := filepath.Join(a.Dir, "orders")
		return mtls.Component{On: true, CA: filepath.Join(dir, "ca.crt"), Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	}
	for name, c := range map[string]struct {
		host string
		tls  mtls.Component
		good bool
	}{
		"good":                 {server, files(ours), true},
		"another authority":    {server, files(theirs), false},
		"no certificate":       {server, mtls.Component{On: true, CA: files(ours).CA}, false},
		"plain":                {server, mtls.Component{}, false},
		"a server without TLS": {plain.Host, files(ours), false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.URL, cfg.TLS = "redis://"+c.host, c.tls
			store, err := kv.Open(cfg, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = store.Close() }()
			err = store.Do(t.Context(), func(ctx context.Context, client *redis.Client) error { return client.Ping(ctx).Err() })
			if (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
}
