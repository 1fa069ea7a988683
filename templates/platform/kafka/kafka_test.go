package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

func TestEnvelopeGoesThereAndBack(t *testing.T) {
	cfg := cluster(t)
	topic, in := newTopic(t, cfg), &inbox{}
	want := message(topic, "o-1", 7)
	want.Extensions = map[string]string{"sagaid": "s", "traceparent": "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"}
	publish(t, newPublisher(t, cfg), want)
	consume(t, cfg, newGroup(t, cfg), topic, kafka.ConsumerOptions{}, in.process)
	eventually(t, "it arrives", func() bool { return len(in.all()) == 1 })

	got := in.all()[0]
	if got.ID != want.ID || got.Source != want.Source || got.Type != want.Type || got.Subject != want.Subject ||
		got.Topic != topic || got.Key != want.Key || !got.Time.Equal(want.Time) || string(got.Data) != "7" ||
		!maps.Equal(got.Extensions, want.Extensions) || got.Attempt != 1 {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWireFormat(t *testing.T) {
	cfg := cluster(t)
	topic := newTopic(t, cfg)
	m := message(topic, "o-1", 7)
	m.Extensions = map[string]string{"traceparent": "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-01"}
	publish(t, newPublisher(t, cfg), m)

	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	r := cl.PollFetches(t.Context()).Records()[0]
	got := map[string]string{}
	for _, h := range r.Headers {
		got[h.Key] = string(h.Value)
	}
	want := map[string]string{
		"ce_specversion": "1.0", "ce_id": m.ID, "ce_source": m.Source, "ce_type": m.Type, "ce_subject": "o-1",
		"ce_time": m.Time.Format(time.RFC3339Nano), "content-type": "application/protobuf",
		"ce_traceparent": m.Extensions["traceparent"], "traceparent": m.Extensions["traceparent"],
	}
	if !maps.Equal(got, want) {
		t.Errorf("headers = %v\nwant %v", got, want)
	}
	if string(r.Key) != "o-1" || string(r.Value) != "7" {
		t.Errorf("key %q, value %q", r.Key, r.Value)
	}
}

func TestPublishErrorsAreClassified(t *testing.T) {
	cfg := cluster(t)
	cfg.MaxMessageBytes = 10_000
	topic, p := newTopic(t, cfg), newPublisher(t, cfg)
	kind := func(err error) string {
		switch {
		case err == nil:
			return "published"
		case isKind(err, outbox.Permanent):
			return "permanent"
		case isKind(err, outbox.Unavailable):
			return "unavailable"
		}
		return "counted"
	}
	large := message(topic, "k", 1)
	large.Data = make([]byte, 10_001)
	if got := kind(publishErr(t.Context(), p, large)); got != "permanent" {
		t.Errorf("a message too large: %s", got)
	}
	fits := message(topic, "k", 1)
	fits.Data = make([]byte, 9_000)
	if got := kind(publishErr(t.Context(), p, fits)); got != "published" {
		t.Errorf("a message that just fits: %s", got)
	}
	if got := kind(publishErr(t.Context(), p, message("test-"+uuid.NewString(), "k", 1))); got != "counted" {
		t.Errorf("an unknown topic: %s", got)
	}
	if got := kind(publishErr(t.Context(), p, message("no such/topic", "k", 1))); got != "permanent" {
		t.Errorf("an impossible topic: %s", got)
	}
	nobody := newPublisher(t, kafka.Config{Brokers: []string{"127.0.0.1:1"}})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got := kind(publishErr(ctx, nobody, message(topic, "k", 1))); got != "unavailable" {
		t.Errorf("no broker: %s", got)
	}
}

// isKind tells whether err carries the same mark as mark gives.
func isKind(err error, mark func(error) error) bool {
	marks := mark(errors.New("")).(interface{ Unwrap() []error }).Unwrap()
	return errors.Is(err, marks[len(marks)-1])
}

func TestRecordsThatAreNoCloudEventsAreDeliveredAsMalformed(t *testing.T) {
	cfg := cluster(t)
	topic, in := newTopic(t, cfg), &inbox{}
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("junk")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	publish(t, newPublisher(t, cfg), message(topic, "k", 0))
	consume(t, cfg, newGroup(t, cfg), topic, kafka.ConsumerOptions{}, in.process)
	eventually(t, "both arrive", func() bool { return len(in.all()) == 2 })

	junk, next := in.all()[0], in.all()[1]
	if junk.Type != event.TypeMalformed || string(junk.Data) != "junk" ||
		junk.ID != fmt.Sprintf("%s/%d/%d", topic, junk.Partition, junk.Offset) || junk.Validate() != nil {
		t.Errorf("got %+v", junk)
	}
	if next.ID != "k/0" {
		t.Errorf("the one behind it is %+v", next)
	}
}

func TestFailedBatchIsProcessedAgainInOrderAndNotCommitted(t *testing.T) {
	cfg := cluster(t)
	topic, group := newTopic(t, cfg), newGroup(t, cfg)
	p := newPublisher(t, cfg)
	for i := range 30 {
		publish(t, p, message(topic, "k", i))
	}
	in := &inbox{}
	var failing atomic.Bool
	failing.Store(true)
	var attempts atomic.Int32
	stop := consume(t, cfg, group, topic, kafka.ConsumerOptions{BatchSize: 10, RetryMin: time.Millisecond},
		func(ctx context.Context, batch []event.Message) error {
			if failing.Load() && batch[0].Offset >= 10 {
				attempts.Store(int32(batch[0].Attempt))
				return errors.New("not now")
			}
			return in.process(ctx, batch)
		})
	eventually(t, "the second batch has failed some times", func() bool { return attempts.Load() >= 3 })
	stop()
	if n := committed(t, cfg, group); n != 10 {
		t.Errorf("%d committed, want the 10 that were processed", n)
	}
	failing.Store(false)
	consume(t, cfg, group, topic, kafka.ConsumerOptions{BatchSize: 10}, in.process)
	eventually(t, "the rest arrives", func() bool { return in.unique() == 30 })
	if m := in.outOfOrder(); m != "" {
		t.Errorf("out of order: %s", m)
	}
	if n := len(in.all()); n != 30 {
		t.Errorf("%d processed, want each once", n)
	}
}

// Members join and leave while messages flow. No partition may be processed by two of them at a time, none may be
// lost, and each key stays in order.
func TestRebalanceAmidWork(t *testing.T) {
	cfg := cluster(t)
	topic, group := newTopic(t, cfg), newGroup(t, cfg)
	const keys, each = 16, 60
	in := &inbox{}
	var mu sync.Mutex
	busy := map[int32]bool{}
	process := func(ctx context.Context, batch []event.Message) error {
		n := batch[0].Partition
		mu.Lock()
		if busy[n] {
			t.Errorf("partition %d is processed twice at a time", n)
		}
		busy[n] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			busy[n] = false
			mu.Unlock()
		}()
		time.Sleep(20 * time.Millisecond)
		return in.process(ctx, batch)
	}
	opts := kafka.ConsumerOptions{BatchSize: 5}
	stopFirst := consume(t, cfg, group, topic, opts, process)
	p := newPublisher(t, cfg)
	for i := range each {
		for k := range keys {
			publish(t, p, message(topic, fmt.Sprintf("k%d", k), i))
		}
		switch i {
		case each / 3:
			consume(t, cfg, group, topic, opts, process)
		case each / 2:
			consume(t, cfg, group, topic, opts, process)
		case 2 * each / 3:
			stopFirst()
		}
	}
	eventually(t, "all arrive", func() bool { return in.unique() == keys*each })
	if m := in.outOfOrder(); m != "" {
		t.Errorf("out of order: %s", m)
	}
}

func TestConcurrencyIsBoundedAndBackpressureLosesNothing(t *testing.T) {
	cfg := cluster(t)
	topic := newTopic(t, cfg)
	p := newPublisher(t, cfg)
	const n = 3000
	var msgs []event.Message
	for i := range n {
		msgs = append(msgs, message(topic, fmt.Sprint("k", i%40), i/40))
	}
	publish(t, p, msgs...)
	in := &inbox{}
	var running, most, largest atomic.Int32
	reg := prometheus.NewRegistry()
	consume(t, cfg, newGroup(t, cfg), topic, kafka.ConsumerOptions{Concurrency: 2, BatchSize: 50, Buffer: 50, Registerer: reg},
		func(ctx context.Context, batch []event.Message) error {
			now := running.Add(1)
			defer running.Add(-1)
			most.Store(max(most.Load(), now))
			largest.Store(max(largest.Load(), int32(len(batch))))
			time.Sleep(time.Millisecond)
			return in.process(ctx, batch)
		})
	eventually(t, "all arrive", func() bool { return in.unique() == n })
	if most.Load() > 2 || largest.Load() > 50 {
		t.Errorf("%d batches at a time, of up to %d messages; want 2 and 50", most.Load(), largest.Load())
	}
	if m := in.outOfOrder(); m != "" {
		t.Errorf("out of order: %s", m)
	}
	eventually(t, "the lag is zero", func() bool {
		families, err := reg.Gather()
		if err != nil || len(families) != 1 || len(families[0].GetMetric()) == 0 {
			return false
		}
		var sum float64
		for _, m := range families[0].GetMetric() {
			sum += m.GetGauge().GetValue()
		}
		return sum == 0
	})
}

func TestStopFinishesAndCommitsTheBatchUnderWay(t *testing.T) {
	cfg := cluster(t)
	topic, group := newTopic(t, cfg), newGroup(t, cfg)
	publish(t, newPublisher(t, cfg), message(topic, "k", 0))
	entered, leave := make(chan struct{}), make(chan struct{})
	stop := consume(t, cfg, group, topic, kafka.ConsumerOptions{}, func(context.Context, []event.Message) error {
		close(entered)
		<-leave
		return nil
	})
	<-entered
	time.AfterFunc(100*time.Millisecond, func() { close(leave) })
	stop()
	if n := committed(t, cfg, group); n != 1 {
		t.Errorf("%d committed, want 1", n)
	}
}

func TestStopCancelsABatchThatDoesNotEnd(t *testing.T) {
	cfg := cluster(t)
	topic, group := newTopic(t, cfg), newGroup(t, cfg)
	publish(t, newPublisher(t, cfg), message(topic, "k", 0))
	entered := make(chan struct{})
	stop := consume(t, cfg, group, topic, kafka.ConsumerOptions{Drain: 50 * time.Millisecond}, func(ctx context.Context, _ []event.Message) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})
	<-entered
	stop()
	if n := committed(t, cfg, group); n != 0 {
		t.Errorf("%d committed of a batch that was not processed", n)
	}
}

func TestEnsureTopics(t *testing.T) {
	cfg := cluster(t)
	topic := newTopic(t, cfg)
	if err := kafka.EnsureTopics(t.Context(), cfg, topic); err != nil {
		t.Errorf("a topic that exists: %v", err)
	}
	if err := kafka.EnsureTopics(t.Context(), cfg); err != nil {
		t.Errorf("no topic: %v", err)
	}
	if err := kafka.EnsureTopics(t.Context(), cfg, "no such/topic"); err == nil || !strings.Contains(err.Error(), "no such/topic") {
		t.Errorf("an impossible topic: %v", err)
	}
	if err := kafka.Ping(t.Context(), cfg); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := kafka.Ping(ctx, kafka.Config{Brokers: []string{"127.0.0.1:1"}}); err == nil {
		t.Error("a broker that is not there answers")
	}
}
