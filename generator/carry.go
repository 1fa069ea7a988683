package generator

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// The steps of a journal that take files elsewhere. A file goes there with whatever its user has written into it since the run was planned, but never
// over another.

// source is where a path's file comes from; "" when it comes from nowhere else.
func (j journal) source(p string) string {
	for _, r := range j.Renames {
		if r.To == p {
			return r.From
		}
	}
	return ""
}

// held are the paths to which a file cannot go any more: something else has been put there.
func (j journal) held(root string) (map[string]bool, error) {
	held := map[string]bool{}
	for _, r := range j.Renames {
		if ofState(r.To) {
			continue
		}
		there, err := exists(root, r.To)
		if err != nil || !there {
			if err != nil {
				return nil, err
			}
			continue
		}
		if there, err = exists(root, r.From); err != nil {
			return nil, err
		}
		if there {
			held[r.To] = true
		}
	}
	return held, nil
}

// stranded are the user's own files that cannot go where they belong. Others the lock knows, and says what becomes of them.
func (j journal) stranded(root string) ([]Stranded, error) {
	held, err := j.held(root)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	known, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		return nil, err
	}
	var list []Stranded
	for _, r := range j.Renames {
		if _, ok := known.Entry(r.From); held[r.To] && !ok {
			list = append(list, Stranded{r.From, r.To})
		}
	}
	slices.SortFunc(list, func(a, b Stranded) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// rename does the renames, those of bases or all others. What is done already is no error.
func (j journal) rename(root string, held map[string]bool, bases bool) error {
	for _, r := range j.Renames {
		if ofState(r.To) != bases || held[strings.TrimPrefix(r.To, BasePath("")+"/")] {
			continue
		}
		for _, p := range []string{r.From, r.To} {
			if err := inside(root, p); err != nil {
				return err
			}
		}
		from, to := filepath.Join(root, filepath.FromSlash(r.From)), filepath.Join(root, filepath.FromSlash(r.To))
		if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			removeEmpty(root, path.Dir(r.From)) // the run may have been killed between the two
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.Rename(from, to); err != nil {
			return err
		}
		removeEmpty(root, path.Dir(r.From))
	}
	return nil
}

// differs reports that a file that goes elsewhere, or has gone there, is not what it was when the run was planned.
func (j journal) differs(root, from, to string) (bool, error) {
	disk, err := read(root, to)
	if err == nil && disk == nil {
		disk, err = read(root, from)
	}
	if err != nil {
		return false, err
	}
	was, known := j.Was[from]
	return known && (disk == nil || digest(disk) != was), nil
}

// ofState reports a path below the folder that msgen keeps for itself.
func ofState(p string) bool { return strings.HasPrefix(p, stateDir+"/") }
