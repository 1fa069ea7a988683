package saga

import (
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Every command of a saga and every reply says who started it: also a resend by a timer, what follows a reply that names another, and the
// way back.
func TestCauseIsWhoStartedTheSaga(t *testing.T) {
	w := newWorld(t)
	ann := event.Cause{Type: event.AppUser, ID: "ann", Scopes: []string{"orders.write"}}
	err := postgres.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
		return w.o.Start(event.WithCause(t.Context(), ann), tx, "order", "k", wrapperspb.String("data"))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.fail["confirm.do"] = refuse
	seen := map[string]int{}
	check := func(msg event.Message) bool {
		seen[msg.Type]++
		if got := msg.Cause(); !reflect.DeepEqual(got, ann) {
			t.Errorf("%s %s is caused by %+v, want %+v", msg.Type, msg.ID, got, ann)
		}
		return false
	}
	w.pump(func(m event.Message) bool { return check(m) || isCommand("authorize.do")(m) })
	w.boot() // the cause is not only in memory
	w.elapse()
	forged := w.pump(func(m event.Message) bool { return check(m) || isReplyTo("authorize", opInvoke)(m) })
	if len(forged) != 1 {
		t.Fatalf("%d replies, want one", len(forged))
	}
	forged[0].Extensions["authid"] = "eve"
	w.deliver(forged...)
	w.pump(check)
	w.state(Compensated)
	for typ, n := range map[string]int{"reserve.do": 1, "authorize.do": 2, "confirm.do": 1, "authorize.undo": 1, "reserve.undo": 1, "reject.do": 1, ReplyType: 6} {
		if seen[typ] != n {
			t.Errorf("%d messages of type %s, want %d", seen[typ], typ, n)
		}
	}
}
