package signing

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// DialOptions make a connection to a service sign its requests. They come after all other interceptors, so that what those add is signed.
func (s *Requests) DialOptions(service string) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(clientCodec{s.codec})),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			data, err := s.codec.encode(req)
			if err != nil {
				return status.Errorf(codes.Internal, "encode request: %v", err)
			}
			return invoke(s.sign(ctx, service, method, digestOf(data)), method, data, reply, conn, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return streamer(s.sign(ctx, service, method, ""), desc, conn, method, opts...)
		}),
	}
}

// ServerCodec is the option of a server whose requests are verified.
func (s *Requests) ServerCodec() grpc.ServerOption {
	return grpc.ForceServerCodecV2(serverCodec{s.codec})
}

// Unary refuses requests without a signature that holds. No interceptor before it may refuse one: it takes what the codec keeps.
func (s *Requests) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	digest := s.codec.take(req)
	if err := s.admit(ctx, info.FullMethod, digest); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// Stream refuses streams whose opening has no signature that holds.
func (s *Requests) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := s.admit(stream.Context(), info.FullMethod, ""); err != nil {
		return err
	}
	return handler(srv, received{stream})
}

// received is a stream whose messages have no digest.
type received struct{ grpc.ServerStream }

// RecvMsg implements grpc.ServerStream.
func (r received) RecvMsg(m any) error { return r.ServerStream.RecvMsg(plain{m}) }

func (s *Requests) admit(ctx context.Context, method, digest string) error {
	if strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/") {
		return nil // probes hold no key
	}
	md, _ := metadata.FromIncomingContext(ctx)
	err := s.verify(ctx, md, method, digest)
	if err == nil {
		return nil
	}
	s.refused.WithLabelValues(Reason(err)).Inc()
	s.logger.WarnContext(ctx, "request refused", "method", method, "reason", Reason(err), "error", err)
	return status.Error(codes.Unauthenticated, err.Error())
}
