package generator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// reimport makes the plan rewrite, in the user's Go files, the imports of packages that have moved. Nothing else in them changes.
func (p *Plan) reimport(root string) error {
	to := p.module(root)
	from := to
	if c := p.find("go.mod"); c != nil && c.Disk != nil {
		from = modfile.ModulePath(c.Disk) // the files still name the module as it was
	}
	var more []Change
	for _, name := range p.userFiles(root) {
		c := p.standing(name)
		var src []byte
		if c != nil {
			src = c.Disk
		} else {
			var err error
			if src, err = read(root, name); err != nil {
				return err
			}
		}
		text, imports := reimported(src, func(at string) (string, string) { return p.renames.imported(at, from, to) })
		switch {
		case len(imports) == 0:
		case c == nil:
			more = append(more, Change{Path: name, Class: Yours, Action: Rewrite, Disk: src, Content: text, Imports: imports})
		default:
			c.Content, c.Imports = text, imports
			if c.Action == Unchanged {
				c.Action = Rewrite
			}
		}
	}
	p.Changes = append(p.Changes, more...)
	sort.Slice(p.Changes, func(i, j int) bool { return p.Changes[i].Path < p.Changes[j].Path })
	return nil
}

// standing is the change of the file that now stands at a path, wherever it goes; nil when the plan does not know it.
func (p *Plan) standing(name string) *Change {
	if to, ok := p.moved[name]; ok {
		return p.find(to)
	}
	return p.find(name)
}

// imported is where the package of an import path has gone, and the name that the path gave it; "" when it is where it was. from and to are the
// module's path before and now.
func (r *Renames) imported(at, from, to string) (now, name string) {
	dir, ok := strings.CutPrefix(at, from+"/")
	if !ok {
		return "", ""
	}
	for was, pkg := range r.packages {
		rest, ok := strings.CutPrefix(dir, was)
		if !ok || rest != "" && rest[0] != '/' {
			continue
		}
		if rest == "" && pkg.was != pkg.name {
			name = pkg.was
		}
		return to + "/" + pkg.dir + rest, name
	}
	return "", ""
}

// reimported is a Go file with other import paths, and what is imported now, sorted. moved says where a package has gone, "" when it has not, and
// the name that it had when that is another now: the file goes on calling it so. A file whose imports do not parse stays as it is.
func reimported(src []byte, moved func(at string) (now, name string)) ([]byte, []string) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.ImportsOnly)
	if err != nil {
		return src, nil
	}
	var out []byte
	var imports []string
	last := 0
	for _, spec := range f.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		now, name := moved(at)
		if now == "" || now == at && (name == "" || spec.Name != nil) {
			continue
		}
		imports = append(imports, now)
		begin, end := fset.Position(spec.Path.Pos()).Offset, fset.Position(spec.Path.End()).Offset
		out = append(out, src[last:begin]...)
		if name != "" && spec.Name == nil {
			out = append(append(out, name...), ' ')
		}
		quote := spec.Path.Value[:1]
		out = append(append(append(out, quote...), now...), quote...)
		last = end
	}
	slices.Sort(imports)
	return append(out, src[last:]...), slices.Compact(imports)
}

// after is a user's file as it is once the plan is applied: where it stands then, and what is in it.
func (p *Plan) after(root, name string) (string, []byte, error) {
	if c := p.standing(name); c != nil {
		if c.Content != nil {
			return c.Path, c.Content, nil
		}
		if c.Disk != nil {
			return c.Path, c.Disk, nil
		}
	}
	src, err := read(root, name)
	return name, src, err
}

// dirNow is where the Go package of a folder is once the plan is applied.
func (p *Plan) dirNow(dir string) string {
	if p.renames == nil {
		return dir
	}
	for was, pkg := range p.renames.packages {
		if rest, ok := strings.CutPrefix(dir, was); ok && (rest == "" || rest[0] == '/') {
			return pkg.dir + rest
		}
	}
	return dir
}

// retyped is Go in which the types of packages that have moved are written as they are now, so that what is only called otherwise is no change.
func (p *Plan) retyped(src []byte) []byte {
	if p.renames == nil || src == nil {
		return src
	}
	for _, t := range p.renames.types {
		src = t.before.ReplaceAll(src, t.now)
	}
	return src
}

// tell says of names that are gone what they are now.
func (r *Renames) tell(names map[string]string) {
	if r == nil {
		return
	}
	for name := range names {
		if now := r.messages[name]; now != "" {
			names[name] = "which is " + now + " now"
		}
	}
}

// renamedHandler says which handler in a file of a service has another name now; "" when none has.
func (p *Plan) renamedHandler(dir string, f *ast.File) string {
	if p.renames == nil {
		return ""
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv != nil {
			if now := p.renames.handlers[dir][fn.Name.Name]; now != "" {
				return "its handler " + fn.Name.Name + " is called " + now + " now"
			}
		}
	}
	return ""
}
