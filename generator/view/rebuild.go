package view

import (
	"maps"
	"slices"
)

// Topics are those by which the events of the view come, sorted.
func (v *View) Topics() []string { return v.gather(func(ev *Event) []string { return ev.Topics }) }

// Types are the types of its events, as messages have them, sorted.
func (v *View) Types() []string { return v.gather(func(ev *Event) []string { return ev.Types }) }

func (v *View) gather(what func(*Event) []string) []string {
	set := map[string]bool{}
	for _, p := range v.Service.Projects {
		if p.View == v {
			for _, s := range what(p.Event) {
				set[s] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Views are those of all services.
func (s *System) Views() []*View {
	var list []*View
	for _, svc := range s.Services {
		list = append(list, svc.Views...)
	}
	return list
}

// KeptTopics are those of the service's topics that views are made from, of whichever service: they keep what was sent. Sorted.
func (s *Service) KeptTopics() []string {
	var list []string
	for _, topic := range s.OwnTopics() {
		if slices.ContainsFunc(s.System.Views(), func(v *View) bool { return slices.Contains(v.Topics(), topic) }) {
			list = append(list, topic)
		}
	}
	return list
}
