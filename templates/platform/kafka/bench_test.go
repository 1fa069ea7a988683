package kafka_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

const (
	drainRows = 50_000
	drainKeys = 2_000
	rounds    = 3 // of which the median counts
)

func benchMessages(topic string, n int) []event.Message {
	msgs := make([]event.Message, n)
	data := incompressible(256 * n)
	for i := range msgs {
		msgs[i] = message(topic, fmt.Sprintf("key-%d", i%drainKeys), i)
		msgs[i].Data = data[256*i : 256*(i+1)]
	}
	return msgs
}

// counted passes messages on and counts those acknowledged.
type counted struct {
	outbox.Publisher
	acked atomic.Int64
}

func (c *counted) Publish(ctx context.Context, msg event.Message, done func(error)) {
	c.Publisher.Publish(ctx, msg, func(err error) {
		if err == nil {
			c.acked.Add(1)
		}
		done(err)
	})
}

// warm makes a publisher and its connections.
func warm(b *testing.B, cfg kafka.Config, topic string) *kafka.Publisher {
	b.Helper()
	p := newPublisher(b, cfg)
	publish(b, p, benchMessages(topic, 100)...)
	return p
}

// drainOutbox returns how many messages a second a relay takes from a full outbox to the broker, until the table is
// empty.
func drainOutbox(b *testing.B, cfg kafka.Config, n int) float64 {
	b.Helper()
	topic, pool := newTopic(b, cfg), newOutbox(b)
	msgs := benchMessages(topic, n)
	for part := range slices.Chunk(msgs, 1000) {
		appendAll(b, pool, part...)
	}
	pub := &counted{Publisher: warm(b, cfg, topic)}
	ctx, cancel := context.WithCancel(b.Context())
	r := outbox.NewRelay(pool, pub, outbox.Options{})
	ended := make(chan error, 1)
	start := time.Now()
	go func() { ended <- r.Run(ctx) }()
	for pub.acked.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	waitEmpty(b, pool, 0)
	rate := float64(n) / time.Since(start).Seconds()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if got := pub.acked.Load(); got != int64(n) {
		b.Fatalf("%d acknowledged of %d", got, n)
	}
	return rate
}

// publishAlone returns how many messages a second the same publisher brings to the broker with no database at all.
func publishAlone(b *testing.B, cfg kafka.Config, n int) float64 {
	b.Helper()
	topic := newTopic(b, cfg)
	p := warm(b, cfg, topic)
	msgs := benchMessages(topic, n)
	var wg sync.WaitGroup
	wg.Add(n)
	window := make(chan struct{}, 4096)
	start := time.Now()
	for _, m := range msgs {
		window <- struct{}{}
		p.Publish(b.Context(), m, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-window
			wg.Done()
		})
	}
	wg.Wait()
	return float64(n) / time.Since(start).Seconds()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// BenchmarkOutboxDrain compares the relay with the broker's own rate, in turns. Target: at least 0.9.
func BenchmarkOutboxDrain(b *testing.B) {
	cfg := cluster(b)
	cfg.Partitions = 8
	for b.Loop() {
		var ours, alone []float64
		for range rounds {
			ours = append(ours, drainOutbox(b, cfg, drainRows))
			alone = append(alone, publishAlone(b, cfg, drainRows))
		}
		b.ReportMetric(median(ours), "msgs/s")
		b.ReportMetric(median(alone), "broker-msgs/s")
		b.ReportMetric(median(ours)/median(alone), "of-broker")
	}
}

// BenchmarkCommitToAck measures, at 1000 transactions a second, the time from commit to the broker's acknowledgement, and
// how long transactions take with and without a relay at work. Target: p50 2 ms, p99 40 ms on two shared cores.
func BenchmarkCommitToAck(b *testing.B) {
	cfg := cluster(b)
	cfg.Partitions = 8
	for b.Loop() {
		_, without := commitAtRate(b, cfg, false)
		latency, with := commitAtRate(b, cfg, true)
		b.ReportMetric(quantile(latency, 0.50), "p50-ms")
		b.ReportMetric(quantile(latency, 0.99), "p99-ms")
		b.ReportMetric(quantile(with, 0.50), "commit-p50-ms")
		b.ReportMetric(quantile(without, 0.50), "commit-p50-no-relay-ms")
	}
}

const (
	commitRate    = 1000
	commitSeconds = 5
)

// stamped notes when each message is acknowledged.
type stamped struct {
	outbox.Publisher
	mu sync.Mutex
	at map[string]time.Time
}

func (s *stamped) Publish(ctx context.Context, msg event.Message, done func(error)) {
	s.Publisher.Publish(ctx, msg, func(err error) {
		s.mu.Lock()
		s.at[msg.ID] = time.Now()
		s.mu.Unlock()
		done(err)
	})
}

func commitAtRate(b *testing.B, cfg kafka.Config, withRelay bool) (latency, commit []time.Duration) {
	b.Helper()
	topic, pool := newTopic(b, cfg), newOutbox(b)
	pub := &stamped{Publisher: warm(b, cfg, topic), at: map[string]time.Time{}}
	nudge := func() {}
	if withRelay {
		nudge = relay(b, pool, pub, outbox.Options{}).Nudge
	}
	const n = commitRate * commitSeconds
	msgs := benchMessages(topic, n)
	committed := make([]time.Time, n)
	took := make([]time.Duration, n)
	next := make(chan int, n)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range next {
				start := time.Now()
				if err := appendOne(b.Context(), pool, msgs[i]); err != nil {
					b.Error(err)
				}
				committed[i] = time.Now()
				took[i] = committed[i].Sub(start)
				nudge()
			}
		})
	}
	start := time.Now()
	for i := range n {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / commitRate)))
		next <- i
	}
	close(next)
	wg.Wait()
	if !withRelay {
		return nil, took
	}
	waitEmpty(b, pool, 0)
	for i, m := range msgs {
		latency = append(latency, pub.at[m.ID].Sub(committed[i]))
	}
	return latency, took
}

func appendOne(ctx context.Context, pool *pgxpool.Pool, m event.Message) error {
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error { return outbox.Append(ctx, tx, m) })
}

func quantile(d []time.Duration, q float64) float64 {
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))].Seconds() * 1000
}
