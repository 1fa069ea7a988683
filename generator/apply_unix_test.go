//go:build unix

package generator_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

// A folder that cannot be written leaves the old tree whole, not half new.
func TestUnwritableFolder(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	want := snapshot(t, root)
	for _, dir := range []string{"d", ".msgen", "."} {
		t.Run(dir, func(t *testing.T) {
			asNobody(t, root)
			at := filepath.Join(root, dir)
			if err := os.Chmod(at, 0o555); err != nil {
				t.Fatal(err)
			}
			err := generator.Apply(root, newPlan(t, root, after...))
			if mode := os.Chmod(at, 0o755); mode != nil {
				t.Fatal(mode)
			}
			if err == nil || !strings.Contains(err.Error(), "nothing was written: ") || !strings.Contains(err.Error(), "make it writable for you") {
				t.Error("the error is", err)
			}
			equal(t, snapshot(t, root), want)
		})
	}
}

// asNobody gives the tree to a user without rights and becomes that user until the test ends: root can write anywhere.
func asNobody(t *testing.T, root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(root), 0o711); err != nil { // the way to it
		t.Fatal(err)
	}
	if err := syscall.Seteuid(nobody); err != nil {
		t.Skip("cannot give up root's rights: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Seteuid(0); err != nil {
			t.Fatal(err)
		}
	})
}
