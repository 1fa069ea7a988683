package generator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/schema"
)

// Prune makes the plan delete the orphans too, and returns their paths.
func (p *Plan) Prune() []string {
	orphans := p.Of(Orphan)
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == Orphan {
			c.Action, c.Content, c.Imports = Delete, nil, nil
			c.Path, c.From = c.at(), "" // it does not have to move first
		}
	}
	slices.SortFunc(p.Changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	p.Lock.Files = slices.DeleteFunc(slices.Clone(p.Lock.Files), func(e lock.Entry) bool { return slices.Contains(orphans, e.Path) })
	return orphans
}

// Generates reports that the spec asks for a file at path.
func (p *Plan) Generates(path string) bool {
	c := p.find(path)
	return c != nil && c.rendered != nil
}

// Restore makes the plan write a file as it is generated: one that the user deleted, or a generated or merged one that was edited. The error is
// a NotGeneratedError for a path that the spec does not ask for, and a YoursError for a file of the user's that stands there.
func (p *Plan) Restore(path string) error {
	c := p.find(path)
	if c == nil || c.rendered == nil {
		return p.notGenerated(path)
	}
	hash := digest(c.rendered)
	switch {
	case c.Disk == nil:
		c.Action = Create
	case digest(c.Disk) == hash:
		return nil
	case c.Class == Yours:
		return &YoursError{Path: path}
	default:
		c.Action = Update
	}
	c.Content = ended(c.rendered, c.Disk)
	if c.Class == Merged {
		c.Base = c.rendered
	}
	for i := range p.Lock.Files {
		if p.Lock.Files[i].Path == path {
			p.Lock.Files[i].SHA256 = hash
		}
	}
	if p.Lock.Spec == "" && len(p.Of(Keep)) == 0 {
		p.Lock.Spec = p.spec
	}
	return nil
}

// find is the change of a path; nil when there is none.
func (p *Plan) find(path string) *Change {
	i, ok := slices.BinarySearchFunc(p.Changes, path, func(c Change, path string) int { return strings.Compare(c.Path, path) })
	if !ok {
		return nil
	}
	return &p.Changes[i]
}

func (p *Plan) notGenerated(path string) error {
	var paths, below []string
	for _, c := range p.Changes {
		if c.rendered == nil {
			continue
		}
		paths = append(paths, c.Path)
		if strings.HasSuffix(c.Path, "/"+path) {
			below = append(below, c.Path)
		}
	}
	near := schema.Nearest(path, paths)
	if len(below) == 1 {
		near = below[0]
	}
	return &NotGeneratedError{Path: path, Nearest: near}
}

// NotGeneratedError says that the spec does not ask for a file.
type NotGeneratedError struct {
	Path    string
	Nearest string // a path that it may have meant; "" when none is near
}

func (e *NotGeneratedError) Error() string {
	if e.Nearest != "" {
		return fmt.Sprintf("msgen does not generate %s; did you mean %s?", e.Path, e.Nearest)
	}
	return fmt.Sprintf("msgen does not generate %s", e.Path)
}

// YoursError says that a file of the user's stands where one was to be restored.
type YoursError struct {
	Path string
}

func (e *YoursError) Error() string {
	return fmt.Sprintf("%s is yours, and what you wrote is in it: delete or move it first to have it made anew", e.Path)
}
