package saga

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func command(saga uuid.UUID, op string, attempt int) event.Message {
	msg := event.Message{Topic: "commands", Type: op, Source: "/home", Key: "k", Extensions: map[string]string{extReplyTo: "replies"}}
	envelope{saga: saga, step: "step", op: op, attempt: attempt}.seal(&msg)
	return msg
}

// ask carries out a command as an inbox does and returns its reply.
func ask(
	t *testing.T, pool *pgxpool.Pool, msg event.Message, fn func(context.Context, pgx.Tx, event.Message) (proto.Message, error),
) (event.Message, error) {
	t.Helper()
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return Participate("/away", fn)(t.Context(), tx, msg) })
	replies, drainErr := drain(t.Context(), pool)
	if drainErr != nil {
		t.Fatal(drainErr)
	}
	if err != nil {
		if len(replies) > 0 {
			t.Error("a failure was answered")
		}
		return event.Message{}, err
	}
	if len(replies) != 1 {
		t.Fatalf("%d replies", len(replies))
	}
	return replies[0], nil
}

func TestReply(t *testing.T) {
	pool := database(t)
	id := uuid.New()
	runs := 0
	count := func(context.Context, pgx.Tx, event.Message) (proto.Message, error) {
		runs++
		return wrapperspb.String(fmt.Sprint("run ", runs)), nil
	}
	for attempt := 1; attempt <= 2; attempt++ {
		r, err := ask(t, pool, command(id, opInvoke, attempt), count)
		if err != nil {
			t.Fatal(err)
		}
		var got wrapperspb.StringValue
		if err := proto.Unmarshal(r.Data, &got); err != nil || got.Value != "run 1" {
			t.Errorf("attempt %d is answered with %q, %v; want what the first was", attempt, got.Value, err)
		}
		want := fmt.Sprintf("%s/step/invoke/%d/reply", id, attempt)
		if r.ID != want || r.Topic != "replies" || r.Key != "k" || r.Type != ReplyType || r.Source != "/away" ||
			r.Extensions[extOutcome] != outcomeDone {
			t.Errorf("reply is %+v", r)
		}
	}
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
	r, err := ask(t, pool, command(id, opCompensate, 1), func(context.Context, pgx.Tx, event.Message) (proto.Message, error) {
		return nil, nil // a reply may be empty
	})
	if err != nil || r.Extensions[extOutcome] != outcomeDone || len(r.Data) != 0 {
		t.Errorf("reply to the compensation: %+v, %v", r, err)
	}
}

func TestRefusals(t *testing.T) {
	pool := database(t)
	for _, code := range []codes.Code{
		codes.FailedPrecondition, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.OutOfRange, codes.PermissionDenied,
		codes.Unimplemented,
	} {
		id := uuid.New()
		r, err := ask(t, pool, command(id, opInvoke, 1), func(ctx context.Context, tx pgx.Tx, _ event.Message) (proto.Message, error) {
			if _, err := tx.Exec(ctx, `INSERT INTO effect (what) VALUES ('refused')`); err != nil {
				return nil, err
			}
			if _, err := tx.Exec(ctx, `SELECT 1/0`); err == nil { // even a broken transaction is answered from
				t.Error("no error")
			}
			return nil, fmt.Errorf("wrapped: %w", status.Error(code, "no"))
		})
		if err != nil || r.Extensions[extOutcome] != outcomeRefused {
			t.Errorf("%s: %+v, %v", code, r, err)
		}
		if st, err := unmarshalStatus(r.Data); err != nil || codes.Code(st.GetCode()) != code {
			t.Errorf("%s: status %v, %v", code, st, err)
		}
		never := func(context.Context, pgx.Tx, event.Message) (proto.Message, error) {
			t.Error("a refused action was run again, or undone")
			return nil, nil
		}
		if r, err = ask(t, pool, command(id, opInvoke, 2), never); err != nil || r.Extensions[extOutcome] != outcomeRefused {
			t.Errorf("%s again: %+v, %v", code, r, err)
		}
		if r, err = ask(t, pool, command(id, opCompensate, 1), never); err != nil || r.Extensions[extOutcome] != outcomeDone {
			t.Errorf("compensation of %s: %+v, %v", code, r, err)
		}
	}
	equal(t, "effects", query(t, pool, `SELECT what FROM effect`))
}

// What cannot be turned back on is asked again after a refusal, and may succeed then.
func TestRefusalThatIsNotFinal(t *testing.T) {
	pool := database(t)
	for _, op := range []string{opComplete, opCompensate} {
		id := uuid.New()
		fail := times(1, refuse())
		fn := func(context.Context, pgx.Tx, event.Message) (proto.Message, error) { return nil, fail() }
		if op == opCompensate {
			if _, err := ask(t, pool, command(id, opInvoke, 1), func(context.Context, pgx.Tx, event.Message) (proto.Message, error) {
				return nil, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		for attempt, want := range []string{outcomeRefused, outcomeDone, outcomeDone} {
			r, err := ask(t, pool, command(id, op, attempt+1), fn)
			if err != nil || r.Extensions[extOutcome] != want {
				t.Errorf("%s, attempt %d: %+v, %v; want %s", op, attempt+1, r, err, want)
			}
		}
	}
}

func TestFailuresAreNotAnswered(t *testing.T) {
	pool := database(t)
	id := uuid.New()
	cause := errors.New("cause")
	for _, err := range []error{
		cause, status.Error(codes.Unavailable, ""), status.Error(codes.Internal, ""), status.Error(codes.Aborted, ""), context.Canceled,
	} {
		_, got := ask(t, pool, command(id, opInvoke, 1), func(context.Context, pgx.Tx, event.Message) (proto.Message, error) { return nil, err })
		if !errors.Is(got, err) {
			t.Errorf("got %v, want %v", got, err)
		}
	}
	equal(t, "barrier", query(t, pool, `SELECT step FROM saga_participant`))
}

func TestCommandWithoutEnvelope(t *testing.T) {
	pool := database(t)
	in := inbox.New(pool, "g", inbox.Options{Logger: quiet})
	in.Handle("t", 5, Participate("/away", func(context.Context, pgx.Tx, event.Message) (proto.Message, error) {
		t.Error("it was run")
		return nil, nil
	}))
	noReply := command(uuid.New(), opInvoke, 1)
	noReply.Type = "t"
	delete(noReply.Extensions, extReplyTo)
	if err := in.Process(t.Context(), []event.Message{{ID: "1", Type: "t"}, noReply}); err != nil {
		t.Fatal(err)
	}
	equal(t, "attempts of the parked", query(t, pool, `SELECT attempts::text FROM dead_letters`), "1", "1")
}

// An action and its compensation that arrive at the same time at two consumers: done and undone, or neither.
func TestActionAndCompensationAtOnce(t *testing.T) {
	pool := database(t)
	for range 40 {
		id := uuid.New()
		var wg sync.WaitGroup
		for _, op := range []string{opInvoke, opCompensate} {
			for attempt := 1; attempt <= 2; attempt++ {
				wg.Go(func() {
					err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
						return Participate("/away", func(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
							_, err := tx.Exec(ctx, `INSERT INTO effect (key, what) VALUES ($1, $2)`, msg.Extensions[extID], msg.Type)
							return nil, err
						})(t.Context(), tx, command(id, op, attempt))
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
	}
	equal(t, "half done", query(t, pool, `
		SELECT string_agg(what, ',' ORDER BY id) FROM effect GROUP BY key HAVING string_agg(what, ',' ORDER BY id) <> 'invoke,compensate'`))
	if n := len(query(t, pool, `SELECT event_id FROM outbox`)); n != 160 {
		t.Errorf("%d replies to 160 commands", n)
	}
}
