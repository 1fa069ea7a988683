package generator

import (
	"fmt"
	"reflect"

	"github.com/msgen-dev/msgen/schema"
)

// fieldHint says which field or method of a type a name may stand for; data is what the template was rendered for.
func fieldHint(data any, typeName, name string) string {
	t := find(reflect.TypeOf(data), typeName, map[reflect.Type]bool{})
	if t == nil {
		return ""
	}
	if near := schema.Nearest(name, members(t)); near != "" {
		return fmt.Sprintf("did you mean .%s?", near)
	}
	return fmt.Sprintf("docs/template-data.md lists the fields of %s", typeName)
}

// members are the names that a template can use of a type: its exported fields and its methods.
func members(t reflect.Type) []string {
	var names []string
	elem := t
	for elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	if elem.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(elem) {
			if f.IsExported() {
				names = append(names, f.Name)
			}
		}
	}
	for i := range t.NumMethod() {
		names = append(names, t.Method(i).Name)
	}
	return names
}

// find is the type of a name among those that can be reached from one; nil when there is none.
func find(t reflect.Type, name string, seen map[reflect.Type]bool) reflect.Type {
	if t == nil || seen[t] {
		return nil
	}
	seen[t] = true
	if t.String() == name {
		return t
	}
	for _, next := range reachable(t) {
		if found := find(next, name, seen); found != nil {
			return found
		}
	}
	return nil
}

// reachable are the types that a template gets to from a value of one in a single step.
func reachable(t reflect.Type) []reflect.Type {
	var list []reflect.Type
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		list = append(list, t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				list = append(list, t.Field(i).Type)
			}
		}
	}
	for i := range t.NumMethod() {
		m := t.Method(i).Type
		for j := range m.NumOut() {
			list = append(list, m.Out(j))
		}
	}
	return list
}
