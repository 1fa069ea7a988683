// Package inbox makes an at-least-once broker change the database once per message. The id of a message is stored in the
// transaction that holds the work of its handlers, so a redelivered message is recognised, and work and mark cannot part.
//
// Messages are handled a batch to a transaction. When a batch fails, its messages are handled again one by one: what fails is
// retried with backoff and in the end parked in table dead_letters, and never stands in the way of messages of other keys. What is parked
// is handled again when an operator asks for it: see AskRetry and RunRetries.
package inbox

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Migrations creates the tables inbox and dead_letters.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Handler does the work of one message in tx. The transaction may hold other messages too, and is rolled back as a whole: effects
// outside the database can therefore happen more than once and need an idempotency key, such as msg.ID. A database error must stay
// reachable by errors.As in what it returns, so that an outage is not taken for a failure of the message.
type Handler func(ctx context.Context, tx pgx.Tx, msg event.Message) error

// Options are what New may be told; a zero field means its default.
type Options struct {
	// Nudge is called after each commit of handled messages: they may have appended to the outbox.
	Nudge func()
	// BackoffMin and BackoffMax bound the pause before a retry: 100 ms and 10 s. The n-th pause is random between 0 and
	// BackoffMin·2ⁿ ("full jitter", AWS Architecture Blog, "Exponential Backoff And Jitter", 2015).
	BackoffMin, BackoffMax time.Duration
	// Retention is how long RunPurge keeps the ids of messages: 7 days. It must exceed the longest time after which the broker can
	// still redeliver a message.
	Retention time.Duration
	// PurgeEvery is the pause between two purges: 10 minutes.
	PurgeEvery time.Duration
	// InTx runs the work of a message in a transaction (nil: postgres.InTx on the inbox's pool). The messages of a batch given to Process run
	// in that of the first.
	InTx func(ctx context.Context, msg event.Message, fn func(tx pgx.Tx) error) error
	// Enter, if it is set, is called before a dead letter is handled again, in the transaction on the inbox's pool that holds its row.
	Enter func(ctx context.Context, tx pgx.Tx, msg event.Message) error
	// Verifier tells messages to believe from others, which are quarantined (nil: all are believed).
	Verifier   Verifier
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Inbox handles the messages of one consumer group. Its methods may be called concurrently, but for Handle.
type Inbox struct {
	pool    *pgxpool.Pool
	group   string
	opts    Options
	routes  map[string]*route
	metrics *metrics
	log     *slog.Logger

	warned sync.Map // types without a handler that were logged already
}

// route is what becomes of the messages of one type.
type route struct {
	retries  int
	handlers []registered
}

type registered struct {
	handle Handler
	where  string // it was registered, for the reader of dead_letters: handlers are often closures that share a name
}

// New returns an Inbox for a consumer group. The group is part of the key of a message: groups that share a database each handle it.
func New(pool *pgxpool.Pool, group string, opts Options) *Inbox {
	if opts.Nudge == nil {
		opts.Nudge = func() {}
	}
	if opts.InTx == nil {
		opts.InTx = func(ctx context.Context, _ event.Message, fn func(tx pgx.Tx) error) error {
			return postgres.InTx(ctx, pool, fn)
		}
	}
	if opts.BackoffMin <= 0 {
		opts.BackoffMin = 100 * time.Millisecond
	}
	if opts.BackoffMax <= 0 {
		opts.BackoffMax = 10 * time.Second
	}
	if opts.Retention <= 0 {
		opts.Retention = 7 * 24 * time.Hour
	}
	if opts.PurgeEvery <= 0 {
		opts.PurgeEvery = 10 * time.Minute
	}
	log := opts.Logger
	if log == nil {
		log = slog.Default()
	}
	return &Inbox{
		pool: pool, group: group, opts: opts,
		routes:  map[string]*route{},
		metrics: newMetrics(opts.Registerer, group, opts.Verifier),
		log:     log.With("group", group),
	}
}

// Handle makes h a handler of messages of type typ. After its first failure a message is retried up to retries times, then parked.
// Several handlers of a type run in the order given and in one transaction, with the largest of their retries. Call it before
// Process.
func (in *Inbox) Handle(typ string, retries int, h Handler) {
	r := in.routes[typ]
	if r == nil {
		r = &route{}
		in.routes[typ] = r
	}
	r.retries = max(r.retries, retries)
	r.handlers = append(r.handlers, registered{h, caller()})
}

// caller is where Handle was called.
func caller() string {
	pc, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s (%s:%d)", runtime.FuncForPC(pc).Name(), filepath.Base(file), line)
}

// permanent marks an error that a retry would not mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent wraps err so that the message is parked at once instead of retried. A nil err gives nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

func isPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
