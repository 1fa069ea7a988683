package schema

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

// The language is declared as tables: an object is its keys, and a key knows both how its value is decoded and its JSON Schema, so
// that the two cannot drift.

// shape is a JSON Schema.
type shape map[string]any

// key is one key of an object that is decoded into T.
type key[T any] struct {
	name, doc string
	required  bool
	shape     shape
	decode    func(d *decoder, n *yaml.Node, at place, dst *T)
}

// must marks a key as required.
func (k key[T]) must() key[T] {
	k.required = true
	return k
}

// object is a mapping with known keys.
type object[T any] struct {
	name string // its definition in the JSON Schema
	what string // "a service", for messages
	keys []key[T]
}

// decode fills dst from a mapping, and returns the keys that were there; nil when it is no mapping.
func (o *object[T]) decode(d *decoder, n *yaml.Node, at place, dst *T) *keys {
	m, ok := d.mapping(n, at, "a mapping for "+o.what)
	if !ok {
		return nil
	}
	given := d.entries(m, at)
	for _, e := range given.list {
		k := o.find(e.name)
		span := spanOf(d.file, e.key)
		if k == nil {
			d.fail(at.at(e.name, span).path, span, o.unknown(e.name, &given))
			continue
		}
		k.decode(d, e.value, at.at(e.name, span), dst)
	}
	for i := range o.keys {
		if k := &o.keys[i]; k.required && given.get(k.name) == nil {
			span := at.span
			if span.IsZero() {
				span = spanOf(d.file, m)
			}
			d.fail(at.path, span, problemf(fmt.Sprintf("add `%s:`, %s", k.name, k.doc), "%s needs the key %q", o.what, k.name))
		}
	}
	return &given
}

func (o *object[T]) find(name string) *key[T] {
	for i := range o.keys {
		if o.keys[i].name == name {
			return &o.keys[i]
		}
	}
	return nil
}

func (o *object[T]) unknown(name string, given *keys) *problem {
	names := make([]string, len(o.keys))
	for i := range o.keys {
		names[i] = o.keys[i].name
	}
	help := "known keys: " + quoteList(names)
	if near := Nearest(name, names); near != "" {
		help = fmt.Sprintf("did you mean %q?", near)
	}
	p := problemf(help, "%s has no key %q", o.what, name)
	if right := Typo(name, names); right != "" && given.get(right) == nil {
		p.wrong, p.right = name, right
	}
	return p
}

// ref is the JSON Schema that refers to the object's definition.
func (o *object[T]) ref() shape { return shape{"$ref": "#/$defs/" + o.name} }

// one is a key with a single value.
func one[T, V any](name, doc string, s scalar[V], field func(*T) *Value[V]) key[T] {
	return key[T]{name: name, doc: doc, shape: s.shape, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		if v, ok := s.decode(d, n, at); ok {
			*field(dst) = v
		}
	}}
}

// optional is a key with a single value that is nil when it is not given.
func optional[T, V any](name, doc string, s scalar[V], field func(*T) **Value[V]) key[T] {
	return key[T]{name: name, doc: doc, shape: s.shape, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		if v, ok := s.decode(d, n, at); ok {
			*field(dst) = &v
		}
	}}
}

// many is a key with a list of distinct values.
func many[T any, V comparable](name, doc string, s scalar[V], field func(*T) *[]Value[V]) key[T] {
	list := shape{"type": "array", "items": s.shape, "minItems": 1, "uniqueItems": true}
	return key[T]{name: name, doc: doc, shape: list, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		*field(dst) = decodeList(d, n, at, s)
	}}
}

func decodeList[V comparable](d *decoder, n *yaml.Node, at place, s scalar[V]) []Value[V] {
	items, ok := d.sequence(n, at, s.plural)
	if !ok {
		return nil
	}
	if len(items) == 0 {
		d.fail(at.path, d.spanOr(n, at), problemf("leave the key out, or name at least one", "an empty list of %s", s.plural))
	}
	var list []Value[V]
	for i, item := range items {
		v, ok := s.decode(d, item, place{path: fmt.Sprintf("%s[%d]", at.path, i), span: at.span})
		if !ok {
			continue
		}
		for _, other := range list {
			if other.V == v.V {
				d.fail(at.path, v.Span, problemf("remove it", "%v is listed twice", v.V))
				ok = false
				break
			}
		}
		if ok {
			list = append(list, v)
		}
	}
	return list
}

// part is a key with an object that is part of T.
func part[T, S any](name, doc string, o *object[S], field func(*T, source.Span) *S) key[T] {
	return key[T]{name: name, doc: doc, shape: o.ref(), decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		o.decode(d, n, at, field(dst, at.span))
	}}
}

// named is a key with a mapping from names to objects; add makes the object of a name, and done, unless nil, checks it once decoded.
func named[T, S any](name, doc string, kind nameKind, o *object[S], add func(*T, Value[string]) *S, done func(*decoder, place, *S, *keys)) key[T] {
	s := shape{"type": "object", "propertyNames": kind.shape(), "additionalProperties": o.ref()}
	return key[T]{name: name, doc: doc, shape: s, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		d.named(n, at, kind, func(v Value[string], value *yaml.Node, at place) {
			item := add(dst, v)
			given := o.decode(d, value, at, item)
			if done != nil && given != nil {
				done(d, at, item, given)
			}
		})
	}}
}

// named walks a mapping whose keys are names.
func (d *decoder) named(n *yaml.Node, at place, kind nameKind, each func(v Value[string], value *yaml.Node, at place)) {
	m, ok := d.mapping(n, at, "a mapping from "+kind.plural+" to what they are")
	if !ok {
		return
	}
	for _, e := range d.entries(m, at).list {
		span := spanOf(d.file, e.key)
		inner := at.at(e.name, span)
		if err := kind.check(e.name); err != nil {
			d.fail(inner.path, span, err)
		}
		each(Value[string]{V: e.name, Span: span, Set: true}, e.value, inner)
	}
}
