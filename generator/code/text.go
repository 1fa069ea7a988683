package code

import (
	"bytes"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/msgen-dev/msgen/schema/source"
)

// texts are the files of a tree that findings point into.
type texts struct {
	root  string
	fset  *token.FileSet
	files map[string]*source.File
}

func newTexts(root string) *texts {
	return &texts{root: root, fset: token.NewFileSet(), files: map[string]*source.File{}}
}

// file is the text of a file; nil when it cannot be read. It is shown by its path below the root.
func (t *texts) file(name string) *source.File {
	if f, ok := t.files[name]; ok {
		return f
	}
	var f *source.File
	if content, err := os.ReadFile(name); err == nil {
		f = source.NewFile(t.rel(name), content)
	}
	t.files[name] = f
	return f
}

// rel is a path as it is shown: below the root, with forward slashes.
func (t *texts) rel(name string) string {
	if rel, err := filepath.Rel(t.root, name); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(name)
}

// span is a stretch of a file, given by bytes.
func (t *texts) span(name string, start, end int) source.Span {
	f := t.file(name)
	if f == nil {
		return source.Span{}
	}
	return source.Span{File: f, Start: place(f, start), End: place(f, max(start, end))}
}

// place is the position of a byte. Lines are counted as source does it, not as Go: they differ where a line ends with other than \n.
func place(f *source.File, offset int) source.Pos {
	before := source.NewFile("", f.Content[:min(max(offset, 0), len(f.Content))])
	line := before.Lines()
	return source.Pos{Line: line, Col: utf8.RuneCountInString(before.Line(line)) + 1}
}

// offset is the byte at which a line and column of Go, both counted from 1 and the column in bytes, stand.
func offset(content []byte, line, col int) int {
	at := 0
	for ; line > 1; line-- {
		i := bytes.IndexByte(content[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return min(at+max(col-1, 0), len(content))
}

// logical is the path of a place that survives moved lines: services.orders.place_order.go:Service.PlaceOrder.
func (t *texts) logical(name, in string) string {
	dir, base := "", t.rel(name)
	if i := strings.LastIndexByte(base, '/'); i >= 0 {
		dir, base = strings.ReplaceAll(base[:i+1], "/", "."), base[i+1:]
	}
	if in != "" {
		in = ":" + in
	}
	return dir + base + in
}
