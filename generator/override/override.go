// Package override reads the templates of a project's own: files below .msgen/templates that stand in for built-in ones of the same name.
package override

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// Dir is where overrides stand in a system's folder.
const Dir = ".msgen/templates"

// Template is a built-in template, or a file that is copied as it is.
type Template struct {
	Name   string // service/services/{service}/main.go.tmpl
	Output string // services/{service}/main.go: what it makes, with the placeholders of the name
	Class  string // generated, yours or merged
	Fixed  string // why it cannot be overridden; "" when it can
}

// Override is a template of the project's.
type Override struct {
	Name string
	// File is its text; the file's name says where it stands below the system's folder.
	File *source.File
	// Origin is the original that it was made from, as its first line says; the zero Origin when that says nothing.
	Origin Origin
}

// Path is where the override of a template stands below the system's folder.
func Path(name string) string { return path.Join(Dir, name) }

// Set is the overrides of a project, sorted by name. A nil Set has none.
type Set struct {
	list []*Override
}

// Read reads the overrides of the system in the folder root; templates are those that there are. What cannot be an override (a file that no
// template is named like, a symbolic link) comes as errors in the list, at files that are named below root. Where there is no such folder
// the set is empty.
func Read(root string, templates []Template) (*Set, diag.List, error) {
	set := &Set{}
	for _, dir := range []string{path.Dir(Dir), Dir} {
		info, err := os.Lstat(filepath.Join(root, filepath.FromSlash(dir)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return set, nil, nil
		case err != nil:
			return nil, nil, err
		case info.Mode()&fs.ModeSymlink != 0:
			return set, diag.List{refusal(dir, nil, "%s is a symbolic link, and msgen does not follow links", "make it a folder and copy the templates into it")}, nil
		case !info.IsDir():
			return set, diag.List{refusal(dir, nil, "%s is not a folder", "keep overrides of templates in a folder of this name")}, nil
		}
	}
	byName := make(map[string]Template, len(templates))
	for _, t := range templates {
		byName[t.Name] = t
	}
	base, err := os.OpenRoot(filepath.Join(root, filepath.FromSlash(Dir)))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = base.Close() }()
	var found diag.List
	err = fs.WalkDir(base.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || leftover(d.Name()) {
			return err
		}
		if !d.Type().IsRegular() {
			found = append(found, refusal(Path(name), nil, "%s is a link or a device, and msgen reads only files", "copy the template to this place"))
			return nil
		}
		content, err := base.ReadFile(filepath.FromSlash(name))
		if err != nil {
			return err
		}
		t, known := byName[name]
		switch {
		case !known:
			found = append(found, refusal(Path(name), content, "%s overrides nothing: there is no template of this name", hint(name, originOf(content), templates)))
		case t.Fixed != "":
			found = append(found, refusal(Path(name), content, "%s cannot be overridden: "+t.Fixed, "delete this file"))
		default:
			set.list = append(set.list, &Override{Name: name, File: source.NewFile(Path(name), content), Origin: originOf(content)})
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	sort.Slice(set.list, func(i, j int) bool { return set.list[i].Name < set.list[j].Name })
	found.Sort()
	return set, found, nil
}

// leftover reports that a file is an editor's or a desktop's and cannot be meant as a template.
func leftover(name string) bool {
	swap := strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swo"))
	emacs := strings.HasPrefix(name, ".#") || strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
	return swap || emacs || strings.HasSuffix(name, "~") || name == ".DS_Store" || name == ".gitkeep"
}

// refusal is a finding on a file that is no override. format has a verb for the path.
func refusal(file string, content []byte, format, help string) diag.Diagnostic {
	at := source.Span{File: source.NewFile(file, content), Start: source.Pos{Line: 1, Col: 1}, End: source.Pos{Line: 1, Col: 2}}
	return diag.Diagnostic{
		Severity: diag.Error, Message: fmt.Sprintf(strings.ReplaceAll(format, "%s", "%[1]s"), file), Path: file,
		Primary: diag.Label{Span: at}, Help: help,
	}
}

// All are the overrides, sorted by name.
func (s *Set) All() []*Override {
	if s == nil {
		return nil
	}
	return s.list
}

// Get is the override of a template; nil when there is none.
func (s *Set) Get(name string) *Override {
	list := s.All()
	i := sort.Search(len(list), func(i int) bool { return list[i].Name >= name })
	if i < len(list) && list[i].Name == name {
		return list[i]
	}
	return nil
}

// Stale are the overrides that were made from another text than the original has in fsys now. Those that do not say what they were made from
// are not among them.
func (s *Set) Stale(fsys fs.FS) ([]*Override, error) {
	var list []*Override
	for _, o := range s.All() {
		if o.Origin.SHA256 == "" {
			continue
		}
		text, err := fs.ReadFile(fsys, o.Name)
		if err != nil {
			return nil, err
		}
		if Digest(text) != o.Origin.SHA256 {
			list = append(list, o)
		}
	}
	return list, nil
}

// Write writes the names and texts of the overrides to w, for a digest of what a system is made from. It writes nothing when there are none.
func (s *Set) Write(w io.Writer) error {
	for _, o := range s.All() {
		text := lock.Unix(o.File.Content)
		if _, err := fmt.Fprintf(w, "\x00%s\x00%d\x00", Path(o.Name), len(text)); err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}
