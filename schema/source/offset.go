package source

import (
	"sort"
	"unicode/utf8"
)

const bom = "\uFEFF"

// Offset is where a position stands in Content, in bytes. A position may be one past the last rune of its line; ok is false when it is
// outside the file.
func (f *File) Offset(p Pos) (offset int, ok bool) {
	if p.Line < 1 || p.Line > len(f.lines) || p.Col < 1 {
		return 0, false
	}
	line := f.lines[p.Line-1]
	at := 0
	for col := 1; col < p.Col; col++ {
		if at == len(line) {
			return 0, false
		}
		_, n := utf8.DecodeRuneInString(line[at:])
		at += n
	}
	return f.lineStarts()[p.Line-1] + at, true
}

// PosAt is the position of the rune that stands at, or reaches over, an offset in Content. Within a line end it is the end of the line;
// past the end it is that of the file.
func (f *File) PosAt(offset int) Pos {
	starts := f.lineStarts()
	n := max(sort.SearchInts(starts, offset+1), 1)
	line := f.lines[n-1]
	rest := min(max(offset-starts[n-1], 0), len(line))
	col := 1
	for at := 0; at < rest; col++ {
		_, size := utf8.DecodeRuneInString(line[at:])
		if at += size; at > rest {
			break
		}
	}
	return Pos{Line: n, Col: col}
}

// lineStarts are the offsets in Content at which the lines begin.
func (f *File) lineStarts() []int {
	if f.starts != nil {
		return f.starts
	}
	at := 0
	if len(f.Content) >= len(bom) && string(f.Content[:len(bom)]) == bom {
		at = len(bom)
	}
	f.starts = make([]int, len(f.lines))
	for i, line := range f.lines {
		f.starts[i] = at
		at += len(line)
		if at < len(f.Content) {
			at += lineBreak(string(f.Content[at:min(at+3, len(f.Content))]))
		}
	}
	return f.starts
}
