// Package source holds the text that diagnostics point into: files, positions and spans.
package source

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// File is one input file, kept whole so that any span of it can be quoted.
type File struct {
	// Name is the path as the user gave it, with forward slashes.
	Name string
	// Content is the file's text as read.
	Content []byte

	lines     []string
	concealed []Span
	runes     [][]rune
	starts    []int
}

// NewFile returns a file whose lines can be quoted. Name is shown to people as it is.
func NewFile(name string, content []byte) *File {
	return &File{Name: name, Content: content, lines: split(strings.TrimPrefix(string(content), bom))}
}

// split breaks text where YAML does: at \n, \r, \r\n and the Unicode line ends, so that its positions are ours.
func split(text string) []string {
	var lines []string
	start := 0
	for i := 0; i < len(text); {
		n := lineBreak(text[i:])
		if n == 0 {
			i++
			continue
		}
		lines = append(lines, text[start:i])
		i += n
		start = i
	}
	return append(lines, text[start:])
}

// lineBreak is the length in bytes of the line end that s begins with; 0 when it begins with none.
func lineBreak(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"):
		return 2
	case s[0] == '\n', s[0] == '\r':
		return 1
	case strings.HasPrefix(s, "\u0085"):
		return 2
	case strings.HasPrefix(s, "\u2028"), strings.HasPrefix(s, "\u2029"):
		return 3
	}
	return 0
}

// Line returns line n, 1-based, without its line end; "" when there is no such line.
func (f *File) Line(n int) string {
	if f == nil || n < 1 || n > len(f.lines) {
		return ""
	}
	return f.lines[n-1]
}

// Runes returns line n as runes. They are kept, so that many spans of one long line cost no more than one; the caller must not change
// them. A File is not for use by several goroutines at once.
func (f *File) Runes(n int) []rune {
	if n < 1 || n > len(f.lines) {
		return nil
	}
	if f.runes == nil {
		f.runes = inRunes(f.lines)
	}
	return f.runes[n-1]
}

// inRunes has all lines share one array: most are asked for, and one by one they would be thousands.
func inRunes(lines []string) [][]rune {
	total := 0
	for _, line := range lines {
		total += utf8.RuneCountInString(line)
	}
	all, list := make([]rune, 0, total), make([][]rune, len(lines))
	for i, line := range lines {
		start := len(all)
		for _, r := range line {
			all = append(all, r)
		}
		list[i] = all[start:len(all):len(all)]
	}
	return list
}

// Conceal keeps a stretch of one line, such as a password, from being shown where the line is quoted.
func (f *File) Conceal(s Span) { f.concealed = append(f.concealed, s) }

// Shown is line n as it may be printed: what is concealed in it is stars, as many as it has runes.
func (f *File) Shown(n int) string {
	line := f.Line(n)
	for _, s := range f.concealed {
		if s.Start.Line != n {
			continue
		}
		runes := []rune(line)
		for i := s.Start.Col - 1; i < min(s.End.Col-1, len(runes)); i++ {
			runes[i] = '*'
		}
		line = string(runes)
	}
	return line
}

// Lines returns how many lines the file has.
func (f *File) Lines() int { return len(f.lines) }

// Pos is a place in a file. Line and Col are 1-based; Col counts runes, as yaml.v3 does.
type Pos struct {
	Line, Col int
}

// Before reports whether p stands before q.
func (p Pos) Before(q Pos) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col
}

// Span is a stretch of a file: Start is its first rune, End is one past its last, on the same or a later line.
// The zero Span stands for "no place".
type Span struct {
	File       *File
	Start, End Pos
}

// IsZero reports whether the span names no place.
func (s Span) IsZero() bool { return s.File == nil }

// String is file:line:col.
func (s Span) String() string {
	if s.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%s:%d:%d", s.File.Name, s.Start.Line, s.Start.Col)
}
