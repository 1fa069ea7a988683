package kafka_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	wkafka "github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/components/forwarder"
	wmessage "github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// countedPeer counts what Watermill's forwarder has published; its Publish waits for the broker.
type countedPeer struct {
	wmessage.Publisher
	acked atomic.Int64
}

func (c *countedPeer) Publish(topic string, msgs ...*wmessage.Message) error {
	err := c.Publisher.Publish(topic, msgs...)
	if err == nil {
		c.acked.Add(int64(len(msgs)))
	}
	return err
}

// drainWatermill is drainOutbox with Watermill's SQL outbox and forwarder, tuned: batches of 1000 and a poll of 10 ms
// instead of 100 and 1 s, and a broker that acknowledges as ours does.
func drainWatermill(b *testing.B, cfg kafka.Config, n int) float64 {
	b.Helper()
	topic, pool := newTopic(b, cfg), pgtest.New(b)
	log := watermill.NopLogger{}
	schema := wsql.DefaultPostgreSQLSchema{SubscribeBatchSize: 1000}
	offsets := wsql.DefaultPostgreSQLOffsetsAdapter{}
	ackDeadline := time.Duration(0)
	sub, err := wsql.NewSubscriber(wsql.BeginnerFromPgx(pool), wsql.SubscriberConfig{
		SchemaAdapter: schema, OffsetsAdapter: offsets, InitializeSchema: true,
		PollInterval: 10 * time.Millisecond, AckDeadline: &ackDeadline,
	}, log)
	if err != nil {
		b.Fatal(err)
	}
	const table = "forwarder"
	if err := sub.SubscribeInitialize(table); err != nil {
		b.Fatal(err)
	}
	msgs := benchMessages(topic, n)
	if err := postgres.InTx(b.Context(), pool, func(tx pgx.Tx) error {
		p, err := wsql.NewPublisher(wsql.TxFromPgx(tx), wsql.PublisherConfig{SchemaAdapter: schema}, log)
		if err != nil {
			return err
		}
		fp := forwarder.NewPublisher(p, forwarder.PublisherConfig{ForwarderTopic: table})
		for _, m := range msgs {
			wm := wmessage.NewMessage(watermill.NewUUID(), m.Data)
			wm.Metadata.Set("key", m.Key)
			if err := fp.Publish(topic, wm); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}

	conf := wkafka.DefaultSaramaSyncPublisherConfig()
	conf.Producer.RequiredAcks = sarama.WaitForAll
	out, err := wkafka.NewPublisher(wkafka.PublisherConfig{
		Brokers: cfg.Brokers, OverwriteSaramaConfig: conf,
		Marshaler: wkafka.NewWithPartitioningMarshaler(func(_ string, m *wmessage.Message) (string, error) {
			return m.Metadata.Get("key"), nil
		}),
	}, log)
	if err != nil {
		b.Fatal(err)
	}
	pub := &countedPeer{Publisher: out}
	fwd, err := forwarder.NewForwarder(sub, pub, log, forwarder.Config{ForwarderTopic: table})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	start := time.Now()
	wg.Go(func() { _ = fwd.Run(ctx) })
	for pub.acked.Load() < int64(n) {
		if time.Since(start) > patience {
			b.Fatalf("%d of %d after %v", pub.acked.Load(), n, patience)
		}
		time.Sleep(time.Millisecond)
	}
	rate := float64(n) / time.Since(start).Seconds()
	cancel()
	_ = fwd.Close()
	wg.Wait()
	return rate
}

// BenchmarkOutboxDrainAgainstWatermill compares the relay with Watermill's forwarder, in turns. Target: at least 8 times.
func BenchmarkOutboxDrainAgainstWatermill(b *testing.B) {
	cfg := cluster(b)
	cfg.Partitions = 8
	n := size()
	for b.Loop() {
		var ours, peer []float64
		for range n.rounds {
			ours = append(ours, drainOutbox(b, cfg, n.drain).rate())
			peer = append(peer, drainWatermill(b, cfg, n.peer))
		}
		b.ReportMetric(median(ours), "msgs/s")
		b.ReportMetric(median(peer), "watermill-msgs/s")
		b.ReportMetric(median(ours)/median(peer), "x-watermill")
	}
}
