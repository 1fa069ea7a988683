package rpc

import (
	"context"

	grpcmw "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// caused returns ctx with who causes the events that the request sends: the end user or, without one, the service that calls. It needs
// both to be known.
func caused(ctx context.Context) context.Context {
	if id := identityOf(ctx); id.subject != "" {
		return event.WithCause(ctx, event.Cause{Type: event.AppUser, ID: id.subject, Scopes: Scopes(ctx)})
	}
	if caller := Caller(ctx); caller != "" {
		return event.WithCause(ctx, event.Cause{Type: event.ServiceAccount, ID: caller})
	}
	return ctx
}

func causeUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(caused(ctx), req)
}

func causeStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, &grpcmw.WrappedServerStream{ServerStream: stream, WrappedContext: caused(stream.Context())})
}
