package generator

import (
	"fmt"
	"path"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// find lists the names that the lock knows as those of before.
func (r *Renames) find(spec *schema.Spec, old *lock.File) diag.List {
	var findings diag.List
	both := func(path string, at schema.Value[string], name, from string) {
		findings = append(findings, diag.Diagnostic{
			Severity: diag.Error, Path: path + ".renamedFrom", Primary: diag.Label{Span: at.Span},
			Message: fmt.Sprintf("%s cannot have been called %s: there were both when msgen generated last", name, from),
			Help:    "remove the key: what belongs to one cannot be moved over what belongs to the other",
		})
	}
	for _, s := range spec.Services {
		name, dir := s.Name.V, "services/"+s.Name.V
		if from := s.RenamedFrom; from.Set {
			was := "services/" + from.V
			switch knows := below(old, was); {
			case knows && generates(old, was+"/main.go") && generates(old, dir+"/main.go"):
				both("services."+name, from, name, from.V)
			case knows:
				r.All = append(r.All, Rename{Kind: "service", From: from.V, To: name})
				dir = was
			default:
				r.idle("services."+name, from)
			}
		}
		for _, m := range s.API {
			from := m.RenamedFrom
			if !from.Set {
				continue
			}
			file := func(method string) string { return dir + "/" + schema.Snake(method) + ".go" }
			same := file(from.V) == file(m.Name.V) // only the case of letters is another: the messages tell
			knows := generates(old, file(from.V))
			if same {
				knows = old.Numbers[schema.Snake(spec.System.V)+"."+schema.Snake(path.Base(dir))+".v1."+from.V+"Request"] != nil
			}
			switch {
			case knows && !same && generates(old, file(m.Name.V)):
				both(m.Path(), from, m.Name.V, from.V)
			case knows:
				r.All = append(r.All, Rename{Kind: "method", From: from.V, To: m.Name.V, Service: name})
			default:
				r.idle(m.Path(), from)
			}
		}
		for _, a := range s.Aggregates {
			from := a.RenamedFrom
			if !from.Set {
				continue
			}
			file := func(name string) string { return dir + "/internal/gen/" + schema.Snake(name) + "_repository.go" }
			path := "services." + name + ".aggregates." + a.Name.V
			switch knows := generates(old, file(from.V)); {
			case knows && generates(old, file(a.Name.V)):
				both(path, from, a.Name.V, from.V)
			case knows:
				r.All = append(r.All, Rename{Kind: "aggregate", From: from.V, To: a.Name.V, Service: name})
			default:
				r.idle(path, from)
			}
		}
	}
	events := schema.Snake(spec.System.V) + ".events.v1."
	for _, e := range spec.Events {
		switch from := e.RenamedFrom; {
		case !from.Set:
		case old.Numbers[events+from.V] != nil:
			r.All = append(r.All, Rename{Kind: "event", From: from.V, To: e.Name.V})
		default:
			r.idle("events."+e.Name.V, from)
		}
	}
	r.findFields(spec, old, both)
	return findings
}

func (r *Renames) idle(path string, from schema.Value[string]) {
	r.Idle = append(r.Idle, Idle{path + ".renamedFrom", from})
}

// below reports that the lock knows something in a folder that the spec asked for.
func below(old *lock.File, dir string) bool {
	for _, e := range old.Files {
		if strings.HasPrefix(e.Path, dir+"/") && !e.Orphan {
			return true
		}
	}
	return false
}

// generates reports that the lock knows a path, and that the spec asked for it.
func generates(old *lock.File, path string) bool {
	e, ok := old.Entry(path)
	return ok && !e.Orphan
}

// findFields lists the fields that the lock knows by their names of before: it has the numbers of every field.
func (r *Renames) findFields(spec *schema.Spec, old *lock.File, both func(path string, at schema.Value[string], name, from string)) {
	spec.FieldLists(func(l schema.FieldList) {
		used := map[string]bool{}
		if e := old.Numbers[r.messageBefore(spec, l)]; e != nil {
			for _, n := range e.Used {
				used[n.Name] = true
			}
		}
		for _, f := range l.Fields {
			switch from := f.RenamedFrom; {
			case !from.Set:
			case used[from.V] && used[f.Name.V]:
				both(l.Path+f.Name.V, from, f.Name.V, from.V)
			case used[from.V]:
				r.All = append(r.All, Rename{Kind: "field", From: from.V, To: f.Name.V, Path: l.Path})
			default:
				r.idle(l.Path+f.Name.V, from)
			}
		}
	})
}

// messageBefore is the full name that the message of some fields had.
func (r *Renames) messageBefore(spec *schema.Spec, l schema.FieldList) string {
	system := schema.Snake(spec.System.V)
	if e, ok := l.Of.(*schema.Event); ok {
		return system + ".events.v1." + r.from("event", "", e.Name.V)
	}
	service := l.Service.Name.V
	pkg := system + "." + schema.Snake(r.from("service", "", service)) + ".v1."
	for _, s := range r.now.Services {
		if s.Name == service && s.Spec.Proto.Set {
			pkg = s.ProtoPackage + "."
		}
	}
	switch of := l.Of.(type) {
	case *schema.Aggregate:
		return pkg + r.from("aggregate", service, of.Name.V)
	case *schema.TypeDef:
		return pkg + of.Name.V
	case *schema.View:
		return pkg + of.Name.V
	case *schema.Method:
		message := "Request"
		if l.Response {
			message = "Response"
		}
		return pkg + r.from("method", service, of.Name.V) + message
	}
	return ""
}

// HasRenames reports that something in a spec has a name of before.
func HasRenames(spec *schema.Spec) bool {
	has := false
	for _, s := range spec.Services {
		has = has || s.RenamedFrom.Set
		for _, m := range s.API {
			has = has || m.RenamedFrom.Set
		}
		for _, a := range s.Aggregates {
			has = has || a.RenamedFrom.Set
		}
	}
	for _, e := range spec.Events {
		has = has || e.RenamedFrom.Set
	}
	spec.FieldLists(func(l schema.FieldList) {
		for _, f := range l.Fields {
			has = has || f.RenamedFrom.Set
		}
	})
	return has
}
