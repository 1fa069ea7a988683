//go:build !unix

package generator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// flock takes the lock file name by making it; a run that was killed leaves it behind, and the message says so.
func flock(name string) (release func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another msgen is at work in this folder; if none is, remove %s", name)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(name)) }, nil
}
