package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	grpcmw "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// Callers says which services may call which method, by the method's full name: /shop.orders.v1.OrderService/GetOrder. A method that is not
// in it is closed to all. Health checks are open to every service.
type Callers map[string][]string

type callerKey struct{}

// Caller returns the name of the service that calls, as its certificate and its token say; "" where services prove nothing, and without tokens
// for a plain connection that a permissive server took.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// guard knows who calls, and lets in who may.
type guard struct {
	source     *mtls.Source // nil: connections are plain
	permissive bool
	tokens     TokenVerifier // nil: callers need no token
	callers    Callers
	logger     *slog.Logger
	denied     *prometheus.CounterVec
}

func newGuard(opts ServerOptions) (*guard, error) {
	denied, err := register(opts.Registry, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rpc_denied_total", Help: "Calls refused because the caller has no declared edge to the method.",
	}, []string{"method"}))
	if err != nil {
		return nil, err
	}
	return &guard{
		source: opts.TLS, permissive: opts.TLS == nil || opts.Mode == mtls.Permissive, tokens: opts.Tokens,
		callers: opts.Callers, logger: opts.Logger, denied: denied,
	}, nil
}

// admit returns ctx with the caller's name, or PermissionDenied. Without the token that it must have it is Unauthenticated.
func (g *guard) admit(ctx context.Context, method string) (context.Context, error) {
	name, secure := g.peer(ctx)
	if name == "" && (secure || !g.permissive) {
		return ctx, g.refuse(ctx, method, "somebody outside of this system")
	}
	if _, known := g.callers[method]; !known && strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/") {
		return ctx, nil // also without a token: gRPC checks the health of servers past the interceptors
	}
	if g.tokens == nil && name == "" {
		return ctx, nil // a plain connection that a permissive server took, counted when it connected
	}
	if g.tokens != nil {
		var err error
		if ctx, name, err = authenticate(ctx, g.tokens, name); err != nil {
			return ctx, err
		}
	}
	if !slices.Contains(g.callers[method], name) {
		return ctx, g.refuse(ctx, method, name)
	}
	return context.WithValue(ctx, callerKey{}, name), nil
}

// peer is the name in the certificate of who calls, and whether there was one.
func (g *guard) peer(ctx context.Context) (name string, secure bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", false
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || g.source == nil {
		return "", false
	}
	return g.source.ServiceOf(info.SPIFFEID), true
}

func (g *guard) refuse(ctx context.Context, method, name string) error {
	label := method
	if _, known := g.callers[method]; !known {
		label = "other" // a caller must not make up metrics
	}
	g.denied.WithLabelValues(label).Inc()
	g.logger.WarnContext(ctx, "call refused", "method", method, "caller", name)
	return status.Error(codes.PermissionDenied, fmt.Sprintf("%s may not call %s: msgen.yaml declares no such call", name, method))
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	ctx, err := g.admit(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	ctx, err := g.admit(stream.Context(), info.FullMethod)
	if err != nil {
		return err
	}
	return handler(srv, &grpcmw.WrappedServerStream{ServerStream: stream, WrappedContext: ctx})
}
