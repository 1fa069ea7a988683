package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
)

// TestAppendTimeIsTheBrokers writes with a time of the sender's own: what the consumer gets is the broker's, once the topic is altered for it.
func TestAppendTimeIsTheBrokers(t *testing.T) {
	cfg := cluster(t)
	cfg.Partitions = 1
	topic := newTopic(t, cfg)
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	old := time.Now().Add(-24 * time.Hour)
	write := func() {
		t.Helper()
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x"), Timestamp: old}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write()
	cfg.AppendTime = true
	if err := kafka.EnsureTopics(t.Context(), cfg, topic); err != nil {
		t.Fatal(err)
	}
	write()

	got := make(chan event.Message, 8)
	consumer, err := kafka.NewConsumer(cfg, newGroup(t, cfg), []string{topic}, func(_ context.Context, batch []event.Message) error {
		for _, m := range batch {
			got <- m
		}
		return nil
	}, kafka.ConsumerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	done := make(chan error, 1)
	go func() { done <- consumer.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	next := func() time.Time {
		t.Helper()
		select {
		case m := <-got:
			return m.Appended
		case <-ctx.Done():
			t.Fatal("nothing came")
			return time.Time{}
		}
	}
	if at := next(); !at.IsZero() {
		t.Errorf("the sender's time %s was taken for the broker's", at)
	}
	// The broker hears of an altered topic a moment after the controller has said yes.
	at := next()
	for ; at.IsZero(); at = next() {
		write()
	}
	if !at.After(old.Add(time.Hour)) {
		t.Errorf("appended at %s by the broker, want now", at)
	}
}
