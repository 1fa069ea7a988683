package generator

import (
	"path"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/merge"
)

// join merges what the user made of a merged file with what is generated for it now. ok is false when that cannot be done: the text that was
// generated last is not kept, or the file still has the markers of an older conflict.
func join(root string, f File, disk []byte, entry lock.Entry) (result merge.Result, ok bool, err error) {
	base, err := read(root, path.Join(stateDir, "base", f.Path))
	if err != nil || base == nil || digest(base) != entry.SHA256 || merge.Marker(disk) > 0 {
		return merge.Result{}, false, err
	}
	switch f.Path {
	case "go.mod":
		text, err := merge.GoMod(base, disk, f.Content)
		return merge.Result{Text: text}, err == nil, nil // what is no go.mod is for its user to mend
	case "go.sum":
		return merge.Result{Text: merge.GoSum(disk, f.Content)}, true, nil
	}
	return merge.Merge(base, disk, f.Content), true, nil
}
