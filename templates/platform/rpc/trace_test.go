package rpc

import (
	"context"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A call goes on with its caller's trace, whether the trace is kept or not. Spans are made only of one that is.
func TestTraceTravels(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	provider0, propagator0 := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	otel.SetTracerProvider(provider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() { otel.SetTracerProvider(provider0); otel.SetTextMapPropagator(propagator0) })

	var got trace.SpanContext
	conn := dial(t, server(t, ServerOptions{}, func(ctx context.Context, _ *dynamicpb.Message) error {
		got = trace.SpanContextFromContext(ctx)
		return nil
	}), DialOptions{})
	for name, c := range map[string]struct {
		flags trace.TraceFlags
		spans int // the client's and the server's
	}{"kept": {trace.FlagsSampled, 2}, "not kept": {0, 0}} {
		t.Run(name, func(t *testing.T) {
			spans.Reset()
			parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: c.flags})
			for _, call := range []func(ctx context.Context) error{
				func(ctx context.Context) error { return do(ctx, conn, valid()) },
				func(ctx context.Context) error { return stream(ctx, conn, valid()) },
			} {
				got = trace.SpanContext{}
				if err := call(trace.ContextWithSpanContext(t.Context(), parent)); err != nil {
					t.Fatal(err)
				}
				if got.TraceID() != parent.TraceID() || got.TraceFlags() != c.flags {
					t.Errorf("the server is in the trace %v %v, want %v %v", got.TraceID(), got.TraceFlags(), parent.TraceID(), c.flags)
				}
			}
			if n := len(spans.Started()); n != 2*c.spans {
				t.Errorf("%d spans, want %d", n, 2*c.spans)
			}
		})
	}
	if err := do(t.Context(), conn, valid()); err != nil || !got.IsValid() {
		t.Errorf("a call without a trace begins %v, %v; want one", got, err)
	}
}
