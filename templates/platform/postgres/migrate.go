package postgres

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings one set of migrations up to date: the *.sql files (goose format) in the folder migrations of fsys, or in
// its root when there is no such folder, recorded in table goose_<set>, so that the sets of several packages share a database without sharing numbers. Replicas may call
// it at the same time; a session lock lets one work while the others wait, up to five minutes.
func Migrate(ctx context.Context, pool *pgxpool.Pool, set string, fsys fs.FS) error {
	// A connection of its own: building an index may well outlast the pool's statement timeout.
	cc := pool.Config().ConnConfig
	cc.RuntimeParams["statement_timeout"] = "0"
	db := stdlib.OpenDB(*cc)
	defer func() { _ = db.Close() }()

	store, err := database.NewStore(database.DialectPostgres, "goose_"+set)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300), lock.WithUnlockTimeout(1, 5))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	if _, err := fs.Stat(fsys, "migrations"); err == nil {
		if fsys, err = fs.Sub(fsys, "migrations"); err != nil {
			return fmt.Errorf("migrate %s: %w", set, err)
		}
	}
	p, err := goose.NewProvider(database.DialectCustom, db, fsys,
		goose.WithStore(store), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", set, err)
	}
	return nil
}
