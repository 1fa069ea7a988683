package projection

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// shownKeys is how many keys an outcome names.
const shownKeys = 20

// updated is when a row was last folded, and no part of what events say.
const updated = "update_time"

// swap turns the service's rows into those of the session, or only counts what differs.
func (r *rebuild) swap(ctx context.Context, check bool) error {
	columns, err := r.columns(ctx)
	if err != nil {
		return err
	}
	values := slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == updated })
	key := pgx.Identifier{r.view.Key}.Sanitize()
	sql := strings.NewReplacer(
		"{old}", r.of(r.view.Table)+" o", "{new}", pgx.Identifier{"pg_temp", r.view.Table}.Sanitize()+" n", "{target}", r.of(r.view.Table),
		"{same key}", "o."+key+" = n."+key, "{key}", key,
		"{columns}", list("", columns), "{values}", list("", values), "{old values}", list("o.", values), "{new values}", list("n.", values), "{new columns}", list("n.", columns),
	).Replace

	return postgres.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = 0`); err != nil {
			return err
		}
		if err := r.compare(ctx, tx, sql); err != nil || check {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM {old} WHERE NOT EXISTS (SELECT FROM {new} WHERE {same key})`,
			`UPDATE {old} SET ({values}, ` + updated + `) = ROW ({new values}, now()) FROM {new} WHERE {same key} AND ({old values}) IS DISTINCT FROM ({new values})`,
			`INSERT INTO {target} ({columns}) SELECT {new columns} FROM {new} WHERE NOT EXISTS (SELECT FROM {old} WHERE {same key})`,
		} {
			if _, err := tx.Exec(ctx, sql(statement)); err != nil {
				return fmt.Errorf("replace the rows: %w", err)
			}
		}
		return nil
	})
}

// compare counts how the rows differ.
func (r *rebuild) compare(ctx context.Context, tx pgx.Tx, sql func(string) string) error {
	o := &r.outcome
	if _, err := tx.Exec(ctx, `ANALYZE `+pgx.Identifier{"pg_temp", r.view.Table}.Sanitize()); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	err := tx.QueryRow(ctx, sql(`
		SELECT count(*) FILTER (WHERE o.{key} IS NULL), count(*) FILTER (WHERE n.{key} IS NULL),
			count(*) FILTER (WHERE {same key} AND ({old values}) IS DISTINCT FROM ({new values})),
			count(*) FILTER (WHERE {same key} AND ({old values}) IS NOT DISTINCT FROM ({new values}))
		FROM {old} FULL JOIN {new} ON {same key}`)).Scan(&o.Added, &o.Removed, &o.Changed, &o.Same)
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	rows, err := tx.Query(ctx, sql(`
		SELECT coalesce(o.{key}, n.{key})::text || CASE WHEN o.{key} IS NULL THEN ' is missing' WHEN n.{key} IS NULL THEN ' has no events' ELSE ' differs' END
		FROM {old} FULL JOIN {new} ON {same key}
		WHERE o.{key} IS NULL OR n.{key} IS NULL OR ({old values}) IS DISTINCT FROM ({new values}) ORDER BY 1 LIMIT $1`), shownKeys)
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if o.Keys, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}

// columns are those of the view's table.
func (r *rebuild) columns(ctx context.Context) ([]string, error) {
	rows, err := r.pool.Query(ctx, `SELECT attname FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`, r.of(r.view.Table))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func list(prefix string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = prefix + pgx.Identifier{c}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}

// timedOut reports that a lock was not to be had in time (Postgres, appendix A: lock_not_available).
func timedOut(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}
