package migration

import (
	"bytes"
	"strings"
	"testing"
)

func text(name string) Column {
	return Column{Name: name, Type: "text", NotNull: true, Default: "''"}
}

func orders(columns ...Column) []Table {
	return []Table{{Name: "orders", Key: "id", Columns: append([]Column{{Name: "id", Type: "uuid"}}, columns...)}}
}

func TestAdvance(t *testing.T) {
	h := History{}
	h.Advance("orders", orders(text("note")))
	h.Advance("orders", orders(text("note"))) // nothing new
	h.Advance("orders", orders(text("note"), Column{Name: `"limit"`, Type: "integer", NotNull: true, Default: "0"}))
	h.Advance("orders", append(orders(text("note")), Table{Name: "lines", Key: "id", Columns: []Column{{Name: "id", Type: "uuid"}}, Indexes: []string{"id"}}))
	want := []struct{ name, up string }{
		{"00001_tables.sql", "CREATE TABLE orders (\n    id uuid,\n    note text NOT NULL DEFAULT '',\n    PRIMARY KEY (id)\n);"},
		{"00002_orders_limit.sql", `ALTER TABLE orders ADD COLUMN "limit" integer NOT NULL DEFAULT 0;`},
		{"00003_lines.sql", "CREATE TABLE lines ("}, // the column that the spec dropped stays
	}
	steps := h["orders"].Steps
	if len(steps) != len(want) {
		t.Fatalf("%d steps, want %d: %v", len(steps), len(want), steps)
	}
	for i, w := range want {
		if steps[i].Name != w.name || !strings.Contains(steps[i].SQL, w.up) {
			t.Errorf("step %d is %s\n%s\nwant %s with %s", i, steps[i].Name, steps[i].SQL, w.name, w.up)
		}
		if !strings.HasPrefix(steps[i].SQL, "-- +goose Up\n") || !strings.Contains(steps[i].SQL, "\n-- +goose Down\n") {
			t.Errorf("step %d is no goose migration:\n%s", i, steps[i].SQL)
		}
	}
	if strings.Contains(steps[2].SQL, "limit") {
		t.Errorf("a column with a default needs no change when nobody uses it:\n%s", steps[2].SQL)
	}

	// The column comes back: it is still there.
	h.Advance("orders", orders(text("note"), Column{Name: `"limit"`, Type: "integer", NotNull: true, Default: "0"}))
	if n := len(h["orders"].Steps); n != 3 {
		t.Errorf("%d steps after a dropped column came back, want 3", n)
	}
}

func TestDiffColumn(t *testing.T) {
	state := Column{Name: "state", Type: "text", NotNull: true, First: "'pending'", Check: "state IN ('pending', 'sent')"}
	more := state
	more.Check = "state IN ('pending', 'sent', 'lost')"
	number := Column{Name: "note", Type: "bigint", NotNull: true, Default: "0"}
	for _, test := range []struct {
		name     string
		old, now []Column
		want     []string
	}{
		{"states come to rows that are there", nil, []Column{state}, []string{
			"ADD COLUMN state text NOT NULL DEFAULT 'pending';", "ALTER COLUMN state DROP DEFAULT;", "ADD CONSTRAINT orders_state_check CHECK (state IN ('pending', 'sent'));",
		}},
		{"a state more", []Column{state}, []Column{more}, []string{"DROP CONSTRAINT orders_state_check;", "CHECK (state IN ('pending', 'sent', 'lost'));"}},
		{"states go", []Column{state}, nil, []string{"ALTER COLUMN state DROP NOT NULL;"}},
		{"another type", []Column{text("note")}, []Column{number}, []string{"DROP DEFAULT;", "TYPE bigint USING note::text::bigint;", "SET DEFAULT 0;"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			up, _, _ := (&differ{}).diff(orders(test.old...), orders(test.now...))
			for _, want := range test.want {
				if !strings.Contains(up, want) {
					t.Errorf("no %q in\n%s", want, up)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	h := History{}
	h.Advance("orders", orders(text("note")))
	data, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := back.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, data) {
		t.Errorf("read back as\n%s\nwant\n%s", again, data)
	}
	if _, err := Parse([]byte("{")); err == nil {
		t.Error("a damaged history was read")
	}
}
