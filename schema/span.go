package schema

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

// spanOf is the text of a node. yaml.v3 knows only where a node starts, so the end is found in the source: the end of a scalar or of a
// flow collection on its first line; a block collection is shown by its first key or item.
func spanOf(file *source.File, n *yaml.Node) source.Span {
	line, col := max(n.Line, 1), max(n.Column, 1)
	line = min(line, file.Lines())
	rest := file.Runes(line)
	col = min(col, len(rest)+1)
	rest = rest[col-1:]
	skipped := properties(rest)
	rest = rest[skipped:]
	col += skipped
	width := 1
	switch {
	case n.Kind == yaml.AliasNode:
		width = len([]rune(n.Value)) + 1
	case n.Kind == yaml.ScalarNode:
		width = scalarWidth(rest, n)
	case n.Style&yaml.FlowStyle != 0:
		width = flowWidth(rest)
	case len(n.Content) > 0 && n.Content[0] != n && skipped == 0 && n.Content[0].Line == n.Line && n.Content[0].Kind == yaml.ScalarNode:
		return spanOf(file, n.Content[0])
	}
	width = min(max(width, 1), max(len(rest), 1))
	return source.Span{File: file, Start: source.Pos{Line: line, Col: col}, End: source.Pos{Line: line, Col: col + width}}
}

// properties is the width of the anchor and tag that stand before a value, with the blanks after them.
func properties(text []rune) int {
	i := 0
	for i < len(text) && (text[i] == '&' || text[i] == '!') {
		j := i
		for j < len(text) && text[j] != ' ' {
			j++
		}
		for j < len(text) && text[j] == ' ' {
			j++
		}
		if j == len(text) {
			return i // the value stands on a later line
		}
		i = j
	}
	return i
}

func scalarWidth(text []rune, n *yaml.Node) int {
	if len(text) == 0 {
		return 1
	}
	switch text[0] {
	case '"', '\'':
		return quotedWidth(text)
	case '|', '>':
		if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return 1
		}
	}
	value := []rune(n.Value)
	if len(value) <= len(text) && slices.Equal(text[:len(value)], value) {
		return len(value)
	}
	// A plain scalar over several lines: its first line, without a comment.
	line, _, _ := strings.Cut(string(text), " #")
	return utf8.RuneCountInString(strings.TrimRight(line, " \t"))
}

// quotedWidth is the width of a quoted scalar, both quotes included; to the end of the line when it goes on.
func quotedWidth(text []rune) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote:
			if quote == '\'' && i+1 < len(text) && text[i+1] == quote {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(text)
}

// flowWidth is the width of a flow collection, both brackets included; 1 when it goes on after the line.
func flowWidth(text []rune) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			i += quotedWidth(text[i:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
	}
	return 1
}
