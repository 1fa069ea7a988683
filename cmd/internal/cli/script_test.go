package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// exits runs a command that must end with a code: exits 2 msgen nope.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// unescape gives an argument its line ends, which a script writes as \n and \r\n.
func unescape(arg string) string { return strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(arg) }

// replace changes a file's text: sed file old new.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: sed file old new")
	}
	for i := range args {
		args[i] = unescape(args[i])
	}
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not have %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}

// appendTo adds text to a file: append file text.
func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append file text")
	}
	text := ts.ReadFile(args[0]) + unescape(args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// hasCRLF holds that every line of a file that ends, ends as on Windows: crlf file.
func hasCRLF(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: crlf file")
	}
	text := ts.ReadFile(args[0])
	if all, windows := strings.Count(text, "\n"), strings.Count(text, "\r\n"); all == 0 || all != windows {
		ts.Fatalf("%s has %d line ends, %d of them of Windows", args[0], all, windows)
	}
}

// state is every file below a folder with its content and time; without the lock file that keeps two runs apart.
func state(ts *testscript.TestScript, dir string) string {
	var b strings.Builder
	ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.ToSlash(path) == filepath.ToSlash(ts.MkAbs(dir))+"/.msgen/lock" {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err = fmt.Fprintf(&b, "%s %s\n", path, info.Mode())
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			_, _ = fmt.Fprintf(&b, "%s → %s\n", path, to)
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(&b, "%s %s %s %q\n", path, info.Mode(), info.ModTime(), content)
		return err
	}))
	return b.String()
}

// snapshotsKey is where a script's snapshots are kept.
type snapshotsKey struct{}

func snapshots(ts *testscript.TestScript) map[string]string {
	return ts.Value(snapshotsKey{}).(map[string]string)
}

// takeSnapshot remembers a folder: snapshot dir name.
func takeSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: snapshot dir name")
	}
	snapshots(ts)[args[1]] = state(ts, args[0])
}

// sameSnapshot holds that a folder is as it was, contents, modes and times: same dir name. With ! it must not be.
func sameSnapshot(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same dir name")
	}
	got, want := strings.Split(state(ts, args[0]), "\n"), strings.Split(snapshots(ts)[args[1]], "\n")
	for i := range max(len(got), len(want)) {
		a, b := "(nothing)", "(nothing)"
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			if neg {
				return
			}
			ts.Fatalf("%s has changed\nis:  %.200s\nwas: %.200s", args[0], a, b)
		}
	}
	if neg {
		ts.Fatalf("%s has not changed", args[0])
	}
}
