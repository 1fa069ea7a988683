package generator

import (
	"strings"

	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/proto"
)

// Upgrade gives the lock of a msgen that did not keep numbers yet those of the contracts that stand below root, so that nothing gets another
// one when the spec changes before the lock is written again. A lock that has numbers, or no files, stays as it is.
func Upgrade(root string, old *lock.File) error {
	if len(old.Numbers) > 0 {
		return nil
	}
	for _, entry := range old.Files {
		if Class(entry.Class) != Generated || !strings.HasSuffix(entry.Path, ".proto") {
			continue
		}
		text, err := read(root, entry.Path)
		if err != nil {
			return err
		}
		if err := proto.Numbers(entry.Path, text, old.Numbers); err != nil {
			return err
		}
	}
	return nil
}
