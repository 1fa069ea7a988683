// Package lock reads and writes msgen.lock: what was generated, by which version, from which spec, and the numbers that its contracts use.
package lock

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/generator/number"
)

// Name is the file's name in the root of a system.
const Name = "msgen.lock"

// Format is the version of the file's layout that this package writes.
const Format = 1

// File is the content of msgen.lock.
type File struct {
	Format    int     `yaml:"format"`
	Generator string  `yaml:"generator"` // the version of msgen
	Spec      string  `yaml:"spec"`      // sha256 of msgen.yaml and the .proto files that it names
	Files     []Entry `yaml:"files"`     // sorted by path
	// Numbers are the numbers in the contracts, as one text: a mapping of that size takes the YAML library seconds. A lock that was written before they were kept has none.
	Numbers number.Table `yaml:"numbers,omitempty"`
}

// Entry is one file that msgen wrote.
type Entry struct {
	Path  string `yaml:"path"`
	Class string `yaml:"class"`
	// SHA256 is of the content that msgen wrote, which is not what stands on disk once somebody edits it.
	SHA256 string `yaml:"sha256"`
	// Orphan marks a file that nothing in the spec asks for any more and that was left because it is the user's or was edited.
	Orphan bool `yaml:"orphan,omitempty"`
}

// Read reads a lock file; a missing one is empty. A lock of a newer layout is refused.
func Read(path string) (*File, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &File{Format: Format, Numbers: number.Table{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Parse reads the text of a lock file.
func Parse(data []byte) (*File, error) {
	var f File
	if err := yaml.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; restore it from version control", Name, err)
	}
	if f.Format != Format {
		return nil, fmt.Errorf("%s has layout %d and this msgen knows %d: use the msgen that wrote it (%s) or a newer one", Name, f.Format, Format, f.Generator)
	}
	if f.Numbers == nil {
		f.Numbers = number.Table{}
	}
	sort.Slice(f.Files, func(i, j int) bool { return f.Files[i].Path < f.Files[j].Path })
	return &f, nil
}

// Marshal is the file's text.
func (f *File) Marshal() ([]byte, error) {
	var buf bytes.Buffer
	buf.WriteString("# Written by msgen. Commit it: it tells msgen which files are its own, which you have edited, and which number each field has.\n")
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(2)
	if err := enc.Encode(f); err != nil {
		return nil, err
	}
	return buf.Bytes(), enc.Close()
}

// Entry is the entry of a path.
func (f *File) Entry(path string) (Entry, bool) {
	i := sort.Search(len(f.Files), func(i int) bool { return f.Files[i].Path >= path })
	if i < len(f.Files) && f.Files[i].Path == path {
		return f.Files[i], true
	}
	return Entry{}, false
}
