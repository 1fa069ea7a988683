// Package outbox publishes messages if and only if the transaction that wrote them commits.
//
// Append stores messages in table outbox within the caller's transaction. A Relay, of which one leads per database,
// publishes them and deletes each row once the broker has acknowledged the message. What it promises:
//
//   - a committed message is published at least once, one rolled back never;
//   - messages of one topic and key are published in the order of their ids, also across failures and changes of leader;
//   - nothing is dropped: what cannot be published stays in the table, with a metric to show it.
//
// Ids follow the order of commits only where transactions exclude each other. So first lock or change the row that the
// key stands for, then Append.
package outbox

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// Migrations holds, in directory "migrations", the table that this package uses.
//
//go:embed migrations/*.sql
var Migrations embed.FS

const insertSQL = `INSERT INTO outbox (event_id, source, type, subject, topic, key, occurred_at, headers, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

// Append stores msgs, to be published in this order once tx commits. Call Relay.Nudge after the commit to have them
// published at once rather than at the relay's next poll.
func Append(ctx context.Context, tx pgx.Tx, msgs ...event.Message) error {
	var b pgx.Batch
	for _, m := range msgs {
		if err := m.Validate(); err != nil {
			return err
		}
		data := m.Data
		if data == nil {
			data = []byte{} // the wire form of a message with no field set, not NULL
		}
		b.Queue(insertSQL, m.ID, m.Source, m.Type, m.Subject, m.Topic, m.Key, m.Time, encodeHeaders(m.Extensions), data)
	}
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("append to outbox: %w", err)
	}
	return nil
}

// Publisher sends messages to a broker.
type Publisher interface {
	// Publish sends msg without waiting for the broker and calls done exactly once, from any goroutine, possibly before
	// it returns: with nil when the broker has the message safely, else with why it may not have it. When ctx ends,
	// a message not yet sent may be given up.
	Publish(ctx context.Context, msg event.Message, done func(error))
	// Close waits until what was published is done, or ctx is, and releases the connection. Whoever made the publisher
	// closes it, after the relay's Run has returned.
	Close(ctx context.Context) error
}

// Permanent marks a publish error that no retry can mend, such as a message too large for the broker. The relay parks
// the message's key.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &markedError{err, errPermanent}
}

// Unavailable marks a publish error that is an outage of the broker and no fault of the message. The relay backs off
// for as long as it takes and counts no attempt.
func Unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &markedError{err, errUnavailable}
}

var (
	errPermanent   = errors.New("permanent")
	errUnavailable = errors.New("unavailable")
)

type markedError struct{ err, mark error }

func (e *markedError) Error() string   { return e.err.Error() }
func (e *markedError) Unwrap() []error { return []error{e.err, e.mark} }
