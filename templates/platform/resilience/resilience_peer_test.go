package resilience

import (
	"context"
	"testing"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// BenchmarkPeerFailsafeExecutor is failsafe-go's own composition of the same guards, without metrics.
func BenchmarkPeerFailsafeExecutor(b *testing.B) {
	p := testPolicy()
	executor := failsafe.With[*text](
		retrypolicy.NewBuilder[*text]().WithBackoff(p.Retry.Duration, p.Retry.MaxInterval).WithMaxRetries(p.Retry.MaxRetries).ReturnLastFailure().Build(),
		circuitbreaker.NewBuilder[*text]().
			WithFailureRateThreshold(0.5, uint(p.Breaker.MinimumCalls), p.Breaker.Window).WithDelay(p.Breaker.Reset).Build(),
		bulkhead.New[*text](100),
		timeout.New[*text](p.Timeout),
	)
	req, res := wrapperspb.String("q"), wrapperspb.String("a")
	call := func(_ context.Context, _ *text) (*text, error) { return res, nil }
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, err := executor.WithContext(ctx).GetWithExecution(func(exec failsafe.Execution[*text]) (*text, error) {
			return call(exec.Context(), req)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
