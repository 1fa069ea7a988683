package sequence_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// holder is something that has fields.
type holder struct {
	name   string
	fields *[]*field
	keep   int // the first fields, which stay
}

func (s *system) holders() []holder {
	var list []holder
	for _, v := range s.Services {
		for _, a := range v.Aggregates {
			list = append(list, holder{v.Name + "." + a.Name, &a.Fields, 0})
		}
		for _, w := range v.Views {
			list = append(list, holder{v.Name + "." + w.Name, &w.Fields, 0})
		}
		for _, m := range v.API {
			if m.Does == "" {
				list = append(list, holder{v.Name + "." + m.Name + "'s request", &m.Request, 0}, holder{v.Name + "." + m.Name + "'s response", &m.Response, 0})
			}
		}
	}
	for _, e := range s.Events {
		list = append(list, holder{e.Name, &e.Fields, 1})
	}
	return list
}

func addField(r *rand.Rand, s *system) string {
	h := pick(r, s.holders())
	name, ok := unused(r, fieldNames, names(*h.fields, func(f *field) string { return f.Name }))
	if !ok {
		return ""
	}
	f := &field{Name: name, Type: pick(r, fieldTypes)}
	*h.fields = slices.Insert(*h.fields, h.keep+r.IntN(len(*h.fields)-h.keep+1), f)
	return fmt.Sprintf("add the field %s (%s) to %s", f.Name, f.Type, h.name)
}

func removeField(r *rand.Rand, s *system) string {
	h, f := s.field(r)
	if f == nil || len(*h.fields) == 1 {
		return ""
	}
	*h.fields = slices.DeleteFunc(*h.fields, func(o *field) bool { return o == f })
	return fmt.Sprintf("remove the field %s of %s", f.Name, h.name)
}

func renameField(r *rand.Rand, s *system) string {
	h, f := s.field(r)
	if f == nil {
		return ""
	}
	name, ok := unused(r, fieldNames, names(*h.fields, func(f *field) string { return f.Name }))
	if !ok {
		return ""
	}
	was := f.Name
	f.Name, f.RenamedFrom = name, renamed(was)
	return fmt.Sprintf("rename the field %s of %s to %s", was, h.name, name)
}

func changeField(r *rand.Rand, s *system) string {
	h, f := s.field(r)
	if f == nil {
		return ""
	}
	was := f.Type
	f.Type = pick(r, fieldTypes)
	if f.Type == was {
		return ""
	}
	return fmt.Sprintf("change the field %s of %s from %s to %s", f.Name, h.name, was, f.Type)
}

// field is any field that may change; nil when there is none in what was picked.
func (s *system) field(r *rand.Rand) (holder, *field) {
	h := pick(r, s.holders())
	if len(*h.fields) == h.keep {
		return h, nil
	}
	return h, pick(r, (*h.fields)[h.keep:])
}

// forget takes away what names something that is gone.
func (s *system) forget() {
	methods := map[string]bool{}
	sent := map[string]bool{}
	for _, v := range s.Services {
		for _, m := range v.API {
			methods[v.Name+"."+m.Name] = true
			m.Sends = slices.DeleteFunc(m.Sends, func(name string) bool { return !slices.Contains(s.eventNames(), name) })
			for _, name := range m.Sends {
				sent[name] = true
			}
		}
	}
	s.Events = slices.DeleteFunc(s.Events, func(e *event) bool { return !sent[e.Name] })
	gone := func(name string) bool { return !sent[name] }
	s.Sagas = slices.DeleteFunc(s.Sagas, func(g *saga) bool { return !methods[g.Undone] || !methods[g.Pivot] || !s.started(g) })
	for _, v := range s.Services {
		for _, m := range v.API {
			if !slices.ContainsFunc(s.Sagas, func(g *saga) bool { return g.Name == m.Starts }) {
				m.Starts = ""
			}
		}
		v.Calls = slices.DeleteFunc(v.Calls, func(call string) bool { return !methods[call] })
		v.Receives = slices.DeleteFunc(v.Receives, func(rec *receive) bool { return gone(rec.Event) })
		for _, w := range v.Views {
			w.From = slices.DeleteFunc(w.From, gone)
		}
		v.Views = slices.DeleteFunc(v.Views, func(w *view) bool { return len(w.From) == 0 })
		v.API = slices.DeleteFunc(v.API, func(m *method) bool {
			return m.Of != "" && !slices.ContainsFunc(v.Aggregates, func(a *aggregate) bool { return a.Name == m.Of }) &&
				!slices.ContainsFunc(v.Views, func(w *view) bool { return w.Name == m.Of })
		})
	}
}

// renamesAreNoted says whether the language has renamedFrom: without it a rename is a removal and an addition.
var renamesAreNoted = faults(strings.Replace(first().text(), "  notes:\n", "  notes:\n    renamedFrom: jottings\n", 1)) == ""

// renamed is what a renamed thing notes of its old name.
func renamed(was string) string {
	if renamesAreNoted {
		return was
	}
	return ""
}

func forgetRenames(_ *rand.Rand, s *system) string {
	n := 0
	drop := func(from *string) {
		if *from != "" {
			*from = ""
			n++
		}
	}
	for _, v := range s.Services {
		drop(&v.RenamedFrom)
		for _, a := range v.Aggregates {
			drop(&a.RenamedFrom)
		}
		for _, m := range v.API {
			drop(&m.RenamedFrom)
		}
	}
	for _, e := range s.Events {
		drop(&e.RenamedFrom)
	}
	for _, h := range s.holders() {
		for _, f := range *h.fields {
			drop(&f.RenamedFrom)
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("drop %d renamedFrom", n)
}
