// Package messaging turns typed functions into inbox handlers: it decodes and validates what a message carries, so that a handler
// only ever sees a message that keeps the contract.
package messaging

import (
	"context"
	"fmt"
	"reflect"

	"buf.build/go/protovalidate"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

// Event is a handler of a domain event. Data that is not an E, or an invalid one, parks the message: no retry would mend it.
func Event[E proto.Message](handle func(ctx context.Context, tx pgx.Tx, e E) error) inbox.Handler {
	return func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		e, err := decode[E](msg)
		if err != nil {
			return inbox.Permanent(err)
		}
		return handle(ctx, tx, e)
	}
}

// Command is a handler of a saga's command; source is the CloudEvents source of the reply. A command that breaks the contract is
// refused, which makes the saga compensate.
func Command[Req, Res proto.Message](source string, handle func(ctx context.Context, tx pgx.Tx, req Req) (Res, error)) inbox.Handler {
	return saga.Participate(source, func(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
		req, err := decode[Req](msg)
		if err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		return handle(ctx, tx, req)
	})
}

func decode[M proto.Message](msg event.Message) (M, error) {
	var zero M
	m := reflect.New(reflect.TypeOf(zero).Elem()).Interface().(M)
	if err := proto.Unmarshal(msg.Data, m); err != nil {
		return zero, fmt.Errorf("decode %s: %w", msg.Type, err)
	}
	if err := protovalidate.Validate(m); err != nil {
		return zero, fmt.Errorf("validate %s: %w", msg.Type, err)
	}
	return m, nil
}
