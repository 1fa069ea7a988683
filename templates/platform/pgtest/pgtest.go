// Package pgtest gives each test a Postgres database of its own on a real server.
package pgtest

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Set is a set of migrations to apply, as postgres.Migrate takes it.
type Set struct {
	Name string
	FS   fs.FS
}

// ServerURL is the URL of the server's maintenance database, from MSGEN_TEST_POSTGRES. Without it the test is skipped,
// or fails when MSGEN_TEST_REQUIRE=1.
func ServerURL(t testing.TB) string {
	t.Helper()
	const name = "MSGEN_TEST_POSTGRES"
	v := os.Getenv(name)
	if v != "" {
		return v
	}
	if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
		t.Fatal(name + " is not set, and MSGEN_TEST_REQUIRE=1 forbids to skip")
	}
	t.Skip(name + " is not set: needs a Postgres server")
	return ""
}

// New returns a pool on a new database with the migrations applied. The database goes when the test ends.
func New(t testing.TB, migrations ...Set) *pgxpool.Pool {
	t.Helper()
	pool, _ := NewURL(t, migrations...)
	return pool
}

// NewURL is New for tests that also need the new database's URL.
func NewURL(t testing.TB, migrations ...Set) (*pgxpool.Pool, string) {
	t.Helper()
	server := ServerURL(t)
	name := "test_" + uuid.New().String()[:13]
	ident := pgx.Identifier{name}.Sanitize()
	exec(t, server, "CREATE DATABASE "+ident)
	t.Cleanup(func() { exec(t, server, "DROP DATABASE IF EXISTS "+ident+" WITH (FORCE)") })

	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("MSGEN_TEST_POSTGRES is not a URL")
	}
	u.Path = "/" + name
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: u.String(), MaxConns: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for _, m := range migrations {
		if err := postgres.Migrate(t.Context(), pool, m.Name, m.FS); err != nil {
			t.Fatal(err)
		}
	}
	return pool, u.String()
}

// exec runs one statement on the server; it works in a cleanup too, when the test's context is over.
func exec(t testing.TB, server, sql string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(fmt.Errorf("connect to MSGEN_TEST_POSTGRES: %w", err))
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
