package shard_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/shard"
)

// TestSlotsNeverChange holds the slots of some keys: rows were written by them. They are what sha256sum says.
func TestSlotsNeverChange(t *testing.T) {
	for key, want := range map[string]int{
		"a": 0xca97 % 1024, "customer": 0xb6c4 % 1024, "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b": 0xc62b % 1024,
	} {
		if got, err := shard.OfText(key).Slot(); err != nil || got != want {
			t.Errorf("%s: slot %d, %v, want %d", key, got, err, want)
		}
	}
	canonical, _ := shard.OfUUID("0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b").Slot()
	for _, spelling := range []string{"0192F0C1-2C3D-7E4F-8A5B-6C7D8E9F0A1B", "{0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b}", "0192f0c12c3d7e4f8a5b6c7d8e9f0a1b"} {
		if got, err := shard.OfUUID(spelling).Slot(); err != nil || got != canonical {
			t.Errorf("%s: slot %d, %v, want %d", spelling, got, err, canonical)
		}
	}
	for _, p := range []shard.Place{shard.OfText(""), shard.OfUUID(""), shard.OfUUID("x")} {
		if _, err := p.Slot(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("no key: %v", err)
		}
	}
}

func TestIDsCarryTheirSlot(t *testing.T) {
	seen := map[string]bool{}
	before := ""
	for range 20_000 {
		key := shard.OfText(customer())
		want, _ := key.Slot()
		id := shard.NewID(key)
		if got, err := shard.OfID(id).Slot(); err != nil || got != want {
			t.Fatalf("%s: slot %d, %v, want %d", id, got, err, want)
		}
		if err := shard.Check(id, key); err != nil {
			t.Fatal(err)
		}
		if seen[id] || id <= before {
			t.Fatalf("%s follows %s", id, before)
		}
		seen[id], before = true, id
	}
	if err := shard.Check(shard.NewID(shard.OfText("a")), shard.OfText("b")); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an id of another key: %v", err)
	}
}

// TestForeignIDsNameNothing: what was not made here must not be looked for in some shard.
func TestForeignIDsNameNothing(t *testing.T) {
	foreign := 0
	for range 1000 {
		if _, err := shard.OfID(uuid.Must(uuid.NewV7()).String()).Slot(); errors.Is(err, pgx.ErrNoRows) {
			foreign++
		}
	}
	if foreign < 950 { // one of 64 has the right checksum by chance
		t.Errorf("only %d of 1000 foreign ids were found out", foreign)
	}
	for _, id := range []string{"", "x", uuid.NewString(), uuid.Nil.String()} {
		if _, err := shard.OfID(id).Slot(); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestRowsAreSpreadAndFound(t *testing.T) {
	w := newWorld(t, 4)
	ctx := t.Context()
	ids := map[string]int{}
	for n := range 200 {
		ids[w.mustPut(customer(), n)] = n
	}
	for id, want := range ids {
		if n, err := get(ctx, w.Set, id); err != nil || n != want {
			t.Errorf("%s: %d, %v, want %d", id, n, err, want)
		}
	}
	if _, err := get(ctx, w.Set, shard.NewID(shard.OfText("nobody"))); !errors.Is(err, pgx.ErrNoRows) {
		t.Errorf("what is not there: %v", err)
	}
	for _, sh := range w.Shards() {
		var n int
		if err := sh.Pool.QueryRow(ctx, `SELECT count(*) FROM things`).Scan(&n); err != nil || n < 20 {
			t.Errorf("shard %d has %d of 200 things, %v", sh.Number, n, err)
		}
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page, err := list(ctx, w.Set, after, 7)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page...)
		if len(page) < 7 {
			break
		}
	}
	if len(got) != len(ids) || !slices.IsSorted(got) {
		t.Errorf("the pages have %d of %d things, sorted: %v", len(got), len(ids), slices.IsSorted(got))
	}
}

// TestWritesNeedASlot: a transaction that did not enter one writes nothing, wherever it comes from.
func TestWritesNeedASlot(t *testing.T) {
	w := newWorld(t, 2)
	_, err := w.Shards()[0].Pool.Exec(t.Context(), `INSERT INTO things (id, customer, n) VALUES (gen_random_uuid(), 'c', 1)`)
	if err == nil {
		t.Error("a row without a slot was written")
	}
	if err := w.InTx(t.Context(), shard.OfText(""), func(pgx.Tx) error { return nil }); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a transaction without a key: %v", err)
	}
}

// TestDatabaseWithoutShardsIsRefused: rows from before would be seen by nobody.
func TestDatabaseWithoutShardsIsRefused(t *testing.T) {
	pool, url := pgtest.NewURL(t)
	if err := migrate(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	_, err := shard.Open(t.Context(), postgres.Config{URL: url}, shard.Options{Count: 2, Migrate: migrate})
	if err == nil || !strings.Contains(err.Error(), "from before it was sharded") {
		t.Errorf("got %v", err)
	}
}

// TestTheDatabaseSaysHowManyShardsThereAre: what the spec says is for new databases.
func TestTheDatabaseSaysHowManyShardsThereAre(t *testing.T) {
	w := newWorld(t, 2)
	id := w.mustPut("c", 7)
	for _, count := range []int{1, 5} {
		s := w.open(count)
		if n := len(s.Shards()); n != 2 {
			t.Errorf("with %d in the spec there are %d shards, want 2", count, n)
		}
		if n, err := get(t.Context(), s, id); err != nil || n != 7 {
			t.Errorf("%d, %v", n, err)
		}
	}
}
