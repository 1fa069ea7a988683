package saga

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
)

// Observe makes the Orchestrator follow the choreographed sagas that it starts by their events. retries is how often an event is tried
// before it is kept as a dead letter.
func (o *Orchestrator) Observe(in *inbox.Inbox, retries int) {
	for _, d := range o.newest {
		if d.flow == nil {
			continue
		}
		for typ, n := range d.flow.vocabulary() {
			switch n.incident {
			case stepDone, stepFailed, stepUndone, stepStuck:
				in.Handle(typ, retries, func(ctx context.Context, tx pgx.Tx, msg event.Message) error { return o.heard(ctx, tx, msg, n) })
			}
		}
	}
}

// heard moves a saga to where an event says that it is. Events come late, twice and in any order: none moves it back the way it came.
func (o *Orchestrator) heard(ctx context.Context, tx pgx.Tx, msg event.Message, n news) error {
	e, err := open(msg)
	if err != nil {
		return inbox.Permanent(fmt.Errorf("saga event: %w", err))
	}
	s, err := o.load(ctx, tx, e.saga, "FOR UPDATE")
	if errors.Is(err, errNotFound) {
		o.metrics.replies.WithLabelValues("", logUnknown).Inc()
		o.log.WarnContext(ctx, "event of an unknown saga", "id", e.saga, "type", msg.Type)
		return nil
	}
	if err != nil {
		return err
	}
	if s.def == nil || s.def.flow == nil || msg.Extensions[extVersion] != fmt.Sprint(s.definition) {
		return fmt.Errorf("event of saga %s: version %d of %s is not known here", s.id, s.definition, s.name)
	}
	reason := msg.Extensions[extReason]
	was := entry{step: clean(e.step), op: e.op, attempt: e.attempt, event: saying[n.incident], note: reason}
	moved := o.follow(s, n, reason)
	if !moved {
		was.event, was.note = logLate, was.event
	}
	o.metrics.replies.WithLabelValues(s.name, was.event).Inc()
	if !moved {
		return o.record(ctx, tx, s, was)
	}
	s.log = append([]entry{was}, s.log...) // before what it led to
	return o.save(ctx, tx, s)
}

// saying is how the step log calls an incident.
var saying = map[incident]string{stepDone: logDone, stepFailed: logRefused, stepUndone: logUndone, stepStuck: logRefused}

// follow is true if news move the saga. A parked one is moved too: what it waited for has happened after all.
func (o *Orchestrator) follow(s *instance, n news, reason string) bool {
	state := s.state
	if state == Parked {
		state = s.resume
	}
	flow := s.def.flow
	forward, back := state == Running, state == Compensating
	switch end := len(flow.Steps); {
	case n.incident == stepDone && n.step == end:
		if !back {
			return false
		}
		s.becomes(Compensated)
	case n.incident == stepDone:
		// A request to turn back that lost against the decider: the saga goes on.
		forward = forward && n.step >= s.step || back && flow.decides() && n.step >= flow.decider()
		if !forward {
			return false
		}
		s.reason = ""
		if n.step == end-1 {
			s.becomes(Completed)
			return true
		}
		s.becomes(Running)
		o.await(s, n.step+1)
	case n.incident == stepFailed || n.incident == stepUndone:
		if !forward && (!back || n.step-1 >= s.step) {
			return false
		}
		if forward || s.reason == "" {
			s.reason = reason
		}
		s.becomes(Compensating)
		if n.step == 0 && flow.OnFailure == nil {
			s.step, s.state = -1, Compensated
			return true
		}
		o.await(s, n.step-1)
	case n.incident == stepStuck:
		return o.stuck(s, n, reason)
	}
	return true
}

// becomes leaves a state, also a parked one.
func (s *instance) becomes(to State) { s.state, s.resume, s.parkedReason = to, "", "" }

// await makes step the current one without sending anything: who does it reacts to the event that was observed.
func (o *Orchestrator) await(s *instance, step int) {
	s.step, s.attempt, s.tries = step, 1, 1
	if s.wait = s.now().timeout; s.wait == 0 {
		s.wait = o.opts.StepTimeout
	}
}

// stuck takes that the current step was refused although it has to succeed.
func (o *Orchestrator) stuck(s *instance, n news, reason string) bool {
	at := n.step
	if at == len(s.def.flow.Steps) {
		at = -1
	}
	if s.state == Parked || s.step != at || s.ended() {
		return false
	}
	if a := s.now(); a.op == opCompensate && s.tries < o.opts.MaxResends {
		s.wait = o.backoff(s.tries)
	} else {
		o.park(s, fmt.Sprintf("%s of step %q was refused: %s", a.op, a.step, reason))
	}
	return true
}
