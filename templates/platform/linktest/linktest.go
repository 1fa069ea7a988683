// Package linktest gives tests a way to a server that they can cut, slow down, and make to lose what goes over it.
package linktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Link is a way to a server over TCP. It is safe for concurrent use.
type Link struct {
	target string
	addr   string

	mu     sync.Mutex
	listen net.Listener // nil while cut
	hangs  bool
	mute   bool
	delay  time.Duration
	conns  map[net.Conn]bool
}

// The ports of links are below those that systems give to outgoing connections: one of these could else take a link's port while that is cut.
const firstPort, ports = 30_000, 2_700

// New returns a link to the server at host:port, by a port that is free. Cut ends it.
func New(target string) (*Link, error) {
	const tries = 100
	var err error
	for range tries {
		var l *Link
		if l, err = NewAt(fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(ports)), target); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// NewAt returns a link by addr to the server at target, for a server that tells its clients to come by addr. Cut ends it.
func NewAt(addr, target string) (*Link, error) {
	l := &Link{target: target, addr: addr, conns: map[net.Conn]bool{}}
	if err := l.Mend(); err != nil {
		return nil, err
	}
	return l, nil
}

// Addr is the host:port by which the server is reached over the link; it stays the same.
func (l *Link) Addr() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr
}

// Mend lets everything through again. Connections that have lost something are closed.
func (l *Link) Mend() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hangs || l.mute {
		l.hangs, l.mute = false, false
		l.drop()
	}
	l.delay = 0
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

// Hang takes connections, and leaves what is sent over them unanswered: the server does not get it.
func (l *Link) Hang() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hangs = true
	l.drop() // those that come next hang
}

// Mute loses what the server says, and nothing that is said to it: it does what it is asked, and nobody learns of that.
func (l *Link) Mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute = true
}

// Slow lets every piece of what is said take so long on its way, in both directions.
func (l *Link) Slow(delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = delay
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
	defer l.close(conn)
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		l.pump(server, conn, false)
		_ = server.Close()
	}()
	l.pump(conn, server, true)
}

func (l *Link) close(conn net.Conn) {
	_ = conn.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, conn)
}

func (l *Link) pump(to, from net.Conn, answers bool) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			delay, lost := l.fate(answers)
			time.Sleep(delay)
			if !lost {
				if _, err := to.Write(piece[:n]); err != nil {
					return
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// fate is how late the next piece comes, and whether it comes at all.
func (l *Link) fate(answer bool) (delay time.Duration, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delay, l.mute && answer
}
