package generator

import (
	"path"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/merge"
)

// join merges what the user made of a merged file, which is at a path, with what is generated for it now. ok is false when that cannot be done: the text that was
// generated last is not kept, or the file still has the markers of an older conflict.
func join(root, at string, f File, disk []byte, entry lock.Entry) (result merge.Result, ok bool, err error) {
	base, err := Base(root, at)
	if err != nil || base == nil || digest(base) != entry.SHA256 || merge.Marker(disk) > 0 {
		return merge.Result{}, false, err
	}
	switch f.Path {
	case "go.mod":
		text, err := merge.GoMod(base, disk, f.Content)
		return merge.Result{Text: ended(text, disk)}, err == nil, nil // what is no go.mod is for its user to mend
	case "go.sum":
		return merge.Result{Text: ended(merge.GoSum(disk, f.Content), disk)}, true, nil
	}
	return merge.Merge(base, disk, f.Content), true, nil
}

// BasePath is where, below a system's folder, the text is kept that a file was made from and that a merge starts from.
func BasePath(file string) string { return path.Join(stateDir, "base", file) }

// Base is the text at BasePath; nil when none is kept.
func Base(root, file string) ([]byte, error) { return read(root, BasePath(file)) }
