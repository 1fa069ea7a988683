package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func sqlError(code string) error { return &pgconn.PgError{Code: code, Message: "secret table"} }

func TestStatus(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		code codes.Code
		text string
	}{
		"no rows":      {fmt.Errorf("get: %w", pgx.ErrNoRows), codes.NotFound, "order not found"},
		"unique":       {sqlError("23505"), codes.AlreadyExists, "order already exists"},
		"foreign key":  {sqlError("23503"), codes.FailedPrecondition, "order refers"},
		"check":        {sqlError("23514"), codes.InvalidArgument, "order has an invalid value"},
		"too long":     {sqlError("22001"), codes.InvalidArgument, "order has an invalid value"},
		"serialize":    {sqlError("40001"), codes.Aborted, "try again"},
		"statement":    {sqlError("57014"), codes.DeadlineExceeded, "too long"},
		"shutdown":     {sqlError("57P01"), codes.Unavailable, "unavailable"},
		"connections":  {sqlError("53300"), codes.Unavailable, "unavailable"},
		"cut":          {io.ErrUnexpectedEOF, codes.Unavailable, "unavailable"},
		"canceled":     {context.Canceled, codes.Canceled, "canceled"},
		"deadline":     {context.DeadlineExceeded, codes.DeadlineExceeded, "too long"},
		"syntax":       {sqlError("42601"), codes.Internal, "failed"},
		"other":        {errors.New("secret"), codes.Internal, "failed"},
		"status":       {status.Error(codes.ResourceExhausted, "mine"), codes.ResourceExhausted, "mine"},
		"wrapped code": {fmt.Errorf("x: %w", status.Error(codes.NotFound, "mine")), codes.NotFound, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			err := postgres.Status(tc.err, "order")
			if got := status.Code(err); got != tc.code || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, %v", got, err)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells too much", err)
			}
			if !errors.Is(err, tc.err) {
				t.Error("the cause is lost")
			}
		})
	}
	if postgres.Status(nil, "order") != nil {
		t.Error("no error became one")
	}
	if got := slog.AnyValue(postgres.Status(errors.New("cause"), "order")).Resolve().String(); !strings.Contains(got, "cause") {
		t.Errorf("the log says %q, without the cause", got)
	}
}

func TestIsDown(t *testing.T) {
	for _, err := range []error{nil, context.Canceled, context.DeadlineExceeded, pgx.ErrNoRows, sqlError("23505"), errors.New("x")} {
		if postgres.IsDown(err) {
			t.Errorf("%v is no outage", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, refused := pgx.Connect(ctx, "postgres://x@127.0.0.1:1/x")
	for _, err := range []error{sqlError("08006"), sqlError("57P03"), sqlError("25006"), io.EOF, refused} {
		if !postgres.IsDown(fmt.Errorf("wrapped: %w", err)) {
			t.Errorf("%v is an outage", err)
		}
	}
}

func TestOutageOfTheServerIsDown(t *testing.T) {
	pool := pgtest.New(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var pid int
	if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "SELECT pg_terminate_backend($1, 5000)", pid); err != nil {
		t.Fatal(err)
	}
	for range 2 { // first the cut is noticed, then the connection is known to be closed
		if _, err := conn.Exec(t.Context(), "SELECT 1"); !postgres.IsDown(err) {
			t.Errorf("%v is an outage", err)
		}
	}
}

func TestOpenGivesUpAndKeepsThePasswordToItself(t *testing.T) {
	for _, url := range []string{"postgres://u:hunter2@127.0.0.1:1/x", "postgres://u:hunter2@127.0.0.1:port/x"} {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url, StartTimeout: 300 * time.Millisecond})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	_, url := pgtest.NewURL(t)
	_, err := postgres.Open(t.Context(), postgres.Config{URL: url + "_nowhere"})
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a database that does not exist: %v", err)
	}
}

// TestOpenSaysWhy has a server that hangs up on the first who comes, and lets the next wait: the reason is the first's, not that the time was over.
func TestOpenSaysWhy(t *testing.T) {
	listen, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listen.Close() })
	go func() {
		if conn, err := listen.Accept(); err == nil { // nobody takes the others, who have a connection all the same
			_ = conn.Close()
		}
	}()
	_, err = postgres.Open(t.Context(), postgres.Config{URL: "postgres://u@" + listen.Addr().String() + "/x?sslmode=disable", StartTimeout: 2 * time.Second})
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

func TestStatementTimeout(t *testing.T) {
	_, url := pgtest.NewURL(t)
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url, StatementTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = pool.Exec(t.Context(), "SELECT pg_sleep(20)")
	if status.Code(postgres.Status(err, "")) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	// A migration may take longer.
	if err := postgres.Migrate(t.Context(), pool, "slow", fstest.MapFS{
		"1_slow.sql": {Data: []byte("-- +goose Up\nSELECT pg_sleep(0.1);\n")},
	}); err != nil {
		t.Error(err)
	}
}

func newTable(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, pgtest.Set{Name: "test", FS: fstest.MapFS{
		"1_t.sql": {Data: []byte("-- +goose Up\nCREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);\nINSERT INTO t SELECT generate_series(1, 2);\n")},
	}})
}

func sum(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT sum(n) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInTxCommitsOrRollsBack(t *testing.T) {
	pool := newTable(t)
	add := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = 1")
		return err
	}
	if err := postgres.InTx(t.Context(), pool, add); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no")
	if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return errors.Join(add(tx), no) }); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			_ = add(tx)
			panic("x")
		})
	}()
	if n := sum(t, pool); n != 1 {
		t.Errorf("sum = %d, want 1", n)
	}
}

// Two transactions lock two rows in opposite orders: Postgres aborts one, which is run again.
func TestInTxRetriesDeadlocks(t *testing.T) {
	pool := newTable(t)
	var wg sync.WaitGroup
	var both sync.WaitGroup
	both.Add(2)
	var runs [2]int
	for i := range 2 {
		wg.Go(func() {
			err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
				runs[i]++
				for step, id := range []int{1 + i, 2 - i} {
					if _, err := tx.Exec(t.Context(), "UPDATE t SET n = n + 1 WHERE id = $1", id); err != nil {
						return postgres.Status(err, "row") // a status, as handlers return it
					}
					if step == 0 && runs[i] == 1 {
						both.Done()
						both.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := sum(t, pool); n != 4 {
		t.Errorf("sum = %d, want 4", n)
	}
	if runs[0]+runs[1] < 3 {
		t.Errorf("%v runs: there was no deadlock, the test proves nothing", runs)
	}
}

func TestReplicasMigrateAtTheSameTime(t *testing.T) {
	pool := pgtest.New(t)
	files := fstest.MapFS{
		"1_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (id int);\n")},
		"2_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (id int);\nSELECT pg_sleep(0.2);\n")},
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), pool, "one", files); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// Another set counts for itself.
	if err := postgres.Migrate(t.Context(), pool, "two", fstest.MapFS{
		"1_c.sql": {Data: []byte("-- +goose Up\nCREATE TABLE c (id int);\n")},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "SELECT FROM a, b, c, goose_one, goose_two"); err != nil {
		t.Error(err)
	}
}

func TestStatementsOfATraceAreSpans(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	pool := newTable(t)
	spans.Reset()
	_ = sum(t, pool)
	if n := len(spans.GetSpans()); n != 0 {
		t.Errorf("%d spans outside of a trace", n)
	}
	ctx, parent := provider.Tracer("test").Start(t.Context(), "parent")
	if err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE t SET n = 1 / (n - n)")
		return err
	}); err == nil {
		t.Fatal("no error")
	}
	var names []string
	failed := 0
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
		if s.Parent.SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is no child of the caller's span", s.Name)
		}
		if s.Status.Description != "" {
			failed++
		}
	}
	if got := strings.ToLower(strings.Join(names, " ")); got != "begin update rollback" || failed != 1 {
		t.Errorf("spans %q, %d failed", got, failed)
	}
}
