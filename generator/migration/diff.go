package migration

import (
	"fmt"
	"slices"
	"strings"
)

// diff is the SQL that takes a database from old to now, the SQL back, and a word on what changed for the file's name. A column or table that
// the spec no longer has stays: a release that still reads it may be running, and dropping data is a person's decision.
func (d *differ) diff(old, now []Table) (up, down, about string) {
	before := map[string]Table{}
	for _, t := range old {
		before[t.Name] = t
	}
	for _, t := range now {
		if was, ok := before[t.Name]; ok {
			d.table(was, t)
		} else {
			d.create(t)
		}
	}
	slices.Reverse(d.down)
	if len(d.about) > 1 {
		about = "changes"
	} else if len(d.about) == 1 {
		about = d.about[0]
	}
	return strings.Join(d.up, ""), strings.Join(d.down, ""), about
}

type differ struct {
	up, down, about []string
}

func (d *differ) add(up, down, about string) {
	d.up = append(d.up, up)
	d.down = append(d.down, down)
	if !slices.Contains(d.about, about) {
		d.about = append(d.about, about)
	}
}

func (d *differ) create(t Table) {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.Name)
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "    %s,\n", c.definition())
	}
	for _, c := range t.Columns {
		if c.Check != "" {
			fmt.Fprintf(&b, "    CONSTRAINT %s CHECK (%s),\n", t.checkName(c), c.Check)
		}
	}
	fmt.Fprintf(&b, "    PRIMARY KEY (%s)\n);\n", t.Key)
	for _, column := range t.Indexes {
		b.WriteString(t.createIndex(column))
	}
	d.add(b.String(), fmt.Sprintf("DROP TABLE %s;\n", t.Name), t.Name)
}

func (t Table) createIndex(column string) string {
	return fmt.Sprintf("CREATE INDEX %s ON %s (%s, %s);\n", t.indexName(column), t.Name, column, t.Key)
}

func (d *differ) table(was, now Table) {
	for _, c := range now.Columns {
		old, ok := was.column(c.Name)
		if !ok {
			d.addColumn(now, c)
			continue
		}
		d.changeColumn(now, old, c)
	}
	for _, c := range was.Columns {
		if _, ok := now.column(c.Name); !ok && c.NotNull && c.Default == "" {
			// Nobody writes it any more: rows must be possible without it.
			d.add(fmt.Sprintf("-- %s.%s is no longer used. Drop it when no release runs any more that reads it.\nALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;\n", now.Name, c.Name, now.Name, c.Name),
				"", now.Name+"_"+unquoted(c.Name))
		}
	}
	for _, column := range now.Indexes {
		if !slices.Contains(was.Indexes, column) {
			d.add(now.createIndex(column), fmt.Sprintf("DROP INDEX %s;\n", now.indexName(column)), now.indexName(column))
		}
	}
	for _, column := range was.Indexes {
		if !slices.Contains(now.Indexes, column) {
			d.add(fmt.Sprintf("DROP INDEX %s;\n", was.indexName(column)), was.createIndex(column), was.indexName(column))
		}
	}
}

// addColumn adds a column. Where rows must have a value and the column has no default, those that are there get First.
func (d *differ) addColumn(t Table, c Column) {
	var b strings.Builder
	with := c
	if c.NotNull && c.Default == "" {
		with.Default = c.First
	}
	fmt.Fprintf(&b, "ALTER TABLE %s ADD COLUMN %s;\n", t.Name, with.definition())
	if with.Default != c.Default {
		fmt.Fprintf(&b, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT;\n", t.Name, c.Name)
	}
	if c.Check != "" {
		fmt.Fprintf(&b, "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s);\n", t.Name, t.checkName(c), c.Check)
	}
	d.add(b.String(), fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s;\n", t.Name, c.Name), t.Name+"_"+unquoted(c.Name))
}

func (d *differ) changeColumn(t Table, old, c Column) {
	about := t.Name + "_" + unquoted(c.Name)
	alter := func(format string, args ...any) string {
		return fmt.Sprintf("ALTER TABLE %s ", t.Name) + fmt.Sprintf(format, args...) + ";\n"
	}
	if old.Check != c.Check {
		name := t.checkName(c)
		var up, down string
		if old.Check != "" {
			up += alter("DROP CONSTRAINT %s", name)
		}
		if c.Check != "" {
			up += alter("ADD CONSTRAINT %s CHECK (%s)", name, c.Check)
			down += alter("DROP CONSTRAINT %s", name)
		}
		if old.Check != "" {
			down += alter("ADD CONSTRAINT %s CHECK (%s)", name, old.Check)
		}
		d.add(up, down, about)
	}
	if old.Type != c.Type {
		change := func(from, to Column) string {
			up := ""
			if from.Default != "" {
				up += alter("ALTER COLUMN %s DROP DEFAULT", c.Name)
			}
			up += alter("ALTER COLUMN %s TYPE %s USING %s::text::%s", c.Name, to.Type, c.Name, to.Type)
			if to.Default != "" {
				up += alter("ALTER COLUMN %s SET DEFAULT %s", c.Name, to.Default)
			}
			return up
		}
		d.add("-- The type changes: rows whose value the new type cannot hold make this fail, and nothing is lost.\n"+change(old, c), change(c, old), about)
	} else if old.Default != c.Default && c.Default != "" {
		d.add(alter("ALTER COLUMN %s SET DEFAULT %s", c.Name, c.Default), "", about)
	}
	if old.NotNull != c.NotNull {
		set := map[bool]string{true: "SET", false: "DROP"}
		up := alter("ALTER COLUMN %s %s NOT NULL", c.Name, set[c.NotNull])
		if value := c.Default + c.First; c.NotNull && value != "" {
			fill := c.Default
			if fill == "" {
				fill = c.First
			}
			up = fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s IS NULL;\n", t.Name, c.Name, fill, c.Name) + up
		}
		d.add(up, alter("ALTER COLUMN %s %s NOT NULL", c.Name, set[old.NotNull]), about)
	}
}
