package outcome

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// order are the states that are known, in the order of the spec; then those that it does not have, and Gone.
func order(a *schema.Aggregate, known states) []string {
	place := func(s string) int {
		if i := slices.Index(names(a), s); i >= 0 {
			return i
		}
		return len(a.States) + 1
	}
	return slices.SortedFunc(maps.Keys(known), func(s, t string) int {
		return cmp.Or(cmp.Compare(place(s), place(t)), strings.Compare(s, t))
	})
}

// names are the states of an aggregate; the one that is "" for an aggregate without states.
func names(a *schema.Aggregate) []string {
	if len(a.States) == 0 {
		return []string{""}
	}
	var list []string
	for _, s := range a.States {
		list = append(list, s.V)
	}
	return list
}

// first is the first of the states that are known, and what brought the aggregate there.
func first(a *schema.Aggregate, known states) (string, *schema.Method) {
	s := order(a, known)[0]
	return s, known[s]
}

// leaves are the aggregates of a world, the one that the saga starts from first.
func (w *walk) leaves(now world) []Left {
	var list []Left
	if w.start != nil {
		list = append(list, Left{w.start, order(w.start, now[w.start])})
	}
	for _, a := range w.created {
		list = append(list, Left{a, order(a, now[a])})
	}
	return list
}

// join are the aggregates of two ends of a path, of which nobody knows which it is.
func join(a, b []Left) []Left {
	var list []Left
	for i := range a {
		known := states{}
		for _, s := range slices.Concat(a[i].States, b[i].States) {
			known[s] = nil
		}
		list = append(list, Left{a[i].Aggregate, order(a[i].Aggregate, known)})
	}
	return list
}
