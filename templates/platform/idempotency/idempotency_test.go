package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	sub, err := fs.Sub(Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.New(t, pgtest.Set{Name: "idempotency", FS: sub})
}

// do makes a request in a transaction of its own.
func do(
	t *testing.T, pool *pgxpool.Pool, method, id, req string, fn func() (*wrapperspb.StringValue, error),
) (res *wrapperspb.StringValue, err error) {
	t.Helper()
	err = postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		res, err = Do(t.Context(), tx, method, id, wrapperspb.String(req), &wrapperspb.StringValue{}, fn)
		return err
	})
	return res, err
}

// counter answers "1", "2", ...
func counter(calls *atomic.Int64) func() (*wrapperspb.StringValue, error) {
	return func() (*wrapperspb.StringValue, error) { return wrapperspb.String(fmt.Sprint(calls.Add(1))), nil }
}

func TestDo(t *testing.T) {
	pool := database(t)
	var calls atomic.Int64
	for _, tt := range []struct {
		method, id, req string
		want            string
		code            codes.Code
	}{
		{"Create", "a", "x", "1", codes.OK},
		{"Create", "a", "x", "1", codes.OK},
		{"Create", "a", "y", "", codes.InvalidArgument},
		{"Create", "b", "x", "2", codes.OK},
		{"Delete", "a", "y", "3", codes.OK},
		{"Create", "", "x", "4", codes.OK},
		{"Create", "", "x", "5", codes.OK},
		{"Create", strings.Repeat("x", maxID), "x", "6", codes.OK},
		{"Create", strings.Repeat("x", maxID+1), "x", "", codes.InvalidArgument},
		{"Create", "a\x00", "x", "", codes.InvalidArgument},
		{"Create", "\xff", "x", "", codes.InvalidArgument},
	} {
		res, err := do(t, pool, tt.method, tt.id, tt.req, counter(&calls))
		if status.Code(err) != tt.code || res.GetValue() != tt.want {
			t.Errorf("%s %.10q %s: got %q, %v; want %q, %s", tt.method, tt.id, tt.req, res.GetValue(), err, tt.want, tt.code)
		}
	}
}

func TestEmptyResponseIsAResponse(t *testing.T) {
	pool := database(t)
	for id, empty := range map[string]*wrapperspb.StringValue{"empty": {}, "nil": nil} {
		calls := 0
		for range 2 {
			res, err := do(t, pool, "m", id, "x", func() (*wrapperspb.StringValue, error) { calls++; return empty, nil })
			if err != nil || res.GetValue() != "" {
				t.Errorf("%s: got %v, %v", id, res, err)
			}
		}
		if calls != 1 {
			t.Errorf("%s: %d calls", id, calls)
		}
	}
}

func TestFailureFreesTheID(t *testing.T) {
	pool := database(t)
	cause := errors.New("no")
	if _, err := do(t, pool, "m", "a", "x", func() (*wrapperspb.StringValue, error) { return nil, cause }); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	var calls atomic.Int64
	res, err := do(t, pool, "m", "a", "y", counter(&calls))
	if err != nil || res.GetValue() != "1" {
		t.Errorf("the id is not free: %v, %v", res, err)
	}
}

// A caller that commits although Do failed has not got an answer stored.
func TestCommitDespiteFailure(t *testing.T) {
	pool := database(t)
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := Do(t.Context(), tx, "m", "a", wrapperspb.String("x"), &wrapperspb.StringValue{}, func() (*wrapperspb.StringValue, error) {
			return nil, errors.New("no")
		})
		if err == nil {
			t.Error("no error")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	if _, err := do(t, pool, "m", "a", "x", counter(&calls)); status.Code(err) != codes.Aborted || calls.Load() != 0 {
		t.Errorf("got %v after %d calls", err, calls.Load())
	}
}

func TestConcurrentDuplicates(t *testing.T) {
	pool := database(t)
	var calls atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		id := fmt.Sprint(i % 2)
		wg.Go(func() {
			_, err := do(t, pool, "m", id, "x", func() (*wrapperspb.StringValue, error) {
				time.Sleep(20 * time.Millisecond) // the others arrive meanwhile
				return counter(&calls)()
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 2 {
		t.Errorf("%d calls for 2 ids", calls.Load())
	}
}

// A duplicate that waited for a request that failed takes its place.
func TestDuplicateOfAFailure(t *testing.T) {
	pool := database(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	var calls atomic.Int64
	_, err = Do(t.Context(), tx, "m", "a", wrapperspb.String("x"), &wrapperspb.StringValue{}, counter(&calls))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string)
	go func() {
		res, err := do(t, pool, "m", "a", "x", counter(&calls))
		done <- fmt.Sprint(res.GetValue(), err)
	}()
	select {
	case got := <-done:
		t.Fatal("the duplicate did not wait: ", got)
	case <-time.After(50 * time.Millisecond):
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != "2<nil>" {
		t.Errorf("got %s", got)
	}
}

// The hash must not depend on the order of a map.
func TestFingerprintIsDeterministic(t *testing.T) {
	m := map[string]any{}
	for i := range 50 {
		m[fmt.Sprint(i)] = i
	}
	var first []byte
	for i := range 20 {
		req, err := structpb.NewStruct(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := fingerprint(req)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got
		}
		if !bytes.Equal(got, first) {
			t.Fatal("the same request has two fingerprints")
		}
	}
}

func TestPurge(t *testing.T) {
	pool := database(t)
	var calls atomic.Int64
	if _, err := do(t, pool, "m", "young", "x", counter(&calls)); err != nil {
		t.Fatal(err)
	}
	_, err := pool.Exec(t.Context(), `INSERT INTO idempotency SELECT 'm', i::text, '', '', now() - interval '25 hours'
		FROM generate_series(1, $1) AS i`, purgeChunk+1)
	if err != nil {
		t.Fatal(err)
	}
	if err := Purge(t.Context(), pool, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(request_id, ',') FROM idempotency`).Scan(&left); err != nil || left != "young" {
		t.Errorf("left: %q, %v", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := RunPurge(ctx, pool, 0); err != nil {
		t.Error(err)
	}
}
