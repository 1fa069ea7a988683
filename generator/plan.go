package generator

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
)

// Action is what happens to one file.
type Action string

// The actions.
const (
	Create    Action = "create"
	Update    Action = "update"
	Delete    Action = "delete"
	Unchanged Action = "unchanged"
	// Merge joins an edit of a merged file with what has changed in its template.
	Merge Action = "merge"
	// Conflict is a Merge in which both changed the same lines: they stand between markers.
	Conflict Action = "conflict"
	// Keep leaves an edited merged file alone though its template has changed: there is nothing to merge from, or an older conflict is left in it.
	Keep Action = "keep"
	// Orphan leaves a file alone that nothing in the spec asks for any more, because it is the user's or was edited.
	Orphan Action = "orphan"
	// Move takes a file of the user's, or a merged one, to where the spec now has what it belongs to.
	Move Action = "move"
	// Rewrite changes nothing in a file of the user's but imports of packages that have moved.
	Rewrite Action = "rewrite"
	// Blocked is a Move to where something else is, or goes: nothing is written until that is resolved.
	Blocked Action = "blocked"
	// Edited is a generated file that was changed by hand: nothing is written until that is resolved.
	Edited Action = "edited"
)

// Change is one file of a plan.
type Change struct {
	Path   string
	Class  Class
	Action Action
	// From is the path that the file moves from, whatever else happens to it; "" when it stays where it is.
	From string
	// Disk is what stands there now, or at From; nil when there is no such file, and for one that is moved and not looked into.
	Disk []byte
	// Content is what is written, and for Edited what would be; nil when the file is deleted or keeps what is in it.
	Content []byte
	// Imports are the import paths that Content has in the places of those of before, sorted.
	Imports []string
	// Base is what a later merge of a merged file starts from; nil when that stays as it is.
	Base []byte
	// rendered is what the spec makes of the file; nil for one that nothing asks for any more.
	rendered []byte
}

// Plan is what would bring a folder in line with a spec.
type Plan struct {
	// Changes are sorted by path.
	Changes []Change
	// Lock is the lock file after the changes.
	Lock *lock.File
	spec string // what Lock.Spec is when nothing is left to merge

	// What Follow has been told and has found: nil without it.
	renames *Renames
	moved   map[string]string // a path → the path to which its file moves
}

// Pending reports that applying the plan would write something.
func (p *Plan) Pending() bool {
	for _, c := range p.Changes {
		switch c.Action {
		case Create, Update, Merge, Conflict, Delete, Edited, Move, Rewrite, Blocked:
			return true
		}
	}
	return false
}

// Of are the paths of the changes with an action.
func (p *Plan) Of(action Action) []string {
	var paths []string
	for _, c := range p.Changes {
		if c.Action == action {
			paths = append(paths, c.Path)
		}
	}
	return paths
}

// NewPlan compares files with the folder root and with what the lock says was written there last. It reads and does not write. The numbers
// of the old lock go into the new one: they are those that the files were rendered with.
func NewPlan(root string, files []File, old *lock.File, version, specDigest string) (*Plan, error) {
	plan := &Plan{Lock: &lock.File{Format: lock.Format, Generator: version, Spec: specDigest, Numbers: old.Numbers}, spec: specDigest}
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[f.Path] = true
		at, blocked, err := origin(root, f, old)
		if err != nil {
			return nil, err
		}
		wanted[at] = true
		disk, err := read(root, at)
		if err != nil {
			return nil, err
		}
		entry, known := old.Entry(at)
		known = known && (disk != nil || !entry.Orphan) // what was deleted while nothing asked for it is new when something does again
		action, hash := decide(f, disk, entry, known)
		c := Change{Path: f.Path, Class: f.Class, Action: action, Disk: disk, rendered: f.Content}
		if at != f.Path && disk != nil {
			c.From = at
		}
		if action == Create || action == Update || action == Edited {
			c.Content = ended(f.Content, disk)
		}
		if action == Keep && known {
			merged, ok, err := join(root, at, f, disk, entry)
			if err != nil {
				return nil, err
			}
			if ok {
				c.Action, c.Content, hash = Merge, merged.Text, digest(f.Content)
				if merged.Conflicts > 0 {
					c.Action = Conflict
				}
			}
		}
		if c.From != "" {
			if err := c.move(root, blocked); err != nil {
				return nil, err
			}
		}
		if c.Action == Keep && hash != digest(f.Content) {
			plan.Lock.Spec = "" // what has changed in the template is still to be merged: UpToDate must not pass over it
		}
		if f.Class == Merged && hash == digest(f.Content) && (c.Content != nil || !known || entry.SHA256 != hash) {
			c.Base = f.Content
		}
		plan.Changes = append(plan.Changes, c)
		plan.Lock.Files = append(plan.Lock.Files, lock.Entry{Path: f.Path, Class: string(f.Class), SHA256: hash})
	}
	for _, entry := range old.Files {
		if wanted[entry.Path] {
			continue
		}
		disk, err := read(root, entry.Path)
		if err != nil {
			return nil, err
		}
		c := Change{Path: entry.Path, Class: Class(entry.Class), Action: Orphan, Disk: disk}
		switch {
		case disk == nil:
			continue
		case c.Class != Yours && digest(disk) == entry.SHA256:
			c.Action = Delete
		default:
			// It stays in the lock, so that the next run still knows whose it is.
			entry.Orphan = true
			plan.Lock.Files = append(plan.Lock.Files, entry)
		}
		plan.Changes = append(plan.Changes, c)
	}
	sort.Slice(plan.Changes, func(i, j int) bool { return plan.Changes[i].Path < plan.Changes[j].Path })
	sort.Slice(plan.Lock.Files, func(i, j int) bool { return plan.Lock.Files[i].Path < plan.Lock.Files[j].Path })
	return plan, nil
}

// decide is the decision table: what happens to a file, and the hash that the lock remembers. disk is nil when there is no such file.
func decide(f File, disk []byte, entry lock.Entry, known bool) (Action, string) {
	now := digest(f.Content)
	onDisk := ""
	if disk != nil {
		onDisk = digest(disk)
	}
	switch {
	case f.Class == Yours && known: // made once: an edited one and a deleted one are the user's decision
		return Unchanged, entry.SHA256
	case f.Class == Yours && disk != nil: // the user wrote it before msgen could
		return Unchanged, onDisk
	case onDisk == now:
		return Unchanged, now
	case disk == nil && f.Class == Merged && known:
		return Unchanged, entry.SHA256
	case disk == nil:
		return Create, now
	case known && onDisk == entry.SHA256:
		return Update, now
	case f.Class == Generated && !known && IsDesign(disk): // of the phase before the lock
		return Update, now
	case f.Class == Generated:
		return Edited, entry.SHA256
	case known && entry.SHA256 == now: // edited, and there is nothing new to merge
		return Unchanged, now
	case f.Class == Merged && known:
		return Keep, entry.SHA256
	}
	return Keep, now
}

// read is a file below root; nil when there is none. It refuses what a symbolic link would take out of root.
func read(root, path string) ([]byte, error) {
	if err := inside(root, path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, advise(err)
}

// inside checks that path stays below root, also through symbolic links.
func inside(root, path string) error {
	local := filepath.FromSlash(path)
	if !filepath.IsLocal(local) {
		return fmt.Errorf("%s is outside the target folder", path)
	}
	at := root
	for _, part := range strings.Split(local, string(filepath.Separator)) {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return advise(err)
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s goes through the symbolic link %s: msgen does not write through links", path, at)
		}
	}
	return nil
}

func digest(data []byte) string { return lock.Digest(data) }

// ended is a text with the line ends that a file has by its first line: those of Windows are git's doing there, or its user's wish.
func ended(text, disk []byte) []byte {
	if first, _, ok := bytes.Cut(disk, []byte("\n")); !ok || !bytes.HasSuffix(first, []byte("\r")) {
		return text
	}
	return bytes.ReplaceAll(lock.Unix(text), []byte("\n"), []byte("\r\n"))
}
