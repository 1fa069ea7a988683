// Package rpc makes gRPC servers and client connections that behave alike in every service: traced, measured, logged, validated, bounded
// in time, and with errors that tell a caller what it may know.
package rpc

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	_ "google.golang.org/genproto/googleapis/api/annotations" // the http option of contracts
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/signing"
)

const (
	defaultTimeout = 30 * time.Second
	defaultMaxRecv = 4 << 20

	pingEvery = 30 * time.Second // on a quiet connection, so that a dead peer is noticed
	pingWait  = 10 * time.Second
	// Clients resolve names again when a connection ends: this is how they learn of new replicas.
	maxConnectionAge = 5 * time.Minute
)

// buckets of the latency histograms, in seconds.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// ServerOptions is what a server needs from its process. Logger is required.
type ServerOptions struct {
	Registry     prometheus.Registerer // nil: no metrics
	Logger       *slog.Logger
	MaxRecvBytes int           // of one message, 4 MiB
	Timeout      time.Duration // the longest a unary call may take, whatever the caller allows, 30 s

	TLS     *mtls.Source  // nil: connections are plain, to be kept inside by the network's policy, and everybody may call everything but for Tokens
	Mode    string        // with TLS: mtls.Strict or mtls.Permissive
	Tokens  TokenVerifier // nil: callers need no token
	Callers Callers       // with TLS or Tokens: who may call what

	Signing *signing.Requests // nil: requests are not signed
}

// NewServer returns a server without services. A request passes, in this order: trace, end user's identity, metrics, access log and
// error normalisation, its signature, the guard that knows the calling service, panic recovery, deadline, validation.
func NewServer(opts ServerOptions) (*grpc.Server, error) {
	if opts.Logger == nil {
		return nil, errors.New("rpc server needs a logger")
	}
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	if opts.MaxRecvBytes <= 0 {
		opts.MaxRecvBytes = defaultMaxRecv
	}
	metrics := grpcprom.NewServerMetrics(grpcprom.WithServerHandlingTimeHistogram(grpcprom.WithHistogramBuckets(buckets)))
	metrics, err := register(opts.Registry, metrics)
	if err != nil {
		return nil, err
	}
	access := accessLog{opts.Logger}
	unary := []grpc.UnaryServerInterceptor{identifyUnary, metrics.UnaryServerInterceptor(), access.unary}
	stream := []grpc.StreamServerInterceptor{identifyStream, metrics.StreamServerInterceptor(), access.stream}
	var codec grpc.ServerOption = grpc.EmptyServerOption{}
	if opts.Signing != nil {
		codec = opts.Signing.ServerCodec()
		unary, stream = append(unary, opts.Signing.Unary), append(stream, opts.Signing.Stream)
	}
	transport := insecure.NewCredentials()
	if opts.TLS != nil {
		plain, err := register(opts.Registry, prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rpc_plain_connections_total", Help: "Connections without TLS that a permissive server took.",
		}))
		if err != nil {
			return nil, err
		}
		transport = opts.TLS.ServerCredentials(opts.Mode, plain.Inc)
	}
	if opts.TLS != nil || opts.Tokens != nil {
		guard, err := newGuard(opts)
		if err != nil {
			return nil, err
		}
		unary, stream = append(unary, guard.unary), append(stream, guard.stream)
	}
	unary = append(unary, recovery.UnaryServerInterceptor(), deadline(opts.Timeout), validateUnary, causeUnary)
	stream = append(stream, recovery.StreamServerInterceptor(), validateStream, causeStream)
	return grpc.NewServer(
		grpc.Creds(transport),
		codec,
		grpc.MaxRecvMsgSize(opts.MaxRecvBytes),
		grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))),
		grpc.ChainUnaryInterceptor(unary...),
		grpc.ChainStreamInterceptor(stream...),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: maxConnectionAge, Time: pingEvery, Timeout: pingWait}),
		// Twice as often as our own clients ping: more than that is abuse.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
	), nil
}

// register adds a collector, or returns the equal one that is there already: all connections of a process share their metrics.
func register[C prometheus.Collector](registry prometheus.Registerer, c C) (C, error) {
	if registry == nil {
		return c, nil
	}
	err := registry.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	if err != nil {
		return c, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}
