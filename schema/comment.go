package schema

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

// Comment is a comment of a spec.
type Comment struct {
	// Text begins after the # and the blanks that follow it.
	Text string
	// Span begins at the #.
	Span source.Span
	// Start is where Text begins.
	Start source.Pos
	// Alone reports that nothing but comments stands on its line.
	Alone bool
	// Line is the line that it is about: its own, or, for one that stands alone, the next that holds more than comments; 0 when none does.
	Line int
	// Path is the logical path of the first key or item on that line, such as services.orders; "" when none begins there.
	Path string
}

// Comments are the comments of a spec whose text begins with a mark, in order; none when the file is no YAML. What only looks like a comment,
// inside a string, is none.
func Comments(file *source.File, mark string) []Comment {
	if !bytes.Contains(file.Content, []byte(mark)) {
		return nil
	}
	root, err := decodeNode(yaml.NewDecoder(bytes.NewReader(file.Content)))
	if err != nil {
		return nil
	}
	var found []source.Pos // each place of the mark
	for n := 1; n <= file.Lines(); n++ {
		line := file.Line(n)
		for from := 0; ; {
			i := strings.Index(line[from:], mark)
			if i < 0 {
				break
			}
			found = append(found, source.Pos{Line: n, Col: utf8.RuneCountInString(line[:from+i]) + 1})
			from += i + len(mark)
		}
	}
	inText := textMarks(file, root, mark, found)
	textLines := map[int]bool{}
	for pos := range inText {
		textLines[pos.Line] = true
	}
	var list []Comment
	for _, pos := range found {
		if len(list) > 0 && list[len(list)-1].Span.Start.Line == pos.Line {
			continue // inside the comment before it
		}
		if c, ok := commentAt(file, pos); ok && !inText[pos] {
			c.Alone = c.Alone && !textLines[pos.Line]
			c.Line = pos.Line
			if c.Alone {
				c.Line = nextLine(file, pos.Line)
			}
			list = append(list, c)
		}
	}
	if len(list) > 0 {
		paths := map[int]string{}
		linePaths(root, "", paths)
		for i := range list {
			list[i].Path = paths[list[i].Line]
		}
	}
	return list
}

// nextLine is the first line below one that holds more than comments; 0 when there is none.
func nextLine(file *source.File, line int) int {
	for n := line + 1; n <= file.Lines(); n++ {
		if text := strings.TrimLeft(file.Line(n), " \t"); text != "" && text[0] != '#' {
			return n
		}
	}
	return 0
}

// linePaths are the logical paths of the first key or item that begins on each line.
func linePaths(n *yaml.Node, path string, paths map[int]string) {
	set := func(line int, path string) {
		if _, ok := paths[line]; !ok {
			paths[line] = path
		}
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			linePaths(c, path, paths)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			inner := place{path: path}.at(n.Content[i].Value, source.Span{}).path
			set(n.Content[i].Line, inner)
			linePaths(n.Content[i+1], inner, paths)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			inner := indexed(path, i)
			set(c.Line, inner)
			linePaths(c, inner, paths)
		}
	}
}

// textMarks finds the marks that belong to quoted strings and to block texts. In plain text there are none: a # after a blank ends it.
func textMarks(file *source.File, root *yaml.Node, mark string, found []source.Pos) map[source.Pos]bool {
	inText := map[source.Pos]bool{}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		switch {
		case n.Kind != yaml.ScalarNode:
		case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
			start := source.Pos{Line: n.Line, Col: n.Column}
			end := quotedEnd(file, start)
			for _, pos := range after(found, start) {
				if !pos.Before(end) {
					break
				}
				inText[pos] = true
			}
		case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			// yaml.v3 does not say where a block ends, but it keeps its text and no comment can stand before its end: a block that holds the
			// mark n times owns the first n after its line.
			owned := after(found, source.Pos{Line: n.Line + 1})
			for _, pos := range owned[:min(strings.Count(n.Value, mark), len(owned))] {
				inText[pos] = true
			}
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	visit(root)
	return inText
}

// after are those of the sorted places that stand behind one.
func after(found []source.Pos, start source.Pos) []source.Pos {
	return found[sort.Search(len(found), func(i int) bool { return start.Before(found[i]) }):]
}

// quotedEnd is the place after a quoted scalar that starts, perhaps with an anchor and a tag, at a place.
func quotedEnd(file *source.File, start source.Pos) source.Pos {
	var quote rune
	for n := start.Line; n <= file.Lines(); n++ {
		runes := file.Runes(n)
		i := 0
		if n == start.Line {
			i = start.Col - 1 + properties(runes[min(start.Col-1, len(runes)):])
		}
		for ; i < len(runes); i++ {
			switch r := runes[i]; {
			case quote == 0 && (r == '"' || r == '\''):
				quote = r
			case quote == '"' && r == '\\':
				i++
			case quote == '\'' && r == quote && i+1 < len(runes) && runes[i+1] == quote:
				i++
			case quote != 0 && r == quote:
				return source.Pos{Line: n, Col: i + 2}
			}
		}
	}
	return source.Pos{Line: file.Lines() + 1, Col: 1}
}

// commentAt is the comment whose text begins at a place; ok is false when no # stands before it.
func commentAt(file *source.File, pos source.Pos) (c Comment, ok bool) {
	runes := file.Runes(pos.Line)
	before := strings.TrimRight(string(runes[:pos.Col-1]), " \t")
	head, ok := strings.CutSuffix(before, "#")
	if !ok || head != "" && !strings.HasSuffix(head, " ") && !strings.HasSuffix(head, "\t") {
		return Comment{}, false
	}
	text := strings.TrimRight(string(runes[pos.Col-1:]), " \t")
	return Comment{
		Text: text,
		Span: source.Span{
			File:  file,
			Start: source.Pos{Line: pos.Line, Col: utf8.RuneCountInString(head) + 1},
			End:   source.Pos{Line: pos.Line, Col: pos.Col + utf8.RuneCountInString(text)},
		},
		Start: pos,
		Alone: strings.HasPrefix(strings.TrimLeft(before, " \t"), "#"),
	}, true
}
