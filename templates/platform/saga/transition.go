package saga

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// The methods of this file decide what a saga does next. They change the instance only; save makes it so.

// replied takes the reply to the current command.
func (o *Orchestrator) replied(ctx context.Context, s *instance, outcome string, data []byte) {
	if outcome == outcomeDone {
		if data == nil {
			data = []byte{}
		}
		s.note(logDone, "", data)
		if a := s.now(); a.op != opCompensate {
			s.replies[a.step] = data
		}
		o.advance(ctx, s)
		return
	}
	why := refusal(data)
	s.note(logRefused, why, data)
	switch a := s.now(); {
	case a.op == opInvoke:
		o.compensate(ctx, s, s.step-1, why)
	case a.op == opCompensate && s.tries < o.opts.MaxResends:
		s.wait = o.backoff(s.tries)
	default:
		o.park(s, fmt.Sprintf("%s of step %q was refused: %s", a.op, a.step, why))
	}
}

// advance goes on after the current command is done.
func (o *Orchestrator) advance(ctx context.Context, s *instance) {
	switch {
	case s.state == Compensating && s.step < 0:
		s.state = Compensated
	case s.state == Compensating:
		o.undo(ctx, s, s.step-1)
	case s.step == len(s.def.Steps)-1:
		s.state = Completed
	case s.expired && s.def.Steps[s.step+1].Kind != Retriable:
		o.compensate(ctx, s, s.step, reasonTimeout)
	default:
		o.enter(ctx, s, s.step+1)
	}
}

// enter makes step the current one and sends its command.
func (o *Orchestrator) enter(ctx context.Context, s *instance, step int) {
	s.step, s.attempt, s.tries = step, 0, 0
	o.send(ctx, s)
}

const reasonTimeout = "saga timed out"

// compensate turns the saga back, from step on downwards.
func (o *Orchestrator) compensate(ctx context.Context, s *instance, from int, reason string) {
	s.state, s.reason = Compensating, reason
	o.undo(ctx, s, from)
}

// undo compensates the next step that has a compensation, then sends OnFailure.
func (o *Orchestrator) undo(ctx context.Context, s *instance, from int) {
	for from >= 0 && s.def.Steps[from].Compensate == nil {
		from--
	}
	if from < 0 && s.def.OnFailure == nil {
		s.step, s.state = -1, Compensated
		return
	}
	o.enter(ctx, s, from)
}

// undoFrom is where compensation begins when the current step fails: with it if a command was sent, as nobody knows whether it is
// done, else with the one before. Of a choreographed saga nobody knows which steps are done: it begins with the last that can be undone.
func (s *instance) undoFrom() int {
	if s.def.flow != nil {
		return s.def.flow.decider()
	}
	if s.attempt > 0 {
		return s.step
	}
	return s.step - 1
}

// turnsBack is true while the saga may be compensated: before the pivot is sent. From then on only a refusal of the pivot says that
// it was not done.
func (s *instance) turnsBack() bool {
	if s.state != Running {
		return false
	}
	if s.def.flow != nil {
		return s.step <= s.def.flow.decider() // which says itself whether it is too late
	}
	kind := s.def.Steps[s.step].Kind
	return kind == Compensatable || kind == Pivot && s.attempt == 0
}

// timedOut decides what follows when the current command was not answered in time, or could not be built.
func (o *Orchestrator) timedOut(ctx context.Context, s *instance) {
	a := s.now()
	if s.attempt > 0 {
		s.note(logTimeout, "", nil)
	}
	switch turnsBack := s.turnsBack(); {
	case turnsBack && s.expired:
		o.compensate(ctx, s, s.undoFrom(), reasonTimeout)
	case s.tries < o.limit(a.kind):
		o.send(ctx, s)
	case turnsBack:
		o.compensate(ctx, s, s.undoFrom(), fmt.Sprintf("step %q did not succeed in %d attempts", a.step, s.tries))
	case a.kind == Pivot && !s.expired:
		o.send(ctx, s)
	default:
		o.park(s, fmt.Sprintf("%s of step %q did not succeed in %d attempts", a.op, a.step, s.tries))
	}
}

func (o *Orchestrator) limit(kind Kind) int {
	if kind == Compensatable {
		return o.opts.MaxAttempts
	}
	return o.opts.MaxResends
}

// park stops the saga until an operator decides.
func (o *Orchestrator) park(s *instance, reason string) {
	s.note(logParked, reason, nil)
	s.resume, s.state, s.parkedReason = s.state, Parked, reason
}

// send sends the current command, once more if it was sent before.
func (o *Orchestrator) send(ctx context.Context, s *instance) {
	a := s.now()
	s.tries++
	msg, err := o.build(ctx, s, a)
	if err != nil {
		s.note(logBuildFailed, err.Error(), nil)
		st, final := business(err)
		switch {
		case final && s.turnsBack():
			o.compensate(ctx, s, s.undoFrom(), st.Message())
		case final:
			o.park(s, fmt.Sprintf("%s of step %q cannot be built: %v", a.op, a.step, err))
		default:
			o.log.WarnContext(ctx, "command cannot be built, trying again later",
				"saga", s.name, "id", s.id, "step", a.step, "op", a.op, "error", err)
			s.wait = o.backoff(s.tries)
		}
		return
	}
	s.attempt++
	envelope{saga: s.id, step: a.step, op: a.op, attempt: s.attempt}.seal(&msg)
	if s.def.flow != nil {
		mark(&msg, s.definition, s.deadline.UTC().Format(time.RFC3339Nano), s.reason)
	} else {
		msg.Extensions[extReplyTo] = s.def.ReplyTopic
	}
	s.note(logCommand, "", nil)
	s.out = append(s.out, msg)
	s.wait = a.timeout
	if s.wait == 0 {
		s.wait = o.opts.StepTimeout
	}
	if a.kind != Compensatable {
		s.wait += o.backoff(s.tries - 1) // there is no hurry any more, and the participant may be down
	}
}

// build makes the message of a command. Its key is the saga's: commands of one saga to one topic stay in order.
func (o *Orchestrator) build(ctx context.Context, s *instance, a action) (msg event.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("build panicked: %v\n%s", p, debug.Stack())
		}
	}()
	var data proto.Message
	if data, err = a.cmd.Build(ctx, s.run()); err != nil {
		return msg, err
	}
	return event.New(ctx, o.source, a.cmd.Type, a.cmd.Topic, s.key, data)
}

// backoff is the pause after attempt n: BackoffMin·2ⁿ⁻¹ up to BackoffMax, the half of it at random.
func (o *Orchestrator) backoff(n int) time.Duration {
	if n < 1 {
		return 0
	}
	d := o.opts.BackoffMax
	if n < 20 { // beyond, the shift would overflow long after it passed any limit
		d = min(d, o.opts.BackoffMin<<(n-1))
	}
	return d/2 + rand.N(d/2+1)
}

// refusal is what a participant gave as the reason of its refusal.
func refusal(data []byte) string {
	st, err := unmarshalStatus(data)
	if err != nil {
		return "refused"
	}
	if st.GetMessage() == "" {
		return status.FromProto(st).Code().String()
	}
	return st.GetMessage()
}
