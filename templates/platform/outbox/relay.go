package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Options tune a relay. The zero value of a field means its default.
type Options struct {
	// Window is how many messages may be with the publisher unacknowledged (4096). Four times as many are held in
	// memory at most, of 64 MiB at most plus one batch.
	Window int
	// The table is polled every PollMin (10ms) while there is work, ever more rarely down to PollMax (500ms) else.
	PollMin, PollMax time.Duration
	// Sweep is how often the whole table is looked through for keys that were parked or freed, and for whatever else is left behind (1s).
	Sweep time.Duration
	// MaxAttempts is how often a message may fail before its key is parked (20: some six minutes with the default
	// backoff). Outages of the broker do not count.
	MaxAttempts int
	// A failed message is tried again after BackoffMin (100ms), doubled each time up to BackoffMax (30s).
	BackoffMin, BackoffMax time.Duration
	// Lease is after how long of silence the database takes the lead from a relay (15s).
	Lease time.Duration
	// Drain is how long Run waits for outstanding acknowledgements when its context ends (5s).
	Drain time.Duration
	// Registerer takes the relay's metrics (none).
	Registerer prometheus.Registerer
	// Logger tells of changes of leader, outages and parked keys (none).
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	def(&o.Window, 4096)
	def(&o.PollMin, 10*time.Millisecond)
	def(&o.PollMax, 500*time.Millisecond)
	def(&o.Sweep, time.Second)
	def(&o.MaxAttempts, 20)
	def(&o.BackoffMin, 100*time.Millisecond)
	def(&o.BackoffMax, 30*time.Second)
	def(&o.Lease, 15*time.Second)
	def(&o.Drain, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o
}

func def[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Relay publishes the messages of one database's outbox. Run one in each replica of a service: one leads, the others
// stand by.
type Relay struct {
	pool    *pgxpool.Pool
	pub     Publisher
	opts    Options
	metrics *metrics
	nudge   chan struct{}

	// sweeper is sweep, but for a test that needs a slow one.
	sweeper sweepFunc
}

// NewRelay returns a relay that publishes pool's outbox through pub. It takes from pool only how to connect: its own
// three connections are apart, so that neither an exhausted pool nor the pool's timeouts stop it. They must reach
// Postgres (14 or newer) itself or a proxy in session mode, for leadership is a session's lock.
func NewRelay(pool *pgxpool.Pool, pub Publisher, opts Options) *Relay {
	opts = opts.withDefaults()
	return &Relay{
		pool: pool, pub: pub, opts: opts,
		metrics: newMetrics(opts.Registerer),
		nudge:   make(chan struct{}, 1),
		sweeper: sweep,
	}
}

// Nudge tells the relay that a transaction with messages has committed. It never blocks, and costs nothing when the
// relay of another replica leads: that one finds the messages at its next poll.
func (r *Relay) Nudge() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Run takes its turns at leading until ctx ends. Then it publishes nothing new, waits for outstanding
// acknowledgements up to Options.Drain, and returns nil. Outages of the database are waited out.
func (r *Relay) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; failures++ {
		led, err := r.takeTurn(ctx)
		if ctx.Err() != nil {
			break
		}
		if led {
			failures = 0
		}
		r.opts.Logger.WarnContext(ctx, "outbox relay lost its database connection", "led", led, "error", err)
		sleep(ctx, backoff(failures, r.opts.BackoffMin, 5*time.Second))
	}
	return nil
}

// lockSQL is true when this session now holds, or already held, the lead. Advisory locks are local to a database; a schema that is a shard
// has an outbox, and so a lead, of its own.
// It is tried rather than waited for: a waiting statement would hold back vacuum for as long as it waits.
const lockSQL = `SELECT pg_try_advisory_lock(hashtextextended(
	'platform/outbox' || CASE WHEN current_schema() LIKE 'shard\_%' THEN '/' || current_schema() ELSE '' END, 0))`

// takeTurn stands by until it can lead, then leads until the connection is lost or ctx ends.
func (r *Relay) takeTurn(ctx context.Context) (led bool, err error) {
	// The database ends a session that is silent for Lease and with it the lead: so a relay that is stopped, or cut
	// off from the network, is replaced even though its connection looks alive.
	conn, err := r.connect(ctx, map[string]string{
		"idle_session_timeout": strconv.FormatInt(r.opts.Lease.Milliseconds(), 10),
		// The statistics of a table that fills and drains all the time are always wrong; the index is always right.
		"enable_seqscan": "off", "enable_bitmapscan": "off",
	})
	if err != nil {
		return false, err
	}
	defer closeConn(conn)

	for {
		if err := conn.QueryRow(ctx, lockSQL).Scan(&led); err != nil {
			return false, fmt.Errorf("campaign: %w", err)
		}
		if led {
			break
		}
		if !sleep(ctx, r.opts.PollMax) {
			return false, ctx.Err()
		}
	}
	r.opts.Logger.InfoContext(ctx, "outbox relay leads")
	r.metrics.leader.Set(1)
	defer r.metrics.leader.Set(0)
	return true, newTerm(r, conn).run(ctx)
}

// connect opens a connection outside of the pool with the given settings and no statement timeout.
func (r *Relay) connect(ctx context.Context, params map[string]string) (*pgx.Conn, error) {
	cfg := r.pool.Config().ConnConfig
	cfg.RuntimeParams["statement_timeout"] = "0"
	cfg.RuntimeParams["application_name"] += "/outbox"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // binary rows, whatever the pool needs
	for k, v := range params {
		cfg.RuntimeParams[k] = v
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect outbox relay: %w", err)
	}
	return conn, nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the session ends either way
}

// backoff is least doubled n times, capped by most, with jitter of a half so that what failed together does not
// come back together.
func backoff(n int, least, most time.Duration) time.Duration {
	d := most
	if n < 30 {
		d = min(least<<n, most)
	}
	return d/2 + rand.N(d/2+1)
}

// sleep reports whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func isPermanent(err error) bool   { return errors.Is(err, errPermanent) }
func isUnavailable(err error) bool { return errors.Is(err, errUnavailable) }
