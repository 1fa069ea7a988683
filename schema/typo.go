package schema

import (
	"strings"
)

// findTypos marks the references that lead nowhere but for a typo that can be put right without asking: only one name is that near, what is
// written stands in no other reference, where it could be something not yet declared, and the right name is not given beside it already. A name
// of before is none but the one of now, wherever it stands.
func (d *decoder) findTypos() {
	if len(d.spec.Unresolved) == 0 {
		return
	}
	type reference struct{ kind, name string }
	times := map[reference]int{}
	for _, u := range d.spec.Unresolved {
		times[reference{u.Kind, u.Name}]++
	}
	given := d.givenReferences()
	for i := range d.spec.Unresolved {
		u := &d.spec.Unresolved[i]
		if u.Nearest == "" || times[reference{u.Kind, u.Name}] > 1 && !u.renamed || given[container(u.Path)+"\x00"+u.Nearest] {
			u.Typo = false
		}
		if service, method, ok := strings.Cut(u.Nearest, "."); ok && u.Kind == "service" && !d.hasMethod(service, method) {
			u.Typo = false
		}
	}
}

// givenReferences are the names that stand together in a list or mapping of references, each behind the path of what holds it.
func (d *decoder) givenReferences() map[string]bool {
	given := map[string]bool{}
	add := func(path, name string) { given[path+"\x00"+name] = true }
	for _, s := range d.spec.Services {
		at := "services." + s.Name.V
		for _, c := range s.Calls {
			add(at+".calls", c.Target.Name.V)
		}
		for _, r := range s.Receives {
			add(at+".receives", r.Event.Name.V)
		}
		for _, v := range s.Views {
			for _, ref := range v.From {
				add(at+".views."+v.Name.V+".from", ref.Name.V)
			}
		}
		for _, m := range s.API {
			for _, ref := range m.Sends {
				add(at+".api."+m.Name.V+".sends", ref.Name.V)
			}
		}
	}
	return given
}

// container is the path of the list or mapping that an item stands in.
func container(path string) string {
	if i := strings.LastIndexByte(path, '['); i >= 0 && strings.HasSuffix(path, "]") {
		return path[:i]
	}
	// The name of a method has a dot itself.
	if i := strings.LastIndex(path, ".calls."); i >= 0 {
		return path[:i+len(".calls")]
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

func (d *decoder) hasMethod(service, method string) bool {
	s := d.index.services[service]
	if s == nil {
		return false
	}
	for _, m := range s.API {
		if m.Name.V == method {
			return true
		}
	}
	return s.Proto.Set
}
