package kafka_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
)

// patience is how long a test waits for what must happen. It is no measure of speed.
const patience = 60 * time.Second

// cluster is the real Kafka of MSGEN_TEST_KAFKA. Without it the test is skipped, or fails when MSGEN_TEST_REQUIRE=1.
func cluster(t testing.TB) kafka.Config {
	t.Helper()
	const name = "MSGEN_TEST_KAFKA"
	v := os.Getenv(name)
	if v == "" {
		if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
			t.Fatal(name + " is not set, and MSGEN_TEST_REQUIRE=1 forbids to skip")
		}
		t.Skip(name + " is not set: needs a Kafka broker")
	}
	return kafka.Config{Brokers: strings.Split(v, ","), Partitions: 4, Replication: 1}
}

func adminClient(t testing.TB, cfg kafka.Config) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// newTopic makes a topic of its own for the test, gone when that ends.
func newTopic(t testing.TB, cfg kafka.Config) string {
	t.Helper()
	topic := topicName(t, cfg)
	if err := kafka.EnsureTopics(t.Context(), cfg, topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

// topicName names a topic of its own for the test, which makes it; it is gone when that ends.
func topicName(t testing.TB, cfg kafka.Config) string {
	t.Helper()
	topic := "test-" + uuid.NewString()
	admin := adminClient(t, cfg)
	t.Cleanup(func() {
		if _, err := admin.DeleteTopics(context.Background(), topic); err != nil {
			t.Errorf("delete topic: %v", err)
		}
	})
	return topic
}

// newGroup names a group of its own for the test, gone when that ends.
func newGroup(t testing.TB, cfg kafka.Config) string {
	t.Helper()
	group := "test-" + uuid.NewString()
	admin := adminClient(t, cfg)
	t.Cleanup(func() { _, _ = admin.DeleteGroups(context.Background(), group) })
	return group
}

func newPublisher(t testing.TB, cfg kafka.Config) *kafka.Publisher {
	t.Helper()
	p, err := kafka.NewPublisher(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p
}

func message(topic, key string, n int) event.Message {
	return event.Message{
		ID: fmt.Sprintf("%s/%d", key, n), Source: "/test", Type: "test.Happened", Subject: key,
		Topic: topic, Key: key, Time: time.Now().UTC(), Data: fmt.Appendf(nil, "%d", n),
	}
}

// publish sends msgs and waits for all of them.
func publish(t testing.TB, p *kafka.Publisher, msgs ...event.Message) {
	t.Helper()
	errs := make(chan error, len(msgs))
	for _, m := range msgs {
		p.Publish(t.Context(), m, func(err error) { errs <- err })
	}
	for range msgs {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}

// publishErr sends one message and returns what became of it.
func publishErr(ctx context.Context, p *kafka.Publisher, m event.Message) error {
	errs := make(chan error, 1)
	p.Publish(ctx, m, func(err error) { errs <- err })
	return <-errs
}

// consume runs a consumer until stop is called or the test ends. stop waits for it.
func consume(t testing.TB, cfg kafka.Config, group, topic string, opts kafka.ConsumerOptions,
	process func(context.Context, []event.Message) error) (stop func()) {
	t.Helper()
	c, err := kafka.NewConsumer(cfg, group, []string{topic}, process, opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("consumer: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// inbox collects what consumers process.
type inbox struct {
	mu   sync.Mutex
	msgs []event.Message
}

func (in *inbox) process(_ context.Context, batch []event.Message) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.msgs = append(in.msgs, batch...)
	return nil
}

func (in *inbox) all() []event.Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]event.Message(nil), in.msgs...)
}

// unique is how many different messages there are.
func (in *inbox) unique() int {
	ids := map[string]bool{}
	for _, m := range in.all() {
		ids[m.ID] = true
	}
	return len(ids)
}

// outOfOrder returns a message that some key received before an earlier one; messages are numbered by data.
func (in *inbox) outOfOrder() string {
	next, seen := map[string]int{}, map[string]bool{}
	for _, m := range in.all() {
		if seen[m.ID] {
			continue
		}
		seen[m.ID] = true
		if string(m.Data) != fmt.Sprint(next[m.Key]) {
			return fmt.Sprintf("%s, expected number %d", m.ID, next[m.Key])
		}
		next[m.Key]++
	}
	return ""
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// committed is the sum of the group's committed offsets: how many messages it is done with.
func committed(t testing.TB, cfg kafka.Config, group string) (n int64) {
	t.Helper()
	offsets, err := adminClient(t, cfg).FetchOffsets(context.Background(), group)
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) { n += max(0, o.At) })
	return n
}
