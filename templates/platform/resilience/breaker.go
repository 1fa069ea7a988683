package resilience

import (
	"log/slog"

	"github.com/failsafe-go/failsafe-go/bulkhead"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// This file alone knows failsafe-go, which is not yet at version 1. Of it come the breaker's and the bulkhead's states, through their
// permits. Its executor is not used: it counts a call that its caller gave up as a success, its timeout sets no deadline that the
// server would see, and its retry budget hides the error of the call.

// probes is how many calls a half-open breaker lets through; all must succeed to close it, one failure opens it again.
const probes = 3

// guard is the breaker and the bulkhead of an edge.
type guard struct {
	breaker  circuitbreaker.CircuitBreaker[any]
	bulkhead bulkhead.Bulkhead[any] // nil: no limit
}

func newGuard(name string, p Policy, log *slog.Logger) guard {
	g := guard{breaker: circuitbreaker.NewBuilder[any]().
		// The rate is a fraction here, while policies give percents.
		WithFailureRateThreshold(float64(p.Breaker.ErrorThreshold)/100, uint(p.Breaker.MinimumCalls), p.Breaker.Window).
		WithDelay(p.Breaker.Reset).
		WithSuccessThreshold(probes).
		OnStateChanged(func(e circuitbreaker.StateChangedEvent) {
			level := slog.LevelInfo
			if e.NewState == circuitbreaker.OpenState {
				level = slog.LevelWarn
			}
			log.Log(e.Context(), level, "breaker", "edge", name, "from", e.OldState.String(), "to", e.NewState.String(),
				"failure_rate", e.Metrics().FailureRate())
		}).
		Build()}
	if p.MaxConcurrent > 0 {
		g.bulkhead = bulkhead.New[any](uint(p.MaxConcurrent))
	}
	return g
}

// enter takes a place in the bulkhead and a permit of the breaker. After pass, leave must be called. The place comes first, because a
// permit of a half-open breaker can be given back with a verdict only.
func (g *guard) enter() outcome {
	if g.bulkhead != nil && !g.bulkhead.TryAcquirePermit() {
		return bulkheadFull
	}
	if !g.breaker.TryAcquirePermit() {
		if g.bulkhead != nil {
			g.bulkhead.ReleasePermit()
		}
		return breakerOpen
	}
	return succeeded
}

// leave gives back what enter took, with what the attempt says about the service called.
func (g *guard) leave(o outcome) {
	if g.bulkhead != nil {
		g.bulkhead.ReleasePermit()
	}
	switch o {
	case succeeded, refused:
		g.breaker.RecordSuccess()
	case canceled:
		// It says nothing. A probe without a verdict would be missing for ever, so it fails to the safe side.
		if g.breaker.IsHalfOpen() {
			g.breaker.RecordFailure()
		}
	default:
		g.breaker.RecordFailure()
	}
}

// state is the breaker's as a metric: 0 closed, 1 half-open, 2 open.
func (g *guard) state() float64 {
	switch g.breaker.State() {
	case circuitbreaker.HalfOpenState:
		return 1
	case circuitbreaker.OpenState:
		return 2
	default:
		return 0
	}
}
