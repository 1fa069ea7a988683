package resilience

import (
	"context"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// BenchmarkCall is what the guards add to a call that succeeds: retry, breaker, bulkhead, timeout and metrics around nothing.
func BenchmarkCall(b *testing.B) {
	for name, limit := range map[string]int{"bulkhead": 100, "no bulkhead": 0} {
		b.Run(name, func(b *testing.B) {
			p := testPolicy()
			p.MaxConcurrent = limit
			e, err := NewEdge("orders/pricing.QuoteOrder", p, true, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			req, res := wrapperspb.String("q"), wrapperspb.String("a")
			call := func(context.Context, *text, ...grpc.CallOption) (*text, error) { return res, nil }
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Call(ctx, e, req, call, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCallLastGood adds the keeping of the answer.
func BenchmarkCallLastGood(b *testing.B) {
	e, err := NewEdge("orders/pricing.QuoteOrder", testPolicy(), true, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	last := NewLastGood[*text](1000)
	req, res := wrapperspb.String("q"), wrapperspb.String("a")
	call := WithLastGood(last, func(context.Context, *text, ...grpc.CallOption) (*text, error) { return res, nil })
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Call(ctx, e, req, call, last.Fallback); err != nil {
			b.Fatal(err)
		}
	}
}
