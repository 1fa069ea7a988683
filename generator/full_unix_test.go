//go:build unix

package generator_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

// fullDisk makes the process that has it in its environment a run on a disk that takes no file beyond so many bytes.
const fullDisk = "MSGEN_TEST_FULL_DISK"

// A disk that is full, however far the run has come with what it stages, leaves the tree as it was, and the run says what to do. The limit
// stands for the disk; it holds for a whole process, so that the run is one of its own.
func TestFullDisk(t *testing.T) {
	if limit := os.Getenv(fullDisk); limit != "" {
		applyOnFullDisk(t, limit)
		return
	}
	for limit, what := range map[int]string{0: "the first byte", 10: "a.txt", 40: filepath.Join("base", "m.txt"), 100: "new.txt", 200: "msgen.lock"} {
		root := tree(t, nil)
		run(t, root, before...)
		want := snapshot(t, root)
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$", "-test.v")
		cmd.Env = append(os.Environ(), fullDisk+"="+strconv.Itoa(limit))
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said := string(out)
		if !strings.Contains(said, "nothing was written: ") || !strings.Contains(said, "; make room for it, and run it again") || limit > 0 && !strings.Contains(said, what) {
			t.Errorf("full at %s: it says\n%s", what, said)
		}
		equal(t, snapshot(t, root), want)

		// With room again the run goes through.
		run(t, root, larger()...)
		if got := snapshot(t, root)["n/new.txt"]; len(got) != 150 {
			t.Errorf("full at %s: then n/new.txt is %q", what, got)
		}
	}
}

// larger are files of which each is larger than the one that is staged before it.
func larger() []generator.File {
	text := strings.Repeat("a line of a file\n", 9)
	return []generator.File{
		file("a.txt", generator.Generated, text[:20]), file("m.txt", generator.Merged, text[:60]), file("n/new.txt", generator.Generated, text[:150]),
	}
}

// applyOnFullDisk is the run, in the folder that it is started in.
func applyOnFullDisk(t *testing.T, limit string) {
	n, err := strconv.ParseUint(limit, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	plan := newPlan(t, ".", larger()...)
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	err = generator.Apply(".", plan)
	if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); back != nil {
		t.Fatal(back)
	}
	if err == nil {
		t.Fatal("it was written")
	}
	fmt.Println(err)
}
