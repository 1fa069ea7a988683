package e2e_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
)

// TestTree generates each example into an empty folder, and holds it to what its user's CI would: it builds, vets, lints and passes its own
// tests with the race detector, all untouched.
func TestTree(t *testing.T) {
	components(t)
	spec, err := filepath.Abs("../../../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	gosec, err := filepath.Abs("testdata/gosec.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []struct {
		name  string
		args  []string
		tests string
	}{
		{"shop", []string{"--spec", spec}, "./..."},
		// The platform is the same in every system: its tests have run with the shop's.
		{"minimal", []string{"--example", "minimal"}, "./services/..."},
	} {
		t.Run(system.name, func(t *testing.T) {
			dir := generate(t, system.name, system.args...)
			run(t, dir, "go", "build", "./...")
			run(t, dir, "go", "vet", "./...")
			run(t, dir, "go", "mod", "tidy", "-diff")
			lint := os.Getenv("MSGEN_GOLANGCI_LINT")
			switch {
			case lint != "":
				run(t, dir, lint, "run", "--allow-parallel-runners", "./...")
				run(t, dir, lint, "run", "--allow-parallel-runners", "--config", gosec, "./...")
			case os.Getenv("MSGEN_TEST_REQUIRE") == "1":
				t.Error("MSGEN_GOLANGCI_LINT does not name the linter")
			}
			clean(t, dir)
			run(t, dir, "go", "test", "-race", "-count=1", "-timeout", "20m", system.tests)
			unchanged(t, dir)
		})
	}
}

// clean validates a system, its tree and its code.
func clean(t *testing.T, dir string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Main([]string{"validate", "--code", dir}, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Errorf("msgen validate --code: exit %d\n%s%s", code, &stdout, &stderr)
	}
}

// unchanged generates again and checks that no byte and no modification time changes.
func unchanged(t *testing.T, dir string) {
	t.Helper()
	before := snapshot(t, dir)
	var stderr bytes.Buffer
	if code := cli.Main([]string{"generate", "--dir", dir}, strings.NewReader(""), io.Discard, &stderr); code != 0 {
		t.Fatalf("msgen generate: exit %d\n%s", code, stderr.String())
	}
	after := snapshot(t, dir)
	for path, was := range before {
		if after[path] != was {
			t.Errorf("%s was changed by generating again", path)
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			t.Errorf("%s was made by generating again", path)
		}
	}
	if code := cli.Main([]string{"generate", "--dir", dir, "--check"}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
		t.Errorf("msgen generate --check: exit %d on a tree that is up to date", code)
	}
}

type state struct {
	size int64
	time time.Time
	text string
}

func snapshot(t *testing.T, dir string) map[string]state {
	t.Helper()
	files := map[string]state{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && rel == "bin":
			return filepath.SkipDir
		case d.IsDir(), rel == filepath.Join(".msgen", "lock"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		files[rel] = state{info.Size(), info.ModTime(), string(data)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
