package rpc

import (
	"context"
	"strings"

	"github.com/google/uuid"
	grpcmw "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// Metadata keys in which the gateway says on whose behalf it calls, and services hand it on. They are believed: only the gateway, which
// strips what clients send, and services can reach a service.
const (
	requestIDKey = "x-request-id"
	subjectKey   = "x-subject"
	scopesKey    = "x-scopes"

	maxIDLength = 128 // of a request id that is taken over into logs
)

// identity is on whose behalf a request runs.
type identity struct{ requestID, subject, scopes string }

type identityKey struct{}

// identityOf returns the request's identity or, where a message is handled, the end user who caused it. The user's scopes are none there:
// what the token permitted ends with it, and a message may be handled long after.
func identityOf(ctx context.Context) identity {
	if id, ok := ctx.Value(identityKey{}).(identity); ok {
		return id
	}
	if c := event.CauseOf(ctx); c.Type == event.AppUser {
		return identity{subject: c.ID}
	}
	return identity{}
}

// RequestID returns the id that the gateway gave the request, or that the server did when there was none; "" outside of a request.
func RequestID(ctx context.Context) string { return identityOf(ctx).requestID }

// Subject returns who the end user is, the access token's sub; "" when nobody is authenticated. In a handler of a message it is the user who
// caused it.
func Subject(ctx context.Context) string { return identityOf(ctx).subject }

// Scopes returns what the end user's access token permits; nothing outside of a request.
func Scopes(ctx context.Context) []string { return strings.Fields(identityOf(ctx).scopes) }

// receive takes the identity out of the incoming metadata.
func receive(ctx context.Context) context.Context {
	md, _ := metadata.FromIncomingContext(ctx)
	id := identity{requestID: only(md, requestIDKey), subject: only(md, subjectKey), scopes: only(md, scopesKey)}
	if id.requestID == "" || len(id.requestID) > maxIDLength {
		id.requestID = uuid.NewString()
	}
	return context.WithValue(ctx, identityKey{}, id)
}

// only returns the key's value if there is exactly one: of two, one may have been smuggled in.
func only(md metadata.MD, key string) string {
	if values := md.Get(key); len(values) == 1 {
		return values[0]
	}
	return ""
}

// forward puts the identity into the outgoing metadata, where the caller did not put one itself.
func forward(ctx context.Context) context.Context {
	id := identityOf(ctx)
	md, _ := metadata.FromOutgoingContext(ctx)
	for _, pair := range [...][2]string{{requestIDKey, id.requestID}, {subjectKey, id.subject}, {scopesKey, id.scopes}} {
		if pair[1] != "" && len(md.Get(pair[0])) == 0 {
			ctx = metadata.AppendToOutgoingContext(ctx, pair[0], pair[1])
		}
	}
	return ctx
}

func identifyUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(receive(ctx), req)
}

func identifyStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, &grpcmw.WrappedServerStream{ServerStream: stream, WrappedContext: receive(stream.Context())})
}

func forwardUnary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return invoke(forward(ctx), method, req, reply, conn, opts...)
}

func forwardStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return open(forward(ctx), desc, conn, method, opts...)
}
