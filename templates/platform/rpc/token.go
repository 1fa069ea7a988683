package rpc

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// TokenSource gives a service the tokens by which it proves who it is.
type TokenSource interface {
	// Token returns a token for calls to the service audience. It may be asked before each call.
	Token(ctx context.Context, audience string) (string, error)
}

// TokenVerifier tells which service a token names.
type TokenVerifier interface {
	// Verify returns the service's name. token is "" when the call has none; certified is the service that the caller's certificate names, ""
	// without one, and the token must name the same. The error is a status that the caller may see.
	Verify(ctx context.Context, token, certified string) (service string, err error)
}

// TokenRefused is the status of a call whose token is not taken. Connections made by Dial know by it that it was the calling service's fault,
// and not the end user's.
func TokenRefused(code codes.Code, text string) *status.Status {
	s := status.New(code, text)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: reasonTokenRefused}); err == nil {
		return detailed
	}
	return s
}

const reasonTokenRefused = "SERVICE_TOKEN_REFUSED"

// ours makes a refusal of the process's own token UNAVAILABLE: handed on as UNAUTHENTICATED, it would tell the end user to log in again.
func ours(err error, callee string) error {
	s, ok := status.FromError(err)
	if !ok || s.Code() != codes.Unauthenticated {
		return err
	}
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.GetReason() == reasonTokenRefused {
			return status.Errorf(codes.Unavailable, "%s refuses the token of this service: %s", callee, s.Message())
		}
	}
	return err
}

const (
	authorizationKey = "authorization"
	bearer           = "Bearer "
)

// authenticate returns who the call's token names. The token is taken out of the metadata, so that it goes nowhere else.
func authenticate(ctx context.Context, verifier TokenVerifier, certified string) (_ context.Context, service string, err error) {
	md, _ := metadata.FromIncomingContext(ctx)
	token, ok := strings.CutPrefix(only(md, authorizationKey), bearer)
	if !ok {
		token = ""
	}
	if service, err = verifier.Verify(ctx, token, certified); err != nil {
		return ctx, "", err
	}
	md = md.Copy()
	md.Delete(authorizationKey)
	return metadata.NewIncomingContext(ctx, md), service, nil
}

// bearing puts a token for audience into the metadata of each call, in the place of any other.
type bearing struct {
	source   TokenSource
	audience string
}

func (b bearing) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, err := b.authorize(ctx)
	if err != nil {
		return err
	}
	err = invoke(ctx, method, req, reply, conn, opts...)
	if b.source == nil {
		return err
	}
	return ours(err, b.audience)
}

func (b bearing) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, err := b.authorize(ctx)
	if err != nil {
		return nil, err
	}
	return open(ctx, desc, conn, method, opts...)
}

func (b bearing) authorize(ctx context.Context) (context.Context, error) {
	if b.source == nil {
		return ctx, nil
	}
	token, err := b.source.Token(ctx, b.audience)
	if err != nil {
		if ctx.Err() != nil {
			return ctx, status.FromContextError(ctx.Err()).Err()
		}
		return ctx, status.Error(codes.Unavailable, errors.Join(errors.New("no token for "+b.audience), err).Error())
	}
	md, _ := metadata.FromOutgoingContext(ctx)
	md = md.Copy()
	md.Set(authorizationKey, bearer+token)
	return metadata.NewOutgoingContext(ctx, md), nil
}
