package mtls

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// ServerCredentials are those of a gRPC server. A permissive one takes plain connections, too, and calls plain for each.
func (s *Source) ServerCredentials(mode string, plain func()) credentials.TransportCredentials {
	strict := watched{credentials.NewTLS(s.Server()), s}
	if mode != Permissive {
		return strict
	}
	return eitherServer{strict, plain}
}

// watched tells of clients that were turned away: grpc itself is silent on them.
type watched struct {
	credentials.TransportCredentials
	source *Source
}

// ServerHandshake implements credentials.TransportCredentials.
func (c watched) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		c.source.refused.Inc()
		c.source.logger.Warn("connection refused", "peer", raw.RemoteAddr().String(), "error", err)
	}
	return conn, info, err
}

// Clone implements credentials.TransportCredentials.
func (c watched) Clone() credentials.TransportCredentials {
	return watched{c.TransportCredentials.Clone(), c.source}
}

// ClientCredentials are those of a connection to a service. A permissive one also talks to a server that has no TLS yet.
func (s *Source) ClientCredentials(mode, service string) credentials.TransportCredentials {
	strict := credentials.NewTLS(s.Client(service))
	if mode != Permissive {
		return strict
	}
	return eitherClient{strict, new(atomic.Int64)}
}

// recordTypeHandshake is the first byte of a TLS connection (RFC 8446 §5.1). HTTP/2 without TLS begins with the P of its preface.
const recordTypeHandshake = 22

type eitherServer struct {
	credentials.TransportCredentials
	plain func()
}

// ServerHandshake implements credentials.TransportCredentials. The deadline of raw is grpc's.
func (c eitherServer) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	var first [1]byte
	if _, err := io.ReadFull(raw, first[:]); err != nil {
		return nil, nil, err
	}
	conn := &begun{Conn: raw, first: first[:]}
	if first[0] == recordTypeHandshake {
		return c.TransportCredentials.ServerHandshake(conn)
	}
	c.plain()
	return insecure.NewCredentials().ServerHandshake(conn)
}

// Clone implements credentials.TransportCredentials.
func (c eitherServer) Clone() credentials.TransportCredentials {
	return eitherServer{c.TransportCredentials.Clone(), c.plain}
}

// begun is a connection whose first byte has been read.
type begun struct {
	net.Conn
	first []byte
}

func (c *begun) Read(p []byte) (int, error) {
	if len(c.first) > 0 && len(p) > 0 {
		n := copy(p, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// plainFor is how long a server without TLS is talked to in plain text before TLS is tried again.
const plainFor = 30 * time.Second

type eitherClient struct {
	credentials.TransportCredentials
	plainUntil *atomic.Int64 // Unix nanoseconds
}

// ClientHandshake implements credentials.TransportCredentials. A server that does not answer in TLS fails this connection; the next ones,
// which grpc makes by itself, are plain for a while.
func (c eitherClient) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if time.Now().UnixNano() < c.plainUntil.Load() {
		return insecure.NewCredentials().ClientHandshake(ctx, authority, raw)
	}
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil && noTLS(err) {
		c.plainUntil.Store(time.Now().Add(plainFor).UnixNano())
	}
	return conn, info, err
}

// Clone implements credentials.TransportCredentials.
func (c eitherClient) Clone() credentials.TransportCredentials {
	return eitherClient{c.TransportCredentials.Clone(), c.plainUntil}
}

// noTLS reports that the server does not speak TLS: it answered something else, or hung up on the first message. A bad certificate is an
// alert, and another error.
func noTLS(err error) bool {
	var other tls.RecordHeaderError
	return errors.As(err, &other) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
