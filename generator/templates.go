package generator

import (
	"io/fs"
	"strings"

	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/templates"
)

// Templates are what systems are made from: the templates in the order of the table, then the files of the platform, sorted by name.
func Templates() ([]override.Template, error) {
	list := make([]override.Template, 0, len(outputs))
	for _, o := range outputs {
		t := override.Template{Name: o.template, Output: outputPath(o.template, nil), Class: string(o.class)}
		if !override.IsTemplate(o.template) {
			t.Fixed = "it is no template; a go.sum follows its go.mod, and what go mod tidy adds to yours stays there"
		}
		list = append(list, t)
	}
	err := fs.WalkDir(templates.FS, platformDir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !copied(name) {
			return err
		}
		t := override.Template{Name: name, Output: name, Class: string(Generated)}
		switch {
		case strings.HasSuffix(name, ".sql"):
			t.Fixed = "databases remember by its number that a migration has run, and do not run another text of it"
		case !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, ".pb.go"):
			t.Fixed = "it is part of the platform's tests, and compiled to what stands beside it"
		}
		list = append(list, t)
		return nil
	})
	return list, err
}

// Overrides are the templates of its own that the system in the folder root has, as override.Read returns them.
func Overrides(root string) (*override.Set, diag.List, error) {
	list, err := Templates()
	if err != nil {
		return nil, nil, err
	}
	return override.Read(root, list)
}
