package drift

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// The markers of git merge. A line of = alone is no sign: it underlines headings.
const (
	ours   = "<<<<<<< "
	base   = "||||||| "
	middle = "======="
	theirs = ">>>>>>> "
)

// largest is the size in bytes above which a file is not taken for one that people merge: 4 MiB.
const largest = 4 << 20

// folders are where people write files that the lock does not know.
func folders() []string { return []string{"services", "gateway", "deploy", override.Dir} }

// mergeMarkers finds conflicts in the files of the lock and in all others below some folders. Where the generated ones are what they were,
// they have none.
func (t *tree) mergeMarkers(files []lock.Entry, same bool) diag.List {
	paths := make([]string, 0, len(files))
	known := map[string]bool{}
	for _, entry := range files {
		known[entry.Path] = true
		if !same || generator.Class(entry.Class) != generator.Generated {
			paths = append(paths, entry.Path)
		}
	}
	for _, folder := range folders() {
		more, err := t.walk(folder, known)
		if err != nil {
			t.err = err
			return nil
		}
		paths = append(paths, more...)
	}
	var list diag.List
	for _, path := range paths {
		content, err := t.read(path)
		if err != nil {
			t.err = err
			return nil
		}
		if !mayConflict(content) {
			continue
		}
		found := conflicts(source.NewFile(path, content))
		if len(found) > 0 {
			if t.reported == nil {
				t.reported = map[string]bool{}
			}
			t.reported[path] = true
		}
		list = append(list, found...)
	}
	return list
}

// walk are the files below a folder that are not known yet, without those that symbolic links lead to.
func (t *tree) walk(folder string, known map[string]bool) ([]string, error) {
	var paths []string
	err := filepath.WalkDir(filepath.Join(t.root, folder), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "vendor" {
				return filepath.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(t.root, path)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); known[rel] || !d.Type().IsRegular() {
			return nil
		}
		if info, err := os.Lstat(path); err != nil || info.Size() > largest {
			return nil //nolint:nilerr // gone again: nothing to look at
		}
		paths = append(paths, rel)
		return nil
	})
	return paths, err
}

// mayConflict spares files without a marker, and those that are no text, the rest.
func mayConflict(content []byte) bool {
	if !bytes.Contains(content, []byte(ours)) && !bytes.Contains(content, []byte(theirs)) {
		return false
	}
	return bytes.IndexByte(content[:min(len(content), 8000)], 0) < 0
}

// conflicts are the findings on a file's markers, one for each conflict.
func conflicts(f *source.File) diag.List {
	var list diag.List
	open := false // the last finding has no end yet
	for n := 1; n <= f.Lines(); n++ {
		line := f.Line(n)
		label := diag.Label{Span: lineSpan(f, n, 1)}
		switch {
		case strings.HasPrefix(line, ours), strings.HasPrefix(line, theirs) && !open:
			d := rule.Finding(rule.MergeMarkers)
			d.Message, d.Path = "a merge was left unfinished", f.Name
			d.Primary = label
			d.Help = "keep one side or both, and delete the lines with markers"
			list = append(list, d)
			open = strings.HasPrefix(line, ours)
		case open && (line == middle || strings.HasPrefix(line, base)):
			last := &list[len(list)-1]
			last.Secondary = append(last.Secondary, label)
		case open && strings.HasPrefix(line, theirs):
			last := &list[len(list)-1]
			label.Text = "the other side ends here"
			last.Secondary = append(last.Secondary, label)
			open = false
		}
	}
	return list
}
