package generator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// stateDir holds what msgen needs for itself, below a system's root.
const stateDir = ".msgen"

// journal says what a run is about to do, once everything it needs is staged. A run that finds one finishes it first: every step can be done
// again, so a killed run is completed and never half done.
type journal struct {
	Moves   []string `json:"moves"`   // staged paths, each moved to its place
	Deletes []string `json:"deletes"` // paths removed
}

// Apply does what the plan says. Either everything is written or, when it fails before the journal is, nothing; a run that is killed later is
// finished by the next. Files that do not change are not touched.
func Apply(root string, plan *Plan) error {
	if edited := plan.Of(Edited); len(edited) > 0 {
		return &EditedError{Paths: edited}
	}
	lockText, err := plan.Lock.Marshal()
	if err != nil {
		return err
	}
	writes := map[string][]byte{}
	var j journal
	for _, c := range plan.Changes {
		if c.Base != nil {
			base := path.Join(stateDir, "base", c.Path)
			writes[base] = c.Base
			j.Moves = append(j.Moves, base)
		}
		switch c.Action {
		case Create, Update, Merge, Conflict:
			writes[c.Path] = c.Content
			j.Moves = append(j.Moves, c.Path)
		case Delete:
			j.Deletes = append(j.Deletes, c.Path)
			if c.Class == Merged {
				j.Deletes = append(j.Deletes, path.Join(stateDir, "base", c.Path))
			}
		}
	}
	if old, err := read(root, lock.Name); err != nil {
		return err
	} else if !bytes.Equal(old, lockText) {
		writes[lock.Name] = lockText
		j.Moves = append(j.Moves, lock.Name)
	}
	if len(j.Moves)+len(j.Deletes) == 0 {
		return nil
	}
	if err := possible(root, j); err != nil {
		return err
	}

	stage := filepath.Join(root, stateDir, "stage")
	if err := os.RemoveAll(stage); err != nil {
		return err
	}
	for _, p := range j.Moves {
		if err := writeFile(filepath.Join(stage, filepath.FromSlash(p)), writes[p]); err != nil {
			return errors.Join(err, os.RemoveAll(stage))
		}
	}
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	// The journal appears whole or not at all.
	temp := filepath.Join(stage, "journal.tmp")
	if err := writeFile(temp, text); err != nil {
		return errors.Join(err, os.RemoveAll(stage))
	}
	if err := os.Rename(temp, journalPath(root)); err != nil {
		return errors.Join(err, os.RemoveAll(stage))
	}
	return finish(root, j)
}

// possible checks, before the first file is moved, that every step of a journal can be done: no link leads out of root, and every folder in
// which something is made or removed can be written.
func possible(root string, j journal) error {
	if err := inside(root, stateDir); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range append(append([]string{}, j.Moves...), j.Deletes...) {
		if err := inside(root, p); err != nil {
			return err
		}
		dir := existing(root, path.Dir(p))
		if seen[dir] {
			continue
		}
		seen[dir] = true
		// Always the same name: what a run that is killed here leaves, the next one removes. A folder, as making one follows no link.
		probe := filepath.Join(dir, ".msgen-probe")
		if err := os.Mkdir(probe, 0o755); err != nil {
			if info, there := os.Lstat(probe); there != nil || !info.IsDir() {
				return err
			}
		}
		if err := os.Remove(probe); err != nil {
			return err
		}
	}
	return nil
}

// existing is the innermost folder on the way to dir that is there.
func existing(root, dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		at := filepath.Join(root, filepath.FromSlash(dir))
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return root
}

// Recover finishes what a killed run had begun, and throws away what one had only staged.
func Recover(root string) error {
	if err := inside(root, stateDir); err != nil {
		return err
	}
	text, err := os.ReadFile(journalPath(root))
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(filepath.Join(root, stateDir, "stage"))
	}
	if err != nil {
		return err
	}
	var j journal
	if err := json.Unmarshal(text, &j); err != nil {
		return fmt.Errorf("%s is damaged: %w", journalPath(root), err)
	}
	return finish(root, j)
}

func journalPath(root string) string { return filepath.Join(root, stateDir, "journal.json") }

// finish does the journal's steps; those already done are no error.
func finish(root string, j journal) error {
	stage := filepath.Join(root, stateDir, "stage")
	for _, p := range j.Moves {
		if err := inside(root, p); err != nil {
			return err
		}
		to := filepath.Join(root, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		err := os.Rename(filepath.Join(stage, filepath.FromSlash(p)), to)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, p := range j.Deletes {
		if err := inside(root, p); err != nil {
			return err
		}
		err := os.Remove(filepath.Join(root, filepath.FromSlash(p)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		removeEmpty(root, path.Dir(p))
	}
	return errors.Join(os.Remove(journalPath(root)), os.RemoveAll(stage))
}

// removeEmpty removes dir and those above it while they are empty.
func removeEmpty(root, dir string) {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if os.Remove(filepath.Join(root, filepath.FromSlash(dir))) != nil {
			return
		}
	}
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if strings.HasSuffix(name, ".sh") {
		mode = 0o755
	}
	return os.WriteFile(name, content, mode)
}

// EditedError says that generated files were changed by hand, so that writing would lose the changes.
type EditedError struct {
	Paths []string
}

func (e *EditedError) Error() string {
	return fmt.Sprintf("generated files were edited by hand, nothing was written:\n  %s\nmove the change to a file that is yours, or delete the file to have it written again; msgen generate --diff shows the edits, and --restore PATH takes one back",
		strings.Join(e.Paths, "\n  "))
}

// Exclusive keeps other runs out of root until the returned function is called.
func Exclusive(root string) (release func() error, err error) {
	if err := inside(root, path.Join(stateDir, "lock")); err != nil {
		return nil, err
	}
	name := filepath.Join(root, stateDir, "lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return flock(name)
}
