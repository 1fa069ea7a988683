// Package kafka carries messages over Kafka: a publisher for the outbox relay and a consumer for the inbox. On the wire
// a message is a CloudEvent in binary mode (CloudEvents Kafka protocol binding 1.0.2 §3.2): attributes are headers named
// ce_<attribute>, and the value is the data.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
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
	MaxMessageBytes int32          `env:"KAFKA_MAX_MESSAGE_BYTES" envDefault:"1000000"`
	TLS             mtls.Component `envPrefix:"KAFKA_"`
	// AppendTime makes the broker write into each message of EnsureTopics' when it took it, and a publisher give a message back that
	// waited for the broker for long: signatures have a time. No part of the environment.
	AppendTime bool
	// Keep are the topics of EnsureTopics whose messages are never deleted: views are made anew from them. No part of the environment.
	Keep []string
}

// client returns a client of the cluster.
func (c Config) client(opts ...kgo.Opt) (*kgo.Client, error) {
	secured, err := c.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("KAFKA_TLS: %w", err)
	}
	opts = append(opts, kgo.SeedBrokers(c.Brokers...))
	if secured != nil {
		opts = append(opts, kgo.DialTLSConfig(secured))
	}
	return kgo.NewClient(opts...)
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

// EnsureTopics makes the topics that do not exist; of those that do it changes what Config.AppendTime and Config.Keep ask for, and nothing else.
// Services and brokers start together, so it tries for half a minute.
func EnsureTopics(ctx context.Context, cfg Config, topics ...string) error {
	if len(topics) == 0 {
		return nil
	}
	cl, err := cfg.client()
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var kept, others []string
	for _, t := range topics {
		if slices.Contains(cfg.Keep, t) {
			kept = append(kept, t)
		} else {
			others = append(others, t)
		}
	}
	for {
		err := errors.Join(createTopics(ctx, admin, cfg, cfg.prefixed(others), false), createTopics(ctx, admin, cfg, cfg.prefixed(kept), true))
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

func createTopics(ctx context.Context, admin *kadm.Client, cfg Config, topics []string, keep bool) error {
	if len(topics) == 0 {
		return nil
	}
	configs := map[string]*string{}
	if cfg.AppendTime {
		configs[timestampType] = kadm.StringPtr(appendTime)
	}
	if keep {
		configs[retentionTime], configs[retentionBytes] = kadm.StringPtr(forever), kadm.StringPtr(forever)
	}
	answers, err := admin.CreateTopics(ctx, max(1, cfg.Partitions), max(1, cfg.Replication), configs, topics...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	var errs []error
	var there []string
	for _, a := range answers.Sorted() {
		switch {
		case a.Err == nil:
		case errors.Is(a.Err, kerr.TopicAlreadyExists):
			there = append(there, a.Topic)
		default:
			errs = append(errs, fmt.Errorf("create topic %s: %w", a.Topic, a.Err))
		}
	}
	if len(configs) > 0 && len(there) > 0 {
		errs = append(errs, alterTopics(ctx, admin, configs, there))
	}
	return errors.Join(errs...)
}

// Settings of topics.
const (
	timestampType  = "message.timestamp.type" // whose clock a record's time is of
	appendTime     = "LogAppendTime"
	retentionTime  = "retention.ms"
	retentionBytes = "retention.bytes"
	forever        = "-1"
)

// alterTopics changes settings of topics. Whose clock counts holds for what is appended from now on.
func alterTopics(ctx context.Context, admin *kadm.Client, configs map[string]*string, topics []string) error {
	var alter []kadm.AlterConfig
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: configs[name]})
	}
	answers, err := admin.AlterTopicConfigs(ctx, alter, topics...)
	if err != nil {
		return fmt.Errorf("alter topics: %w", err)
	}
	var errs []error
	for _, a := range answers {
		if a.Err != nil {
			errs = append(errs, fmt.Errorf("alter topic %s: %w", a.Name, a.Err))
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
	cl, err := cfg.client()
	if err != nil {
		return fmt.Errorf("kafka client: %w", err)
	}
	defer cl.Close()
	if err := cl.Ping(ctx); err != nil {
		return fmt.Errorf("ping kafka: %w", err)
	}
	return nil
}
