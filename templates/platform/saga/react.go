package saga

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

// The CloudEvents extensions that only events of choreographed sagas have.
const (
	extVersion = "sagaversion"
	extReason  = "sagareason" // why it turns back
	// extDeadline is when the saga's time is up, as RFC 3339 has it: a step that could still be refused is refused from then on.
	extDeadline = "sagadeadline"
)

// maxReason bounds the reason that travels, in bytes: brokers bound headers.
const maxReason = 1000

// mark writes into msg what is the same in all events of a saga.
func mark(msg *event.Message, version int, deadline, reason string) {
	msg.Extensions[extVersion] = strconv.Itoa(version)
	msg.Extensions[extDeadline] = deadline
	if reason != "" {
		msg.Extensions[extReason] = clean(reason[:min(len(reason), maxReason)])
	}
}

// React makes the steps that this service does reactions to the saga's events. source is the CloudEvents source of the events that follow,
// retries is how often an event is tried before it is kept as a dead letter.
//
// The barrier is that of Participate, and so are the errors that are decisions of the business. What happened is published in the
// transaction that does it, and once: again only if the starter asks again.
func (c Choreography) React(in *inbox.Inbox, retries int, source string) {
	r := &reactor{flow: c, words: c.vocabulary(), source: source}
	for typ, n := range r.words {
		if r.concerned(n) {
			in.Handle(typ, retries, r.handle)
		}
	}
}

// reactor is a service's part in a choreographed saga.
type reactor struct {
	flow   Choreography
	words  map[string]news
	source string
}

// act is what a step does here, nil if another service does it.
func (r *reactor) act(step int) Act {
	switch {
	case step >= 0 && step < len(r.flow.Steps):
		return r.flow.Steps[step].Do
	case step == len(r.flow.Steps) && r.flow.OnFailure != nil:
		return r.flow.OnFailure.Do
	}
	return nil
}

// concerned reports that news may make a step of this service be done or undone.
func (r *reactor) concerned(n news) bool {
	switch n.incident {
	case stepRequested, undoRequested:
		for step := 0; step <= len(r.flow.Steps); step++ {
			if r.act(step) != nil && (n.incident == stepRequested || step <= r.flow.decider()) {
				return true
			}
		}
		return false
	}
	next, _ := r.follows(n)
	return r.act(next) != nil
}

// follows is the step that reacts, and what it does; -1 if none does.
func (r *reactor) follows(n news) (step int, op string) {
	switch {
	case n.incident == started:
		return 0, r.forward(0)
	case n.incident == stepDone && n.step < len(r.flow.Steps)-1:
		return n.step + 1, r.forward(n.step + 1)
	case (n.incident == stepFailed || n.incident == stepUndone) && n.step == 0:
		return len(r.flow.Steps), opComplete
	case n.incident == stepFailed || n.incident == stepUndone:
		return n.step - 1, opCompensate
	}
	return -1, ""
}

// forward is how a step is done: so that it may be refused, up to the decider.
func (r *reactor) forward(step int) string {
	if step <= r.flow.decider() {
		return opInvoke
	}
	return opComplete
}

// handle is the inbox handler of all types that concern the service.
func (r *reactor) handle(ctx context.Context, tx pgx.Tx, msg event.Message) error {
	heard, err := open(msg)
	if err != nil {
		return inbox.Permanent(fmt.Errorf("saga event: %w", err))
	}
	if v := msg.Extensions[extVersion]; v != strconv.Itoa(r.flow.Version) {
		return fmt.Errorf("saga event: it is of version %q of %s, known here is %d", v, r.flow.Name, r.flow.Version)
	}
	n := r.words[msg.Type]
	cmd := envelope{saga: heard.saga, attempt: 1}
	asked := n.incident == stepRequested || n.incident == undoRequested
	step, op := r.follows(n)
	cmd.op = op
	if asked {
		cmd.attempt = heard.attempt
		if step = r.flow.stepNamed(heard.step); step < 0 {
			return inbox.Permanent(fmt.Errorf("saga event: %s has no step %q", r.flow.Name, heard.step))
		}
		cmd.op = r.forward(step)
		if n.incident == undoRequested {
			if cmd.op != opInvoke {
				return inbox.Permanent(fmt.Errorf("saga event: step %q of %s cannot be undone", heard.step, r.flow.Name))
			}
			cmd.op = opCompensate
		}
	}
	if r.act(step) == nil {
		return nil // another service is asked
	}
	cmd.step = onFailure
	if step < len(r.flow.Steps) {
		cmd.step = r.flow.Steps[step].Name
	}
	return r.perform(ctx, tx, msg, cmd, step, asked)
}

// perform does or undoes a step and publishes what came of it.
func (r *reactor) perform(ctx context.Context, tx pgx.Tx, msg event.Message, cmd envelope, step int, asked bool) error {
	act := r.act(step)
	if cmd.op == opCompensate {
		act = r.flow.Steps[step].Undo
		late, err := r.tooLate(ctx, tx, cmd, step)
		if err != nil {
			return err
		}
		if late { // the saga has gone on; the starter has not heard of it
			return r.publish(ctx, tx, msg, cmd, news{stepDone, step}, "")
		}
	}
	ans, err := answerTo(ctx, tx, cmd, func() (answer, error) {
		return carryOut(ctx, tx, msg, func(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
			if cmd.op == opInvoke {
				if err := inTime(ctx, tx, msg); err != nil {
					return nil, err
				}
			}
			if act == nil { // a step that changes nothing
				return nil, nil
			}
			return act(ctx, tx, &Run{ID: cmd.saga.String(), Key: msg.Key, id: cmd.saga, data: msg.Data, reason: msg.Extensions[extReason]})
		})
	})
	if err != nil || ans.barred || ans.known && !asked {
		return err
	}
	n, reason := news{stepDone, step}, msg.Extensions[extReason]
	switch {
	case ans.outcome == outcomeDone && cmd.op == opCompensate:
		n.incident = stepUndone
	case ans.outcome != outcomeDone && cmd.op == opInvoke:
		n.incident, reason = stepFailed, refusal(ans.data)
	case ans.outcome != outcomeDone:
		n.incident, reason = stepStuck, refusal(ans.data)
	}
	return r.publish(ctx, tx, msg, cmd, n, reason)
}

// inTime refuses a step of a saga whose time is up. It is for the barrier to say which was first where services turn back and go on at once:
// the clocks of two databases only say which triggers are not worth it.
func inTime(ctx context.Context, tx pgx.Tx, msg event.Message) error {
	deadline, err := time.Parse(time.RFC3339Nano, msg.Extensions[extDeadline])
	if err != nil {
		return inbox.Permanent(fmt.Errorf("saga event: extension %s: %w", extDeadline, err))
	}
	var late bool
	if err := tx.QueryRow(ctx, `SELECT clock_timestamp() >= $1`, deadline).Scan(&late); err != nil {
		return fmt.Errorf("saga event: read the database's clock: %w", err)
	}
	if late {
		return status.Error(codes.FailedPrecondition, reasonTimeout)
	}
	return nil
}

// tooLate reports that the decider is done and the saga can only go on. If it is not, it is barred from now on.
func (r *reactor) tooLate(ctx context.Context, tx pgx.Tx, cmd envelope, step int) (bool, error) {
	if step != r.flow.decider() || !r.flow.decides() {
		return false, nil
	}
	first, err := enterBarrier(ctx, tx, cmd, opInvoke, outcomeBarred)
	if err != nil || first {
		return false, err
	}
	action, err := stored(ctx, tx, cmd, opInvoke)
	return action.outcome == outcomeDone, err
}

// publish says what came of a step. It passes on what the saga was started with.
func (r *reactor) publish(ctx context.Context, tx pgx.Tx, cause event.Message, cmd envelope, n news, reason string) error {
	msg, err := event.New(ctx, r.source, r.flow.typeOf(n), r.flow.Topic, cause.Key, &emptypb.Empty{})
	if err != nil {
		return fmt.Errorf("saga event: %w", err)
	}
	cmd.seal(&msg)
	msg.ID += "/" + msg.Type
	msg.Data = cause.Data
	mark(&msg, r.flow.Version, cause.Extensions[extDeadline], reason)
	if err := outbox.Append(ctx, tx, msg); err != nil {
		return fmt.Errorf("saga event: %w", err)
	}
	return nil
}
