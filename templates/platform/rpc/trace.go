package rpc

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
)

// sparing is a client's trace handler that leaves out calls of traces which nobody keeps, as most are: their spans would be made to be
// thrown away, at 40 allocations a call when measured. Such a call only hands on the trace, so that logs still meet in its id. It relies
// on a sampler that follows the parent.
type sparing struct{ stats.Handler }

type sparedKey struct{}

// TagRPC implements stats.Handler.
func (h sparing) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	if parent := trace.SpanContextFromContext(ctx); !parent.IsValid() || parent.IsSampled() {
		return h.Handler.TagRPC(ctx, info)
	}
	carrier := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, carrier)
	for key, value := range carrier {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return context.WithValue(ctx, sparedKey{}, true)
}

// HandleRPC implements stats.Handler.
func (h sparing) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if ctx.Value(sparedKey{}) == nil {
		h.Handler.HandleRPC(ctx, s)
	}
}
