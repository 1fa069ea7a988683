package shard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/column"
	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// maxMoves bounds how often one call follows a slot that moves: nobody moves a slot that often.
const maxMoves = 8

// moved says that a slot is in another shard than was believed.
type moved struct {
	slot, at int
}

func (m *moved) Error() string { return fmt.Sprintf("slot %d is in shard %d now", m.slot, m.at) }

// InTx runs fn in a transaction in the shard of a place, as postgres.InTx does: fn may run again. The slot stays in the shard until the
// transaction ends. While it is being moved InTx waits: see Add for how long at most. A place that is none gives its error.
func (s *Set) InTx(ctx context.Context, p Place, fn func(tx pgx.Tx) error) error {
	if p.err != nil {
		return p.err
	}
	at, _ := s.seen(p.slot)
	for range maxMoves {
		sh, err := s.shard(ctx, at)
		if err != nil {
			return err
		}
		err = postgres.InTx(ctx, sh.Pool, func(tx pgx.Tx) error {
			var now int
			if err := tx.QueryRow(ctx, `SELECT shards.enter($1)`, p.slot).Scan(&now); err != nil {
				return fmt.Errorf("enter slot %d: %w", p.slot, err)
			}
			if now != sh.Number {
				return &moved{p.slot, now}
			}
			return fn(tx)
		})
		var elsewhere *moved
		if errors.As(err, &elsewhere) {
			s.metrics.misses.Inc()
			at = elsewhere.at
			if err := s.reload(ctx); err != nil {
				return err
			}
			continue
		}
		if err == nil && sh.Nudge != nil {
			sh.Nudge()
		}
		return err
	}
	return fmt.Errorf("slot %d moves all the time", p.slot)
}

// Read runs a read in the shard of a place. When it finds nothing (pgx.ErrNoRows) and the slot was moved meanwhile, it looks again.
func Read[T any](ctx context.Context, s *Set, p Place, read func(db *pgxpool.Pool) (T, error)) (T, error) {
	var none T
	if p.err != nil {
		return none, p.err
	}
	for range maxMoves {
		at, epoch := s.seen(p.slot)
		sh, err := s.shard(ctx, at)
		if err != nil {
			return none, err
		}
		got, err := read(sh.Pool)
		if !errors.Is(err, pgx.ErrNoRows) {
			return got, err
		}
		if err := s.reload(ctx); err != nil {
			return none, err
		}
		if _, now := s.seen(p.slot); now == epoch {
			return got, pgx.ErrNoRows
		}
		s.metrics.misses.Inc()
	}
	return none, fmt.Errorf("slot %d moves all the time", p.slot)
}

// List returns up to limit rows of a table of all shards that keep where, in the order of column by. It is one statement and so sees one
// moment: no row is missing or there twice while its slot is moved. Each shard gives limit rows at most, by its own index.
func List[T any](
	ctx context.Context, s *Set, columns, table string, where *column.Where, by string, limit int, scan func(pgx.Row) (T, error),
) ([]T, error) {
	n, condition := where.Arg(limit), where.SQL()
	for range maxMoves {
		shards := s.Shards()
		parts := make([]string, len(shards))
		for i, sh := range shards {
			parts[i] = fmt.Sprintf("(SELECT %s FROM %s.%s%s ORDER BY %s LIMIT %s)", columns, schema(sh.Number), table, condition, by, n)
		}
		// A process that does not know of all shards gets nothing.
		sql := fmt.Sprintf("SELECT * FROM (%s) t WHERE (SELECT count(*) FROM shards.shard) = %s ORDER BY %s LIMIT %s",
			strings.Join(parts, " UNION ALL "), strconv.Itoa(len(shards)), by, n)
		rows, err := s.control.Query(ctx, sql, where.Args()...)
		if err != nil {
			return nil, err
		}
		list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (T, error) { return scan(row) })
		if err != nil || len(list) > 0 {
			return list, err
		}
		if err := s.look(ctx); err != nil {
			return nil, err
		}
		if len(s.Shards()) == len(shards) { // shards only ever come
			return list, nil
		}
	}
	return nil, errors.New("shards are added all the time")
}

// Processor handles a batch of messages, as inbox.Inbox.Process does.
type Processor func(ctx context.Context, batch []event.Message) error

// Process returns a Processor that gives each message to the Process of its place's shard. Messages of one slot stay in order and
// together, in one transaction where they are handled so. Those that belong nowhere go to the first shard, which parks them.
func (s *Set) Process(place func(event.Message) Place) Processor {
	return func(ctx context.Context, batch []event.Message) error {
		bySlot := map[int][]event.Message{}
		var order []int
		for _, msg := range batch {
			p := place(msg)
			slot := p.slot
			if p.err != nil {
				slot = -1
			}
			if bySlot[slot] == nil {
				order = append(order, slot)
			}
			bySlot[slot] = append(bySlot[slot], msg)
		}
		for _, slot := range order {
			at := 0
			if slot >= 0 {
				at, _ = s.seen(slot)
			}
			sh, err := s.shard(ctx, at)
			if err != nil {
				return err
			}
			if err := sh.Process(ctx, bySlot[slot]); err != nil {
				return err
			}
		}
		return nil
	}
}

// TxOf returns what an inbox of the set's shards runs the work of a message in: the transaction of the message's place. A message that
// belongs nowhere is in no slot of the first shard, where it can be parked and nothing else.
func (s *Set) TxOf(place func(event.Message) Place) func(context.Context, event.Message, func(tx pgx.Tx) error) error {
	return func(ctx context.Context, msg event.Message, fn func(tx pgx.Tx) error) error {
		p := place(msg)
		if p.err == nil {
			return s.InTx(ctx, p, fn)
		}
		first, err := s.shard(ctx, 0)
		if err != nil {
			return err
		}
		return postgres.InTx(ctx, first.Pool, fn)
	}
}

// Enter returns what an inbox of the set's shards does before it handles a dead letter again.
func (s *Set) Enter(place func(event.Message) Place) func(context.Context, pgx.Tx, event.Message) error {
	return func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		p := place(msg)
		if p.err != nil {
			return fmt.Errorf("the message names nothing in any shard: %w", p.err)
		}
		_, err := tx.Exec(ctx, `SELECT shards.enter($1)`, p.slot)
		return err
	}
}

// OfMessage is the place that the data of a message names. Data that is no E names nothing.
func OfMessage[E proto.Message](msg event.Message, place func(E) Place) Place {
	var zero E
	e := zero.ProtoReflect().New().Interface().(E)
	if err := proto.Unmarshal(msg.Data, e); err != nil {
		return Place{err: fmt.Errorf("%s cannot be decoded: %w", msg.Type, err)}
	}
	return place(e)
}
