// Package lock reads and writes msgen.lock: what was generated, by which version, from which spec, and the numbers that its contracts use.
package lock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/generator/number"
)

// Name is the file's name in the root of a system.
const Name = "msgen.lock"

// Format is the version of the file's layout that this package writes.
const Format = 1

// classes are those of package generator.
var classes = [...]string{"generated", "yours", "merged"}

// The line ends.
var (
	unix    = []byte("\n")
	windows = []byte("\r\n")
)

// File is the content of msgen.lock.
type File struct {
	Format    int     `yaml:"format"`
	Generator string  `yaml:"generator"` // the version of msgen
	Spec      string  `yaml:"spec"`      // sha256 of msgen.yaml, the .proto files that it names and the project's own templates
	Files     []Entry `yaml:"files"`     // sorted by path
	// Numbers are the numbers in the contracts, as one text: a mapping of that size takes the YAML library seconds. A lock that was written before they were kept has none.
	Numbers number.Table `yaml:"numbers,omitempty"`
}

// Entry is one file that msgen wrote.
type Entry struct {
	Path  string `yaml:"path"`
	Class string `yaml:"class"`
	// SHA256 is the Digest of the content that msgen wrote, which is not what stands on disk once somebody edits it.
	SHA256 string `yaml:"sha256"`
	// Orphan marks a file that nothing in the spec asks for any more and that was left because it is the user's or was edited.
	Orphan bool `yaml:"orphan,omitempty"`
}

// Read reads a lock file; a missing one is empty. One of a newer layout is refused, and so is one that Parse refuses.
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

// Parse reads the text of a lock file, also of one that was written before numbers and orphans were kept. A lock of a newer layout is refused,
// and one that is damaged: msgen deletes and overwrites what a lock says is its own, so nothing is done by a lock that only half makes sense.
func Parse(data []byte) (*File, error) {
	if line := conflict(data); line > 0 {
		return nil, fmt.Errorf("%s:%d: the file is in the middle of a merge; take the records of the branch that you merge into (git checkout HEAD -- %s .msgen), then run msgen generate",
			Name, line, Name)
	}
	var f File
	err := yaml.Unmarshal(data, &f)
	switch { // the format stands first, and is there though what follows cannot be read
	case f.Format > Format:
		return nil, fmt.Errorf("%s has layout %d and this msgen knows %d: use the msgen that wrote it (%s) or a newer one", Name, f.Format, Format, f.Generator)
	case err != nil:
		return nil, damaged("%w", err)
	case f.Format < Format:
		return nil, damaged("it has no format that msgen has ever written")
	}
	if f.Numbers == nil {
		f.Numbers = number.Table{}
	}
	sort.Slice(f.Files, func(i, j int) bool { return f.Files[i].Path < f.Files[j].Path })
	for i, e := range f.Files {
		if err := e.check(); err != nil {
			return nil, damaged("%w", err)
		}
		if i > 0 && f.Files[i-1].Path == e.Path {
			return nil, damaged("%s is there twice", e.Path)
		}
	}
	return &f, nil
}

// check refuses an entry that no msgen writes. What is outside the folder is not msgen's to touch, whoever wrote the lock.
func (e Entry) check() error {
	switch sum, err := hex.DecodeString(e.SHA256); {
	case !fs.ValidPath(e.Path) || e.Path == "." || !filepath.IsLocal(filepath.FromSlash(e.Path)):
		return fmt.Errorf("the path %q does not stay in the folder", e.Path)
	case !slices.Contains(classes[:], e.Class):
		return fmt.Errorf("%s is of the class %q, and there are %s", e.Path, e.Class, strings.Join(classes[:], ", "))
	case err != nil || len(sum) != sha256.Size:
		return fmt.Errorf("%s has no sha256", e.Path)
	}
	return nil
}

// conflict is the first line, from 1, that git leaves of a merge that it could not do; 0 when there is none.
func conflict(data []byte) int {
	for i, line := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) || bytes.HasPrefix(line, []byte(">>>>>>> ")) {
			return i + 1
		}
	}
	return 0
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%s is damaged: %w; restore it from version control", Name, fmt.Errorf(format, args...))
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

// Digest is the sha256 of a text with the line ends of Unix, in hexadecimal: git may have given it those of Windows, and nobody has edited it then.
func Digest(text []byte) string {
	sum := sha256.Sum256(Unix(text))
	return hex.EncodeToString(sum[:])
}

// Unix is a text with the line ends of Unix.
func Unix(text []byte) []byte {
	if !bytes.Contains(text, windows) {
		return text
	}
	return bytes.ReplaceAll(text, windows, unix)
}

// Entry is the entry of a path.
func (f *File) Entry(path string) (Entry, bool) {
	i := sort.Search(len(f.Files), func(i int) bool { return f.Files[i].Path >= path })
	if i < len(f.Files) && f.Files[i].Path == path {
		return f.Files[i], true
	}
	return Entry{}, false
}
