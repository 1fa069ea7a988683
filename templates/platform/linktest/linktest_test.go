package linktest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// echo answers each line with itself, and counts them.
func echo(t *testing.T) (addr string, lines *atomic.Int64) {
	t.Helper()
	listen, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close() })
	lines = new(atomic.Int64)
	go func() {
		for {
			conn, err := listen.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for in := bufio.NewScanner(conn); in.Scan(); {
					lines.Add(1)
					_, _ = fmt.Fprintln(conn, in.Text())
				}
			}()
		}
	}()
	return listen.Addr().String(), lines
}

func dial(t *testing.T, l *Link) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask says a line and returns what comes back in time.
func ask(conn net.Conn, patience time.Duration) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(conn, "hello"); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

const long, short = 10 * time.Second, 50 * time.Millisecond

func TestLink(t *testing.T) {
	server, lines := echo(t)
	l, err := New(server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Cut)
	passes := func(what string, conn net.Conn) {
		t.Helper()
		if got, err := ask(conn, long); got != "hello\n" || err != nil {
			t.Fatalf("%s: %q, %v", what, got, err)
		}
	}
	mend := func() {
		t.Helper()
		if err := l.Mend(); err != nil {
			t.Fatal(err)
		}
	}
	conn := dial(t, l)
	passes("a link", conn)

	l.Slow(short)
	begin := time.Now()
	passes("a slow one", conn)
	if took := time.Since(begin); took < 2*short {
		t.Errorf("there and back took %v", took)
	}
	mend()
	passes("which keeps its connections", conn)

	before := lines.Load()
	l.Mute()
	if got, err := ask(conn, short); err == nil {
		t.Errorf("a mute link says %q", got)
	}
	for deadline := time.Now().Add(long); lines.Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what is said over a mute link does not arrive")
		}
	}
	mend()
	if got, err := ask(conn, long); err == nil {
		t.Errorf("a connection that has lost something goes on with %q", got)
	}
	conn = dial(t, l)
	passes("a mended one", conn)

	before = lines.Load()
	l.Hang()
	hung := dial(t, l)
	for _, c := range []net.Conn{conn, hung} {
		if got, err := ask(c, short); err == nil {
			t.Errorf("a link that hangs says %q", got)
		}
	}
	if lines.Load() != before {
		t.Error("what is said over a link that hangs arrives")
	}
	mend()
	conn = dial(t, l)
	passes("one that goes on", conn)

	addr := l.Addr()
	l.Cut()
	if got, err := ask(conn, long); err == nil {
		t.Errorf("a link that was cut says %q", got)
	}
	if c, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr); err == nil {
		_ = c.Close()
		t.Error("a link that was cut takes connections")
	}
	mend()
	if l.Addr() != addr {
		t.Errorf("it is at %s now", l.Addr())
	}
	passes("one that was cut", dial(t, l))
}
