package generator

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// failure is an error of the file system with what the user can do about it.
type failure struct {
	err    error
	advice string
}

func (f *failure) Error() string { return f.err.Error() + "; " + f.advice }

func (f *failure) Unwrap() error { return f.err }

// advise adds what to do to an error of the file system, where there is something; nil stays nil.
func advise(err error) error {
	if known := new(failure); errors.As(err, &known) {
		return err
	}
	advice := ""
	switch {
	case is(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		advice = "make room for it"
	case is(err, fs.ErrPermission, syscall.EROFS):
		advice = "make it writable for you"
	case is(err, fs.ErrExist, syscall.ENOTDIR, syscall.EISDIR):
		advice = "move what stands there out of the way"
	default:
		return err
	}
	return &failure{err, advice + ", and run it again"}
}

func is(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// untouched says of an error that the tree is as it was; nil stays nil.
func untouched(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("nothing was written: %w", advise(err))
}

// unfinished says of an error that a part of the files is written; nil stays nil.
func unfinished(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("only a part of the files is written, and the next run writes the others: %w", advise(err))
}
