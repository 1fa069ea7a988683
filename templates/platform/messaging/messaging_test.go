package messaging_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/messaging"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, pgtest.Set{Name: "inbox", FS: inbox.Migrations}, pgtest.Set{Name: "outbox", FS: outbox.Migrations},
		pgtest.Set{Name: "saga", FS: saga.Migrations})
}

func message(t *testing.T, m proto.Message) event.Message {
	t.Helper()
	msg, err := event.New(t.Context(), "/garden", "Planted", "garden.events", "k", m)
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

// garbled is no protobuf: a field that ends before its length.
var garbled = []byte{0x0a, 0x7f}

func TestEvent(t *testing.T) {
	pool := database(t)
	var got []string
	in := inbox.New(pool, "test", inbox.Options{})
	const retries = 2
	in.Handle("Planted", retries, messaging.Event(func(_ context.Context, _ pgx.Tx, b *testpb.Branch) error {
		got = append(got, b.GetName())
		return nil
	}))
	undecodable := message(t, &testpb.Branch{})
	undecodable.Data = garbled
	err := in.Process(t.Context(), []event.Message{
		undecodable,
		message(t, &testpb.Branch{}), // its name is required
		message(t, &testpb.Branch{Name: "oak"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 || got[len(got)-1] != "oak" || strings.Trim(strings.Join(got, ""), "oak") != "" {
		t.Errorf("handled %q, want oak alone", got)
	}
	rows, err := pool.Query(t.Context(), "SELECT attempts, error FROM dead_letters ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	type letter struct {
		Attempts int
		Error    string
	}
	letters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[letter])
	if err != nil || len(letters) != 2 {
		t.Fatalf("parked %+v, %v; want two", letters, err)
	}
	for i, want := range []string{"cannot be decoded", "name: value is required"} {
		if l := letters[i]; l.Attempts != 1 || !strings.Contains(l.Error, want) || !strings.Contains(l.Error, "Planted") {
			t.Errorf("parked after %d attempts with %q, want one and %q", l.Attempts, l.Error, want)
		}
	}
}

func TestEventKeepsTheHandlersError(t *testing.T) {
	want := errors.New("not today")
	handle := messaging.Event(func(context.Context, pgx.Tx, *testpb.Branch) error { return want })
	if err := handle(t.Context(), nil, message(t, &testpb.Branch{Name: "oak"})); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestCommand(t *testing.T) {
	pool := database(t)
	bark := errors.New("the chainsaw is broken")
	handle := messaging.Command("/garden", func(_ context.Context, _ pgx.Tx, b *testpb.Branch) (*testpb.Leaf, error) {
		if b.GetName() == "oak" {
			return nil, bark
		}
		return &testpb.Leaf{Colour: b.GetName()}, nil
	})
	ask := func(data []byte) (outcome string, payload []byte, err error) {
		msg := message(t, &testpb.Branch{})
		msg.Data = data
		msg.Extensions = map[string]string{
			"sagaid": uuid.NewString(), "sagastep": "cut", "sagaop": "invoke", "sagaattempt": "1", "sagareplyto": "garden.replies",
		}
		err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			if err := handle(t.Context(), tx, msg); err != nil {
				return err
			}
			var headers string
			if err := tx.QueryRow(t.Context(), "DELETE FROM outbox RETURNING headers, payload").Scan(&headers, &payload); err != nil {
				return err
			}
			for _, o := range []string{"done", "refused"} {
				if strings.Contains(headers, o) {
					outcome = o
				}
			}
			return nil
		})
		return outcome, payload, err
	}
	wire := func(name string) []byte {
		data, err := proto.Marshal(&testpb.Branch{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}

	outcome, payload, err := ask(wire("elm"))
	leaf := &testpb.Leaf{}
	if err != nil || outcome != "done" || proto.Unmarshal(payload, leaf) != nil || leaf.GetColour() != "elm" {
		t.Errorf("answered %s %v, %v; want done, elm", outcome, leaf, err)
	}
	for name, data := range map[string][]byte{"undecodable": garbled, "invalid": wire("")} {
		outcome, payload, err := ask(data)
		st := &spb.Status{}
		if err != nil || outcome != "refused" || proto.Unmarshal(payload, st) != nil || codes.Code(st.GetCode()) != codes.InvalidArgument {
			t.Errorf("%s: answered %s %v, %v; want refused, InvalidArgument", name, outcome, st, err)
		}
	}
	if _, _, err := ask(wire("oak")); !errors.Is(err, bark) {
		t.Errorf("a failure of the handler: got %v, want %v, for the inbox to retry", err, bark)
	}
}

func TestReaction(t *testing.T) {
	const broken, technical = "broken", "technical"
	handled := 0
	do := messaging.Reaction(func(_ context.Context, run *saga.Run) (*testpb.Branch, error) {
		switch run.Key {
		case broken:
			return &testpb.Branch{}, nil // its name is required
		case technical:
			return nil, errors.New("nobody is there")
		}
		return &testpb.Branch{Name: run.Key}, nil
	}, func(_ context.Context, _ pgx.Tx, b *testpb.Branch) (*testpb.Leaf, error) {
		handled++
		return &testpb.Leaf{Colour: b.GetName()}, nil
	})
	res, err := do(t.Context(), nil, &saga.Run{Key: "oak"})
	if leaf, ok := res.(*testpb.Leaf); err != nil || !ok || leaf.GetColour() != "oak" {
		t.Errorf("got %v, %v", res, err)
	}
	if _, err := do(t.Context(), nil, &saga.Run{Key: broken}); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "Branch") {
		t.Errorf("what breaks the contract gives %v, want InvalidArgument, which is a refusal", err)
	}
	if _, err := do(t.Context(), nil, &saga.Run{Key: technical}); err == nil || status.Code(err) != codes.Unknown {
		t.Errorf("a failure to build gives %v", err)
	}
	if handled != 1 {
		t.Errorf("handled %d, want 1", handled)
	}
}
