package generator

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

// pair puts the two systems beside each other: they have the same parts in the same order, under the names of before and of now.
func (r *Renames) pair() {
	for _, o := range outputs {
		before := map[string]item{}
		for i, it := range o.each(r.was) {
			before[identity(i, it.data)] = it
		}
		for i, now := range o.each(r.now) {
			was, ok := before[identity(i, now.data)]
			from, to := outputPath(o.template, was.vars), outputPath(o.template, now.vars)
			if !ok || from == to {
				continue
			}
			r.places[to] = from
			if before, after := handlerOf(o, was.data), handlerOf(o, now.data); before != after {
				if r.handlers[now.dir] == nil {
					r.handlers[now.dir] = map[string]string{}
				}
				r.handlers[now.dir][before] = after
			}
		}
	}
	for i, now := range r.now.Services {
		was := r.was.Services[i]
		if was.Name != now.Name {
			r.folders[was.Dir] = now.Dir
			r.packages[was.Dir] = goPackage{dir: now.Dir}
		}
		if was.Import != now.Import || was.Package != now.Package { // a contract of the user's stays where its package says
			r.packages[r.below(was.Import)] = goPackage{r.below(now.Import), was.Package, now.Package}
			r.types = append(r.types,
				retype{regexp.MustCompile(`\b` + was.Package + `\.` + was.GRPCName), []byte(now.Package + "." + now.GRPCName)},
				retype{regexp.MustCompile(`\b` + was.Package + `\.`), []byte(now.Package + ".")})
		}
		for j := range r.All {
			if one := &r.All[j]; one.Kind == "service" && one.To == now.Name || one.Kind == "method" && one.Service == now.Name {
				one.was, one.is = was, now
			}
		}
	}
}

// below is a package's folder in the module.
func (r *Renames) below(importPath string) string {
	return strings.TrimPrefix(importPath, r.now.Module+"/")
}

// identity is what is the same of a thing under both names: its place in the list, and for a hook, which comes and goes with the names of fields,
// whom its command goes to.
func identity(i int, data any) string {
	h, ok := data.(hook)
	if !ok {
		return strconv.Itoa(i)
	}
	m := h.Command.Method
	if m.Spec == nil {
		return fmt.Sprint(h.Saga.Name, m.Service.Spec.Name.Span.Start, m.Name)
	}
	return fmt.Sprint(h.Saga.Name, m.Service.Spec.Name.Span.Start, m.Spec.Name.Span.Start)
}

// handlerOf is the name of the user's function that a file of his is made for; "" when it is made for none.
func handlerOf(o output, data any) string {
	if o.class != Yours {
		return ""
	}
	switch data := data.(type) {
	case *view.Method:
		if strings.HasSuffix(o.template, "_prepare.go.tmpl") {
			return "Prepare" + data.Name
		}
		return data.Name
	case *view.Receive:
		return data.Handler
	case *view.Project:
		return data.Handler
	case hook:
		return data.Command.Hook
	}
	return ""
}

// moveNumbers lets the numbers of messages and enums follow the names: what is on the wire stays what it was.
func (r *Renames) moveNumbers(old *lock.File) {
	for i, now := range r.now.Services {
		was := r.was.Services[i]
		if was.ProtoPackage != now.ProtoPackage {
			old.Numbers.Rename(was.ProtoPackage, now.ProtoPackage) // with what is remembered of messages that are gone
		}
		if len(was.Messages) != len(now.Messages) {
			continue
		}
		derived := derivedFields(was, now)
		for j := range now.Messages {
			r.moveMessage(old, was.Messages[j], now.Messages[j], derived)
		}
	}
	for i, now := range r.now.Events {
		r.moveMessage(old, r.was.Events[i].Message, now.Message, nil)
	}
}

// moveMessage lets the numbers of one message follow its name and those of its fields. derived are the names of fields that msgen adds, now → before.
func (r *Renames) moveMessage(old *lock.File, was, now *view.Message, derived map[string]string) {
	full := r.now.FullName(now)
	if was.Name != now.Name {
		old.Numbers.Rename(strings.TrimSuffix(full, now.Name)+was.Name, full)
		r.messages[was.Name] = now.Name
	}
	before := map[source.Pos]string{}
	for _, f := range was.Fields {
		if f.Spec != nil {
			before[f.Spec.Name.Span.Start] = f.Name
		}
	}
	for _, f := range now.Fields {
		from := derived[f.Name]
		if f.Spec != nil {
			from = before[f.Spec.Name.Span.Start]
		}
		if from != "" {
			old.Numbers.RenameField(full, from, f.Name)
		}
	}
	if len(was.Enums) != len(now.Enums) {
		return
	}
	for i, e := range now.Enums {
		if from := was.Enums[i]; from.Name != e.Name && len(from.Values) == len(e.Values) {
			old.Numbers.Rename(full+"."+from.Name, full+"."+e.Name)
			for j, v := range e.Values {
				old.Numbers.RenameField(full+"."+e.Name, from.Values[j].Name, v.Name)
			}
		}
	}
}

// derivedFields are the names, now → before, of the fields that msgen adds to requests and responses after those of aggregates and views.
func derivedFields(was, now *view.Service) map[string]string {
	names := map[string]string{}
	put := func(from, to string) {
		if from != to {
			names[to] = from
		}
	}
	pair := func(from, to *view.Resource) {
		put(from.Snake, to.Snake)
		put(schema.Plural(from.Snake), schema.Plural(to.Snake))
		put(from.Snake+"_id", to.Snake+"_id")
		put(from.Key.Name, to.Key.Name)
		for i, f := range to.Fields {
			if len(from.Fields) == len(to.Fields) {
				put(from.Fields[i].Name, f.Name)
			}
		}
	}
	for i, a := range now.Aggregates {
		pair(&was.Aggregates[i].Resource, &a.Resource)
	}
	for i, v := range now.Views {
		pair(&was.Views[i].Resource, &v.Resource)
	}
	return names
}

// pairTables finds the tables and columns that have other names now.
func (r *Renames) pairTables() {
	for i, now := range r.now.Services {
		before, after := r.was.Services[i].Tables(), now.Tables()
		for j, to := range after {
			from := before[j]
			columns := map[string]string{}
			for k, c := range to.Columns {
				if len(from.Columns) == len(to.Columns) && from.Columns[k].Name != c.Name {
					columns[from.Columns[k].Name] = c.Name
				}
			}
			if from.Name != to.Name || len(columns) > 0 {
				r.tables[now.Name] = append(r.tables[now.Name], migration.Rename{From: from.Name, To: to.Name, Columns: columns})
			}
		}
	}
}
