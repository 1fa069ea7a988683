package view

import (
	"strings"

	"github.com/msgen-dev/msgen/generator/migration"
)

// Tables are the service's own tables as its repositories expect them.
func (s *Service) Tables() []migration.Table {
	var tables []migration.Table
	for _, a := range s.Aggregates {
		t := a.table()
		t.Columns = append(t.Columns,
			migration.Column{Name: "row_version", Type: "bigint", NotNull: true, Default: "1"},
			migration.Column{Name: "create_time", Type: "timestamptz", NotNull: true, Default: "now()"},
			migration.Column{Name: "update_time", Type: "timestamptz", NotNull: true, Default: "now()"})
		if a.State != nil {
			for i := range t.Columns {
				if t.Columns[i].Name == "state" {
					t.Columns[i].First = "'" + a.Initial.Text + "'"
				}
			}
		}
		tables = append(tables, t)
	}
	for _, v := range s.Views {
		t := v.table()
		t.Columns = append(t.Columns, migration.Column{Name: "update_time", Type: "timestamptz", NotNull: true, Default: "now()"})
		tables = append(tables, t)
	}
	return tables
}

// table is the resource's table with the columns of its fields.
func (r *Resource) table() migration.Table {
	t := migration.Table{Name: r.Table, Key: r.KeyColumn(), Indexes: r.Indexes()}
	add := func(f *Field) {
		for _, c := range f.Columns {
			t.Columns = append(t.Columns, c.migration())
		}
	}
	for _, f := range r.stored() {
		add(f)
	}
	for _, f := range r.Message.Fields {
		if f.Name == "state" && f.Output {
			add(f)
		}
	}
	return t
}

func (c Column) migration() migration.Column {
	m := migration.Column{Name: sqlName(c.Name), Check: c.Check}
	m.Type, m.Default, _ = strings.Cut(c.SQL, " DEFAULT ")
	m.Type, m.NotNull = strings.CutSuffix(m.Type, " NOT NULL")
	return m
}
