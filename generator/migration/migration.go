// Package migration keeps the history of a system's tables: what changes between two versions of a spec becomes a migration of its own, and
// one that has been written never changes, since databases somewhere have run it.
package migration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"sort"
	"strings"
)

// File is where the history is kept, below a system's root.
const File = ".msgen/migrations.json"

// Table is one table as the spec wants it.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	Key     string   `json:"key"`
	// Indexes are the columns that have an index together with the key.
	Indexes []string `json:"indexes,omitempty"`
}

// Column is one column. Names are as SQL takes them, quoted where they must be.
type Column struct {
	Name string `json:"name"`
	// Type is the SQL type: text, numeric(20, 0).
	Type string `json:"type"`
	// Default is the default of a column that is NOT NULL; "" for a nullable one and for one that always has a value.
	Default string `json:"default,omitempty"`
	NotNull bool   `json:"notNull,omitempty"`
	Check   string `json:"check,omitempty"`
	// First is the value that rows get which were there before the column, where Default is none.
	First string `json:"first,omitempty"`
}

// Step is one migration.
type Step struct {
	Name string `json:"name"` // 00002_orders_note.sql
	SQL  string `json:"sql"`
}

// Service is the history of one service.
type Service struct {
	Tables []Table `json:"tables"`
	Steps  []Step  `json:"steps"`
	// Set is the name under which its databases remember which steps they have run; "" is the service's own. It outlives a rename of the service.
	Set string `json:"set,omitempty"`
}

// History is the history of a system, by service.
type History map[string]*Service

// Parse reads a history; no text is the history of a new system.
func Parse(text []byte) (History, error) {
	h := History{}
	if len(text) == 0 {
		return h, nil
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; restore it from version control", File, err)
	}
	return h, nil
}

// Marshal is the history's text.
func (h History) Marshal() ([]byte, error) {
	text, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// Rename gives the history of a service to another name that has none: its databases have run those migrations, and remember them as set unless
// they do so under another name already.
func (h History) Rename(from, to, set string) {
	s := h[from]
	if s == nil || h[to] != nil {
		return
	}
	s.Set = cmp.Or(s.Set, set)
	h[to] = s
	delete(h, from)
}

// Sets are the names under which databases remember the migrations of services, where those are not the services' own.
func (h History) Sets() map[string]string {
	sets := map[string]string{}
	for name, s := range h {
		if s.Set != "" {
			sets[name] = s.Set
		}
	}
	return sets
}

// Advance brings a service's history to the given tables, with one more step when something has changed. renames are tables and columns that are
// to be called otherwise. A service without tables and
// without a history stays out of it.
func (h History) Advance(service string, tables []Table, renames ...Rename) {
	s := h[service]
	if s == nil {
		if len(tables) == 0 {
			return
		}
		s = &Service{}
		h[service] = s
	}
	d := &differ{}
	s.Tables = d.rename(s.Tables, tables, renames)
	up, down, about := d.diff(s.Tables, tables)
	if up == "" {
		return
	}
	if len(s.Steps) == 0 {
		about = "tables"
	}
	s.Steps = append(s.Steps, Step{
		Name: fmt.Sprintf("%05d_%s.sql", len(s.Steps)+1, about),
		SQL:  "-- +goose Up\n" + up + "\n-- +goose Down\n" + down,
	})
	s.Tables = merge(s.Tables, tables)
}

// merge is the tables as they are after a migration: nothing is dropped, so what the spec no longer has is still there.
func merge(old, now []Table) []Table {
	byName := map[string]Table{}
	for _, t := range old {
		byName[t.Name] = t
	}
	for _, t := range now {
		have := map[string]bool{}
		for _, c := range t.Columns {
			have[c.Name] = true
		}
		for _, c := range byName[t.Name].Columns {
			if !have[c.Name] {
				c.NotNull = c.NotNull && c.Default != ""
				t.Columns = append(t.Columns, c)
			}
		}
		byName[t.Name] = t
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	sort.Strings(names)
	tables := make([]Table, len(names))
	for i, name := range names {
		tables[i] = byName[name]
	}
	return tables
}

func (c Column) definition() string {
	d := c.Name + " " + c.Type
	if c.NotNull {
		d += " NOT NULL"
	}
	if c.Default != "" {
		d += " DEFAULT " + c.Default
	}
	return d
}

func (t Table) column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// unquoted is a name without SQL's quotes, for the names of constraints and files.
func unquoted(name string) string { return strings.Trim(name, `"`) }

func (t Table) checkName(c Column) string { return t.name(c.Name, "_check") }

func (t Table) indexName(column string) string { return t.name(column, "_idx") }

// maxIdentifier is the longest name that PostgreSQL keeps whole, in bytes (NAMEDATALEN - 1).
const maxIdentifier = 63

// name is the name of something that belongs to a column. PostgreSQL would cut a long one, and two could become the same: it ends in a checksum.
func (t Table) name(column, suffix string) string {
	name := t.Name + "_" + unquoted(column) + suffix
	if len(name) <= maxIdentifier {
		return name
	}
	suffix = fmt.Sprintf("_%08x%s", crc32.ChecksumIEEE([]byte(name)), suffix)
	return name[:maxIdentifier-len(suffix)] + suffix
}
