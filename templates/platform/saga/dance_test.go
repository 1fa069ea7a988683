package saga

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// dance is a choreographed saga's starter and its services in one database, each with a consumer group of its own. Every group gets every
// event. Nothing moves but by a call.
type dance struct {
	*world
	groups []string
	of     map[string]*inbox.Inbox
	kinds  []Kind
}

// steps is the plan as service sees it: it does the step of its own name, and the starter does OnFailure.
func (d *dance) steps(service string) Choreography {
	do := func(step, what string) Act {
		if step != service {
			return nil
		}
		return func(ctx context.Context, tx pgx.Tx, run *Run) (proto.Message, error) {
			var data wrapperspb.StringValue
			if err := run.Data(&data); err != nil {
				return nil, err
			}
			return d.participate(ctx, tx, event.Message{Key: run.Key, Type: step + what, Data: mustMarshal(d.t, wrapperspb.String(data.Value+" "+run.Reason()))})
		}
	}
	c := Choreography{
		Name: "order", Version: 1, Timeout: time.Hour, Topic: "order", Type: "test.order", OnFailure: &Reaction{Do: do("starter", ".reject")},
	}
	for i, kind := range d.kinds {
		name := string(rune('a' + i))
		r := Reaction{Name: name, Event: strings.ToUpper(name), Kind: kind, Do: do(name, ".do"), Timeout: time.Hour}
		if kind == Compensatable {
			r.Undo = do(name, ".undo")
		}
		c.Steps = append(c.Steps, r)
	}
	return c
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newDance(t testing.TB, kinds ...Kind) *dance {
	t.Helper()
	d := &dance{kinds: kinds, of: map[string]*inbox.Inbox{}, world: &world{t: t, pool: database(t), fail: map[string]func() error{}}}
	d.world.defs = []Definition{d.steps("starter").Definition()}
	d.boot()
	d.groups = []string{"starter"}
	for i := range kinds {
		d.groups = append(d.groups, string(rune('a'+i)))
	}
	for _, group := range d.groups {
		in := inbox.New(d.pool, group, inbox.Options{Logger: quiet, BackoffMin: time.Millisecond, BackoffMax: 2 * time.Millisecond})
		d.steps(group).React(in, 1, "/"+group)
		if group == "starter" {
			d.o.Observe(in, 1)
		}
		d.of[group] = in
	}
	return d
}

// delivery is an event on its way to one service.
type delivery struct {
	to  string
	msg event.Message
}

// run delivers until nothing is left, but for what hold is true for: this it returns. With chaos the order is any, and much comes twice.
func (d *dance) run(chaos bool, hold func(delivery) bool) (held []delivery) {
	d.t.Helper()
	var queue []delivery
	for {
		d.collect()
		for _, msg := range d.queue {
			for _, to := range d.groups {
				queue = append(queue, delivery{to, msg})
				if chaos && rand.IntN(3) == 0 {
					again := msg
					if rand.IntN(2) == 0 {
						again.ID += "/again" // what the inbox does not know for a repeat
					}
					queue = append(queue, delivery{to, again})
				}
			}
		}
		d.queue = nil
		if len(queue) == 0 {
			return held
		}
		at := 0
		if chaos {
			at = rand.IntN(len(queue))
		}
		next := queue[at]
		queue = append(queue[:at:at], queue[at+1:]...)
		if hold != nil && hold(next) {
			held = append(held, next)
			continue
		}
		d.hand(next)
	}
}

func (d *dance) hand(list ...delivery) {
	d.t.Helper()
	for _, x := range list {
		if err := d.of[x.to].Process(d.t.Context(), []event.Message{x.msg}); err != nil {
			d.t.Fatal(err)
		}
	}
}

func to(group, suffix string) func(delivery) bool {
	return func(x delivery) bool { return x.to == group && strings.HasSuffix(x.msg.Type, suffix) }
}

// start begins the dance's saga.
func (d *dance) start(key string) {
	d.t.Helper()
	err := postgres.InTx(d.t.Context(), d.pool, func(tx pgx.Tx) error {
		return d.o.Start(d.t.Context(), tx, "order", key, wrapperspb.String("data"))
	})
	if err != nil {
		d.t.Fatal(err)
	}
}
