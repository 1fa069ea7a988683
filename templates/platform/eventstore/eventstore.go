// Package eventstore keeps aggregates as the events that changed them. The events are the truth; the row of an aggregate is a projection of
// them, written in the same transaction and made again by the command "replay".
//
// An event holds the fields that it changed, in the wire form of the aggregate's own protobuf message, and their numbers. So a field that was
// added is empty in older events, one that was renamed keeps its number, and one that is gone is passed over. What else changes in the stored
// form is brought up to date by an Upcaster.
//
// Table eventstore is append-only, which the database enforces. The version of an event in its stream is part of the primary key: of two writers
// that expect the same version one fails with ABORTED.
package eventstore

import (
	"context"
	"embed"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"
)

// Migrations holds, in directory "migrations", the tables that this package uses.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// DB is what the store needs of a pool or a transaction.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Options say what a log is of and where its events are published.
type Options struct {
	Aggregate string // Payment
	Source    string // the CloudEvents source: /shop/payments
	Topic     string // shop.payments.events
	// Prefix comes before an event's type where it is published: com.example.shop.payments.v1.Payment
	Prefix string
	// SnapshotEvery is how many events lie between two snapshots of a stream; 0 means 100.
	SnapshotEvery int64
}

// Log is the events of all aggregates of one kind, whose state is the message T.
type Log[T proto.Message] struct {
	options   Options
	upcasters []Upcaster
}

// New returns the log of an aggregate.
func New[T proto.Message](options Options) *Log[T] {
	if options.SnapshotEvery <= 0 {
		options.SnapshotEvery = 100
	}
	return &Log[T]{options: options}
}

// The types of events; one that brings an aggregate to another state is called after that.
const (
	Created = "Created"
	Updated = "Updated"
	Deleted = "Deleted"
)

// Event is an event as it is stored.
type Event struct {
	Version   int64  // in its stream, from 1
	Type      string // Captured
	Schema    int    // of Data: how many upcasters there were when it was written
	Tombstone bool   // the aggregate is gone
	Changed   []int32
	Data      []byte
	// ID is that of the CloudEvent that it was published as.
	ID         string
	Metadata   map[string]string // the trace that it belongs to, the request's id and who asked for it
	RecordedAt time.Time
}

// State is what a stream has come to.
type State[T proto.Message] struct {
	Stream  string
	Version int64 // of the last event; 0: there is none
	Live    bool  // false before the first event and after a tombstone
	// Value is the aggregate without its etag and times; empty when it is not live.
	Value T
	// Created and Updated are when the first and the last event of this life were recorded.
	Created, Updated time.Time
}

// Upcaster brings an event from one form to the next. It must depend on nothing but the event.
type Upcaster func(Event) (Event, error)

// Upcast adds steps from the form that events are written in now to newer ones: the first step that a service has takes events of schema 0
// to schema 1. Steps stay for ever and in their order, as the events do. Call it before the log is used.
func (l *Log[T]) Upcast(steps ...Upcaster) { l.upcasters = append(l.upcasters, steps...) }

// schema is the form in which events are written.
func (l *Log[T]) schema() int { return len(l.upcasters) }

func (l *Log[T]) empty() T {
	var none T
	return none.ProtoReflect().New().Interface().(T)
}
