package rpc

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// accessLog writes one line for a call, with the error as the handler gave it, and lets the caller see only what Status leaves of it.
type accessLog struct{ logger *slog.Logger }

func (a accessLog) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	start := time.Now()
	res, err := handler(ctx, req)
	a.write(ctx, info.FullMethod, start, err)
	return res, Status(err)
}

func (a accessLog) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	start := time.Now()
	err := handler(srv, stream)
	a.write(stream.Context(), info.FullMethod, start, err)
	return Status(err)
}

func (a accessLog) write(ctx context.Context, method string, start time.Time, err error) {
	if strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/") {
		return // probes would drown the rest
	}
	code := status.Code(Status(err))
	level := slog.LevelInfo
	switch code {
	case codes.Unknown, codes.Internal, codes.DataLoss:
		level = slog.LevelError
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted:
		level = slog.LevelWarn
	}
	if !a.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("method", method),
		slog.String("code", code.String()),
		slog.Duration("duration", time.Since(start)),
		slog.String("request_id", RequestID(ctx)),
	)
	if subject := Subject(ctx); subject != "" {
		attrs = append(attrs, slog.String("subject", subject))
	}
	if p, ok := peer.FromContext(ctx); ok {
		attrs = append(attrs, slog.String("peer", p.Addr.String()))
	}
	var panicked *recovery.PanicError
	switch {
	case errors.As(err, &panicked):
		attrs = append(attrs, slog.Any("panic", panicked.Panic), slog.String("stack", string(panicked.Stack)))
	case err != nil:
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.logger.LogAttrs(ctx, level, "call", attrs...)
}

// Status returns the error that a caller may see. A status, also a wrapped one, is sent as it was made, without the text around it.
// The end of a context is Canceled or DeadlineExceeded. Anything else was not meant for a caller, and is Internal without its text.
func Status(err error) error {
	if err == nil {
		return nil
	}
	var s interface{ GRPCStatus() *status.Status }
	if errors.As(err, &s) && s.GRPCStatus().Code() != codes.OK {
		return s.GRPCStatus().Err()
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the call was canceled")
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the call took too long")
	default:
		return status.Error(codes.Internal, "internal error")
	}
}

// deadline bounds unary calls. Streams may be meant to last, and end with their connection.
func deadline(timeout time.Duration) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout) // the caller's own deadline stays when it is earlier
		defer cancel()
		return handler(ctx, req)
	}
}
