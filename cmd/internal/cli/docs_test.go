package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands of docs/add.md, one after the other, make a system that builds.
func TestAddPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/add.md")
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "msgen")); err != nil {
		t.Skipf("this system has no symbolic links: %v", err)
	}
	script := "set -e\n"
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		script += block[1]
	}
	for _, command := range []string{"new", "add-service", "add-method", "add-event", "add-call", "add-saga"} {
		if !strings.Contains(script, "msgen "+command+" ") {
			t.Errorf("the page does not show %s", command)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script+"msgen generate --check\ngo vet ./...\n")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOFLAGS="+trimpath, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
