// Package resilience guards the calls from one service to another, each edge by its own policy: a timeout for each attempt, retries of
// what may be repeated, a circuit breaker, a bulkhead, and a fallback.
package resilience

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Policy is how one service calls another.
type Policy struct {
	Timeout time.Duration // of one attempt; the server sees it as the call's deadline
	Retry   Retry
	Breaker Breaker
	// MaxConcurrent is how many attempts may be under way at once; one more is refused at once. 0: no limit.
	MaxConcurrent int
}

// Retry is how often, and after which delays, a call is made again. Only idempotent calls are.
type Retry struct {
	Exponential bool          // the delay doubles with each retry, else it stays
	Duration    time.Duration // the first delay
	MaxInterval time.Duration // the longest delay of an exponential one; 0: no limit
	MaxRetries  int           // beside the first attempt
	FullJitter  bool          // the delay is drawn evenly from 0 to what it would be
}

// Breaker is when calls stop being made because the ones before failed.
type Breaker struct {
	ErrorThreshold int           // percent of failures, 1 to 100, from which on it opens
	MinimumCalls   int           // in the window, below which it stays closed
	Window         time.Duration // that the calls are counted over
	Reset          time.Duration // that it stays open, before a few calls probe
}

// Validate returns every fault of the policy at once.
func (p Policy) Validate() error {
	var errs []error
	check := func(ok bool, text string, value any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s: %v", text, value))
		}
	}
	check(p.Timeout > 0, "timeout must be positive", p.Timeout)
	check(p.Retry.MaxRetries >= 0, "retries must not be negative", p.Retry.MaxRetries)
	check(p.Retry.Duration >= 0, "retry delay must not be negative", p.Retry.Duration)
	check(p.Retry.MaxInterval == 0 || p.Retry.MaxInterval >= p.Retry.Duration, "longest retry delay must not be below the first", p.Retry.MaxInterval)
	check(p.Breaker.ErrorThreshold >= 1 && p.Breaker.ErrorThreshold <= 100, "breaker's error threshold must be 1 to 100 percent", p.Breaker.ErrorThreshold)
	check(p.Breaker.MinimumCalls >= 1, "breaker's minimum of calls must be positive", p.Breaker.MinimumCalls)
	check(p.Breaker.Window > 0, "breaker's window must be positive", p.Breaker.Window)
	check(p.Breaker.Reset > 0, "breaker's reset must be positive", p.Breaker.Reset)
	check(p.MaxConcurrent >= 0, "bulkhead must not be negative", p.MaxConcurrent)
	return errors.Join(errs...)
}

// delay is how long to wait before retry n, counted from 0.
func (r Retry) delay(n int) time.Duration {
	d := r.Duration
	if r.Exponential {
		for range n {
			if d > time.Hour { // far beyond any call's deadline, and far from overflow
				break
			}
			d *= 2
		}
		if r.MaxInterval > 0 {
			d = min(d, r.MaxInterval)
		}
	}
	if r.FullJitter && d > 0 {
		d = rand.N(d + 1)
	}
	return d
}
