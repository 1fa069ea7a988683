package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// Place is a partition of a topic, which is named as the cluster knows it.
type Place struct {
	Topic     string
	Partition int32
}

// Log reads topics from their beginning, as a member of no group: what it reads others get all the same. It is used by one goroutine.
type Log struct {
	cfg    Config
	cl     *kgo.Client
	admin  *kadm.Client
	topics []string
	starts map[Place]int64
}

// OpenLog returns a reader of topics. The caller closes it.
func OpenLog(ctx context.Context, cfg Config, topics []string) (*Log, error) {
	names := cfg.prefixed(topics)
	cl, err := cfg.client(kgo.FetchMaxWait(250 * time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	l := &Log{cfg: cfg, cl: cl, admin: kadm.NewClient(cl), topics: names}
	listed, err := l.admin.ListStartOffsets(ctx, names...)
	if err == nil {
		l.starts, err = offsets(listed)
	}
	if err != nil {
		cl.Close()
		return nil, fmt.Errorf("where topics begin: %w", err)
	}
	from := map[string]map[int32]kgo.Offset{}
	for p, at := range l.starts {
		if from[p.Topic] == nil {
			from[p.Topic] = map[int32]kgo.Offset{}
		}
		from[p.Topic][p.Partition] = kgo.NewOffset().At(at)
	}
	cl.AddConsumePartitions(from)
	return l, nil
}

// Close disconnects.
func (l *Log) Close() { l.cl.Close() }

// Starts are the offsets of the first messages that are still there. They are above 0 where older ones were deleted.
func (l *Log) Starts() map[Place]int64 { return l.starts }

// Ends are the offsets that the next messages will have.
func (l *Log) Ends(ctx context.Context) (map[Place]int64, error) {
	listed, err := l.admin.ListEndOffsets(ctx, l.topics...)
	if err != nil {
		return nil, fmt.Errorf("where topics end: %w", err)
	}
	return offsets(listed)
}

func offsets(listed kadm.ListedOffsets) (map[Place]int64, error) {
	at := map[Place]int64{}
	var errs []error
	listed.Each(func(o kadm.ListedOffset) {
		errs = append(errs, o.Err)
		at[Place{o.Topic, o.Partition}] = o.Offset
	})
	return at, errors.Join(errs...)
}

// Committed are the offsets up to which a consumer group has processed the messages; where it has none the log begins.
func (l *Log) Committed(ctx context.Context, group string) (map[Place]int64, error) {
	fetched, err := l.admin.FetchOffsetsForTopics(ctx, l.cfg.Prefix+group, l.topics...)
	if err != nil {
		return nil, fmt.Errorf("how far group %s is: %w", group, err)
	}
	at := map[Place]int64{}
	for p, start := range l.starts {
		at[p] = start
		if o, ok := fetched.Lookup(p.Topic, p.Partition); ok {
			if o.Err != nil {
				return nil, fmt.Errorf("how far group %s is: %w", group, o.Err)
			}
			at[p] = max(start, o.At)
		}
	}
	return at, nil
}

// Read returns the next messages, those of a partition in their order, and none when there are none for half a second.
func (l *Log) Read(ctx context.Context, most int) ([]event.Message, error) {
	wait, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	fetches := l.cl.PollRecords(wait, most)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
		}
	}
	var msgs []event.Message
	fetches.EachRecord(func(r *kgo.Record) { msgs = append(msgs, fromRecord(r)) })
	return msgs, nil
}

// Pause stops reading a partition.
func (l *Log) Pause(p Place) { l.cl.PauseFetchPartitions(map[string][]int32{p.Topic: {p.Partition}}) }

// Resume goes on with a partition.
func (l *Log) Resume(p Place) { l.cl.ResumeFetchPartitions(map[string][]int32{p.Topic: {p.Partition}}) }
