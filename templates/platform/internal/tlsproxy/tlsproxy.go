// Package tlsproxy lets tests talk over TLS to a real component that has none: a proxy that asks for a certificate stands before it.
package tlsproxy

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/localca"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// Start returns the address of a proxy of the server, as which name it shows a certificate of a. It goes when the test ends.
func Start(t testing.TB, a localca.Authority, name, server string) string {
	t.Helper()
	source, err := mtls.Open(mtls.Config{Dir: filepath.Join(a.Dir, name)}, name, mtls.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", source.Server())
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
			running.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				upstream, err := new(net.Dialer).DialContext(context.Background(), "tcp", server)
				if err != nil {
					return
				}
				defer func() { _ = upstream.Close() }()
				go func() { _, _ = io.Copy(upstream, conn); _ = upstream.Close() }()
				_, _ = io.Copy(conn, upstream)
			})
		}
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("localhost", port)
}
