package generator

import (
	"bytes"
	"errors"
	"io/fs"
	"os"

	"github.com/msgen-dev/msgen/generator/lock"
)

// LockChanges reports that applying the plan would write msgen.lock: another msgen wrote it, or from another text of the spec, be it only a
// comment that changed, or it does not know yet what stands in the tree.
func (p *Plan) LockChanges(root string) (bool, error) {
	if len(p.Of(Edited))+len(p.Of(Blocked)) > 0 { // nothing is written at all
		return false, nil
	}
	text, err := p.Lock.Marshal()
	if err != nil {
		return false, err
	}
	old, err := read(root, lock.Name)
	return !bytes.Equal(lock.Unix(old), text), err
}

// Interrupted reports that a run is writing in root or was killed while it did: part of the tree is old and part new until that run or the next one
// has finished.
func Interrupted(root string) (bool, error) {
	_, err := os.Lstat(journalPath(root))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
