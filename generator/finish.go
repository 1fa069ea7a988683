package generator

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// finish does the journal's steps; those already done are no error. Files that their user has changed since the run was planned are left to him,
// and listed: the lock keeps what it said of them, so that the next plan sees an edit, or what is still to be written.
func finish(root string, j journal) (left []string, err error) {
	held, err := j.held(root)
	if err != nil {
		return nil, err
	}
	if left, err = j.changed(root, held); err != nil {
		return nil, err
	}
	if len(left) > 0 {
		if err := remember(root, j, left, held); err != nil {
			return nil, err
		}
	}
	skip := map[string]bool{}
	for _, p := range left {
		skip[p], skip[BasePath(p)] = true, true
	}
	if err := j.rename(root, held, false); err != nil {
		return nil, err
	}
	// What the lock and the bases say is true only when the files are as they say, so those go last.
	files, state := []string{}, []string{}
	for _, p := range j.Moves {
		if p == lock.Name || strings.HasPrefix(p, stateDir+"/base/") {
			state = append(state, p)
		} else {
			files = append(files, p)
		}
	}
	slices.SortStableFunc(state, func(a, b string) int { return rank(a) - rank(b) })
	if err := move(root, files, skip); err != nil {
		return nil, err
	}
	for _, p := range j.Deletes {
		if err := inside(root, p); err != nil {
			return nil, err
		}
		if skip[p] {
			continue
		}
		err := os.Remove(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		removeEmpty(root, path.Dir(p))
	}
	if err := j.rename(root, held, true); err != nil {
		return nil, err
	}
	if err := move(root, state, skip); err != nil {
		return nil, err
	}
	return left, errors.Join(os.Remove(journalPath(root)), os.RemoveAll(stagePath(root)))
}

// rank puts the lock behind all else.
func rank(p string) int {
	if p == lock.Name {
		return 1
	}
	return 0
}

func stagePath(root string) string { return filepath.Join(root, stateDir, "stage") }

// move moves staged files to their places.
func move(root string, paths []string, skip map[string]bool) error {
	for _, p := range paths {
		if err := inside(root, p); err != nil {
			return err
		}
		if skip[p] {
			continue
		}
		to := filepath.Join(root, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		err := os.Rename(filepath.Join(stagePath(root), filepath.FromSlash(p)), to)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// changed are the files for which the lock must go on saying what it says: those still to be moved or deleted that are not what they were when
// the run was planned, and those that it has moved and that are again what they were, as after git checkout.
func (j journal) changed(root string, held map[string]bool) ([]string, error) {
	list := slices.Sorted(maps.Keys(held))
	look := func(p string, moved bool) error {
		was, known := j.Was[p]
		if !known {
			return nil
		}
		disk, err := read(root, p)
		if err != nil {
			return err
		}
		now := ""
		if disk != nil {
			now = digest(disk)
		}
		if moved == (now == was) {
			list = append(list, p)
		}
		return nil
	}
	for _, p := range j.Moves {
		if err := inside(root, p); err != nil {
			return nil, err
		}
		if held[p] {
			continue
		}
		_, err := os.Lstat(filepath.Join(stagePath(root), filepath.FromSlash(p)))
		if from := j.source(p); from != "" {
			changed, there := false, err == nil
			if there {
				if changed, err = j.differs(root, from, p); err != nil {
					return nil, err
				}
			}
			if changed {
				list = append(list, p)
			}
			continue
		}
		if err := look(p, errors.Is(err, fs.ErrNotExist)); err != nil {
			return nil, err
		}
	}
	for _, p := range j.Deletes {
		if err := inside(root, p); err != nil {
			return nil, err
		}
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(p))); err != nil {
			continue // deleted already
		}
		if err := look(p, false); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// remember puts what the old lock says of some files into the staged one.
func remember(root string, j journal, paths []string, held map[string]bool) error {
	staged := filepath.Join(stagePath(root), lock.Name)
	text, err := os.ReadFile(staged)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it stays, or has been moved with what it says of them
	}
	if err != nil {
		return err
	}
	next, err := lock.Parse(text)
	if err != nil {
		return err
	}
	old, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		return err
	}
	next.Files = slices.DeleteFunc(next.Files, func(e lock.Entry) bool { return slices.Contains(paths, e.Path) })
	for _, p := range paths {
		from := j.source(p)
		if entry, ok := old.Entry(cmp.Or(from, p)); ok {
			if from != "" && !held[p] { // it goes there all the same
				entry.Path = p
			}
			next.Files = append(next.Files, entry)
		}
	}
	slices.SortFunc(next.Files, func(a, b lock.Entry) int { return strings.Compare(a.Path, b.Path) })
	next.Spec = "" // the tree is not in line with it
	if text, err = next.Marshal(); err != nil {
		return err
	}
	temp := staged + ".tmp"
	if err := writeFile(temp, text); err != nil {
		return err
	}
	return os.Rename(temp, staged)
}

// leftError says that files were changed while a run was at work.
func leftError(left []string) error {
	if len(left) == 0 {
		return nil
	}
	return fmt.Errorf("changed while msgen was at work, and left as they are: %s; everything else is written, run msgen generate again", strings.Join(left, ", "))
}
