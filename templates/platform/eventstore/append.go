package eventstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/rpc"
)

const (
	// A version that is taken gives no row, and leaves the transaction usable.
	appendSQL = `INSERT INTO eventstore (aggregate, stream, version, type, schema, tombstone, changed, data, event_id, metadata)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
RETURNING recorded_at`
	saveSQL = `INSERT INTO eventstore_snapshots (aggregate, stream, version, schema, data, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (aggregate, stream) DO UPDATE
SET version = excluded.version, schema = excluded.schema, data = excluded.data, created_at = excluded.created_at, updated_at = excluded.updated_at`
)

// The CloudEvents extensions of a published event beside its trace.
const (
	// ExtensionVersion is the event's version in its stream; the stream is the event's subject.
	ExtensionVersion = "streamversion"
	// ExtensionChanged are the names of the fields that changed, with commas between; those that the data does not hold were cleared.
	ExtensionChanged = "changedfields"
)

// Append records that the aggregate in state from is now as value says, and puts the event into the outbox. It returns the new state.
// Aborted: there is an event after from already, so somebody else has changed the aggregate.
func (l *Log[T]) Append(ctx context.Context, tx pgx.Tx, from State[T], typ string, value T) (State[T], error) {
	change, changed := l.diff(from.Value, value)
	return l.record(ctx, tx, from, Event{Type: typ, Changed: changed}, change)
}

// Remove records that the aggregate is gone, and puts the event into the outbox. Aborted is as for Append.
func (l *Log[T]) Remove(ctx context.Context, tx pgx.Tx, from State[T]) (State[T], error) {
	return l.record(ctx, tx, from, Event{Type: Deleted, Tombstone: true, Changed: []int32{}}, l.empty())
}

func (l *Log[T]) record(ctx context.Context, tx pgx.Tx, from State[T], e Event, change T) (State[T], error) {
	o := l.options
	msg, err := event.New(ctx, o.Source, o.Prefix+"."+e.Type, o.Topic, from.Stream, change)
	if err != nil {
		return from, err
	}
	e.Version, e.Schema, e.Data, e.ID, e.Metadata = from.Version+1, l.schema(), msg.Data, msg.ID, metadata(ctx, msg)
	if e.Data == nil {
		e.Data = []byte{} // nothing is set, which is not NULL
	}
	err = tx.QueryRow(ctx, appendSQL, o.Aggregate, from.Stream, e.Version, e.Type, e.Schema, e.Tombstone, e.Changed, e.Data, e.ID, e.Metadata).Scan(&e.RecordedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return from, status.Errorf(codes.Aborted, "%s %s was changed by somebody else: read it again", o.Aggregate, from.Stream)
	}
	if err != nil {
		return from, fmt.Errorf("append %s to %s %s: %w", e.Type, o.Aggregate, from.Stream, err)
	}
	now := from
	now.Value = proto.CloneOf(from.Value)
	if err := l.apply(&now, e); err != nil {
		return from, err
	}
	if err := l.snapshot(ctx, tx, now); err != nil {
		return from, err
	}
	msg.Extensions[ExtensionVersion] = strconv.FormatInt(e.Version, 10)
	msg.Extensions[ExtensionChanged] = fieldNames(change.ProtoReflect().Descriptor(), e.Changed)
	return now, outbox.Append(ctx, tx, msg)
}

// snapshot keeps the state when it is time to. One that is not live has no snapshot: its older ones are never wrong, just older.
func (l *Log[T]) snapshot(ctx context.Context, tx pgx.Tx, s State[T]) error {
	if !s.Live || s.Version%l.options.SnapshotEvery != 0 {
		return nil
	}
	data, err := proto.Marshal(s.Value)
	if err != nil {
		return fmt.Errorf("encode snapshot of %s %s: %w", l.options.Aggregate, s.Stream, err)
	}
	if _, err := tx.Exec(ctx, saveSQL, l.options.Aggregate, s.Stream, s.Version, l.schema(), data, s.Created, s.Updated); err != nil {
		return fmt.Errorf("save snapshot of %s %s: %w", l.options.Aggregate, s.Stream, err)
	}
	return nil
}

// metadata is the trace that the event is published with, the request's id and who asked for it. The latter two stay in the store.
func metadata(ctx context.Context, msg event.Message) map[string]string {
	m := maps.Clone(msg.Extensions)
	for name, value := range map[string]string{"request_id": rpc.RequestID(ctx), "actor": rpc.Subject(ctx)} {
		if value != "" {
			m[name] = value
		}
	}
	return m
}

func fieldNames(message protoreflect.MessageDescriptor, numbers []int32) string {
	var names []string
	for _, number := range numbers {
		names = append(names, string(message.Fields().ByNumber(protoreflect.FieldNumber(number)).Name()))
	}
	return strings.Join(names, ",")
}
