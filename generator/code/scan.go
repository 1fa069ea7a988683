package code

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is where the Go code written by hand is.
type tree struct {
	module string
	dirs   []string // with such code, as patterns of the go command, in order
	tests  []string // files
}

// scan looks for Go files that are not generated. Loading their packages alone spares reading the generated ones, most of a system.
func scan(root string) (*tree, error) {
	module, err := modulePath(root)
	if err != nil {
		return nil, err
	}
	t := &tree{module: module}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() {
			return t.file(root, path)
		}
		if path == root {
			return nil
		}
		if skipped(d.Name()) {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
			return filepath.SkipDir // a module of its own
		}
		return nil
	})
	return t, err
}

func skipped(dir string) bool {
	return strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_") || dir == "testdata" || dir == "vendor" || dir == "node_modules"
}

func (t *tree) file(root, path string) error {
	name := filepath.Base(path)
	if filepath.Ext(name) != ".go" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return nil
	}
	if isTest(name) {
		t.tests = append(t.tests, path)
		return nil
	}
	rel, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return err
	}
	pattern := "./" + filepath.ToSlash(rel)
	if slices.Contains(t.dirs, pattern) {
		return nil
	}
	generated, err := isGenerated(path)
	if err == nil && !generated {
		t.dirs = append(t.dirs, pattern)
	}
	return err
}

// isGenerated reports that a file's header says so. What is no Go is somebody's work.
func isGenerated(path string) (bool, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, content, parser.PackageClauseOnly|parser.ParseComments)
	return err == nil && ast.IsGenerated(f), nil
}
