package generator

import (
	"reflect"

	"github.com/msgen-dev/msgen/generator/view"
)

// Reachable is reachable, for tests of what templates can use.
var Reachable = reachable

// TemplateNames are the names of the templates in the order of the table.
func TemplateNames() []string {
	var names []string
	for _, o := range outputs {
		names = append(names, o.template)
	}
	return names
}

// DataTypes are the types that templates are rendered for, as far as a system has something to render them for.
func DataTypes(sys *view.System) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, o := range outputs {
		for _, it := range o.each(sys) {
			types[o.template] = reflect.TypeOf(it.data)
		}
	}
	return types
}

// FuncNames are the functions that templates can use.
func FuncNames() []string {
	var names []string
	for name := range funcs() {
		names = append(names, name)
	}
	return names
}
