package view

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// The methods here bind fields to database columns: what a query takes and what a row is scanned into.

// KeyExpr is the Go expression of the key: order.GetId().
func (r *Resource) KeyExpr() string { return r.Var + ".Get" + r.Key.Go + "()" }

// stored are the columns of the resource's own fields, in the order of SelectColumns.
func (r *Resource) stored() []*Field { return append([]*Field{r.Key}, r.Fields...) }

// InsertColumns are the columns that an insert sets, in the order of InsertArgs.
func (a *Aggregate) InsertColumns() string {
	columns := columnNames(a.stored())
	if a.State != nil {
		columns = append(columns, "state")
	}
	return strings.Join(columns, ", ")
}

// InsertPlaceholders are $1 to $n for InsertColumns.
func (a *Aggregate) InsertPlaceholders() string {
	return placeholders(1, strings.Count(a.InsertColumns(), ",")+1)
}

// InsertArgs are the Go arguments for InsertColumns.
func (a *Aggregate) InsertArgs() []string {
	args := fieldArgs(a.stored(), a.Var)
	if a.State != nil {
		args = append(args, stateArg(a.Var))
	}
	return args
}

// UpdateSet is the SET list of an update: $1 is the key and $2 the version.
func (a *Aggregate) UpdateSet() string {
	columns := columnNames(a.Fields)
	if a.State != nil {
		columns = append(columns, "state")
	}
	return setList(columns, 3)
}

// UpdateArgs are the Go arguments for UpdateSet.
func (a *Aggregate) UpdateArgs() []string {
	args := fieldArgs(a.Fields, a.Var)
	if a.State != nil {
		args = append(args, stateArg(a.Var))
	}
	return args
}

// SelectColumns are the columns that a row is read from, in the order of ScanDests.
func (a *Aggregate) SelectColumns() string {
	columns := columnNames(a.stored())
	if a.State != nil {
		columns = append(columns, "state")
	}
	return strings.Join(append(columns, "row_version", "create_time", "update_time"), ", ")
}

// ScanDests are the arguments of Scan for SelectColumns, the resource's own fields only.
func (a *Aggregate) ScanDests() []string {
	dests := scanDests(a.stored(), a.Var)
	if a.State != nil {
		dests = append(dests, fmt.Sprintf("column.ScanEnum(&%s.State)", a.Var))
	}
	return dests
}

// ScanMoney are the fields that take three columns, and so a variable while a row is scanned.
func (r *Resource) ScanMoney() []*Field {
	var fields []*Field
	for _, f := range r.Fields {
		if f.Type.Kind == schema.KindMoney {
			fields = append(fields, f)
		}
	}
	return fields
}

// UsesColumn reports that the repository needs the column package for its fields.
func (a *Aggregate) UsesColumn() bool {
	return strings.Contains(strings.Join(append(a.InsertArgs(), a.ScanDests()...), " "), "column.") || len(a.ScanMoney()) > 0
}

// Filters are the fields that a list can filter by.
func (r *Resource) Filters() []*Field {
	var fields []*Field
	for _, f := range r.Message.Fields {
		if f.Filter {
			fields = append(fields, f)
		}
	}
	return fields
}

// FilterArg is the Go expression of a filter in a list request named req.
func (f *Field) FilterArg() string {
	switch f.Type.Kind {
	case schema.KindEnum:
		return "column.Enum(req.Get" + f.Go + "())"
	case schema.KindScalar:
		if f.Type.Name != "string" {
			return "req." + f.Go
		}
	}
	if f.Enum != nil {
		return "column.Enum(req.Get" + f.Go + "())"
	}
	return "req.Get" + f.Go + "()"
}

// UpsertColumns are the columns of a view's upsert, in the order of UpsertArgs.
func (v *View) UpsertColumns() string { return strings.Join(columnNames(v.stored()), ", ") }

// UpsertPlaceholders are $1 to $n for UpsertColumns.
func (v *View) UpsertPlaceholders() string {
	return placeholders(1, len(columnNames(v.stored())))
}

// UpsertSet is the SET list of the conflict branch.
func (v *View) UpsertSet() string {
	columns := columnNames(v.Fields)
	for i, c := range columns {
		columns[i] = c + " = excluded." + c
	}
	return strings.Join(append(columns, "update_time = now()"), ", ")
}

// UpsertArgs are the Go arguments for UpsertColumns.
func (v *View) UpsertArgs() []string { return fieldArgs(v.stored(), v.Var) }

// SelectColumns are the columns that a row is read from, in the order of ScanDests.
func (v *View) SelectColumns() string {
	return strings.Join(append(columnNames(v.stored()), "update_time"), ", ")
}

// ScanDests are the arguments of Scan for SelectColumns, without update_time.
func (v *View) ScanDests() []string { return scanDests(v.stored(), v.Var) }

// KeySQL is the type of the key's column.
func (r *Resource) KeySQL() string {
	if len(r.Key.Columns) == 0 {
		return "text"
	}
	return strings.Fields(r.Key.Columns[0].SQL)[0]
}

// Version numbers a saga's definition: it changes when a step is added, removed, moved or changes its kind.
func (s *Saga) Version() int {
	var b strings.Builder
	if s.Choreographed() { // whose events others understand
		b.WriteString("choreography;")
	}
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "%s %s;", step.Kind, step.Name)
	}
	return int(crc32.ChecksumIEEE([]byte(b.String())) & 0x7fffffff)
}

// KeyColumn is the key's column in SQL.
func (r *Resource) KeyColumn() string { return sqlName(r.Key.Name) }

// Column is the field's single column in SQL.
func (f *Field) Column() string { return sqlName(f.Name) }

// sqlReserved are the words that PostgreSQL takes for its own where a column is named (appendix C of its manual), of those that are valid
// field names.
var sqlReserved = map[string]bool{
	"all": true, "analyse": true, "analyze": true, "and": true, "any": true, "array": true, "as": true, "asc": true, "asymmetric": true,
	"authorization": true, "between": true, "binary": true, "both": true, "case": true, "cast": true, "check": true, "collate": true,
	"collation": true, "column": true, "concurrently": true, "constraint": true, "create": true, "cross": true, "current_catalog": true,
	"current_date": true, "current_role": true, "current_schema": true, "current_time": true, "current_timestamp": true, "current_user": true,
	"default": true, "deferrable": true, "desc": true, "distinct": true, "do": true, "else": true, "end": true, "except": true, "false": true,
	"fetch": true, "for": true, "foreign": true, "freeze": true, "from": true, "full": true, "grant": true, "group": true, "having": true,
	"ilike": true, "in": true, "initially": true, "inner": true, "intersect": true, "into": true, "is": true, "isnull": true, "join": true,
	"lateral": true, "leading": true, "left": true, "like": true, "limit": true, "localtime": true, "localtimestamp": true, "natural": true,
	"not": true, "notnull": true, "null": true, "offset": true, "on": true, "only": true, "or": true, "order": true, "outer": true,
	"overlaps": true, "placing": true, "primary": true, "references": true, "returning": true, "right": true, "select": true,
	"session_user": true, "similar": true, "some": true, "symmetric": true, "system_user": true, "table": true, "tablesample": true,
	"then": true, "to": true, "trailing": true, "true": true, "union": true, "unique": true, "user": true, "using": true, "variadic": true,
	"verbose": true, "when": true, "where": true, "window": true, "with": true,
}

// sqlName is a column's name as SQL takes it: in quotes when it is a word of SQL's own.
func sqlName(name string) string {
	if sqlReserved[name] {
		return `"` + name + `"`
	}
	return name
}

// Indexes are the columns by which the resource's lists are narrowed and that an index holds in little space: ids and the state.
func (r *Resource) Indexes() []string {
	if r.Lister() == nil {
		return nil
	}
	var columns []string
	for _, f := range r.Filters() {
		if f.Type.Kind == schema.KindUUID || f.Enum != nil {
			columns = append(columns, sqlName(f.Name))
		}
	}
	return columns
}

func columnNames(fields []*Field) []string {
	var names []string
	for _, f := range fields {
		for _, c := range f.Columns {
			names = append(names, sqlName(c.Name))
		}
	}
	return names
}

func placeholders(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", from+i)
	}
	return strings.Join(list, ", ")
}

func setList(columns []string, from int) string {
	for i, c := range columns {
		columns[i] = fmt.Sprintf("%s = $%d", c, from+i)
	}
	return strings.Join(columns, ", ")
}

func stateArg(v string) string { return "column.Enum(" + v + ".GetState())" }

func fieldArgs(fields []*Field, v string) []string {
	var args []string
	for _, f := range fields {
		args = append(args, f.args(v)...)
	}
	return args
}

// args are the query arguments of a field of variable v, one per column.
func (f *Field) args(v string) []string {
	get := v + ".Get" + f.Go + "()"
	switch f.Type.Kind {
	case schema.KindUUID, schema.KindDecimal:
		return []string{"column.Text(" + get + ")"}
	case schema.KindMoney:
		return []string{get + ".GetCurrencyCode()", get + ".GetUnits()", get + ".GetNanos()"}
	case schema.KindTimestamp:
		return []string{"column.Time(" + get + ")"}
	case schema.KindDuration:
		return []string{"column.Duration(" + get + ")"}
	case schema.KindEnum:
		return []string{"column.Enum(" + get + ")"}
	case schema.KindNamed:
		return []string{"column.Message(" + get + ")"}
	case schema.KindList:
		return []string{"column." + jsonFunc("List", f.Type.Elem) + "(" + get + ")"}
	case schema.KindMap:
		return []string{"column." + jsonFunc("Map", f.Type.Elem) + "(" + get + ")"}
	case schema.KindScalar:
		switch f.Type.Name {
		case "uint64":
			return []string{"column.Uint64(" + get + ")"}
		case "bytes":
			return []string{"column.Bytes(" + get + ")"}
		}
	}
	return []string{get}
}

func scanDests(fields []*Field, v string) []string {
	var dests []string
	for _, f := range fields {
		dests = append(dests, f.dests(v)...)
	}
	return dests
}

// dests are the Scan destinations of a field of variable v, one per column.
func (f *Field) dests(v string) []string {
	ref := "&" + v + "." + f.Go
	switch f.Type.Kind {
	case schema.KindUUID, schema.KindDecimal:
		return []string{"column.ScanText(" + ref + ")"}
	case schema.KindMoney:
		local := f.Local()
		return []string{"&" + local + ".Currency", "&" + local + ".Units", "&" + local + ".Nanos"}
	case schema.KindTimestamp:
		return []string{"column.ScanTime(" + ref + ")"}
	case schema.KindDuration:
		return []string{"column.ScanDuration(" + ref + ")"}
	case schema.KindEnum:
		return []string{"column.ScanEnum(" + ref + ")"}
	case schema.KindNamed:
		return []string{"column.ScanMessage(" + ref + ")"}
	case schema.KindList:
		return []string{"column." + jsonFunc("ScanList", f.Type.Elem) + "(" + ref + ")"}
	case schema.KindMap:
		return []string{"column." + jsonFunc("ScanMap", f.Type.Elem) + "(" + ref + ")"}
	case schema.KindScalar:
		if f.Type.Name == "uint64" {
			return []string{"column.ScanUint64(" + ref + ")"}
		}
	}
	return []string{ref}
}

// Local is the field's name as a Go variable beside the resource's own.
func (f *Field) Local() string { return strings.ToLower(f.Go[:1]) + f.Go[1:] + "Columns" }

// jsonFunc picks the function for a jsonb column: lists and maps of messages go through protojson, plain values do not.
func jsonFunc(name string, elem *schema.Type) string {
	switch elem.Kind {
	case schema.KindNamed, schema.KindMoney, schema.KindTimestamp, schema.KindDuration:
		return name
	}
	if strings.HasPrefix(name, "Scan") {
		return "ScanValues"
	}
	return "Values"
}
