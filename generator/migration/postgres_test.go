package migration

import (
	"testing"
	"testing/fstest"

	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// TestOnPostgres runs a history step by step on a real database that holds a row, as a release after the other would.
func TestOnPostgres(t *testing.T) {
	pool := pgtest.New(t)
	state := Column{Name: "state", Type: "text", NotNull: true, First: "'pending'", Check: "state IN ('pending', 'sent')"}
	lost := state
	lost.Check = "state IN ('pending', 'sent', 'lost')"
	number := Column{Name: "note", Type: "bigint", NotNull: true, Default: "0"}
	order := Column{Name: `"order"`, Type: "integer"}
	indexed := orders(number, order)
	indexed[0].Indexes = []string{`"order"`}
	renamed := []Table{{Name: "purchases", Key: "number", Indexes: []string{"position"}, Columns: []Column{
		{Name: "number", Type: "uuid", NotNull: true}, {Name: "remark", Type: "bigint", NotNull: true, Default: "0"}, {Name: "position", Type: "integer"},
		{Name: "stage", Type: "text", Check: "stage IN ('pending', 'sent', 'lost')"},
	}}}

	h := History{}
	for i, release := range []struct {
		tables  []Table
		sql     string // must work once the release has migrated
		renames []Rename
	}{
		{orders(text("note")), `INSERT INTO orders (id, note) VALUES (gen_random_uuid(), '7')`, nil},
		{orders(text("note"), state), `UPDATE orders SET state = 'sent'`, nil},
		{orders(text("note"), lost), `UPDATE orders SET state = 'lost'`, nil},
		{orders(text("note")), `INSERT INTO orders (id, note) VALUES (gen_random_uuid(), '8')`, nil}, // without the state
		{orders(number, lost), `UPDATE orders SET note = note + 1`, nil},
		{indexed, `INSERT INTO orders (id, note, "order") VALUES (gen_random_uuid(), 9, 1)`, nil},
		{renamed, `UPDATE purchases SET position = 2, stage = 'sent', remark = remark + 1`, []Rename{{
			From: "orders", To: "purchases", Columns: map[string]string{"id": "number", "note": "remark", `"order"`: "position", "state": "stage"},
		}}},
	} {
		h.Advance("orders", release.tables, release.renames...)
		files := fstest.MapFS{}
		for _, step := range h["orders"].Steps {
			files[step.Name] = &fstest.MapFile{Data: []byte(step.SQL)}
		}
		if err := postgres.Migrate(t.Context(), pool, "orders", files); err != nil {
			t.Fatalf("release %d: %v", i, err)
		}
		if _, err := pool.Exec(t.Context(), release.sql); err != nil {
			t.Fatalf("release %d: %s: %v", i, release.sql, err)
		}
	}
	var rows, sum int
	if err := pool.QueryRow(t.Context(), `SELECT count(*), sum(remark) FROM purchases`).Scan(&rows, &sum); err != nil {
		t.Fatal(err)
	}
	if rows != 3 || sum != 9+10+10 {
		t.Errorf("%d rows with a sum of %d, want 3 with 29: no row and no value may be lost on the way", rows, sum)
	}
}
