package resilience

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Time in these tests is synctest's: it passes when every goroutine waits, and nothing here depends on the machine's speed.

func testPolicy() Policy {
	return Policy{
		Timeout: time.Second,
		Retry:   Retry{Exponential: true, Duration: 100 * time.Millisecond, MaxInterval: 250 * time.Millisecond, MaxRetries: 3},
		Breaker: Breaker{ErrorThreshold: 50, MinimumCalls: 20, Window: 10 * time.Second, Reset: time.Minute},
	}
}

type text = wrapperspb.StringValue

// service is one that answers as a test says, attempt by attempt; after the last answer it goes on with it.
type service struct {
	mu      sync.Mutex
	answers []error
	calls   int
}

func (s *service) call(_ context.Context, req *text, _ ...grpc.CallOption) (*text, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.answers[min(s.calls, len(s.answers)-1)]
	s.calls++
	if err != nil {
		return nil, err
	}
	return wrapperspb.String("re: " + req.GetValue()), nil
}

func edge(t *testing.T, p Policy, idempotent bool) (*Edge, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	e, err := NewEdge("orders/pricing.QuoteOrder", p, idempotent, reg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return e, reg
}

func do(ctx context.Context, e *Edge, s *service) error {
	_, err := Call(ctx, e, wrapperspb.String("q"), s.call, nil)
	return err
}

func code(c codes.Code) error { return status.Error(c, "made by the test") }

// trip opens the edge's breaker.
func trip(t *testing.T, e *Edge) {
	t.Helper()
	for range e.policy.Breaker.MinimumCalls {
		_ = do(t.Context(), e, &service{answers: []error{code(codes.Internal)}})
	}
	if e.guard.state() != 2 {
		t.Fatalf("breaker is not open but %v", e.guard.state())
	}
}

func TestRetry(t *testing.T) {
	down, refusal := code(codes.Unavailable), code(codes.NotFound)
	for name, c := range map[string]struct {
		idempotent bool
		answers    []error
		calls      int
		want       codes.Code
	}{
		"first answer":              {true, []error{nil}, 1, codes.OK},
		"recovers":                  {true, []error{down, down, nil}, 3, codes.OK},
		"never":                     {true, []error{down}, 4, codes.Unavailable},
		"overloaded":                {true, []error{code(codes.ResourceExhausted), nil}, 2, codes.OK},
		"a bug":                     {true, []error{code(codes.Internal), nil}, 1, codes.Internal},
		"a refusal":                 {true, []error{refusal, nil}, 1, codes.NotFound},
		"a refusal after a failure": {true, []error{down, refusal}, 2, codes.NotFound},
		"not idempotent":            {false, []error{down, nil}, 1, codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := edge(t, testPolicy(), c.idempotent)
				s := &service{answers: c.answers}
				if err := do(t.Context(), e, s); status.Code(err) != c.want {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if s.calls != c.calls {
					t.Errorf("%d attempts, want %d", s.calls, c.calls)
				}
			})
		})
	}
}

func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), true)
		start := time.Now()
		_ = do(t.Context(), e, &service{answers: []error{code(codes.Unavailable)}})
		if waited, want := time.Since(start), (100+200+250)*time.Millisecond; waited != want {
			t.Errorf("waited %v, want %v", waited, want)
		}
	})
}

func TestRetryEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), true)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		defer cancel()
		s := &service{answers: []error{code(codes.Unavailable)}}
		start := time.Now()
		// The second retry would come after the caller's deadline: the caller hears at once, and of the service's error.
		if err := do(ctx, e, s); status.Code(err) != codes.Unavailable || s.calls != 2 || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%d attempts in %v, %v", s.calls, time.Since(start), err)
		}

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		s = &service{answers: []error{code(codes.Unavailable)}}
		if err := do(ctx, e, s); err == nil || s.calls != 1 {
			t.Errorf("canceled while it waited: %d attempts, %v", s.calls, err)
		}
	})
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPolicy()
		p.Breaker.MinimumCalls = 1 << 20 // never opens here
		p.Retry = Retry{MaxRetries: 1}
		e, _ := edge(t, p, true)
		s := &service{answers: []error{code(codes.Unavailable)}}
		for range 1000 {
			_ = do(t.Context(), e, s)
		}
		// No time passed: the burst, and 10 % of the calls.
		if retries := s.calls - 1000; retries < 100 || retries > 110 {
			t.Errorf("%d retries of 1000 calls", retries)
		}
		if denied := testutil.ToFloat64(e.denied); int(denied) != 2000-s.calls {
			t.Errorf("%v denied", denied)
		}
		time.Sleep(time.Second)
		before := s.calls
		for range 20 {
			_ = do(t.Context(), e, s)
		}
		if retries := s.calls - before - 20; retries < 10 || retries > 12 {
			t.Errorf("%d retries after a second's rest", retries)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), false)
		start := time.Now()
		hang := func(ctx context.Context, _ *text, _ ...grpc.CallOption) (*text, error) {
			if deadline, bounded := ctx.Deadline(); !bounded || deadline.Sub(start) != time.Second {
				t.Errorf("the server would not see the deadline: %v", deadline)
			}
			<-ctx.Done()
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		_, err := Call(t.Context(), e, wrapperspb.String("q"), hang, nil)
		if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "orders/pricing.QuoteOrder: no answer within 1s") {
			t.Errorf("got %v", err)
		}
		if n := testutil.ToFloat64(e.calls[timedOut]); n != 1 {
			t.Errorf("%v timeouts counted", n)
		}
		if failures := e.guard.breaker.Metrics().Failures(); failures != 1 {
			t.Errorf("%d failures for the breaker", failures)
		}
	})
}

func TestCallerWhoGivesUpIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), true)
		hang := func(ctx context.Context, _ *text, _ ...grpc.CallOption) (*text, error) {
			<-ctx.Done()
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		for range 50 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := Call(ctx, e, wrapperspb.String("q"), hang, nil); status.Code(err) != codes.DeadlineExceeded {
				t.Fatalf("got %v", err)
			}
			cancel()
		}
		m := e.guard.breaker.Metrics()
		if m.Executions() != 0 || e.guard.state() != 0 {
			t.Errorf("the breaker counted %d calls, state %v", m.Executions(), e.guard.state())
		}
		if n := testutil.ToFloat64(e.calls[canceled]); n != 50 {
			t.Errorf("%v counted", n)
		}
	})
}

func TestBreakerOpensAtTheThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), false)
		bad, good := &service{answers: []error{code(codes.Internal)}}, &service{answers: []error{nil}}
		for range 19 {
			_ = do(t.Context(), e, bad)
		}
		if e.guard.state() != 0 {
			t.Fatal("open below the minimum of calls")
		}
		time.Sleep(time.Minute) // beyond the window: these are forgotten
		for i := range 20 {
			if i < 11 {
				_ = do(t.Context(), e, good)
			} else {
				_ = do(t.Context(), e, bad)
			}
		}
		if e.guard.state() != 0 {
			t.Fatal("open at 45 %")
		}
		for range 2 {
			_ = do(t.Context(), e, bad)
		}
		if e.guard.state() != 2 {
			t.Fatal("not open at 50 %")
		}
		before := bad.calls
		err := do(t.Context(), e, bad)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "orders/pricing.QuoteOrder: the breaker is open") || bad.calls != before {
			t.Errorf("open: %d attempts, %v", bad.calls-before, err)
		}
		if n := testutil.ToFloat64(e.calls[breakerOpen]); n != 1 {
			t.Errorf("%v rejections counted", n)
		}
	})
}

func TestRefusalsDoNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), true)
		for _, c := range []codes.Code{codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition,
			codes.Aborted, codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated} {
			for range 20 {
				_ = do(t.Context(), e, &service{answers: []error{code(c)}})
			}
		}
		if e.guard.state() != 0 {
			t.Error("open: the service did answer")
		}
	})
}

func TestBreakerRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, reg := edge(t, testPolicy(), false)
		bad, good := &service{answers: []error{code(codes.Unavailable)}}, &service{answers: []error{nil}}
		trip(t, e)
		time.Sleep(time.Minute - time.Nanosecond)
		if err := do(t.Context(), e, good); status.Code(err) != codes.Unavailable || good.calls != 0 {
			t.Fatalf("before the reset: %v", err)
		}
		time.Sleep(time.Nanosecond)
		_ = do(t.Context(), e, bad)
		if e.guard.state() != 2 {
			t.Fatal("a failed probe does not open it again")
		}
		time.Sleep(time.Hour) // the service comes back late, and nobody called meanwhile
		for i := range probes {
			if err := do(t.Context(), e, good); err != nil {
				t.Fatalf("probe %d: %v", i, err)
			}
			if i < probes-1 && e.guard.state() != 1 {
				t.Fatalf("state %v after probe %d", e.guard.state(), i)
			}
		}
		if e.guard.state() != 0 {
			t.Error("not closed after the probes")
		}
		want := "# HELP resilience_breaker_state 0 closed, 1 half-open, 2 open.\n# TYPE resilience_breaker_state gauge\n" +
			"resilience_breaker_state{edge=\"orders/pricing.QuoteOrder\"} 0\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "resilience_breaker_state"); err != nil {
			t.Error(err)
		}
	})
}

func TestProbesWithoutAVerdictDoNotLockTheBreaker(t *testing.T) {
	for name, probe := range map[string]func(ctx context.Context, e *Edge){
		"canceled": func(ctx context.Context, e *Edge) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_ = do(ctx, e, &service{answers: []error{code(codes.Canceled)}})
		},
		"panics": func(ctx context.Context, e *Edge) {
			defer func() { _ = recover() }()
			_, _ = Call(ctx, e, wrapperspb.String("q"), func(context.Context, *text, ...grpc.CallOption) (*text, error) { panic("probe") }, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := testPolicy()
				p.MaxConcurrent = 1
				e, _ := edge(t, p, false)
				trip(t, e)
				for range 2 * probes {
					time.Sleep(time.Minute)
					probe(t.Context(), e)
				}
				time.Sleep(time.Minute)
				for range probes {
					if err := do(t.Context(), e, &service{answers: []error{nil}}); err != nil {
						t.Fatal(err)
					}
				}
				if e.guard.state() != 0 {
					t.Errorf("state %v: it never closes again", e.guard.state())
				}
			})
		})
	}
}

func TestBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPolicy()
		p.MaxConcurrent = 2
		e, _ := edge(t, p, true)
		release := make(chan struct{})
		wait := func(context.Context, *text, ...grpc.CallOption) (*text, error) { <-release; return &text{}, nil }
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := Call(t.Context(), e, &text{}, wait, nil); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		s := &service{answers: []error{nil}}
		err := do(t.Context(), e, s)
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "orders/pricing.QuoteOrder: 2 calls") || s.calls != 0 {
			t.Errorf("third call: %v", err)
		}
		if n := testutil.ToFloat64(e.calls[bulkheadFull]); n != 1 {
			t.Errorf("%v rejections counted", n)
		}
		close(release)
		wg.Wait()
		if err := do(t.Context(), e, s); err != nil {
			t.Errorf("after they ended: %v", err)
		}
	})
}

func TestOpenBreakerHoldsNoPlaceInTheBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := testPolicy()
		p.MaxConcurrent = 2
		e, _ := edge(t, p, false)
		trip(t, e)
		for range 2 * p.MaxConcurrent {
			if err := do(t.Context(), e, &service{answers: []error{nil}}); status.Code(err) != codes.Unavailable {
				t.Fatalf("got %v", err)
			}
		}
	})
}

func TestPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, _ := edge(t, testPolicy(), true)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = Call(t.Context(), e, &text{}, func(context.Context, *text, ...grpc.CallOption) (*text, error) { panic("bug") }, nil)
		}()
		if failures := e.guard.breaker.Metrics().Failures(); failures != 1 {
			t.Errorf("%d failures for the breaker", failures)
		}
	})
}

func TestFallback(t *testing.T) {
	answer := func(_ context.Context, _ proto.Message, cause error) (*text, error) {
		return wrapperspb.String("instead of " + status.Code(cause).String()), nil
	}
	noAnswer := func(_ context.Context, _ proto.Message, cause error) (*text, error) { return nil, cause }
	for name, c := range map[string]struct {
		err            error
		fallback       func(context.Context, proto.Message, error) (*text, error)
		want           string
		code           codes.Code
		answered, fell float64
	}{
		"failed":        {code(codes.Internal), answer, "instead of Internal", codes.OK, 1, 0},
		"fails as well": {code(codes.Internal), noAnswer, "", codes.Internal, 0, 1},
		"refused":       {code(codes.NotFound), answer, "", codes.NotFound, 0, 0},
		"not needed":    {nil, answer, "re: q", codes.OK, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, _ := edge(t, testPolicy(), false)
				s := &service{answers: []error{c.err}}
				res, err := Call(t.Context(), e, wrapperspb.String("q"), s.call, c.fallback)
				if status.Code(err) != c.code || res.GetValue() != c.want {
					t.Errorf("got %q, %v", res.GetValue(), err)
				}
				if a, f := testutil.ToFloat64(e.fellBack), testutil.ToFloat64(e.fell); a != c.answered || f != c.fell {
					t.Errorf("counted %v answered, %v failed", a, f)
				}
			})
		})
	}
	t.Run("open breaker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e, _ := edge(t, testPolicy(), false)
			trip(t, e)
			res, err := Call(t.Context(), e, wrapperspb.String("q"), (&service{answers: []error{nil}}).call, answer)
			if err != nil || res.GetValue() != "instead of Unavailable" {
				t.Errorf("got %q, %v", res.GetValue(), err)
			}
		})
	})
}

func TestEdgesShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	for _, name := range []string{"orders/pricing.QuoteOrder", "orders/stock.Reserve"} {
		if _, err := NewEdge(name, testPolicy(), true, reg, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := NewEdge("orders/stock.Reserve", testPolicy(), true, reg, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two edges of one name: their breakers could not be told apart")
	}
	if n, err := testutil.GatherAndCount(reg, "resilience_breaker_state"); n != 2 || err != nil {
		t.Errorf("%d states, %v", n, err)
	}
}
