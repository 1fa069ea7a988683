// Package redistest gives tests a real Redis, and one that they can take away.
package redistest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/msgen-dev/msgen/templates/platform/kv"
)

// Config is that of the server in MSGEN_TEST_REDIS, with a prefix of the test's own. Without it the test is skipped, or fails when
// MSGEN_TEST_REQUIRE=1.
func Config(t testing.TB) kv.Config {
	t.Helper()
	const name = "MSGEN_TEST_REDIS"
	v := os.Getenv(name)
	switch {
	case v != "":
	case os.Getenv("MSGEN_TEST_REQUIRE") == "1":
		t.Fatal(name + " is not set, and MSGEN_TEST_REQUIRE=1 forbids to skip")
	default:
		t.Skip(name + " is not set: needs a Redis server")
	}
	return kv.Config{URL: v, Prefix: "test_" + uuid.NewString() + ":"}
}

// Linked is Config over a link, which goes when the test ends.
func Linked(t testing.TB) (*Link, kv.Config) {
	t.Helper()
	cfg := Config(t)
	l, over, err := NewLink(cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cut)
	cfg.URL = over
	return l, cfg
}

// Link is a way to the server that can be cut, mended, and made to hang.
type Link struct {
	target string
	addr   string

	mu     sync.Mutex
	listen net.Listener // nil while cut
	hangs  bool
	conns  map[net.Conn]bool
}

// NewLink returns a link to the server of a Redis URL, and the URL over that link. Cut ends it.
func NewLink(server string) (*Link, string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, "", errors.New("not a URL of a Redis server") // err would quote it, with its password
	}
	l := &Link{target: u.Host, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	if err := l.Mend(); err != nil {
		return nil, "", err
	}
	u.Host = l.addr
	return l, u.String(), nil
}

// Mend lets connections through again, at the same address.
func (l *Link) Mend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hangs {
		l.hangs = false
		l.drop()
	}
	if l.listen != nil {
		return nil
	}
	listen, err := new(net.ListenConfig).Listen(context.Background(), "tcp", l.addr)
	if err != nil {
		return err
	}
	l.listen, l.addr = listen, listen.Addr().String()
	go l.accept(listen)
	return nil
}

// Cut closes all connections and takes no more.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listen != nil {
		_ = l.listen.Close()
		l.listen = nil
	}
	l.drop()
}

// Hang takes connections, and leaves what is sent over them unanswered.
func (l *Link) Hang() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hangs = true
	l.drop() // those that come next hang
}

// drop closes all connections.
func (l *Link) drop() {
	for conn := range l.conns {
		_ = conn.Close()
	}
	clear(l.conns)
}

func (l *Link) accept(listen net.Listener) {
	for {
		conn, err := listen.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.conns[conn] = true
		hangs := l.hangs
		l.mu.Unlock()
		if !hangs {
			go l.carry(conn)
		}
	}
}

func (l *Link) carry(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, conn)
		_ = server.Close()
	}()
	_, _ = io.Copy(conn, server)
}
