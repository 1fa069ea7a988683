package saga

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

// Participate makes fn, which carries out a command, a participant in sagas: an inbox handler that answers every command. source is
// the CloudEvents source of the replies.
//
// What fn returns is the reply. An error with one of the codes FailedPrecondition, InvalidArgument, NotFound, AlreadyExists,
// OutOfRange, PermissionDenied or Unimplemented is a decision of the business: fn's changes are undone and the command is answered
// as refused. Any other error is a failure that the inbox retries.
//
// Table saga_participant is a barrier against what a network does to the order of things (as in dtm, "subtransaction barrier"): a
// repeat is answered with the stored reply; a compensation that comes before its action changes nothing and bars the action; an
// action that comes after its compensation is refused. The compensation of an action that was refused changes nothing either.
func Participate(source string, fn func(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error)) inbox.Handler {
	return func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		cmd, err := open(msg)
		if err != nil {
			return inbox.Permanent(fmt.Errorf("saga command: %w", err))
		}
		replyTo := msg.Extensions[extReplyTo]
		if replyTo == "" {
			return inbox.Permanent(errors.New("saga command: extension " + extReplyTo + " is empty"))
		}
		ans, err := answerTo(ctx, tx, cmd, func() (answer, error) { return carryOut(ctx, tx, msg, fn) })
		if err != nil {
			return err
		}
		reply, err := event.New(ctx, source, ReplyType, replyTo, msg.Key, &emptypb.Empty{})
		if err != nil {
			return fmt.Errorf("saga reply: %w", err)
		}
		cmd.seal(&reply)
		reply.ID += "/reply"
		reply.Data = ans.data
		reply.Extensions[extOutcome] = ans.outcome
		if err := outbox.Append(ctx, tx, reply); err != nil {
			return fmt.Errorf("saga reply: %w", err)
		}
		return nil
	}
}

// answer is what a command is answered with.
type answer struct {
	outcome string
	data    []byte
	known   bool // given before
	barred  bool // compensated before it was invoked
}

// answerTo passes a command through the barrier: do is called unless the answer is known already.
func answerTo(ctx context.Context, tx pgx.Tx, cmd envelope, do func() (answer, error)) (answer, error) {
	first, err := enterBarrier(ctx, tx, cmd, cmd.op, "")
	if err != nil {
		return answer{}, err
	}
	if !first {
		ans, err := stored(ctx, tx, cmd, cmd.op)
		ans.known = true
		return ans, err
	}
	if cmd.op == opCompensate {
		// Taking the action's place keeps the action out. If it is taken, the action was here.
		neverRan, err := enterBarrier(ctx, tx, cmd, opInvoke, outcomeBarred)
		if err != nil {
			return answer{}, err
		}
		if !neverRan {
			action, err := stored(ctx, tx, cmd, opInvoke)
			if err != nil {
				return answer{}, err
			}
			neverRan = action.outcome != outcomeDone
		}
		if neverRan {
			ans := answer{outcome: outcomeDone, data: []byte{}}
			return ans, keep(ctx, tx, cmd, ans)
		}
	}
	ans, err := do()
	if err != nil {
		return answer{}, err
	}
	if ans.outcome == outcomeRefused && cmd.op != opInvoke {
		// The saga will ask again, and be answered anew.
		_, err := tx.Exec(ctx, `DELETE FROM saga_participant WHERE saga_id = $1 AND step = $2 AND op = $3`, cmd.saga, cmd.step, cmd.op)
		if err != nil {
			return answer{}, fmt.Errorf("saga barrier: %w", err)
		}
		return ans, nil
	}
	return ans, keep(ctx, tx, cmd, ans)
}

// enterBarrier is true for the first that enters. One that enters at the same time waits for the first one's transaction to end.
func enterBarrier(ctx context.Context, tx pgx.Tx, cmd envelope, op, outcome string) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO saga_participant (saga_id, step, op, outcome) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		cmd.saga, cmd.step, op, outcome)
	if err != nil {
		return false, fmt.Errorf("saga barrier: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func keep(ctx context.Context, tx pgx.Tx, cmd envelope, ans answer) error {
	_, err := tx.Exec(ctx, `UPDATE saga_participant SET outcome = $4, reply = $5 WHERE saga_id = $1 AND step = $2 AND op = $3`,
		cmd.saga, cmd.step, cmd.op, ans.outcome, ans.data)
	if err != nil {
		return fmt.Errorf("saga barrier: %w", err)
	}
	return nil
}

// stored is what a command was answered with before.
func stored(ctx context.Context, tx pgx.Tx, cmd envelope, op string) (answer, error) {
	var ans answer
	err := tx.QueryRow(ctx, `SELECT outcome, reply FROM saga_participant WHERE saga_id = $1 AND step = $2 AND op = $3`,
		cmd.saga, cmd.step, op).Scan(&ans.outcome, &ans.data)
	if err != nil {
		return answer{}, fmt.Errorf("saga barrier: %w", err)
	}
	if ans.outcome == outcomeBarred {
		ans, err = refused(status.New(codes.FailedPrecondition, "compensated before it was invoked"))
		ans.barred = true
	}
	return ans, err
}

// carryOut runs fn behind a savepoint, so that what a refusal leaves behind can be undone without losing the barrier.
func carryOut(
	ctx context.Context, tx pgx.Tx, msg event.Message, fn func(context.Context, pgx.Tx, event.Message) (proto.Message, error),
) (answer, error) {
	sp, err := tx.Begin(ctx)
	if err != nil {
		return answer{}, fmt.Errorf("saga savepoint: %w", err)
	}
	res, err := fn(ctx, sp, msg)
	if err != nil {
		st, ok := business(err)
		if !ok {
			return answer{}, err // the inbox rolls everything back
		}
		if err := sp.Rollback(ctx); err != nil {
			return answer{}, fmt.Errorf("saga savepoint: %w", err)
		}
		return refused(st)
	}
	if err := sp.Commit(ctx); err != nil {
		return answer{}, fmt.Errorf("saga savepoint: %w", err)
	}
	data := []byte{}
	if res != nil {
		if data, err = proto.Marshal(res); err != nil {
			return answer{}, fmt.Errorf("encode saga reply: %w", err)
		}
	}
	return answer{outcome: outcomeDone, data: data}, nil
}

func refused(st *status.Status) (answer, error) {
	data, err := proto.Marshal(st.Proto())
	if err != nil {
		return answer{}, fmt.Errorf("encode saga refusal: %w", err)
	}
	return answer{outcome: outcomeRefused, data: data}, nil
}
