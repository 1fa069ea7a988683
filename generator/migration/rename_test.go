package migration

import (
	"strings"
	"testing"
)

// A rename takes along what is named after the table and its columns, and does nothing where there is nothing to rename.
func TestRename(t *testing.T) {
	table := func(name, key, index string, columns ...Column) []Table {
		return []Table{{Name: name, Key: key, Indexes: []string{index}, Columns: columns}}
	}
	old := table("orders", "id", `"order"`, Column{Name: "id", Type: "uuid"}, Column{Name: `"order"`, Type: "integer"}, Column{Name: "state", Type: "text", Check: "state IN ('state', 'sent')"})
	now := table("purchases", "number", "place", Column{Name: "number", Type: "uuid"}, Column{Name: "place", Type: "integer"}, Column{Name: "stage", Type: "text", Check: "stage IN ('state', 'sent')"})
	all := Rename{From: "orders", To: "purchases", Columns: map[string]string{"id": "number", `"order"`: "place", "state": "stage"}}
	for name, c := range map[string]struct {
		old, now []Table
		rename   Rename
		up, down string
	}{
		"everything": {
			old, now, all,
			`ALTER TABLE orders RENAME TO purchases;
ALTER TABLE purchases RENAME COLUMN "order" TO place;
ALTER TABLE purchases RENAME COLUMN id TO number;
ALTER TABLE purchases RENAME COLUMN state TO stage;
ALTER TABLE purchases RENAME CONSTRAINT orders_state_check TO purchases_stage_check;
ALTER INDEX orders_order_idx RENAME TO purchases_place_idx;
`,
			`ALTER INDEX purchases_place_idx RENAME TO orders_order_idx;
ALTER TABLE purchases RENAME CONSTRAINT purchases_stage_check TO orders_state_check;
ALTER TABLE purchases RENAME COLUMN stage TO state;
ALTER TABLE purchases RENAME COLUMN number TO id;
ALTER TABLE purchases RENAME COLUMN place TO "order";
ALTER TABLE purchases RENAME TO orders;
`,
		},
		"done already":       {now, now, all, "", ""},
		"not in the history": {old, old, Rename{From: "bills", To: "orders"}, "", ""},
		"a column that is not there": {
			old, old, Rename{From: "orders", To: "orders", Columns: map[string]string{"note": "id", "remark": "text"}}, "", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &differ{}
			tables := d.rename(c.old, c.now, []Rename{c.rename})
			up, down, _ := d.diff(tables, c.now)
			up = up[strings.Index(up, "\n")+1:] // the comment
			if up != c.up || down != c.down {
				t.Errorf("up:\n%s\ndown:\n%s", up, down)
			}
			if c.up != "" && old[0].Columns[0].Name != "id" {
				t.Error("the tables of before have changed")
			}
		})
	}
}
