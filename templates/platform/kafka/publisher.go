package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
)

// Publisher sends messages to Kafka for an outbox relay. Each is acknowledged by all in-sync replicas; the idempotent
// producer keeps the order of a partition and writes nothing twice across its own retries.
type Publisher struct {
	cl     *kgo.Client
	max    int
	prefix string
}

var _ outbox.Publisher = (*Publisher)(nil)

// recordOverhead is what a record takes in a batch of its own beside key, value and headers, with room to spare
// (Kafka protocol, record batch v2: 61 bytes and some varints), and headerOverhead what a header does.
const (
	recordOverhead = 128
	headerOverhead = 8
)

// NewPublisher returns a publisher that shows itself to the brokers as name. It connects when first used.
func NewPublisher(cfg Config, name string) (*Publisher, error) {
	cl, err := cfg.client(producerOptions(cfg, name)...)
	if err != nil {
		return nil, fmt.Errorf("kafka publisher: %w", err)
	}
	return &Publisher{cl: cl, max: int(cfg.maxMessageBytes()), prefix: cfg.Prefix}, nil
}

// maxDelivery is how long a message with Config.AppendTime waits for the broker: below the window in which signatures are taken.
const maxDelivery = 2 * time.Minute

func producerOptions(cfg Config, name string) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ClientID(name),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(cfg.maxMessageBytes()),
		// Records gather while the requests before them are under way; waiting for more would only cost latency.
		kgo.ProducerLinger(0),
		// An outage is retried for ever; what is buffered meanwhile is bounded by the relay's window.
		kgo.MaxBufferedRecords(1 << 20),
		kgo.UnknownTopicRetries(4),
		kgo.MetadataMinAge(250 * time.Millisecond), // a topic made a moment ago is found soon
	}
	if cfg.AppendTime {
		// The relay publishes it again, signed anew. What was on its way may then be there twice, which the inbox sees.
		opts = append(opts, kgo.RecordDeliveryTimeout(maxDelivery), kgo.AllowIdempotentProduceCancellation())
	}
	return opts
}

// Publish implements outbox.Publisher. A message larger than Config.MaxMessageBytes is refused for good; an unknown
// topic is not, since topics are made when their owners boot. When Kafka refuses a batch of several records, all of them
// fail, the innocent ones too: so such a refusal is never for good, and only the relay's count of attempts ends it.
func (p *Publisher) Publish(ctx context.Context, msg event.Message, done func(error)) {
	rec := toRecord(msg)
	rec.Topic = p.prefix + rec.Topic
	if size := recordSize(rec); size > p.max {
		done(outbox.Permanent(fmt.Errorf("message of %d bytes exceeds the limit of %d", size, p.max)))
		return
	}
	p.cl.Produce(ctx, rec, func(_ *kgo.Record, err error) { done(classify(err)) })
}

// Close waits until what was published is acknowledged, or ctx ends, and disconnects.
func (p *Publisher) Close(ctx context.Context) error {
	err := p.cl.Flush(ctx)
	p.cl.Close()
	if err != nil {
		return fmt.Errorf("flush kafka publisher: %w", err)
	}
	return nil
}

// Ping reports whether a broker answers.
func (p *Publisher) Ping(ctx context.Context) error {
	if err := p.cl.Ping(ctx); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}

func recordSize(r *kgo.Record) int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += headerOverhead + len(h.Key) + len(h.Value)
	}
	return n
}

// classify tells outages from faults of the message or of the set-up.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.InvalidTopicException):
		return outbox.Permanent(err)
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return err
	case kerr.IsRetriable(err):
		return outbox.Unavailable(err)
	}
	var refusal *kerr.Error
	if errors.As(err, &refusal) {
		return err
	}
	return outbox.Unavailable(err) // the network, a timeout, the client being closed
}
