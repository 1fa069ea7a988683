// Package kafka carries messages over Kafka: a publisher for the outbox relay and a consumer for the inbox. On the wire
// a message is a CloudEvent in binary mode (CloudEvents Kafka protocol binding 1.0.2 §3.2): attributes are headers named
// ce_<attribute>, and the value is the data.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Config is read from the environment.
type Config struct {
	// Brokers are the host:port pairs to find the cluster by.
	Brokers []string `env:"KAFKA_BROKERS,required" envSeparator:","`
	// Prefix goes before the name of every topic and group, so that several installations of the system can share a cluster:
	// "staging.".
	Prefix string `env:"KAFKA_TOPIC_PREFIX"`
	// Partitions and Replication are those of topics that EnsureTopics makes.
	Partitions  int32 `env:"KAFKA_PARTITIONS" envDefault:"8"`
	Replication int16 `env:"KAFKA_REPLICATION" envDefault:"1"`
	// SessionTimeout is after how long of silence the cluster takes a consumer for dead and gives its partitions to others.
	// franz-go's default, 45 s, would stall sagas for as long after a crash.
	SessionTimeout time.Duration `env:"KAFKA_SESSION_TIMEOUT" envDefault:"10s"`
	// MaxMessageBytes is the largest message, with its headers, that is published. Keep it below the brokers'
	// message.max.bytes and the topics' max.message.bytes, whose default is 1048588.
	MaxMessageBytes int32 `env:"KAFKA_MAX_MESSAGE_BYTES" envDefault:"1000000"`
}

// prefixed are the names of topics as the cluster knows them.
func (c Config) prefixed(topics []string) []string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = c.Prefix + t
	}
	return names
}

func (c Config) sessionTimeout() time.Duration {
	if c.SessionTimeout > 0 {
		return c.SessionTimeout
	}
	return 10 * time.Second
}

func (c Config) maxMessageBytes() int32 {
	if c.MaxMessageBytes > 0 {
		return c.MaxMessageBytes
	}
	return 1_000_000
}

// startTimeout is how long EnsureTopics waits for a cluster that does not answer yet.
const startTimeout = 30 * time.Second

// EnsureTopics makes the topics that do not exist; it changes none that do. Services and brokers start together, so it
// tries for half a minute.
func EnsureTopics(ctx context.Context, cfg Config, topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := createTopics(ctx, admin, cfg, cfg.prefixed(topics))
		if err == nil || isConfigError(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kafka did not answer: %w", errors.Join(ctx.Err(), err))
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func createTopics(ctx context.Context, admin *kadm.Client, cfg Config, topics []string) error {
	answers, err := admin.CreateTopics(ctx, max(1, cfg.Partitions), max(1, cfg.Replication), nil, topics...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var errs []error
	for _, a := range answers.Sorted() {
		if a.Err != nil && !errors.Is(a.Err, kerr.TopicAlreadyExists) {
			errs = append(errs, fmt.Errorf("create topic %s: %w", a.Topic, a.Err))
		}
	}
	return errors.Join(errs...)
}

// isConfigError is true for what waiting does not mend. A replication factor above the brokers that are up so far is
// not among them.
func isConfigError(err error) bool {
	for _, final := range []error{
		kerr.InvalidTopicException, kerr.InvalidPartitions, kerr.InvalidConfig, kerr.PolicyViolation,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

// Ping reports whether a broker answers.
func Ping(ctx context.Context, cfg Config) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer cl.Close()
	if err := cl.Ping(ctx); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}
