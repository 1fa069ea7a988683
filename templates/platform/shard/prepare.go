package shard

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// prepare brings the map and all shards to this release; a new database gets the first shards.
func (s *Set) prepare(ctx context.Context) error {
	if err := s.refuseUnsharded(ctx); err != nil {
		return err
	}
	if err := postgres.Migrate(ctx, s.control, "shards", Migrations); err != nil {
		return err
	}
	numbers, err := s.numbers(ctx)
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		for n := range s.opts.Count {
			numbers = append(numbers, n)
		}
	}
	if err := s.migrate(ctx, numbers); err != nil {
		return err
	}
	return postgres.InTx(ctx, s.control, func(tx pgx.Tx) error {
		// Of replicas that start together one fills the map, and the others find it filled.
		_, err := tx.Exec(ctx, `
			WITH new AS (
				INSERT INTO shards.shard (number) SELECT generate_series(0, $1 - 1) WHERE NOT EXISTS (SELECT FROM shards.shard)
				ON CONFLICT DO NOTHING RETURNING number)
			INSERT INTO shards.slot (slot, shard) SELECT slot, slot % $1 FROM generate_series(0, $2 - 1) slot WHERE EXISTS (SELECT FROM new)
			ON CONFLICT DO NOTHING`, s.opts.Count, Slots)
		if err != nil {
			return fmt.Errorf("make the map of slots: %w", err)
		}
		return nil
	})
}

// refuseUnsharded is an error for a database whose service was not sharded so far: its rows would be seen by nobody.
func (s *Set) refuseUnsharded(ctx context.Context) error {
	var found bool
	if err := s.control.QueryRow(ctx, `SELECT to_regclass('goose_idempotency') IS NOT NULL`).Scan(&found); err != nil {
		return fmt.Errorf("look for tables without a shard: %w", err)
	}
	if found {
		return errors.New("the database has tables of this service from before it was sharded, whose rows have no slot in their ids: " +
			"start with an empty database and bring the rows in through the service")
	}
	return nil
}

// migrate makes the schemas of shards and brings their tables to this release.
func (s *Set) migrate(ctx context.Context, numbers []int) error {
	for _, n := range numbers {
		if err := s.migrateOne(ctx, n); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
	}
	return nil
}

func (s *Set) migrateOne(ctx context.Context, number int) error {
	name := schema(number)
	// CREATE SCHEMA IF NOT EXISTS of two replicas at once can fail in one of them: they take turns.
	err := postgres.InTx(ctx, s.control, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('platform/shard', 0))`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+name)
		return err
	})
	if err != nil {
		return fmt.Errorf("make schema %s: %w", name, err)
	}
	cfg := s.cfg
	cfg.Schema, cfg.MaxConns = name, 2
	pool, err := postgres.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := s.opts.Migrate(ctx, pool); err != nil {
		return err
	}
	return s.fit(ctx, pool, name)
}

// ofNoSlot are the tables whose rows may belong to no slot: what could not be understood is kept too, and stays where it is.
var ofNoSlot = map[string]bool{"inbox": true, "dead_letters": true, "stuck_log": true}

// entering are the tables that the timers of sagas write to first, with what they do then.
var entering = map[string]string{"saga": "UPDATE", "saga_request": "DELETE"}

// fit gives the tables of a shard what moving needs: the slot of each row, and foreign keys that are looked at in the end.
func (s *Set) fit(ctx context.Context, pool *pgxpool.Pool, name string) error {
	return postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('platform/shard', 0))`); err != nil {
			return err
		}
		bare, err := texts(ctx, tx, `
			SELECT c.relname::text FROM pg_class c
			WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'goose\_%'
				AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'shard_slot' AND NOT a.attisdropped)`, name)
		if err != nil {
			return err
		}
		for _, table := range bare {
			for _, sql := range fitting(table) {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return fmt.Errorf("give table %s its slots: %w", table, err)
				}
			}
		}
		rigid, err := texts(ctx, tx, `
			SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE INITIALLY IMMEDIATE', conrelid::regclass, conname)
			FROM pg_constraint WHERE connamespace = $1::regnamespace AND contype = 'f' AND NOT condeferrable`, name)
		if err != nil {
			return err
		}
		for _, sql := range rigid {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("defer foreign keys: %w", err)
			}
		}
		return nil
	})
}

// fitting are the statements that give a table its slots.
func fitting(table string) []string {
	column := "integer NOT NULL DEFAULT shards.here()"
	if ofNoSlot[table] {
		column = "integer DEFAULT shards.maybe()"
	}
	name := pgx.Identifier{table}.Sanitize()
	list := []string{
		fmt.Sprintf(`ALTER TABLE %s ADD COLUMN shard_slot %s`, name, column),
		fmt.Sprintf(`CREATE INDEX %s ON %s (shard_slot)`, pgx.Identifier{table + "_shard_slot_idx"}.Sanitize(), name),
	}
	if when := entering[table]; when != "" {
		list = append(list, fmt.Sprintf(`CREATE TRIGGER enter_row BEFORE %s ON %s FOR EACH ROW EXECUTE FUNCTION shards.enter_row()`, when, name))
	}
	return list
}

// texts are the rows of a query for one text.
func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
