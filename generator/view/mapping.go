package view

import (
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// match fills fields of one message from another: by name and type first, then, where exactly one field of a type is left on both sides, by
// that type. keyAlias is a name under which the source's key also goes (order_id for the id of Order); "" for none. Fields in skip are left out.
func match(to, from []*Field, key *Field, keyAlias string, skip map[string]bool) []Assign {
	var list []Assign
	used, filled := map[*Field]bool{}, map[*Field]bool{}
	add := func(t, f *Field, why string) bool {
		a, ok := assign(t, f)
		if !ok {
			return false
		}
		a.Why = why
		list = append(list, a)
		used[f], filled[t] = true, true
		return true
	}
	for _, t := range to {
		if skip[t.Name] {
			filled[t] = true
			continue
		}
		for _, f := range from {
			if f.Name == t.Name && !used[f] && add(t, f, "by name") {
				break
			}
		}
		if !filled[t] && key != nil && t.Name == keyAlias {
			add(t, key, "the key")
		}
	}
	for _, t := range to {
		if filled[t] {
			continue
		}
		var only *Field
		unique := true
		for _, f := range from {
			if used[f] || f == key || !sameType(t.Type, f.Type) {
				continue
			}
			unique = only == nil
			only = f
		}
		for _, other := range to {
			if other != t && !filled[other] && sameType(other.Type, t.Type) {
				unique = false
			}
		}
		if only != nil && unique && t.Type.Kind == schema.KindMoney {
			add(t, only, "the only amount of money of both")
		}
	}
	// In the order of the target's fields.
	ordered := make([]Assign, 0, len(list))
	for _, t := range to {
		for _, a := range list {
			if a.To == t {
				ordered = append(ordered, a)
			}
		}
	}
	return ordered
}

// assign copies f to t when their types allow it: the same type, or (lists of) named types of different services with the same fields.
func assign(t, f *Field) (Assign, bool) {
	if t.Enum != nil || f.Enum != nil {
		return Assign{To: t, From: f}, t.Enum == f.Enum
	}
	if sameType(t.Type, f.Type) && t.GoType == f.GoType {
		return Assign{To: t, From: f}, true
	}
	to, from := elem(t.Type), elem(f.Type)
	if t.Repeated != f.Repeated || t.Map || f.Map || to.Named == nil || from.Named == nil {
		return Assign{}, false
	}
	a := Assign{To: t, From: f}
	for _, tf := range to.Named.Fields {
		ff := specField(from.Named.Fields, tf.Name.V)
		if ff == nil || !sameType(tf.Type, ff.Type) || tf.Type.Kind == schema.KindNamed || tf.Type.Kind == schema.KindEnum || tf.Type.Kind == schema.KindList || tf.Type.Kind == schema.KindMap {
			continue
		}
		a.Pairs = append(a.Pairs, Assign{
			To:   &Field{Name: tf.Name.V, Go: GoName(tf.Name.V), Type: tf.Type},
			From: &Field{Name: ff.Name.V, Go: GoName(ff.Name.V), Type: ff.Type},
		})
	}
	return a, len(a.Pairs) > 0
}

func elem(t schema.Type) schema.Type {
	if t.Kind == schema.KindList {
		return *t.Elem
	}
	return t
}

// sameType reports that two types are spelled the same and, when named, are the same.
func sameType(a, b schema.Type) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case schema.KindList:
		return sameType(*a.Elem, *b.Elem)
	case schema.KindMap:
		return sameType(*a.Key, *b.Key) && sameType(*a.Elem, *b.Elem)
	case schema.KindNamed:
		return a.Named == b.Named
	case schema.KindScalar:
		return a.Name == b.Name
	case schema.KindEnum:
		return strings.Join(a.Enum, ",") == strings.Join(b.Enum, ",")
	}
	return true
}

// keyAlias is the name under which other messages carry a resource's id: order_id for Order.
func keyAlias(r *Resource) string {
	if r.Key.Name == "id" {
		return r.Snake + "_id"
	}
	return r.Key.Name
}

// participle is what an event says became of the aggregate it is named after: OrderPlaced is placed. The last word of its name.
func participle(event string) string {
	words := strings.Split(schema.Snake(event), "_")
	return words[len(words)-1]
}
