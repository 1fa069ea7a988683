package generator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sort"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/override"
)

// DevVersion is the version of a program that was not built as a release.
const DevVersion = "dev"

// UpToDate reports that nothing can have changed since the last run: the same version wrote the tree from the same sources, and what it wrote
// is still there. It spares rendering what would come out the same. A development build, whose version names many programs, never says so.
func UpToDate(root string, old *lock.File, version, sources string) (bool, error) {
	if version == DevVersion || old.Generator != version || old.Spec != sources {
		return false, nil
	}
	for _, entry := range old.Files {
		if Class(entry.Class) == Yours && !entry.Orphan {
			continue
		}
		disk, err := read(root, entry.Path)
		if err != nil {
			return false, err
		}
		switch {
		case entry.Orphan:
			if disk == nil { // the lock can forget it
				return false, nil
			}
		case Class(entry.Class) == Merged: // edited or deleted: the user's decision, and the template is what it was
		case disk == nil, digest(disk) != entry.SHA256:
			return false, nil
		}
	}
	return true, nil
}

// Settled is the plan for a tree that is up to date: it writes nothing, and has the orphans that still stand there.
func Settled(root string, old *lock.File) (*Plan, error) {
	plan := &Plan{Lock: old}
	for _, entry := range old.Files {
		if !entry.Orphan {
			continue
		}
		disk, err := read(root, entry.Path)
		if err != nil {
			return nil, err
		}
		if disk != nil {
			plan.Changes = append(plan.Changes, Change{Path: entry.Path, Class: Class(entry.Class), Action: Orphan, Disk: disk})
		}
	}
	return plan, nil
}

// Sources is the digest of what a system is generated from: the spec, the contract-first files that it names, and the project's own templates,
// whatever their line ends are.
func Sources(spec []byte, protos map[string][]byte, overrides *override.Set) string {
	h := sha256.New()
	h.Write(lock.Unix(spec))
	names := make([]string, 0, len(protos))
	for name := range protos {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		_, _ = fmt.Fprintf(h, "\x00%s\x00", name)
		h.Write(lock.Unix(protos[name]))
	}
	_ = overrides.Write(h) // a hash takes all
	return hex.EncodeToString(h.Sum(nil))
}
