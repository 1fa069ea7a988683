package postgres_test

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// secured puts TLS before the real server, as a server with a certificate would answer (protocol §54.2.11), and returns the database's URL
// there. Clients have to show a certificate.
func secured(t *testing.T, a localca.Authority, plain string) string {
	t.Helper()
	u, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	source, err := mtls.Open(mtls.Config{Dir: filepath.Join(a.Dir, "postgres")}, "postgres", mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { relay(conn, server, source.Server()) })
		}
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = net.JoinHostPort("localhost", port), ""
	return u.String()
}

// relay answers a request for TLS and passes on what comes over it.
func relay(conn net.Conn, server string, cfg *tls.Config) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	var request [8]byte
	if _, err := io.ReadFull(conn, request[:]); err != nil || binary.BigEndian.Uint32(request[4:]) != 80877103 {
		return // no request for TLS
	}
	if _, err := conn.Write([]byte{'S'}); err != nil {
		return
	}
	upstream, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	downstream := tls.Server(conn, cfg)
	go func() { _, _ = io.Copy(upstream, downstream); _ = upstream.Close() }()
	_, _ = io.Copy(downstream, upstream)
}

func TestTLS(t *testing.T) {
	_, plain := pgtest.NewURL(t)
	ours := localca.Authority{Dir: t.TempDir(), Domain: "shop", Namespace: "shop", Lifetime: time.Hour, Names: []string{"postgres", "orders"}}
	theirs := ours
	theirs.Dir = t.TempDir()
	for _, a := range []localca.Authority{ours, theirs} {
		if _, err := a.Ensure(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	files := func(a localca.Authority) mtls.Component {
		dir := filepath.Join(a.Dir, "orders")
		return mtls.Component{On: true, CA: filepath.Join(dir, "ca.crt"), Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	}
	plain, _, _ = strings.Cut(plain, "?")
	behind := secured(t, ours, plain)
	other := strings.Replace(behind, "localhost", "127.0.0.1", 1)
	withoutCert := files(ours)
	withoutCert.Cert, withoutCert.Key = "", ""

	for name, c := range map[string]struct {
		url  string
		tls  mtls.Component
		want string // "" when it connects
	}{
		"good":                                {behind, files(ours), ""},
		"whatever the URL says":               {behind + "?sslmode=disable", files(ours), ""},
		"and where it would fall back":        {behind + "?sslmode=prefer", files(ours), ""},
		"no certificate":                      {behind, withoutCert, "certificate required"},
		"another authority":                   {behind, files(theirs), "unknown authority"},
		"another host":                        {other, files(ours), "127.0.0.1"},
		"a server without TLS":                {plain, files(ours), "refused TLS"},
		"a server without TLS and a fallback": {plain + "?sslmode=prefer", files(ours), "refused TLS"},
		"no such file":                        {behind, mtls.Component{On: true, CA: "nowhere.pem"}, "DATABASE_TLS: CA_FILE"},
		"half a pair":                         {behind, mtls.Component{On: true, Cert: "cert.pem"}, "go together"},
		"files and no TLS":                    {behind, mtls.Component{CA: "ca.pem"}, "TLS is not on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // what is refused is tried again for a while
			pool, err := postgres.Open(t.Context(), postgres.Config{URL: c.url, MaxConns: 2, StartTimeout: 5 * time.Second, TLS: c.tls})
			if err == nil {
				defer pool.Close()
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
