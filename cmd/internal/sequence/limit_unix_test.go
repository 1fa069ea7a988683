//go:build unix

package sequence_test

import (
	"os/signal"
	"strconv"
	"syscall"
)

// limitFiles makes writing beyond a size fail, as a full disk does.
func limitFiles(size string) error {
	n, err := strconv.ParseUint(size, 10, 63)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: n, Max: n}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}
