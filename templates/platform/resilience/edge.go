package resilience

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// outcome is how an attempt ended.
type outcome int

const (
	succeeded    outcome = iota
	refused              // an answer that the same request would get again, such as NOT_FOUND: the service works
	canceled             // the caller gave up, or its own time was over
	failed               // the service did not do its work
	timedOut             // it did not answer within the policy's timeout
	breakerOpen          // not attempted: the breaker is open
	bulkheadFull         // not attempted: the bulkhead is full
	outcomes
)

func (o outcome) String() string {
	return [outcomes]string{"ok", "refused", "canceled", "failed", "timeout", "open", "full"}[o]
}

// Edge is one method of a service as another calls it, with the state that its calls share. It is safe for concurrent use.
type Edge struct {
	name       string
	policy     Policy
	idempotent bool
	guard      guard
	budget     *budget

	calls           [outcomes]prometheus.Counter
	retries, denied prometheus.Counter
	fellBack, fell  prometheus.Counter // with an answer, and without
}

// NewEdge returns the edge called name, such as orders/pricing.QuoteOrder. Calls that are not idempotent are never retried: after a
// timeout nobody knows whether they took effect. Metrics have the label edge; several edges may share reg, under names of their own. A
// nil reg means no metrics.
func NewEdge(name string, p Policy, idempotent bool, reg prometheus.Registerer, log *slog.Logger) (*Edge, error) {
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("policy of %s: %w", name, err)
	}
	e := &Edge{name: name, policy: p, idempotent: idempotent, guard: newGuard(name, p, log), budget: newBudget()}

	calls, err := counter(reg, "resilience_calls_total", "Calls by how the last attempt ended: ok, refused (a business error), canceled "+
		"(by the caller), failed, timeout, open (breaker), full (bulkhead).", "outcome")
	if err != nil {
		return nil, err
	}
	retries, err := counter(reg, "resilience_retries_total", "Retries made, and those denied by the retry budget.", "result")
	if err != nil {
		return nil, err
	}
	fallbacks, err := counter(reg, "resilience_fallbacks_total", "Calls that went to their fallback: answered, or failed there too.", "result")
	if err != nil {
		return nil, err
	}
	for o := range outcomes {
		e.calls[o] = calls.WithLabelValues(name, o.String())
	}
	e.retries, e.denied = retries.WithLabelValues(name, "made"), retries.WithLabelValues(name, "denied")
	e.fellBack, e.fell = fallbacks.WithLabelValues(name, "answered"), fallbacks.WithLabelValues(name, "failed")
	if reg == nil {
		return e, nil
	}
	// Read when it is scraped, so that it cannot lag behind the breaker.
	state := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "resilience_breaker_state", Help: "0 closed, 1 half-open, 2 open.", ConstLabels: prometheus.Labels{"edge": name},
	}, e.guard.state)
	if err := reg.Register(state); err != nil {
		return nil, fmt.Errorf("edge %s: register metrics: %w", name, err)
	}
	return e, nil
}

// counter registers a counter with the label edge and another, or returns the one that an edge before registered.
func counter(reg prometheus.Registerer, name, help, label string) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"edge", label})
	if reg == nil {
		return c, nil
	}
	err := reg.Register(c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, isVec := already.ExistingCollector.(*prometheus.CounterVec); isVec {
			return existing, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return c, nil
}
