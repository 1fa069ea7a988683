package kafka_test

import (
	"context"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func newOutbox(t testing.TB) *pgxpool.Pool {
	t.Helper()
	dir, err := fs.Sub(outbox.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.New(t, pgtest.Set{Name: "outbox", FS: dir})
}

func appendAll(t testing.TB, pool *pgxpool.Pool, msgs ...event.Message) {
	t.Helper()
	if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		return outbox.Append(t.Context(), tx, msgs...)
	}); err != nil {
		t.Fatal(err)
	}
}

func relay(t testing.TB, pool *pgxpool.Pool, p outbox.Publisher, opts outbox.Options) *outbox.Relay {
	t.Helper()
	r := outbox.NewRelay(pool, p, opts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("relay: %v", err)
		}
	})
	return r
}

func waitEmpty(t testing.TB, pool *pgxpool.Pool, left int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d rows are left in the outbox", left), func() bool {
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM outbox").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == left
	})
}

func TestOutboxToConsumerIsOneTrace(t *testing.T) {
	cfg := cluster(t)
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	topic, pool, in := newTopic(t, cfg), newOutbox(t), &inbox{}
	ctx, span := provider.Tracer("test").Start(t.Context(), "request")
	m := message(topic, "k", 0)
	m.Inject(ctx)
	appendAll(t, pool, m)
	span.End()
	relay(t, pool, newPublisher(t, cfg), outbox.Options{})
	consume(t, cfg, newGroup(t, cfg), topic, kafka.ConsumerOptions{}, in.process)
	eventually(t, "it arrives", func() bool { return len(in.all()) == 1 })

	var publish tracetest.SpanStub
	eventually(t, "the publish span ends", func() bool { // when the broker has answered, which may be after the message has arrived
		for _, s := range spans.GetSpans() {
			if s.SpanKind == trace.SpanKindProducer {
				publish = s
			}
		}
		return publish.SpanKind == trace.SpanKindProducer
	})
	if publish.Parent.SpanID() != span.SpanContext().SpanID() || publish.SpanContext.TraceID() != span.SpanContext().TraceID() {
		t.Errorf("publish span %+v is no child of the request's", publish)
	}
	got := trace.SpanContextFromContext(in.all()[0].Context(t.Context()))
	if got.SpanID() != publish.SpanContext.SpanID() || got.TraceID() != span.SpanContext().TraceID() {
		t.Errorf("the consumer continues %v, want the publish span", got)
	}
}

// The broker accepts less than the publisher believes, and refuses whole batches for the sake of one message. That one
// is parked in the end; the others arrive, each key in order.
func TestMessageRefusedByTheBrokerIsParkedAndOthersArrive(t *testing.T) {
	cfg := cluster(t)
	cfg.Partitions = 1
	topic, pool, in := topicName(t, cfg), newOutbox(t), &inbox{}
	// The topic has its limit from the start: of an altered one the broker hears a moment later, and could take the message meanwhile.
	if _, err := adminClient(t, cfg).CreateTopic(t.Context(), cfg.Partitions, cfg.Replication, map[string]*string{"max.message.bytes": kadm.StringPtr("4000")}, topic); err != nil {
		t.Fatal(err)
	}
	cfg.MaxMessageBytes = 20_000
	const keys, each = 10, 5
	var msgs []event.Message
	for i := range each {
		for k := range keys {
			m := message(topic, fmt.Sprintf("k%d", k), i)
			m.ID = fmt.Sprintf("%s-%d", m.ID, time.Now().UnixNano())
			msgs = append(msgs, m)
		}
	}
	poison := message(topic, "poison", 0)
	poison.Data = incompressible(8000)
	msgs = append(msgs[:30], append([]event.Message{poison}, msgs[30:]...)...)
	appendAll(t, pool, msgs...)
	// The window is small, for here every full batch is refused.
	relay(t, pool, newPublisher(t, cfg), outbox.Options{Window: 4, MaxAttempts: 8, BackoffMin: 5 * time.Millisecond, BackoffMax: 100 * time.Millisecond})
	var parked []outbox.Parked
	eventually(t, "a message is parked", func() bool {
		var err error
		if parked, err = outbox.ListParked(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		return len(parked) > 0
	})
	if len(parked) != 1 || parked[0].Key != "poison" {
		t.Fatalf("parked %+v", parked)
	}
	waitEmpty(t, pool, 1)
	consume(t, cfg, newGroup(t, cfg), topic, kafka.ConsumerOptions{}, in.process)
	eventually(t, "the others arrive", func() bool { return in.unique() == keys*each })
	if m := in.outOfOrder(); m != "" {
		t.Errorf("out of order: %s", m)
	}
}

func incompressible(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
