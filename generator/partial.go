package generator

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// NewPartialPlan is NewPlan for some of a system's files: the others, and what the lock says of them, stay as they are.
func NewPartialPlan(root string, files []File, old *lock.File) (*Plan, error) {
	named := map[string]bool{}
	for _, f := range files {
		named[f.Path] = true
	}
	of := &lock.File{Format: old.Format, Numbers: old.Numbers}
	var others []lock.Entry
	for _, entry := range old.Files {
		if named[entry.Path] {
			of.Files = append(of.Files, entry)
		} else {
			others = append(others, entry)
		}
	}
	plan, err := NewPlan(root, files, of, old.Generator, old.Spec)
	if err != nil {
		return nil, err
	}
	for _, entry := range plan.Lock.Files {
		if was, ok := old.Entry(entry.Path); !ok || was != entry {
			plan.Lock.Spec = "" // the tree is of two specs now: UpToDate must not take it for either's
		}
	}
	plan.Lock.Files = append(plan.Lock.Files, others...)
	slices.SortFunc(plan.Lock.Files, func(a, b lock.Entry) int { return strings.Compare(a.Path, b.Path) })
	return plan, nil
}

// Replace writes one file below a root that has no lock: whole or not at all, and never through a symbolic link. A file that is the same
// already is not touched. One for which ours is false stays, and the error is an EditedError.
func Replace(root string, f File, ours func(disk []byte) bool) error {
	disk, err := read(root, f.Path)
	if err != nil {
		return err
	}
	switch {
	case disk == nil:
	case bytes.Equal(disk, f.Content):
		return nil
	case !ours(disk):
		return &EditedError{Paths: []string{f.Path}}
	}
	to := filepath.Join(root, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(to), ".msgen-")
	if err != nil {
		return err
	}
	_, err = temp.Write(f.Content)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// IsDesign reports that a document is one of msgen's: it has the line that says so. The first phase writes it where there is no lock yet.
func IsDesign(disk []byte) bool {
	return bytes.Contains(disk, []byte("\nWritten by msgen from [msgen.yaml]"))
}
