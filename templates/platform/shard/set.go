package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Options are what Open is told.
type Options struct {
	// Count is how many shards a new database gets. One that has shards keeps them: see Add.
	Count int
	// Migrate brings the tables in a pool's schema to this release.
	Migrate func(ctx context.Context, pool *pgxpool.Pool) error
	// Registerer takes the metrics (none), Logger tells of new shards (none).
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Set is the shards of a service's database, as many as there are: one that another process adds is found. Its methods may be called
// concurrently, but for Attach.
type Set struct {
	cfg     postgres.Config
	opts    Options
	control *pgxpool.Pool // sees all schemas, by their names
	metrics *metrics
	log     *slog.Logger

	mu     sync.Mutex // of what follows; held while a shard is opened
	shards map[int]*Shard
	attach func(*Shard) error
	closed bool

	maps    sync.RWMutex
	at      [Slots]int   // where each slot was last seen
	epochs  [Slots]int64 // of that
	added   chan *Shard  // shards whose workers are to be run
	running sync.WaitGroup
}

// Shard is one of the set.
type Shard struct {
	// Number is 0, 1, …; the shard's schema is shard_<number>.
	Number int
	// Pool has the shard's schema as its search path.
	Pool *pgxpool.Pool
	// Nudge, if it is set, is called after each commit in the shard.
	Nudge func()
	// Process, if it is set, handles the messages of a batch that belong to the shard: see Set.Process.
	Process Processor

	workers []worker
}

type worker struct {
	name string
	run  func(ctx context.Context) error
}

// Go adds a worker of the shard, for Attach. It is run by Set.Run.
func (s *Shard) Go(name string, run func(ctx context.Context) error) {
	s.workers = append(s.workers, worker{name, run})
}

// Registerer adds the shard to the labels of metrics.
func (s *Shard) Registerer(r prometheus.Registerer) prometheus.Registerer {
	return Registerer(r, fmt.Sprint(s.Number))
}

// Registerer adds the label shard to metrics; "all" is for what is not of one shard.
func Registerer(r prometheus.Registerer, shard string) prometheus.Registerer {
	if r == nil {
		return nil
	}
	return prometheus.WrapRegistererWith(prometheus.Labels{"shard": shard}, r)
}

// Open connects to the shards of a database, brings their tables to this release and makes the first opts.Count shards of a new one.
// Replicas may do it at the same time. The connections of cfg are shared out among the shards, at least four each. Close the set in the end.
func Open(ctx context.Context, cfg postgres.Config, opts Options) (*Set, error) {
	s, err := connect(ctx, cfg, opts)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		s.Close()
		return nil, err
	}
	if err := s.reload(ctx); err != nil {
		s.Close()
		return nil, err
	}
	numbers, err := s.numbers(ctx)
	if err != nil {
		s.Close()
		return nil, err
	}
	for _, n := range numbers {
		if _, err := s.shard(ctx, n); err != nil {
			s.Close()
			return nil, err
		}
	}
	if len(numbers) < opts.Count {
		s.log.WarnContext(ctx, "the spec has more shards than the database: run the command shards add", "spec", opts.Count, "database", len(numbers))
	}
	return s, nil
}

// connect returns a set that knows nothing yet.
func connect(ctx context.Context, cfg postgres.Config, opts Options) (*Set, error) {
	own := cfg
	own.MaxConns = 4
	control, err := postgres.Open(ctx, own)
	if err != nil {
		return nil, err
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Set{
		cfg: cfg, opts: opts, control: control, log: log, metrics: newMetrics(opts.Registerer),
		shards: map[int]*Shard{}, added: make(chan *Shard, MaxShards),
	}, nil
}

// Close closes all connections. Nothing may use the set after that.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, sh := range s.shards {
		sh.Pool.Close()
	}
	s.control.Close()
}

// Ping is an error if the database does not answer.
func (s *Set) Ping(ctx context.Context) error { return s.control.Ping(ctx) }

// Shards are the shards that this process knows, in the order of their numbers.
func (s *Set) Shards() []*Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*Shard, 0, len(s.shards))
	for n := 0; len(list) < len(s.shards); n++ {
		if sh := s.shards[n]; sh != nil {
			list = append(list, sh)
		}
	}
	return list
}

// Attach calls f for each shard, those that are added later too, before the shard is used: to give it what works for it. Call it once,
// before anything else uses the set.
func (s *Set) Attach(f func(*Shard) error) error {
	for _, sh := range s.Shards() {
		if err := f(sh); err != nil {
			return err
		}
		s.added <- sh
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attach = f
	return nil
}

// shard returns a shard by its number, and opens it if that was not done yet.
func (s *Set) shard(ctx context.Context, number int) (*Shard, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.shards[number]; sh != nil {
		return sh, nil
	}
	if s.closed {
		return nil, errors.New("the shards are closed")
	}
	cfg := s.cfg
	cfg.Schema = schema(number)
	cfg.MaxConns = max(4, s.cfg.MaxConns/int32(max(1, s.opts.Count)))
	pool, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("shard %d: %w", number, err)
	}
	sh := &Shard{Number: number, Pool: pool}
	if s.attach != nil {
		if err := s.attach(sh); err != nil {
			pool.Close()
			return nil, fmt.Errorf("shard %d: %w", number, err)
		}
		s.added <- sh
		s.log.InfoContext(ctx, "a shard was added", "shard", number)
	}
	s.shards[number] = sh
	return sh, nil
}

// numbers are those of the shards that the database has.
func (s *Set) numbers(ctx context.Context) ([]int, error) {
	rows, err := s.control.Query(ctx, `SELECT number FROM shards.shard ORDER BY number`)
	if err != nil {
		return nil, fmt.Errorf("list shards: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, fmt.Errorf("list shards: %w", err)
	}
	return list, nil
}

// reload reads where the slots are.
func (s *Set) reload(ctx context.Context) error {
	rows, err := s.control.Query(ctx, `SELECT slot, shard, epoch FROM shards.slot`)
	if err != nil {
		return fmt.Errorf("read the map of slots: %w", err)
	}
	s.maps.Lock()
	defer s.maps.Unlock()
	var slot, at int
	var epoch int64
	if _, err := pgx.ForEachRow(rows, []any{&slot, &at, &epoch}, func() error {
		s.at[slot], s.epochs[slot] = at, epoch
		return nil
	}); err != nil {
		return fmt.Errorf("read the map of slots: %w", err)
	}
	return nil
}

// seen is where a slot was last seen, and how often it had moved by then.
func (s *Set) seen(slot int) (at int, epoch int64) {
	s.maps.RLock()
	defer s.maps.RUnlock()
	return s.at[slot], s.epochs[slot]
}

// Run runs the workers of all shards, and finds those that are added, until ctx ends and the workers have returned. The error is that of
// the first worker that fails.
func (s *Set) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var nextStats time.Time
	for {
		select {
		case <-ctx.Done():
			s.running.Wait()
			if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		case sh := <-s.added:
			for _, w := range sh.workers {
				s.running.Go(func() {
					if err := guarded(ctx, w.run); err != nil && ctx.Err() == nil {
						cancel(fmt.Errorf("%s of shard %d: %w", w.name, sh.Number, err))
					}
				})
			}
		case <-look.C:
			if err := s.look(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "cannot look for new shards, trying again", "error", err)
			}
			if time.Now().After(nextStats) {
				s.stats(ctx)
				nextStats = time.Now().Add(statsEvery)
			}
		}
	}
}

// lookEvery is how often new shards are looked for. It is no part of what keeps rows: a transaction finds a new shard itself.
const lookEvery = time.Second

// guarded turns a panic into an error.
func guarded(ctx context.Context, run func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return run(ctx)
}

// look opens the shards that were added since.
func (s *Set) look(ctx context.Context) error {
	numbers, err := s.numbers(ctx)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if _, err := s.shard(ctx, n); err != nil {
			return err
		}
	}
	return s.reload(ctx)
}
