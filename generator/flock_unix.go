//go:build unix

package generator

import (
	"fmt"
	"os"
	"syscall"
)

// flock takes the lock file name. The kernel gives it back when the process ends, however it ends.
func flock(name string) (release func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another msgen is at work in this folder (%s)", name)
	}
	return f.Close, nil
}
