package rpc

import (
	"fmt"
	"os"
	"strings"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	_ "google.golang.org/grpc/health" // lets clients watch their servers' health
	"google.golang.org/grpc/keepalive"
)

// serviceConfig spreads calls over the replicas that say they are healthy. It has no retry: package resilience retries, and two layers
// would multiply.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}}`

// DialOptions is what a connection needs from its process.
type DialOptions struct {
	Registry prometheus.Registerer // nil: no metrics
}

// Dial returns a connection to target, such as dns:///orders:9000. It is made on first use and remade when it breaks, so that Dial
// does not fail on a server that is down.
func Dial(target string, opts DialOptions) (*grpc.ClientConn, error) {
	metrics := grpcprom.NewClientMetrics(grpcprom.WithClientHandlingTimeHistogram(grpcprom.WithHistogramBuckets(buckets)))
	metrics, err := register(opts.Registry, metrics)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(Credentials()),
		grpc.WithStatsHandler(sparing{otelgrpc.NewClientHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))}),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // DNS must not bring in another
		grpc.WithDisableRetry(),
		grpc.WithChainUnaryInterceptor(forwardUnary, metrics.UnaryClientInterceptor()),
		grpc.WithChainStreamInterceptor(forwardStream, metrics.StreamClientInterceptor()),
		grpc.WithConnectParams(grpc.ConnectParams{
			// A callee that restarts is found again soon: the default waits up to two minutes between tries.
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWait, PermitWithoutStream: true}),
	)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", target, err)
	}
	return conn, nil
}

// Target returns where service is: the environment variable <SERVICE>_TARGET, ORDER_HISTORY_TARGET for order-history, or
// defaultTarget.
func Target(service, defaultTarget string) string {
	name := strings.ToUpper(strings.ReplaceAll(service, "-", "_")) + "_TARGET"
	if target := os.Getenv(name); target != "" {
		return target
	}
	return defaultTarget
}
