package kafka_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/internal/tlsproxy"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// A broker that takes connections over TLS only, from who shows a certificate: the real one behind a proxy.
func TestTLS(t *testing.T) {
	cfg := cluster(t)
	plain := cfg.Brokers[0]
	ours := localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: []string{"kafka", "orders"}}
	theirs := ours
	theirs.Dir = t.TempDir()
	for _, a := range []localca.Authority{ours, theirs} {
		if _, err := a.Ensure(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	broker := tlsproxy.Start(t, ours, "kafka", plain)
	files := func(a localca.Authority) mtls.Component {
		dir := filepath.Join(a.Dir, "orders")
		return mtls.Component{On: true, CA: filepath.Join(dir, "ca.crt"), Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	}
	for name, c := range map[string]struct {
		broker string
		tls    mtls.Component
		good   bool
	}{
		"good":                 {broker, files(ours), true},
		"another authority":    {broker, files(theirs), false},
		"no certificate":       {broker, mtls.Component{On: true, CA: files(ours).CA}, false},
		"plain":                {broker, mtls.Component{}, false},
		"a broker without TLS": {plain, files(ours), false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if !c.good {
				ctx, cancel = context.WithTimeout(ctx, time.Second) // the client tries again and again
				defer cancel()
			}
			cfg.Brokers, cfg.TLS = []string{c.broker}, c.tls
			if err := kafka.Ping(ctx, cfg); (err == nil) != c.good {
				t.Errorf("got %v", err)
			}
		})
	}
	cfg.TLS = mtls.Component{On: true, CA: "nowhere.pem"}
	if _, err := kafka.NewPublisher(cfg, "orders"); err == nil || !strings.Contains(err.Error(), "KAFKA_TLS: CA_FILE") {
		t.Errorf("a file that is not there: %v", err)
	}
}
