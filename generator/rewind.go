package generator

import (
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// rewind gives the parts of a spec the names that they had. A contract-first method has the name of its .proto file.
func (r *Renames) rewind(spec *schema.Spec) {
	r.rewindFields(spec)
	for _, s := range spec.Services {
		for _, m := range s.API {
			if !s.Proto.Set {
				m.Name.V = r.from("method", s.Name.V, m.Name.V)
			}
		}
		for _, a := range s.Aggregates {
			a.Name.V = r.from("aggregate", s.Name.V, a.Name.V)
		}
	}
	for _, e := range spec.Events {
		e.Name.V = r.from("event", "", e.Name.V)
	}
	for _, s := range spec.Services {
		s.Name.V = r.from("service", "", s.Name.V)
	}
	ref := func(m *schema.MethodRef) {
		if m.Method != nil {
			m.Name.V = m.Service.Name.V + "." + m.Method.Name.V
		}
	}
	for _, s := range spec.Services {
		for _, c := range s.Calls {
			ref(&c.Target)
		}
	}
	for _, s := range spec.Sagas {
		for _, m := range s.Refs() {
			ref(m)
		}
	}
}

// rewindFields gives the fields the names that they had, and with them what names them: keys and the parameters of routes.
func (r *Renames) rewindFields(spec *schema.Spec) {
	names := map[any]map[string]string{} // by what has the fields: now → before
	spec.FieldLists(func(l schema.FieldList) {
		for _, f := range l.Fields {
			from := r.field(l.Path, f.Name.V)
			if from == "" {
				continue
			}
			if names[l.Of] == nil {
				names[l.Of] = map[string]string{}
			}
			names[l.Of][f.Name.V] = from
			f.Name.V = from
		}
	})
	before := func(name string, of ...any) string {
		for _, one := range of {
			if from := names[one][name]; from != "" {
				return from
			}
		}
		return name
	}
	for _, e := range spec.Events {
		e.Key.V = before(e.Key.V, e)
	}
	for _, s := range spec.Services {
		for _, m := range s.API {
			if m.HTTP == nil {
				continue
			}
			of := []any{m}
			if m.Aggregate != nil {
				of = append(of, m.Aggregate)
			}
			if m.View != nil {
				of = append(of, m.View, m.View.From[0].Event) // its key is a field of its events
			}
			for i, p := range m.HTTP.Params {
				m.HTTP.Params[i] = before(p, of...)
				m.HTTP.Path = strings.ReplaceAll(m.HTTP.Path, "{"+p+"}", "{"+m.HTTP.Params[i]+"}")
			}
		}
		for _, a := range s.Aggregates {
			a.Key.V = before(a.Key.V, a)
		}
		for _, v := range s.Views {
			v.Key.V = before(v.Key.V, v.From[0].Event)
		}
	}
}

// field is what a field was called; "" when it has not been renamed.
func (r *Renames) field(path, name string) string {
	for _, one := range r.All {
		if one.Kind == "field" && one.Path == path && one.To == name {
			return one.From
		}
	}
	return ""
}

// rewindContracts gives contract-first methods the names that they had.
func (r *Renames) rewindContracts() {
	for i, s := range r.was.Services {
		for _, m := range s.Methods {
			if s.Spec.Proto.Set {
				m.Name = r.from("method", r.now.Services[i].Name, m.Name)
				m.Snake = schema.Snake(m.Name)
			}
		}
	}
}
