package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Options say how to rebuild.
type Options struct {
	Postgres postgres.Config
	Kafka    kafka.Config
	// Group is the service's consumer group: what it has consumed is folded, and nothing else.
	Group    string
	Verifier inbox.Verifier // nil: all messages are believed
	// Unverified says what becomes of messages that do not verify and are not in quarantine: "skip", "take", or "" for an error.
	Unverified string
	// Check only compares.
	Check    bool
	Logger   *slog.Logger                   // nil: none
	Progress func(folded int, behind int64) // called every few seconds, with how many messages are still to be read; may be nil
}

// freezes is how often the service is asked to make way before the command gives up.
const freezes = 5

// Rebuild makes a view anew; find returns it, with its handlers bound to a pool. The service may run, and should: what it has not consumed is not
// folded.
func Rebuild(ctx context.Context, find func(*pgxpool.Pool) (View, error), opts Options) (Outcome, error) {
	s, err := open(ctx, opts.Postgres)
	if err != nil {
		return Outcome{}, err
	}
	defer s.close()
	r := &rebuild{
		session: s, group: opts.Group, verifier: opts.Verifier, unverified: opts.Unverified, progress: opts.Progress,
		waiting: map[kafka.Place][]event.Message{}, read: map[kafka.Place]int64{},
	}
	if r.view, err = find(s.pool); err != nil {
		return Outcome{}, err
	}
	if err := r.begin(s.ctx, opts); err != nil {
		return Outcome{}, s.cause(err)
	}
	defer r.log.Close()
	err = r.run(s.ctx, opts.Check)
	return r.outcome, s.cause(err)
}

// begin makes the temporary tables and opens the log.
func (r *rebuild) begin(ctx context.Context, opts Options) (err error) {
	if err := r.lockTimeout(ctx); err != nil {
		return err
	}
	_, err = r.pool.Exec(ctx, `SELECT pg_advisory_lock(hashtextextended('rebuild/' || $1, 0))`, r.view.Table)
	if timedOut(err) {
		return fmt.Errorf("%s is being rebuilt by another", r.view.Name)
	}
	if err != nil {
		return fmt.Errorf("keep others from rebuilding: %w", err)
	}
	if r.schema, err = r.shadow(ctx, r.view.Table); err != nil {
		return err
	}
	r.in = inbox.New(r.pool, r.group, inbox.Options{Logger: opts.Logger})
	r.view.Handle(r.in)
	if r.log, err = kafka.OpenLog(ctx, opts.Kafka, r.view.Topics); err != nil {
		return err
	}
	for p, at := range r.log.Starts() {
		if at > 0 {
			r.log.Close()
			return fmt.Errorf("the first %d messages of %s/%d are gone from the broker, and a view made without them would lack what they say: keep such topics forever (retention.ms=-1)",
				at, p.Topic, p.Partition)
		}
		r.read[p] = at
	}
	return nil
}

// run follows the service until it is caught up with, and replaces the rows while that waits.
func (r *rebuild) run(ctx context.Context, check bool) error {
	for range freezes {
		if err := r.catchUp(ctx); err != nil {
			return err
		}
		if err := r.failed(ctx); err != nil {
			return err
		}
		done, err := r.frozen(ctx, func(ctx context.Context) error {
			if err := r.lastOnes(ctx); err != nil {
				return err
			}
			if err := r.failed(ctx); err != nil {
				return err
			}
			return r.swap(ctx, check)
		})
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("the service folds so much into %s that it cannot be caught up with: try when there is less to do", r.view.Name)
}

// frozen runs work while no transaction of the service folds into the view. It reports false when that could not be had, or the last events did not
// come, in time.
func (r *rebuild) frozen(ctx context.Context, work func(ctx context.Context) error) (done bool, err error) {
	live := r.of(r.view.Table)
	_, err = r.pool.Exec(ctx, `SELECT pg_advisory_lock($1::text::regclass::oid::bigint)`, live)
	if timedOut(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("keep the service from folding: %w", err)
	}
	defer func() {
		// When this fails the session ends with the command, and the lock with it.
		thaw, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = r.pool.Exec(thaw, `SELECT pg_advisory_unlock($1::text::regclass::oid::bigint)`, live)
	}()
	started := time.Now()
	err = work(ctx)
	r.outcome.Waited = time.Since(started)
	if errors.Is(err, errSlow) {
		return false, nil
	}
	return err == nil, err
}

// lockTimeout bounds how long the session waits for any lock.
func (r *rebuild) lockTimeout(ctx context.Context) error {
	_, err := r.pool.Exec(ctx, `SELECT set_config('lock_timeout', $1, false)`, fmt.Sprint(freezeWait.Milliseconds()))
	return err
}

// failed is an error if some events could not be folded.
func (r *rebuild) failed(ctx context.Context) error {
	rows, err := r.pool.Query(ctx, `SELECT type, key, error, count(*) OVER () FROM dead_letters ORDER BY id LIMIT 3`)
	if err != nil {
		return err
	}
	var errs []error
	var typ, key, text string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&typ, &key, &text, &n}, func() error {
		errs = append(errs, fmt.Errorf("%s of %s: %s", typ, key, text))
		return nil
	}); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d events could not be folded, and nothing was changed:\n%w", n, errors.Join(errs...))
}
