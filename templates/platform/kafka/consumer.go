package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// ConsumerOptions tune a consumer. The zero value of a field means its default.
type ConsumerOptions struct {
	// Concurrency is how many batches are processed at a time (8), each of a different partition.
	Concurrency int
	// BatchSize is the most messages of a batch (500).
	BatchSize int
	// Buffer is how many fetched messages of a partition may wait before its fetching pauses (4 batches).
	Buffer int
	// RevokeGrace is how long a batch under way may go on when its partition is taken away (5s). Then its context
	// ends, and the partition's next owner processes it again.
	RevokeGrace time.Duration
	// Drain is how long batches under way may go on when Run's context ends (10s).
	Drain time.Duration
	// RetryMin and RetryMax bound the wait before a batch that failed is processed again (100ms, 5s).
	RetryMin, RetryMax time.Duration
	// Registerer takes the consumer's metrics (none).
	Registerer prometheus.Registerer
	// Logger tells of failures (none).
	Logger *slog.Logger
}

func (o ConsumerOptions) withDefaults() ConsumerOptions {
	def(&o.Concurrency, 8)
	def(&o.BatchSize, 500)
	def(&o.Buffer, 4*o.BatchSize)
	def(&o.RevokeGrace, 5*time.Second)
	def(&o.Drain, 10*time.Second)
	def(&o.RetryMin, 100*time.Millisecond)
	def(&o.RetryMax, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o
}

func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Consumer processes the messages of topics as a member of a group: each partition in order, one batch at a time, and
// partitions beside each other.
type Consumer struct {
	cl      *kgo.Client
	group   string
	process func(ctx context.Context, batch []event.Message) error
	opts    ConsumerOptions
	slots   chan struct{} // one for each batch under way
	lag     *prometheus.GaugeVec

	mu      sync.Mutex
	workers map[partition]*worker
	ctx     context.Context // of the workers; set by Run before anything is assigned
}

type partition struct {
	topic string
	n     int32
}

// NewConsumer returns a consumer of topics in group. Batches for which process returned nil are committed, none else:
// a batch that failed is processed again until it does, with its messages' Attempt counted up. Run starts it.
func NewConsumer(cfg Config, group string, topics []string, process func(ctx context.Context, batch []event.Message) error, opts ConsumerOptions) (*Consumer, error) {
	opts = opts.withDefaults()
	c := &Consumer{
		group: group, process: process, opts: opts,
		slots:   make(chan struct{}, opts.Concurrency),
		workers: map[partition]*worker{},
		ctx:     context.Background(),
		lag: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "kafka_consumer_lag_records", Help: "Messages in the partition that this consumer has not processed yet.",
		}, []string{"group", "topic", "partition"}),
	}
	if opts.Registerer != nil {
		var other prometheus.AlreadyRegisteredError // consumers of several groups share the metric
		if err := opts.Registerer.Register(c.lag); errors.As(err, &other) {
			c.lag = other.ExistingCollector.(*prometheus.GaugeVec)
		} else if err != nil {
			return nil, fmt.Errorf("kafka consumer metrics: %w", err)
		}
	}
	cl, err := cfg.client(
		kgo.ClientID(group),
		kgo.ConsumerGroup(cfg.Prefix+group),
		kgo.ConsumeTopics(cfg.prefixed(topics)...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // a new consumer misses nothing
		kgo.SessionTimeout(cfg.sessionTimeout()),
		kgo.HeartbeatInterval(cfg.sessionTimeout()/5),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// A paused partition is resumed only when the fetch under way returns, and that may wait for others' messages.
		kgo.FetchMaxWait(250*time.Millisecond),
		kgo.BlockRebalanceOnPoll(), // between a poll and the hand-over to workers, no partition changes hands
		// Offsets of processed batches are marked, and committed every second, before a partition is given away, and
		// at the end. A crash makes the inbox skip up to a second's messages again, which costs less than a commit
		// for each batch.
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(time.Second),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.lost),
		kgo.MetadataMinAge(250*time.Millisecond),
		kgo.MetadataMaxAge(30*time.Second), // topics and partitions made later are found
	)
	if err != nil {
		return nil, fmt.Errorf("kafka consumer: %w", err)
	}
	c.cl = cl
	return c, nil
}

// Run consumes until ctx ends. Then batches under way are finished, up to ConsumerOptions.Drain, and committed; it leaves
// the group and returns nil. Outages of Kafka are waited out. A consumer runs once.
func (c *Consumer) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	c.mu.Lock()
	c.ctx = work
	c.mu.Unlock()

	for {
		fetches := c.cl.PollRecords(ctx, 10*c.opts.BatchSize)
		if ctx.Err() != nil {
			break
		}
		fetches.EachError(func(topic string, p int32, err error) {
			c.opts.Logger.WarnContext(ctx, "kafka fetch failed", "topic", topic, "partition", p, "error", err)
		})
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if len(f.Records) > 0 {
				c.worker(partition{f.Topic, f.Partition}).add(f.Records, f.HighWatermark)
			}
		})
		c.cl.AllowRebalance()
	}

	c.stop(nil, c.opts.Drain)
	commit, cancel := context.WithTimeout(work, 5*time.Second)
	defer cancel()
	if err := c.cl.CommitMarkedOffsets(commit); err != nil {
		c.opts.Logger.WarnContext(ctx, "kafka commit at shutdown failed, messages will come again", "error", err)
	}
	c.cl.CloseAllowingRebalance()
	return nil
}

// worker returns the partition's worker, a new one if it has none.
func (c *Consumer) worker(p partition) *worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.workers[p]
	if w == nil {
		w = newWorker(c, p)
		c.workers[p] = w
		go w.run()
	}
	return w
}

// revoked is called before partitions go to another member, which waits for it to return.
func (c *Consumer) revoked(ctx context.Context, cl *kgo.Client, parts map[string][]int32) {
	c.stop(parts, c.opts.RevokeGrace)
	if err := cl.CommitMarkedOffsets(ctx); err != nil {
		c.opts.Logger.WarnContext(ctx, "kafka commit before a rebalance failed, messages will come again", "error", err)
	}
}

// lost is called when partitions may belong to another member already: nothing is to be committed for them.
func (c *Consumer) lost(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	c.stop(parts, 0)
}

// stop ends the workers of parts, all if nil. Batches under way have until grace is over to finish by themselves.
func (c *Consumer) stop(parts map[string][]int32, grace time.Duration) {
	c.mu.Lock()
	var stopped []*worker
	for p, w := range c.workers {
		if parts == nil || slices.Contains(parts[p.topic], p.n) {
			stopped = append(stopped, w)
			delete(c.workers, p)
		}
	}
	c.mu.Unlock()

	for _, w := range stopped {
		close(w.finish)
	}
	limit := time.AfterFunc(grace, func() {
		for _, w := range stopped {
			w.cancel()
		}
	})
	defer limit.Stop()
	for _, w := range stopped {
		<-w.ended
		c.cl.ResumeFetchPartitions(map[string][]int32{w.part.topic: {w.part.n}}) // it may come back to us
		c.lag.DeleteLabelValues(c.group, w.part.topic, strconv.Itoa(int(w.part.n)))
	}
}
