package eventstore

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/etag"
	"github.com/msgen-dev/msgen/templates/platform/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

var table = fstest.MapFS{"1_plants.sql": {Data: []byte(
	"-- +goose Up\nCREATE TABLE plants (name text PRIMARY KEY, rings int NOT NULL, row_version bigint NOT NULL);\n")}}

func projectPlant(ctx context.Context, tx pgx.Tx, s State[*testpb.Plant]) error {
	_, err := tx.Exec(ctx, `INSERT INTO plants VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET rings = excluded.rings, row_version = excluded.row_version`, s.Stream, s.Value.GetRings(), s.Version)
	return err
}

var plantTable = Projection[*testpb.Plant]{
	Table: "plants", Key: "name", KeyType: "text",
	Read: func(ctx context.Context, tx pgx.Tx, stream string) (*testpb.Plant, error) {
		var version int64
		p := &testpb.Plant{Name: stream}
		err := tx.QueryRow(ctx, "SELECT rings, row_version FROM plants WHERE name = $1", stream).Scan(&p.Rings, &version)
		p.Height = etag.Of(version)
		return p, err
	},
	Write: projectPlant,
}

func newGarden(t *testing.T) (*pgxpool.Pool, string) {
	t.Helper()
	return pgtest.NewURL(t, pgtest.Set{Name: "outbox", FS: outbox.Migrations}, pgtest.Set{Name: "eventstore", FS: Migrations}, pgtest.Set{Name: "plants", FS: table})
}

// grow adds a ring, event and row in one transaction, as a repository does.
func grow(ctx context.Context, pool *pgxpool.Pool, l *plants, stream string) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		s, err := l.LoadForUpdate(ctx, tx, stream)
		if err != nil {
			return err
		}
		if s, err = l.Append(ctx, tx, s, Updated, &testpb.Plant{Rings: s.Value.GetRings() + 1}); err != nil {
			return err
		}
		return projectPlant(ctx, tx, s)
	})
}

func run(t *testing.T, url string, l *plants, args ...string) (int, string) {
	t.Helper()
	t.Setenv("DATABASE_URL", url)
	var out, errs bytes.Buffer
	code, asked := Command(append([]string{"/app", "replay"}, args...), &out, &errs, func(*pgxpool.Pool) ([]Replayer, error) {
		return []Replayer{l.Replayer(plantTable)}, nil
	})
	if !asked {
		t.Fatal("the command was not taken")
	}
	return code, out.String() + errs.String()
}

func TestReplayMends(t *testing.T) {
	pool, url := newGarden(t)
	l := newPlants(2)
	for i := range 10 {
		for range i + 1 {
			if err := grow(t.Context(), pool, l, fmt.Sprint("p", i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove(t, pool, l, "p3") // and its row stays, by mistake
	if code, out := run(t, url, l, "Plant", "--check"); code != service.ExitFailed || !strings.Contains(out, "p3: row of what is deleted") || !strings.Contains(out, "1 of 10 differ") {
		t.Errorf("%d %s", code, out)
	}
	for _, sql := range []string{"UPDATE plants SET rings = 99 WHERE name = 'p5'", "DELETE FROM plants WHERE name = 'p6'", "INSERT INTO plants VALUES ('old', 7, 1)",
		"UPDATE eventstore_snapshots SET data = '' WHERE stream = 'p7'"} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	code, out := run(t, url, l, "--check", "Plant")
	for _, want := range []string{"p3: row of what is deleted", "p5: row differs in rings\n", "p6: row is missing", "old: row without events", "4 of 11 differ"} {
		if code != service.ExitFailed || !strings.Contains(out, want) {
			t.Errorf("exit code %d, no %q in\n%s", code, want, out)
		}
	}
	if code, out := run(t, url, l, "Plant"); code != service.ExitFailed || !strings.Contains(out, "3 of 11 mended") || !strings.Contains(out, "1 rows without events are left") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(t, url, l, "Plant", "--adopt"); code != service.ExitDone || !strings.Contains(out, "1 of 11 mended") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run(t, url, l, "Plant", "--check"); code != service.ExitDone || !strings.Contains(out, "0 of 11 differ") {
		t.Errorf("%d %s", code, out)
	}
	var rings, rows int
	if err := pool.QueryRow(t.Context(), "SELECT sum(rings), count(*) FROM plants").Scan(&rings, &rows); err != nil || rings != 55-4+7 || rows != 10 {
		t.Errorf("%d rings in %d rows, %v: want 58 in 10", rings, rows, err)
	}
}

// Writers go on while the rows are corrupted and replayed again and again: no write is lost.
func TestReplayWhileWriting(t *testing.T) {
	pool, url := newGarden(t)
	l := newPlants(10)
	const writers, writes = 4, 60
	var done atomic.Int32
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			defer done.Add(1)
			for i := range writes {
				if err := grow(t.Context(), pool, l, fmt.Sprint("p", (w+i)%5)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	replays := 0
	for done.Load() < writers {
		if _, err := pool.Exec(t.Context(), "UPDATE plants SET rings = -1 WHERE name = 'p1'"); err != nil {
			t.Fatal(err)
		}
		if code, out := run(t, url, l, "Plant"); code != service.ExitDone {
			t.Fatal(out)
		}
		replays++
	}
	wg.Wait()
	if code, out := run(t, url, l, "Plant"); code != service.ExitDone {
		t.Fatal(out)
	}
	var rings int
	if err := pool.QueryRow(t.Context(), "SELECT sum(rings) FROM plants").Scan(&rings); err != nil || rings != writers*writes || replays == 0 {
		t.Errorf("%d rings after %d replays, %v: want %d", rings, replays, err, writers*writes)
	}
	if code, out := run(t, url, l, "Plant", "--check"); code != service.ExitDone {
		t.Error(out)
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"": "which aggregate?", "Plant Tree": "one aggregate at a time", "Plant --check --adopt": "leave out --adopt", "Plant --colour": "not defined: -colour",
	} {
		code, out := run(t, "", newPlants(0), strings.Fields(args)...)
		if code != service.ExitUsage || !strings.Contains(out, want) || !strings.Contains(out, "usage: replay") {
			t.Errorf("replay %s: %d %s", args, code, out)
		}
	}
	if code, out := run(t, "", newPlants(0), "--help"); code != service.ExitDone || out != usage {
		t.Errorf("%d %s", code, out)
	}
	for _, args := range [][]string{{"/app"}, {"/app", "stuck"}, {"replay"}, nil} {
		if code, asked := Command(args, nil, nil, nil); code != 0 || asked {
			t.Errorf("%q: %d, %v", args, code, asked)
		}
	}
	_, url := newGarden(t)
	if code, out := run(t, url, newPlants(0), "Tree"); code != service.ExitFailed || !strings.Contains(out, "Tree is not event sourced here: Plant") {
		t.Errorf("%d %s", code, out)
	}
}
