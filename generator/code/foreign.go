package code

import (
	"go/ast"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/schema/rule"
)

// foreignPackages finds imports of another service's packages (MSG151), tests included: a test that reaches into another service ties the
// two together as well.
func foreignPackages(u *unit) {
	for _, file := range u.files(true) {
		u.found = append(u.found, foreignImports(file, u.module, u.pkg)...)
	}
}

// foreignImports are the imports of a file of package pkg that belong to another service of the module. It needs no types.
func foreignImports(file *ast.File, module, pkg string) []finding {
	own, ok := serviceOf(module, pkg)
	if !ok {
		return nil
	}
	var list []finding
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		other, ok := serviceOf(module, path)
		if !ok || other == own || other == gateway {
			continue
		}
		list = append(list, finding{
			id: rule.ForeignPackage, pos: spec.Path.Pos(), end: spec.Path.End(), in: "import." + strings.TrimPrefix(path, module+"/"),
			message: own + " imports a package of " + other,
			label:   "this is inside " + other,
			help: "call " + other + " through its client (calls in msgen.yaml, then gen.Deps) or listen to its events (receives); what both may " +
				"share belongs outside services/",
		})
	}
	return list
}

const gateway = "gateway"

// serviceOf is the service that a package belongs to; the gateway counts as one.
func serviceOf(module, pkg string) (string, bool) {
	rest, ok := strings.CutPrefix(pkg, module+"/")
	if !ok || module == "" {
		return "", false
	}
	parts := strings.SplitN(rest, "/", 3)
	switch {
	case parts[0] == gateway:
		return gateway, true
	case parts[0] == "services" && len(parts) > 1:
		return parts[1], true
	}
	return "", false
}
