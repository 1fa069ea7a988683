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
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // lets clients watch their servers' health
	"google.golang.org/grpc/keepalive"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/signing"
)

// serviceConfig spreads calls over the replicas that say they are healthy. It has no retry: package resilience retries, and two layers
// would multiply.
const serviceConfig = `{"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}}`

// DialOptions is what a connection needs from its process.
type DialOptions struct {
	Registry prometheus.Registerer // nil: no metrics

	TLS     *mtls.Source // nil: the connection is plain
	Mode    string       // with TLS: mtls.Strict or mtls.Permissive
	Service string       // with TLS: whose server it must be; with Tokens: whom they are for; with Signing: whom requests are signed for

	Tokens  TokenSource       // nil: calls carry none
	Signing *signing.Requests // nil: requests are not signed
}

// Dial returns a connection to target, such as dns:///orders:9000. It is made on first use and remade when it breaks, so that Dial
// does not fail on a server that is down.
func Dial(target string, opts DialOptions) (*grpc.ClientConn, error) {
	metrics := grpcprom.NewClientMetrics(grpcprom.WithClientHandlingTimeHistogram(grpcprom.WithHistogramBuckets(buckets)))
	metrics, err := register(opts.Registry, metrics)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if opts.TLS != nil {
		transport = opts.TLS.ClientCredentials(opts.Mode, opts.Service)
	}
	token := bearing{opts.Tokens, opts.Service}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithStatsHandler(sparing{otelgrpc.NewClientHandler(otelgrpc.WithFilter(filters.Not(filters.HealthCheck())))}),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // DNS must not bring in another
		grpc.WithDisableRetry(),
		grpc.WithChainUnaryInterceptor(forwardUnary, metrics.UnaryClientInterceptor(), token.unary),
		grpc.WithChainStreamInterceptor(forwardStream, metrics.StreamClientInterceptor(), token.stream),
		grpc.WithConnectParams(grpc.ConnectParams{
			// A callee that restarts is found again soon: the default waits up to two minutes between tries.
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWait, PermitWithoutStream: true}),
	}
	if opts.Signing != nil {
		dial = append(dial, opts.Signing.DialOptions(opts.Service)...)
	}
	conn, err := grpc.NewClient(target, dial...)
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
