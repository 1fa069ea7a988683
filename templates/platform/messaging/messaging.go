// Package messaging turns typed functions into inbox handlers: it decodes and validates what a message carries, so that a handler
// only ever sees a message that keeps the contract.
package messaging

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

// Event is a handler of a domain event. Data that is not an E, or an invalid one, parks the message: no retry would mend it.
func Event[E proto.Message](handle func(ctx context.Context, tx pgx.Tx, e E) error) inbox.Handler {
	return func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		e, err := decode[E](msg)
		if status.Code(err) == codes.InvalidArgument {
			return inbox.Permanent(err)
		}
		if err != nil {
			return err
		}
		return handle(ctx, tx, e)
	}
}

// Command is a handler of a saga's command; source is the CloudEvents source of the reply. A command that breaks the contract is
// refused, on which the saga compensates, or asks again where there is no way back.
func Command[Req, Res proto.Message](source string, handle func(ctx context.Context, tx pgx.Tx, req Req) (Res, error)) inbox.Handler {
	return saga.Participate(source, func(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
		req, err := decode[Req](msg)
		if err != nil {
			return nil, err
		}
		return handle(ctx, tx, req)
	})
}

// Reaction is a step of a choreographed saga, or its compensation: what the command of an orchestrated one would be is built where it is
// carried out, from what the saga was started with. One that breaks the contract is refused.
func Reaction[Req, Res proto.Message](
	build func(ctx context.Context, run *saga.Run) (Req, error), handle func(ctx context.Context, tx pgx.Tx, req Req) (Res, error),
) saga.Act {
	return func(ctx context.Context, tx pgx.Tx, run *saga.Run) (proto.Message, error) {
		req, err := build(ctx, run)
		if err != nil {
			return nil, err
		}
		if err := rpc.Validate(req); err != nil {
			return nil, fmt.Errorf("%s: %w", req.ProtoReflect().Descriptor().FullName(), err)
		}
		return handle(ctx, tx, req)
	}
}

// decode fails with INVALID_ARGUMENT when the message is at fault; any other error is the contract's.
func decode[M proto.Message](msg event.Message) (M, error) {
	var zero M
	m := zero.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(msg.Data, m); err != nil {
		return zero, status.Errorf(codes.InvalidArgument, "%s cannot be decoded: %v", msg.Type, err)
	}
	if err := rpc.Validate(m); err != nil {
		return zero, fmt.Errorf("%s: %w", msg.Type, err)
	}
	return m, nil
}
