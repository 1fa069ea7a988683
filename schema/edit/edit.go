// Package edit changes a file in place: it replaces the stretches that edits name and leaves every other byte as it is, comments, order,
// blanks and line ends included. Nothing is parsed and written anew.
package edit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// change is an edit in bytes.
type change struct {
	from, to int
	text     string
	span     source.Span
}

// Apply returns the file's content with the edits made. The same edit given twice is made once; other edits must not overlap, nor insert at
// the same place. Line ends in new text become those of the file. The file itself is left alone.
func Apply(file *source.File, edits []diag.Edit) ([]byte, error) {
	crlf := usesCRLF(file.Content)
	list := make([]change, 0, len(edits))
	for _, e := range edits {
		c, err := bytesOf(file, e)
		if err != nil {
			return nil, err
		}
		if crlf {
			c.text = strings.ReplaceAll(strings.ReplaceAll(c.text, "\r\n", "\n"), "\n", "\r\n")
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), strings.Compare(a.text, b.text))
	})
	var out bytes.Buffer
	done := 0
	for i, c := range list {
		if i > 0 {
			last := list[i-1]
			if c.from == last.from && c.to == last.to && c.text == last.text {
				continue
			}
			if c.from < last.to || c.from == last.from && c.to == last.to {
				return nil, fmt.Errorf("two edits of %s overlap", c.span)
			}
		}
		out.Write(file.Content[done:c.from])
		out.WriteString(c.text)
		done = c.to
	}
	out.Write(file.Content[done:])
	return out.Bytes(), nil
}

func bytesOf(file *source.File, e diag.Edit) (change, error) {
	if e.Span.File != file {
		return change{}, fmt.Errorf("an edit of %s does not belong to %s", e.Span, file.Name)
	}
	from, ok := file.Offset(e.Span.Start)
	to, ok2 := file.Offset(e.Span.End)
	if !ok || !ok2 || to < from {
		return change{}, fmt.Errorf("an edit of %s reaches outside the file", e.Span)
	}
	return change{from, to, e.New, e.Span}, nil
}

// usesCRLF reports whether a file's first line ends as on Windows.
func usesCRLF(content []byte) bool {
	i := bytes.IndexByte(content, '\n')
	return i > 0 && content[i-1] == '\r'
}

// Fixes are the edits of the findings' fixes by file. Of fixes that touch the same text the first is taken and the others are left out whole:
// once the first is applied and the file checked again, they come back if they are still needed.
func Fixes(findings diag.List) map[*source.File][]diag.Edit {
	chosen := map[*source.File][]diag.Edit{}
	for i := range findings {
		fix := findings[i].Fix
		if fix == nil || len(fix.Edits) == 0 || !fits(chosen, fix.Edits) {
			continue
		}
		for _, e := range fix.Edits {
			chosen[e.Span.File] = append(chosen[e.Span.File], e)
		}
	}
	return chosen
}

// fits reports whether edits can be made together with those chosen already.
func fits(chosen map[*source.File][]diag.Edit, edits []diag.Edit) bool {
	for _, e := range edits {
		if e.Span.IsZero() {
			return false
		}
		for _, other := range chosen[e.Span.File] {
			if e != other && overlap(e.Span, other.Span) {
				return false
			}
		}
	}
	return true
}

// overlap reports whether two spans of a file share text, or are the same place.
func overlap(a, b source.Span) bool {
	return a.Start == b.Start && a.End == b.End || a.Start.Before(b.End) && b.Start.Before(a.End)
}

// Diff is the unified diff of a file's old and new content, with three lines of context; "" when they are the same.
func Diff(name string, old, now []byte) string {
	name = strings.TrimPrefix(name, "/")
	text := string(diff.Diff("a/"+name, old, "b/"+name, now))
	_, text, _ = strings.Cut(text, "\n") // the command line that diff puts in front
	return text
}
