package shard_test

import (
	"context"
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/column"
	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/idempotency"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/saga"
	"github.com/msgen-dev/msgen/templates/platform/shard"
	"github.com/msgen-dev/msgen/templates/platform/stuck"
)

var things = fstest.MapFS{"00001_things.sql": {Data: []byte(`-- +goose Up
CREATE TABLE things (id uuid PRIMARY KEY, customer text NOT NULL, n int NOT NULL);
CREATE TABLE parts (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing uuid NOT NULL REFERENCES things (id) ON DELETE CASCADE);
`)}}

// migrate makes all that a service can have.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	for _, set := range []struct {
		name string
		fsys fs.FS
	}{
		{"idempotency", idempotency.Migrations}, {"outbox", outbox.Migrations}, {"inbox", inbox.Migrations}, {"saga", saga.Migrations},
		{"stuck", stuck.Migrations}, {"things", things},
	} {
		if err := postgres.Migrate(ctx, pool, set.name, set.fsys); err != nil {
			return err
		}
	}
	return nil
}

// world is the shards of a database of the test's own.
type world struct {
	*shard.Set
	t   testing.TB
	all *pgxpool.Pool // sees every schema
	cfg postgres.Config
}

func newWorld(t testing.TB, count int) *world {
	t.Helper()
	pool, url := pgtest.NewURL(t)
	w := &world{t: t, all: pool, cfg: postgres.Config{URL: url, MaxConns: 16}}
	w.Set = w.open(count)
	return w
}

// open is another process on the same database.
func (w *world) open(count int) *shard.Set {
	w.t.Helper()
	s, err := shard.Open(w.t.Context(), w.cfg, shard.Options{Count: count, Migrate: migrate})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// put writes one thing with all that hangs on it, and returns its id.
func put(ctx context.Context, s *shard.Set, customer string, n int) (string, error) {
	place := shard.OfText(customer)
	id := shard.NewID(place)
	return id, s.InTx(ctx, place, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO things (id, customer, n) VALUES ($1, $2, $3)`, id, customer, n); err != nil {
			return err
		}
		for range 2 {
			if _, err := tx.Exec(ctx, `INSERT INTO parts (thing) VALUES ($1)`, id); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO inbox (consumer_group, message_id) VALUES ('g', $1)`, id); err != nil {
			return err
		}
		return outbox.Append(ctx, tx, event.Message{
			ID: id, Source: "/test", Type: "Put", Topic: "things", Key: customer, Data: []byte(fmt.Sprint(n)),
		})
	})
}

func (w *world) mustPut(customer string, n int) string {
	w.t.Helper()
	id, err := put(w.t.Context(), w.Set, customer, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func get(ctx context.Context, s *shard.Set, id string) (n int, err error) {
	return shard.Read(ctx, s, shard.OfID(id), func(db *pgxpool.Pool) (n int, err error) {
		err = db.QueryRow(ctx, `SELECT n FROM things WHERE id = $1`, id).Scan(&n)
		return n, err
	})
}

func list(ctx context.Context, s *shard.Set, after string, limit int) ([]string, error) {
	var where column.Where
	where.After("id", after)
	return shard.List(ctx, s, "id::text", "things", &where, "id", limit, func(row pgx.Row) (id string, err error) {
		err = row.Scan(&id)
		return id, err
	})
}

// count is a number over all shards that there are; %s in the query is the shard's schema.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	status, err := w.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	total := 0
	for _, st := range status {
		var n int
		if err := w.all.QueryRow(w.t.Context(), fmt.Sprintf(query, fmt.Sprintf("shard_%d", st.Shard)), args...).Scan(&n); err != nil {
			w.t.Fatal(err)
		}
		total += n
	}
	return total
}

func customer() string { return uuid.NewString() }
