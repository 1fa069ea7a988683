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
	// Renames are paths with what is in them that go elsewhere, before anything staged is moved there.
	Renames []rename `json:"renames,omitempty"`
	// Was is the digest of what each path of a system's file held when the run was planned, "" for nothing. A file that its user has changed since,
	// maybe days after the run was killed, is left to him. A journal that was written before this was kept has none.
	Was map[string]string `json:"was,omitempty"`
}

// rename is a file that goes elsewhere.
type rename struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Apply does what the plan says. Either everything is written or, when it fails before the journal is, nothing; a run that is killed later is
// finished by the next. Files that do not change are not touched.
func Apply(root string, plan *Plan) error {
	if edited := plan.Of(Edited); len(edited) > 0 {
		return &EditedError{Paths: edited}
	}
	if err := plan.blocked(); err != nil {
		return err
	}
	j, writes, err := plan.steps(root)
	if err != nil {
		return err
	}
	if len(j.Moves)+len(j.Deletes)+len(j.Renames) == 0 {
		return nil
	}
	if err := possible(root, j); err != nil {
		return untouched(err)
	}
	if err := prepare(root, j, writes); err != nil {
		return untouched(err)
	}
	left, err := finish(root, j)
	if err != nil {
		return unfinished(err)
	}
	return leftError(left)
}

// steps are what applying the plan has to do, and what it writes by path.
func (p *Plan) steps(root string) (journal, map[string][]byte, error) {
	lockText, err := p.Lock.Marshal()
	if err != nil {
		return journal{}, nil, err
	}
	writes := map[string][]byte{}
	j := journal{Was: map[string]string{}}
	for _, c := range p.Changes {
		if c.Disk != nil {
			j.Was[c.at()] = digest(c.Disk)
		} else if c.From == "" {
			j.Was[c.Path] = ""
		}
		base := BasePath(c.Path)
		if c.Base != nil {
			writes[base] = c.Base
			j.Moves = append(j.Moves, base)
		}
		if c.Action == Delete {
			j.Deletes = append(j.Deletes, c.Path)
			if c.Class == Merged {
				j.Deletes = append(j.Deletes, BasePath(c.Path))
			}
			continue
		}
		if c.From != "" {
			j.Renames = append(j.Renames, rename{c.From, c.Path})
			if c.Class == Merged {
				j.Renames = append(j.Renames, rename{BasePath(c.From), base})
			}
		}
		if c.Content != nil {
			writes[c.Path] = c.Content
			j.Moves = append(j.Moves, c.Path)
		}
	}
	if old, err := read(root, lock.Name); err != nil {
		return journal{}, nil, err
	} else if !bytes.Equal(lock.Unix(old), lockText) {
		writes[lock.Name] = lockText
		j.Moves = append(j.Moves, lock.Name)
	}
	return j, writes, nil
}

// prepare stages everything that a journal moves, and then writes the journal. When it fails, neither is there.
func prepare(root string, j journal, writes map[string][]byte) error {
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
	return nil
}

// possible checks, before the first file is moved, that every step of a journal can be done: no link leads out of root, and every folder in
// which something is made or removed can be written.
func possible(root string, j journal) error {
	if err := inside(root, stateDir); err != nil {
		return err
	}
	seen := map[string]bool{}
	paths := append(append([]string{}, j.Moves...), j.Deletes...)
	for _, r := range j.Renames {
		paths = append(paths, r.From, r.To)
	}
	for _, p := range paths {
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

// Stranded is a file of the user's own that was to follow a rename, and did not: another has been put where it was to go.
type Stranded struct{ Path, To string }

// Recover finishes what a killed run had begun, and throws away what one had only staged. What the user has changed since then is left to him. It
// returns the files that no later plan knows of, sorted by path.
func Recover(root string) ([]Stranded, error) {
	if err := inside(root, stateDir); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(journalPath(root))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.RemoveAll(filepath.Join(root, stateDir, "stage"))
	}
	if err != nil {
		return nil, err
	}
	var j journal
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", journalPath(root), err)
	}
	stranded, err := j.stranded(root)
	if err == nil {
		_, err = finish(root, j) // the plan that follows sees what was left as an edit
	}
	return stranded, unfinished(err)
}

func journalPath(root string) string { return filepath.Join(root, stateDir, "journal.json") }

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
		return nil, untouched(err)
	}
	name := filepath.Join(root, stateDir, "lock")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, untouched(err)
	}
	release, err = flock(name)
	return release, untouched(err)
}
