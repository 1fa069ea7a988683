//go:build unix

package localca

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestFilesAreForTheirOwner(t *testing.T) {
	a := testAuthority(t)
	if os.Geteuid() == 0 {
		a.Owners = Owners{"": 65532, "gateway": 65534}
	}
	if _, err := a.Ensure(time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{caName, "orders", "gateway"} {
		info, err := os.Stat(filepath.Join(a.Dir, name, "tls.key"))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("the key of %s has mode %v", name, info.Mode())
		}
		if got, want := ownerOf(info), a.Owners.of(name); os.Geteuid() == 0 && name != caName && got != want {
			t.Errorf("the key of %s is user %d's, want %d", name, got, want)
		}
		if name == caName && ownerOf(info) != os.Geteuid() {
			t.Errorf("the authority's key is user %d's", ownerOf(info))
		}
	}
}

// ownerOf is the user that a file belongs to.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return nobody
}
