package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/term"
)

// specName is the spec's file name in the root of a system.
const specName = "msgen.yaml"

// stdinName is what the spec from stdin is called in findings.
const stdinName = "<stdin>"

// input is one spec to read.
type input struct {
	name    string // as shown to people, with forward slashes
	path    string // "" for stdin
	content []byte
}

// dir is the folder of the spec, where its system is generated.
func (in input) dir() string {
	if in.path == "" {
		return "."
	}
	return filepath.Dir(in.path)
}

// readSpec reads the spec's text; path may be a file, a folder that holds msgen.yaml, or - for stdin.
func readSpec(t term.IO, path string) (name string, content []byte, err error) {
	if path != "-" {
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			path = filepath.Join(path, specName)
		}
	}
	in, err := readInput(t, path)
	return in.name, in.content, err
}

func readInput(t term.IO, path string) (input, error) {
	in := input{name: filepath.ToSlash(path), path: path}
	var err error
	if path == "-" {
		in = input{name: stdinName}
		in.content, err = io.ReadAll(t.In)
	} else {
		in.content, err = os.ReadFile(path)
	}
	if err != nil {
		return input{}, usage("cannot read the spec: %w", err)
	}
	return in, nil
}

// readInputs reads the specs of several paths, each once, in the order given. A folder stands for its msgen.yaml, or, when it has none, for
// every msgen.yaml below it.
func readInputs(t term.IO, paths []string) ([]input, error) {
	var list []input
	seen := map[string]bool{}
	for _, path := range paths {
		files, err := specFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			key := file
			if abs, err := filepath.Abs(file); err == nil && file != "-" {
				key = abs
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			in, err := readInput(t, file)
			if err != nil {
				return nil, err
			}
			list = append(list, in)
		}
	}
	return list, nil
}

// specFiles are the specs that a path stands for.
func specFiles(path string) ([]string, error) {
	if path == "-" {
		return []string{path}, nil
	}
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, nil // reading it says what is wrong
	}
	own := filepath.Join(path, specName)
	if _, err := os.Stat(own); err == nil {
		return []string{own}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != path && skipped(d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && d.Name() == specName:
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for specs: %w", err)
	}
	if len(files) == 0 {
		return nil, usage("there is no %s in %s, nor in a folder below it", specName, path)
	}
	return files, nil
}

// skipped are the folders in which nobody keeps a spec of their own.
func skipped(name string) bool {
	return strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor" || name == "testdata"
}
