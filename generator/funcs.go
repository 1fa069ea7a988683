package generator

import (
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"

	"github.com/msgen-dev/msgen/generator/view"
)

// sprigFuncs are the functions of sprig that templates may use: none that reads a clock, the environment, the network or a random source.
var sprigFuncs = []string{"add", "default", "dict", "indent", "join", "nindent", "quote", "trim", "upper"}

// funcs are the functions of templates.
func funcs() template.FuncMap {
	all := sprig.TxtFuncMap()
	m := template.FuncMap{
		// lower makes the first letter small, for unexported Go names.
		"lower": view.Lower,
		// cell makes a text fit for a cell of a Markdown table.
		"cell": func(s string) string {
			return strings.NewReplacer("\n", " ", "|", "\\|").Replace(strings.TrimSpace(s))
		},
		"goDuration": view.GoDuration,
	}
	for _, name := range sprigFuncs {
		m[name] = all[name]
	}
	return m
}
