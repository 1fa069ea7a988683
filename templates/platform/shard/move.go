package shard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Move is a slot that goes from one shard to another.
type Move struct {
	Slot, From, To int
}

// Moved is what a Move took with it: rows by table.
type Moved struct {
	Move
	Rows map[string]int64
}

// AddOptions are what Add is told; a zero field means its default.
type AddOptions struct {
	// Pause bounds how long the move of one slot takes once it has the slot: 10 s. A writer waits for Wait and Pause at most.
	Pause time.Duration
	// Wait bounds how long a move waits for transactions under way before it lets the writers behind it go first, and tries again: 2 s.
	Wait time.Duration
	// Turn bounds how long Add waits for another one to end: 10 s, in which the server also notices that one was killed.
	Turn time.Duration
	// Attempts is how often the move of a slot is tried: 20.
	Attempts int
	// Moved is called after each move.
	Moved func(done Moved, n, of int)
}

// Add makes shards until there are count, and moves slots until each shard has the same number of them, give or take one. Slots are moved
// one by one, each in a transaction. Whatever stops Add leaves every slot whole, in one shard: call it again to go on. Fewer shards than
// there are, or more than MaxShards, is an error. It moves no more slots than it must.
func (s *Set) Add(ctx context.Context, count int, opts AddOptions) error {
	if opts.Pause <= 0 {
		opts.Pause = 10 * time.Second
	}
	if opts.Wait <= 0 {
		opts.Wait = 2 * time.Second
	}
	if opts.Turn <= 0 {
		opts.Turn = 10 * time.Second
	}
	if opts.Attempts <= 0 {
		opts.Attempts = 20
	}
	// One at a time; the lock goes with the connection.
	conn, err := s.control.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("add shards: %w", err)
	}
	defer conn.Release()
	if err := lockAdd(ctx, conn, opts.Turn); err != nil {
		return err
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(hashtextextended('platform/shard/add', 0))`)
	}()

	numbers, err := s.numbers(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(numbers) == 0:
		return errors.New("there are no shards yet: start the service once")
	case count < len(numbers):
		return fmt.Errorf("there are %d shards already: shards are not taken away", len(numbers))
	case count > MaxShards:
		return fmt.Errorf("%d shards are more than %d", count, MaxShards)
	}
	for n := len(numbers); n < count; n++ {
		if err := s.migrate(ctx, []int{n}); err != nil {
			return err
		}
		if _, err := s.control.Exec(ctx, `INSERT INTO shards.shard (number) VALUES ($1) ON CONFLICT DO NOTHING`, n); err != nil {
			return fmt.Errorf("add shard %d: %w", n, err)
		}
	}
	if err := s.reload(ctx); err != nil {
		return err
	}
	s.maps.RLock()
	moves := plan(&s.at, count)
	s.maps.RUnlock()
	for i, m := range moves {
		rows, err := s.move(ctx, m, opts)
		if err != nil {
			return fmt.Errorf("move slot %d from shard %d to %d: %w", m.Slot, m.From, m.To, err)
		}
		if opts.Moved != nil {
			opts.Moved(Moved{m, rows}, i+1, len(moves))
		}
	}
	return nil
}

// lockAdd takes the lock of Add for the session of conn.
func lockAdd(ctx context.Context, conn *pgxpool.Conn, turn time.Duration) error {
	for begin := time.Now(); ; {
		var mine bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('platform/shard/add', 0))`).Scan(&mine); err != nil {
			return fmt.Errorf("add shards: %w", err)
		}
		switch {
		case mine:
			return nil
		case time.Since(begin) > turn:
			return errors.New("another process adds shards at the moment")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// plan is the fewest moves after which each of count shards has the same number of slots, give or take one.
func plan(at *[Slots]int, count int) []Move {
	slots := make([][]int, count)
	for slot, n := range at {
		slots[n] = append(slots[n], slot)
	}
	var moves []Move
	for {
		most, least := 0, 0
		for n := range slots {
			if len(slots[n]) > len(slots[most]) {
				most = n
			}
			if len(slots[n]) < len(slots[least]) {
				least = n
			}
		}
		if len(slots[most])-len(slots[least]) <= 1 {
			return moves
		}
		last := len(slots[most]) - 1
		slot := slots[most][last]
		slots[most] = slots[most][:last]
		slots[least] = append(slots[least], slot)
		moves = append(moves, Move{Slot: slot, From: most, To: least})
	}
}

// move takes a slot to another shard, and tries again when others were in the way.
func (s *Set) move(ctx context.Context, m Move, opts AddOptions) (rows map[string]int64, err error) {
	for n := 1; ; n++ {
		rows, err = s.tryMove(ctx, m, opts)
		var pg *pgconn.PgError
		busy := errors.As(err, &pg) && slices.Contains([]string{"55P03", "40P01", "40001", "25P03"}, pg.Code)
		if err == nil || !busy && !postgres.IsDown(err) || n == opts.Attempts {
			return rows, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(rand.N(100*time.Millisecond) * time.Duration(n)):
		}
	}
}

// tryMove moves all rows of a slot in one transaction that holds the slot alone.
func (s *Set) tryMove(ctx context.Context, m Move, opts AddOptions) (map[string]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.Wait+opts.Pause)
	defer cancel()
	rows := map[string]int64{}
	err := pgx.BeginFunc(ctx, s.control, func(tx pgx.Tx) error {
		// A mover that is stopped by force or cut off must not hold the writers longer than one that works.
		for name, value := range map[string]time.Duration{
			"lock_timeout": opts.Wait, "statement_timeout": opts.Pause, "idle_in_transaction_session_timeout": opts.Pause,
		} {
			if _, err := tx.Exec(ctx, `SELECT set_config($1, $2, true)`, name, fmt.Sprint(value.Milliseconds())); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(1936220530, $1)`, m.Slot); err != nil {
			return err
		}
		var at int
		if err := tx.QueryRow(ctx, `SELECT shard FROM shards.slot WHERE slot = $1`, m.Slot).Scan(&at); err != nil {
			return err
		}
		if at != m.From {
			return fmt.Errorf("the slot is in shard %d", at)
		}
		if _, err := tx.Exec(ctx, `UPDATE shards.slot SET shard = $2, epoch = epoch + 1 WHERE slot = $1`, m.Slot, m.To); err != nil {
			return err
		}
		tables, err := s.tables(ctx, tx, m)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL DEFERRED`); err != nil {
			return err
		}
		for _, t := range tables {
			if t.name == outbox { // the last
				if some, err := unsent(ctx, tx, m); err != nil || !some {
					return err
				}
			}
			tag, err := tx.Exec(ctx, t.move(m), m.Slot)
			if err != nil {
				return fmt.Errorf("rows of %s: %w", t.name, err)
			}
			rows[t.name] = tag.RowsAffected()
		}
		return nil
	})
	return rows, err
}

const outbox = "outbox"

// unsent reports that the slot has messages to take along, and then keeps others out of the new outbox until the end. Their numbers would be
// higher than those of the messages that come along, and could be seen before them: the relay would go on from there.
func unsent(ctx context.Context, tx pgx.Tx, m Move) (some bool, err error) {
	sql := fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s.%s WHERE shard_slot = $1)`, schema(m.From), outbox)
	if err := tx.QueryRow(ctx, sql, m.Slot).Scan(&some); err != nil || !some {
		return false, err
	}
	_, err = tx.Exec(ctx, fmt.Sprintf(`LOCK TABLE %s.%s IN SHARE ROW EXCLUSIVE MODE`, schema(m.To), outbox))
	return true, err
}

// table is one whose rows are moved.
type table struct {
	name    string
	columns []string // but for numbers that the database gives
	serial  string   // the number that the database gives, "" if there is none
}

// move is the statement that takes the rows of slot $1 from one schema to another. New numbers are in the order of the old.
func (t table) move(m Move) string {
	name := pgx.Identifier{t.name}.Sanitize()
	columns := strings.Join(t.columns, ", ")
	order := ""
	if t.serial != "" {
		order = " ORDER BY " + t.serial
	}
	return fmt.Sprintf(`WITH gone AS (DELETE FROM %[1]s.%[3]s WHERE shard_slot = $1 RETURNING *)
		INSERT INTO %[2]s.%[3]s (%[4]s) SELECT %[4]s FROM gone%[5]s`, schema(m.From), schema(m.To), name, columns, order)
}

// tables are all tables of a shard, those that refer to others before these: a deletion must not cascade. The other shard must have the
// same tables: it has not while a new release is being deployed.
func (s *Set) tables(ctx context.Context, tx pgx.Tx, m Move) ([]table, error) {
	from, err := readTables(ctx, tx, schema(m.From))
	if err != nil {
		return nil, err
	}
	to, err := readTables(ctx, tx, schema(m.To))
	if err != nil {
		return nil, err
	}
	same := len(from) == len(to)
	for _, t := range from {
		same = same && slices.ContainsFunc(to, func(o table) bool {
			a, b := slices.Sorted(slices.Values(t.columns)), slices.Sorted(slices.Values(o.columns))
			return o.name == t.name && slices.Equal(a, b)
		})
	}
	if !same {
		return nil, errors.New("the shards have different tables: finish the deployment first")
	}
	// The outbox comes last: see unsent.
	slices.SortStableFunc(from, func(a, b table) int { return boolean(a.name == outbox) - boolean(b.name == outbox) })
	return from, nil
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func readTables(ctx context.Context, tx pgx.Tx, name string) ([]table, error) {
	rows, err := tx.Query(ctx, `
		WITH RECURSIVE refers AS (
			SELECT conrelid child, confrelid parent FROM pg_constraint
			WHERE connamespace = $1::regnamespace AND contype = 'f' AND conrelid <> confrelid
		), depth AS (
			SELECT c.oid, 0 AS n FROM pg_class c WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'goose\_%'
			UNION
			SELECT r.child, d.n + 1 FROM depth d JOIN refers r ON r.parent = d.oid WHERE d.n < 100
		)
		SELECT c.relname::text,
			(SELECT array_agg(quote_ident(attname) ORDER BY attnum) FROM pg_attribute
				WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''),
			coalesce((SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = c.oid AND attidentity <> '' AND NOT attisdropped), '')
		FROM pg_class c JOIN depth ON depth.oid = c.oid
		GROUP BY c.oid, c.relname ORDER BY max(depth.n) DESC, c.relname`, name)
	if err != nil {
		return nil, fmt.Errorf("read tables of %s: %w", name, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (table, error) {
		var t table
		err := row.Scan(&t.name, &t.columns, &t.serial)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read tables of %s: %w", name, err)
	}
	return list, nil
}
