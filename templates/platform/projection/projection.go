// Package projection makes a read model anew from the log of events while the service goes on serving and folding: the second half of
// CQRS, without which a fold can never be changed for what has happened already.
//
// All events of the view are folded, by the service's own handlers, into temporary tables of one database session, which has its own inbox as
// well. When it has caught up with the service, folding waits for a moment, the last events follow, and one transaction turns the view's rows into
// the new ones: readers see either the old view or the new one, and are never kept waiting.
package projection

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/inbox"
)

// View is a read model of a service.
type View struct {
	Name  string // as the spec calls it
	Table string
	Key   string // the table's primary key
	// Topics are those that its events come by, Types their types, as messages have them.
	Topics, Types []string
	// Handle registers the handlers of its events, and no others.
	Handle func(in *inbox.Inbox)
}

// Outcome is what rebuilding came to, in rows.
type Outcome struct {
	Folded                        int // messages, those that came twice too
	Skipped                       int // messages that were not believed
	Added, Changed, Removed, Same int
	Waited                        time.Duration // the service's folding
	// Keys are some of those that were added, changed or removed.
	Keys []string
}

// Differs reports that the view was not what its events say.
func (o Outcome) Differs() bool { return o.Added+o.Changed+o.Removed > 0 }

// Lock is taken by a transaction before it reads the row of key in a view's table and folds an event into it. It orders the events of a key that
// arrive through different partitions at the same time, which a row lock could not where there is no row yet; and it waits while Rebuild
// replaces the rows. db is the transaction. Locks go by the identity of the table, so that a temporary one has its own.
func Lock(ctx context.Context, db execer, table, key string) error {
	_, err := db.Exec(ctx, `SELECT pg_advisory_xact_lock_shared(view), pg_advisory_xact_lock(hashtextextended(view || '/' || $2::text, 0))
FROM (SELECT $1::text::regclass::oid::bigint AS view) v`, table, key)
	if err != nil {
		return fmt.Errorf("lock %s: %w", table, err)
	}
	return nil
}

type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}
