package schema

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema/source"
)

// renamedKey is `renamedFrom`: the name that something had before. A name that nothing can have any more may be just why it is called otherwise now.
func renamedKey[T any](kind nameKind, field func(*T) *Value[string]) key[T] {
	kind.reserved = free
	return one("renamedFrom", "the name it had before: generate moves what is there under that name", ident(kind), field)
}

// renamed is a part of the spec that may say what it was called before.
type renamed struct {
	name, from Value[string]
}

// checkRenames reports names of before that nothing can have had: those of what is still there, and those that two parts claim.
func (d *decoder) checkRenames() {
	var services, events []renamed
	for _, s := range d.spec.Services {
		services = append(services, renamed{s.Name, s.RenamedFrom})
		var methods, aggregates []renamed
		for _, m := range s.API {
			methods = append(methods, renamed{m.Name, m.RenamedFrom})
		}
		for _, a := range s.Aggregates {
			aggregates = append(aggregates, renamed{a.Name, a.RenamedFrom})
		}
		d.checkRenamed("services."+s.Name.V+".api.", "method", methods)
		d.checkRenamed("services."+s.Name.V+".aggregates.", "aggregate", aggregates)
	}
	d.checkRenamed("services.", "service", services)
	for _, e := range d.spec.Events {
		events = append(events, renamed{e.Name, e.RenamedFrom})
	}
	d.checkRenamed("events.", "event", events)
	d.spec.FieldLists(func(l FieldList) {
		var fields []renamed
		for _, f := range l.Fields {
			fields = append(fields, renamed{f.Name, f.RenamedFrom})
		}
		d.checkRenamed(l.Path, "field", fields)
	})
}

// FieldList is the fields of one part of the spec.
type FieldList struct {
	Path    string   // of the fields, but for their names: services.orders.aggregates.Order.fields.
	Service *Service // nil for an event's
	// Of is what the fields are of: Aggregate, TypeDef, View, Method or Event.
	Of     any
	Fields []*Field
	// Response reports that they are of a method's response, else they are of its request.
	Response bool
}

// FieldLists calls f for all fields that stand together in the spec, in one order for all specs of one text.
func (s *Spec) FieldLists(f func(FieldList)) {
	for _, service := range s.Services {
		at := "services." + service.Name.V
		for _, a := range service.Aggregates {
			f(FieldList{Path: at + ".aggregates." + a.Name.V + ".fields.", Service: service, Of: a, Fields: a.Fields})
		}
		for _, t := range service.Types {
			f(FieldList{Path: at + ".types." + t.Name.V + ".", Service: service, Of: t, Fields: t.Fields})
		}
		for _, v := range service.Views {
			f(FieldList{Path: at + ".views." + v.Name.V + ".fields.", Service: service, Of: v, Fields: v.Fields})
		}
		for _, m := range service.API {
			f(FieldList{Path: m.Path() + ".request.", Service: service, Of: m, Fields: m.Request})
			f(FieldList{Path: m.Path() + ".response.", Service: service, Of: m, Fields: m.Response, Response: true})
		}
	}
	for _, e := range s.Events {
		f(FieldList{Path: "events." + e.Name.V + ".fields.", Of: e, Fields: e.Fields})
	}
}

// checkRenamed checks the parts of one kind that stand together; at is the path before their names.
func (d *decoder) checkRenamed(at, kind string, list []renamed) {
	there, claimed := map[string]source.Span{}, map[string]renamed{}
	for _, r := range list {
		there[r.name.V] = r.name.Span
	}
	for _, r := range list {
		if !r.from.Set {
			continue
		}
		path := at + r.name.V + ".renamedFrom"
		if r.from.V == r.name.V {
			d.fail(path, r.from.Span, problemf("give the name that it had before, or leave the key out", "the %s %s is renamed from itself", kind, r.name.V))
			continue
		}
		if span, ok := there[r.from.V]; ok {
			found := d.fail(path, r.from.Span, problemf("remove the key if the rename is done; else rename what stands there as well, one generate after the other",
				"the %s %s cannot have been called %s: another %s has that name", kind, r.name.V, r.from.V, kind))
			found.Secondary = append(found.Secondary, labelled(span, "declared here"))
			continue
		}
		if first, ok := claimed[r.from.V]; ok {
			found := d.fail(path, r.from.Span, problemf(fmt.Sprintf("what belongs to %s can move to one place: keep the key there", r.from.V),
				"two of the %ss are renamed from %s", kind, r.from.V))
			found.Secondary = append(found.Secondary, labelled(first.from.Span, first.name.V+" is"))
			continue
		}
		claimed[r.from.V] = r
	}
}

// renamedTo is what a service or an event of a name is called now; "" when nothing was called so.
func (s *Spec) renamedTo(kind, name string) string {
	switch kind {
	case "service":
		for _, service := range s.Services {
			if service.RenamedFrom.Set && service.RenamedFrom.V == name {
				return service.Name.V
			}
		}
	case "event":
		for _, e := range s.Events {
			if e.RenamedFrom.Set && e.RenamedFrom.V == name {
				return e.Name.V
			}
		}
	}
	return ""
}

// aggregateNow is what an aggregate of a name is called now; "" when none was called so.
func (s *Service) aggregateNow(name string) string {
	for _, a := range s.Aggregates {
		if a.RenamedFrom.Set && a.RenamedFrom.V == name {
			return a.Name.V
		}
	}
	return ""
}
