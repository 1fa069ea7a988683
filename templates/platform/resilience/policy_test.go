package resilience

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestPolicyValidate(t *testing.T) {
	if err := testPolicy().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(p *Policy){
		"timeout must be positive: 0s":                         func(p *Policy) { p.Timeout = 0 },
		"retries must not be negative: -1":                     func(p *Policy) { p.Retry.MaxRetries = -1 },
		"retry delay must not be negative: -1ns":               func(p *Policy) { p.Retry.Duration = -1 },
		"longest retry delay must not be below the first: 1ns": func(p *Policy) { p.Retry.MaxInterval = 1 },
		"error threshold must be 1 to 100 percent: 0":          func(p *Policy) { p.Breaker.ErrorThreshold = 0 },
		"error threshold must be 1 to 100 percent: 101":        func(p *Policy) { p.Breaker.ErrorThreshold = 101 },
		"minimum of calls must be positive: 0":                 func(p *Policy) { p.Breaker.MinimumCalls = 0 },
		"window must be positive: 0s":                          func(p *Policy) { p.Breaker.Window = 0 },
		"reset must be positive: 0s":                           func(p *Policy) { p.Breaker.Reset = 0 },
		"bulkhead must not be negative: -1":                    func(p *Policy) { p.MaxConcurrent = -1 },
	} {
		p := testPolicy()
		spoil(&p)
		_, err := NewEdge("a/b.C", p, true, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a/b.C") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := (Policy{}).Validate(); strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not every fault at once: %v", err)
	}
}

func TestDelay(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		retry Retry
		want  []time.Duration
	}{
		"fixed":       {Retry{Duration: 100 * ms, MaxInterval: 200 * ms}, []time.Duration{100 * ms, 100 * ms, 100 * ms}},
		"exponential": {Retry{Exponential: true, Duration: 100 * ms, MaxInterval: 300 * ms}, []time.Duration{100 * ms, 200 * ms, 300 * ms, 300 * ms}},
		"unbounded":   {Retry{Exponential: true, Duration: 100 * ms}, []time.Duration{100 * ms, 200 * ms, 400 * ms}},
		"none":        {Retry{Exponential: true, FullJitter: true}, []time.Duration{0, 0}},
	} {
		for n, want := range c.want {
			if got := c.retry.delay(n); got != want {
				t.Errorf("%s: delay %d is %v, want %v", name, n, got, want)
			}
		}
	}
	if d := (Retry{Exponential: true, Duration: time.Second}).delay(1 << 20); d <= 0 {
		t.Errorf("overflow: %v", d)
	}
	jitter := Retry{Exponential: true, Duration: 100 * ms, FullJitter: true}
	low, high := time.Duration(1<<62), time.Duration(0)
	for range 1000 {
		d := jitter.delay(1)
		low, high = min(low, d), max(high, d)
	}
	if low < 0 || high > 200*ms || low > 50*ms || high < 150*ms {
		t.Errorf("full jitter over 0 to 200 ms gave %v to %v", low, high)
	}
}
