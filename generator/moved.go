package generator

import (
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// movedModule is the module's path of before and of after the plan; both are "" when it stays.
func (p *Plan) movedModule() (from, to string) {
	c := p.find("go.mod")
	if c == nil || c.Disk == nil || c.Content == nil {
		return "", ""
	}
	from, to = modfile.ModulePath(c.Disk), modfile.ModulePath(c.Content)
	if from == to {
		return "", ""
	}
	return from, to
}

// leftBehind is an import in a file of a package of the module under the path that it had.
func leftBehind(f *ast.File, from, to string) string {
	if from == "" {
		return ""
	}
	for _, spec := range f.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		if err == nil && (at == from || strings.HasPrefix(at, from+"/")) && !strings.HasPrefix(at, to+"/") {
			return fmt.Sprintf("it imports %s, and the module is %s now", at, to)
		}
	}
	return ""
}

// userFiles are the Go files of the module that are the user's: those that msgen made for him and his own, wherever he has put them. Folders that
// the go command passes over are passed over, and so are modules within this one.
func (p *Plan) userFiles(root string) []string {
	var list []string
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		rel, at := filepath.Rel(root, name)
		if err != nil || at != nil {
			return nil // what cannot be read cannot be looked into
		}
		rel = filepath.ToSlash(rel)
		base := path.Base(rel)
		if d.IsDir() {
			if rel == "." {
				return nil
			}
			_, nested := os.Stat(filepath.Join(name, "go.mod"))
			if nested == nil || base[0] == '.' || base[0] == '_' || base == "testdata" || rel == "vendor" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !strings.HasSuffix(base, ".go") || base[0] == '.' || base[0] == '_' {
			return nil
		}
		if c := p.find(rel); c == nil || (c.Class == Yours || c.Action == Orphan) && c.Action != Delete {
			list = append(list, rel)
		}
		return nil
	})
	slices.Sort(list)
	return list
}
