package generator

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// origin is where a file that is to be generated stands now: at its own path, or at the one that it had before a rename. blocked reports that it
// has to move and that something else stands in its place.
func origin(root string, f File, old *lock.File) (at string, blocked bool, err error) {
	if f.From == "" || generates(old, f.Path) { // it has moved already
		return f.Path, false, nil
	}
	there, err := read(root, f.From)
	if err != nil {
		return "", false, err
	}
	if _, known := old.Entry(f.From); !known && there == nil {
		return f.Path, false, nil
	}
	taken, err := exists(root, f.Path)
	return f.From, taken && there != nil, err
}

// move makes a change one of a file that moves.
func (c *Change) move(root string, blocked bool) error {
	switch {
	case blocked:
		c.Action, c.Content, c.Base = Blocked, nil, nil
		return nil
	case c.Action == Unchanged, c.Action == Keep:
		c.Action = Move
	case c.Action == Update:
		c.Action, c.Content = Move, ended(c.rendered, c.Disk)
	}
	if c.Class == Merged && c.Base == nil {
		base, err := Base(root, c.From)
		c.Base = base
		return err
	}
	return nil
}

// at is where a change's file stands before the plan is applied.
func (c *Change) at() string { return cmp.Or(c.From, c.Path) }

// Follow makes the plan move what the user has put beside his files into folders that the spec renames, and rewrite the imports of packages that
// have moved, in every Go file of his. It reads and does not write.
func (p *Plan) Follow(root string, renames *Renames) error {
	p.renames = renames
	if renames == nil || len(renames.All) == 0 {
		return nil
	}
	for _, from := range slices.Sorted(maps.Keys(renames.folders)) {
		if err := p.folder(root, from, renames.folders[from]); err != nil {
			return err
		}
	}
	p.moved = map[string]string{}
	for _, c := range p.Changes {
		if c.From != "" && c.Action != Blocked {
			p.moved[c.From] = c.Path
		}
	}
	if err := p.reimport(root); err != nil {
		return err
	}
	sort.Slice(p.Lock.Files, func(i, j int) bool { return p.Lock.Files[i].Path < p.Lock.Files[j].Path })
	return nil
}

// folder moves what else is in a folder. Links and devices stay: nobody can say what they are for.
func (p *Plan) folder(root, from, to string) error {
	moving := map[string]bool{}
	for _, c := range p.Changes {
		moving[c.From] = true
	}
	var more []Change
	err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(from)), func(name string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return advise(err)
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		at := filepath.ToSlash(rel)
		if !d.Type().IsRegular() || moving[at] {
			return nil
		}
		c, err := p.stray(root, at, path.Join(to, strings.TrimPrefix(at, from)))
		if c != nil {
			more = append(more, *c)
		}
		return err
	})
	p.Changes = append(p.Changes, more...)
	sort.Slice(p.Changes, func(i, j int) bool { return p.Changes[i].Path < p.Changes[j].Path })
	return err
}

// stray moves a file that no path of the spec stands for: one of the user's own, or one that was left behind. It returns a change that the plan
// does not have yet.
func (p *Plan) stray(root, from, to string) (*Change, error) {
	moved := &Change{Path: to, From: from, Class: Yours, Action: Move}
	left, target := p.find(from), p.find(to)
	switch {
	case left == nil && strings.HasSuffix(from, ".go"): // its imports may have to follow
		var err error
		if moved.Disk, err = read(root, from); err != nil {
			return nil, err
		}
	case left == nil:
	case left.Action != Orphan: // deleted, or a folder of the new name lies within the old one
		return nil, nil
	case left.Class == Generated && target != nil && target.rendered != nil:
		left.Action = Edited // as it would be in the place where it was generated
		return nil, nil
	default:
		moved.Class, moved.Action, moved.Disk = left.Class, Orphan, left.Disk
	}
	taken, err := exists(root, to)
	if err != nil {
		return nil, err
	}
	if target != nil && target.Action != Delete { // one path has one change: it stands for both
		target.Action, target.From, target.Content, target.Base = Blocked, from, nil, nil
		return nil, nil
	}
	if taken {
		moved.Action = Blocked
	}
	if left != nil {
		for i := range p.Lock.Files {
			if p.Lock.Files[i].Path == from {
				p.Lock.Files[i].Path = to
			}
		}
		p.Changes = slices.DeleteFunc(p.Changes, func(c Change) bool { return c.Path == from })
	}
	return moved, nil
}

// exists reports that there is something at a path below root.
func exists(root, path string) (bool, error) {
	if err := inside(root, path); err != nil {
		return false, err
	}
	_, err := os.Lstat(filepath.Join(root, filepath.FromSlash(path)))
	if os.IsNotExist(err) {
		return false, nil
	}
	return err == nil, advise(err)
}

// BlockedError says that files cannot be moved, as something else is, or goes, where they belong.
type BlockedError struct {
	Moves [][2]string // from, to
}

func (e *BlockedError) Error() string {
	var list strings.Builder
	for _, m := range e.Moves {
		_, _ = fmt.Fprintf(&list, "\n  %s to %s", m[0], m[1])
	}
	return "files cannot be moved to where they now belong, nothing was written:" + list.String() +
		"\nsomething else stands there or goes there as well: move one of the two out of the way, and run msgen generate again"
}

// blocked is the error on what keeps files from being moved; nil when nothing does.
func (p *Plan) blocked() error {
	var moves [][2]string
	for _, c := range p.Changes {
		if c.Action == Blocked {
			moves = append(moves, [2]string{c.From, c.Path})
		}
	}
	if len(moves) == 0 {
		return nil
	}
	return &BlockedError{moves}
}
