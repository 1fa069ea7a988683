package kafka_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

const drainKeys = 2_000

// sizes are how much a benchmark does.
type sizes struct {
	drain, peer, write int // messages
	rounds             int // of which the median counts
	seconds            int
}

// size is enough for steady rates, or with -short as little as shows that the benchmarks run.
func size() sizes {
	if testing.Short() {
		return sizes{drain: 2_000, peer: 500, write: 200, rounds: 1, seconds: 1}
	}
	return sizes{drain: 200_000, peer: 10_000, write: 8_000, rounds: 5, seconds: 5}
}

func benchMessages(topic string, n int) []event.Message {
	msgs := make([]event.Message, n)
	data := incompressible(256 * n)
	for i := range msgs {
		msgs[i] = message(topic, fmt.Sprintf("key-%d", i%drainKeys), i)
		msgs[i].Data = data[256*i : 256*(i+1)]
		msgs[i].Extensions = map[string]string{"traceparent": fmt.Sprintf("00-%032x-%016x-00", i+1, i+1)}
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

// cost is what some messages took.
type cost struct {
	wall, cpu time.Duration // cpu is this process's, of all its threads
	n         int
}

func (c cost) rate() float64 { return float64(c.n) / c.wall.Seconds() }

// measure begins to measure, and the function that it returns ends it.
func measure(b *testing.B, n int) func() cost {
	b.Helper()
	runtime.GC() // what was made ready before is not to be paid here
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start, before := time.Now(), cpu()
	return func() cost { return cost{time.Since(start), cpu() - before, n} }
}

// drainOutbox measures how a relay takes the messages of a full outbox to the broker, until the table is empty.
func drainOutbox(b *testing.B, cfg kafka.Config, n int) cost {
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
	done := measure(b, n)
	go func() { ended <- r.Run(ctx) }()
	for pub.acked.Load() < int64(n) {
		time.Sleep(time.Millisecond)
	}
	waitEmpty(b, pool, 0)
	c := done()
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	if got := pub.acked.Load(); got != int64(n) {
		b.Fatalf("%d acknowledged of %d", got, n)
	}
	return c
}

// publishAlone measures how the same publisher brings the same messages to the broker with no database at all.
func publishAlone(b *testing.B, cfg kafka.Config, n int) cost {
	b.Helper()
	topic := newTopic(b, cfg)
	p := warm(b, cfg, topic)
	msgs := benchMessages(topic, n)
	var wg sync.WaitGroup
	wg.Add(n)
	window := make(chan struct{}, 4096)
	done := measure(b, n)
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
	return done()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// rates and cpu are what some rounds came to: messages a second, and this process's CPU seconds for 100,000 messages.
func rates(cs []cost) (v []float64) {
	for _, c := range cs {
		v = append(v, c.rate())
	}
	return v
}

func cpu(cs []cost) (v []float64) {
	for _, c := range cs {
		v = append(v, c.cpu.Seconds()*100_000/float64(c.n))
	}
	return v
}

// BenchmarkOutboxDrain compares the relay with the broker's own rate, in turns. Target: at least 0.9 where Postgres has
// cores of its own. Where all share two cores, both rates are bound by the processor, and the ratio is that of the CPU
// a message costs with and without a database.
func BenchmarkOutboxDrain(b *testing.B) {
	cfg := cluster(b)
	cfg.Partitions = 8
	n := size()
	for b.Loop() {
		var ours, alone []cost
		for range n.rounds {
			ours = append(ours, drainOutbox(b, cfg, n.drain))
			alone = append(alone, publishAlone(b, cfg, n.drain))
			b.Logf("drained %.0f/s, broker alone %.0f/s", ours[len(ours)-1].rate(), alone[len(alone)-1].rate())
		}
		b.ReportMetric(median(rates(ours)), "msgs/s")
		b.ReportMetric(median(rates(alone)), "broker-msgs/s")
		b.ReportMetric(median(rates(ours))/median(rates(alone)), "of-broker")
		b.ReportMetric(median(cpu(ours)), "cpu-s/100k")
		b.ReportMetric(median(cpu(alone)), "broker-cpu-s/100k")
	}
}

// BenchmarkWriteRate measures what eight writers commit in a second, each transaction with one message, with no relay
// and with one at work, in turns.
func BenchmarkWriteRate(b *testing.B) {
	cfg := cluster(b)
	cfg.Partitions = 8
	for b.Loop() {
		var with, without []float64
		for range size().rounds {
			without = append(without, writeRate(b, cfg, false))
			with = append(with, writeRate(b, cfg, true))
		}
		b.ReportMetric(median(with), "commits/s")
		b.ReportMetric(median(without), "commits-no-relay/s")
		b.ReportMetric(median(with)/median(without), "of-no-relay")
	}
}

func writeRate(b *testing.B, cfg kafka.Config, withRelay bool) float64 {
	b.Helper()
	topic, pool := newTopic(b, cfg), newOutbox(b)
	nudge := func() {}
	if withRelay {
		nudge = relay(b, pool, warm(b, cfg, topic), outbox.Options{}).Nudge
	}
	rate, _, _ := commitAll(b, pool, benchMessages(topic, size().write), nudge, 0)
	if withRelay {
		waitEmpty(b, pool, 0)
	}
	return rate
}

// commitAll has eight writers commit msgs, perSecond of them or, if that is 0, as many as they can. It returns how many a
// second they were, when each was committed and how long that took.
func commitAll(b *testing.B, pool *pgxpool.Pool, msgs []event.Message, nudge func(), perSecond int) (rate float64, committed []time.Time, took []time.Duration) {
	b.Helper()
	committed, took = make([]time.Time, len(msgs)), make([]time.Duration, len(msgs))
	next := make(chan int, len(msgs))
	var wg sync.WaitGroup
	start := time.Now()
	for range 8 {
		wg.Go(func() {
			for i := range next {
				began := time.Now()
				if err := appendOne(b.Context(), pool, msgs[i]); err != nil {
					b.Error(err)
				}
				committed[i] = time.Now()
				took[i] = committed[i].Sub(began)
				nudge()
			}
		})
	}
	for i := range msgs {
		if perSecond > 0 {
			time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))))
		}
		next <- i
	}
	close(next)
	wg.Wait()
	return float64(len(msgs)) / time.Since(start).Seconds(), committed, took
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

const commitRate = 1000

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
	msgs := benchMessages(topic, commitRate*size().seconds)
	_, committed, took := commitAll(b, pool, msgs, nudge, commitRate)
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
