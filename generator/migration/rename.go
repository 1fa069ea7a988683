package migration

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Rename is a table under another name, or with columns under others.
type Rename struct {
	From, To string            // the same when only columns have other names
	Columns  map[string]string // before → now
}

// rename adds the SQL that gives tables and columns their new names, and returns the tables as they are then. What is not there, or there under the
// new name already, is passed over.
func (d *differ) rename(tables, now []Table, renames []Rename) []Table {
	tables = slices.Clone(tables)
	index := func(list []Table, name string) int {
		return slices.IndexFunc(list, func(t Table) bool { return t.Name == name })
	}
	for _, r := range renames {
		i := index(tables, r.From)
		if i < 0 || index(now, r.To) < 0 || r.From != r.To && index(tables, r.To) >= 0 {
			continue
		}
		was := tables[i]
		t := was
		t.Columns, t.Indexes = slices.Clone(was.Columns), slices.Clone(was.Indexes)
		var up, down string
		step := func(format, from, to string) {
			up += fmt.Sprintf(format, from, to)
			down = fmt.Sprintf(format, to, from) + down
		}
		if r.From != r.To {
			t.Name = r.To
			step("ALTER TABLE %s RENAME TO %s;\n", r.From, r.To)
		}
		for _, from := range slices.Sorted(maps.Keys(r.Columns)) {
			to := r.Columns[from]
			c := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == from })
			if _, taken := t.column(to); c < 0 || taken {
				continue
			}
			t.Columns[c].Name = to
			step("ALTER TABLE "+r.To+" RENAME COLUMN %s TO %s;\n", from, to)
			word := regexp.MustCompile(`(^|[^\w"'])` + regexp.QuoteMeta(from) + `($|[^\w"'])`) // as a name, and not as a text
			for k := range t.Columns {                                                         // the database changes what its checks say by itself
				t.Columns[k].Check = word.ReplaceAllString(t.Columns[k].Check, "${1}"+to+"${2}")
			}
			t.Key = word.ReplaceAllString(t.Key, "${1}"+to+"${2}")
			for k, column := range t.Indexes {
				if column == from {
					t.Indexes[k] = to
				}
			}
		}
		// The names of checks and indexes follow, so that later migrations find them.
		for k, c := range t.Columns {
			if c.Check != "" && was.checkName(was.Columns[k]) != t.checkName(c) {
				step("ALTER TABLE "+r.To+" RENAME CONSTRAINT %s TO %s;\n", was.checkName(was.Columns[k]), t.checkName(c))
			}
		}
		for k, column := range t.Indexes {
			if from := was.indexName(was.Indexes[k]); from != t.indexName(column) {
				step("ALTER INDEX %s RENAME TO %s;\n", from, t.indexName(column))
			}
		}
		if up == "" {
			continue
		}
		const first = "-- A release that still runs does not know the new names: stop it before this one starts.\n"
		d.add(first+up, down, t.Name)
		tables[i] = t
	}
	return tables
}
