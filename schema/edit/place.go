package edit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// place is where a node of a block ends at the latest: before line limit, on which a key stands at column next; 0 at the end of the document.
type place struct {
	limit, next int
}

// inside is the place of the value of m's key at i.
func (p place) inside(m *yaml.Node, i int) place {
	if i+2 < len(m.Content) && m.Style&yaml.FlowStyle == 0 {
		return place{m.Content[i+2].Line, m.Content[i+2].Column}
	}
	return p
}

// end is the line after the document's last one.
func (d *Document) end() int {
	for n := d.root.Line + 1; n <= d.file.Lines(); n++ {
		if line := d.file.Line(n); line == "..." || strings.HasPrefix(line, "... ") {
			return n
		}
	}
	return d.file.Lines() + 1
}

// lastLine is the last line of a node's text; comments after it do not count. yaml.v3 knows only where a node begins.
func lastLine(file *source.File, n *yaml.Node, limit int) int {
	switch {
	case n.Style&yaml.FlowStyle != 0:
		end, _ := closing(file.Content, offset(file, n))
		return file.PosAt(end).Line
	case n.Kind == yaml.AliasNode, len(n.Content) == 0 && n.Kind != yaml.ScalarNode:
		return n.Line
	case n.Kind != yaml.ScalarNode:
		return lastLine(file, n.Content[len(n.Content)-1], limit)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		start := offset(file, n)
		start += max(bytes.IndexAny(file.Content[start:], `"'`), 0)
		return file.PosAt(afterQuote(file.Content, start) - 1).Line
	}
	literal := n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
	last, indent := n.Line, -1
	for l := n.Line + 1; l < limit; l++ {
		text := strings.TrimLeft(file.Line(l), " ")
		if text == "" {
			continue
		}
		by := len(file.Line(l)) - len(text)
		if indent < 0 {
			indent = by
		}
		if literal && by < indent || !literal && text[0] == '#' {
			break
		}
		last = l
	}
	return last
}

func offset(file *source.File, n *yaml.Node) int {
	at, _ := file.Offset(source.Pos{Line: n.Line, Col: n.Column})
	return at
}

// closing is where the bracket closes that opens at or after start, and where the last text before it ends that is no comment.
func closing(text []byte, start int) (end, last int) {
	depth := 0
	before := byte('{') // the last byte that is no blank
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case c == '#' && i > 0 && bytes.IndexByte([]byte(" \t\n\r"), text[i-1]) >= 0:
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
			continue
		case (c == '"' || c == '\'') && bytes.IndexByte([]byte("{[,:"), before) >= 0 && depth > 0:
			i = afterQuote(text, i) - 1
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
			if depth == 0 {
				return i, last
			}
		}
		if i < len(text) {
			before = text[i]
			last = i + 1
		}
	}
	return len(text), last
}

// afterQuote is one past the quote that closes the one at start.
func afterQuote(text []byte, start int) int {
	quote := text[start]
	for i := start + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

// after is the line before which something is put that follows line last in a mapping or list at a column: comments of that mapping which
// stand there stay before it.
func (d *Document) after(last, column int, at place) int {
	line := last + 1
	for l := last + 1; l < at.limit; l++ {
		text := strings.TrimLeft(d.file.Line(l), " ")
		indent := len(d.file.Line(l)) - len(text)
		switch {
		case text == "":
		case text[0] == '#' && indent+1 >= column && indent+1 > at.next:
			line = l + 1
		default:
			return line
		}
	}
	return line
}

// lines is the edit that puts lines before a line.
func (d *Document) lines(before int, text string) diag.Edit {
	if before > d.file.Lines() { // the file's last line has no end
		pos := d.file.PosAt(len(d.file.Content))
		return diag.Edit{Span: source.Span{File: d.file, Start: pos, End: pos}, New: "\n" + text}
	}
	pos := source.Pos{Line: before, Col: 1}
	return diag.Edit{Span: source.Span{File: d.file, Start: pos, End: pos}, New: text + "\n"}
}

// intoBlock puts an entry into a block mapping, behind the last of the keys `after` that it has.
func (d *Document) intoBlock(m *yaml.Node, at place, e Entry, after []string) []diag.Edit {
	i := len(m.Content) - 2
	for j := i; j >= 0; j -= 2 {
		if slices.Contains(after, m.Content[j].Value) {
			i = j
			break
		}
	}
	indent := m.Column - 1
	section := e.Block
	if d.block(m) {
		if v, ok := e.Value.(Map); ok && len(v) > 0 {
			e.Block = true
		}
	}
	text := strings.Repeat(" ", indent) + d.entry(e, indent, aligned(m))
	here := at.inside(m, i)
	last := lastLine(d.file, m.Content[i+1], here.limit)
	if d.spaced(m, i, last, section) {
		text = "\n" + text
	}
	return []diag.Edit{d.lines(d.after(last, m.Column, here), text)}
}

// block reports that every entry of a mapping that holds a mapping has it below its key, so that a new one is written that way.
func (d *Document) block(m *yaml.Node) bool {
	found := false
	for i := 0; i+1 < len(m.Content); i += 2 {
		if v := m.Content[i+1]; v.Kind == yaml.MappingNode {
			if v.Style&yaml.FlowStyle != 0 {
				return false
			}
			found = true
		}
	}
	return found && m != d.root
}

// spaced reports that a new entry behind the one at i is set off by a blank line: as that one is, or, where there is nothing to go by, because both
// are sections of several lines.
func (d *Document) spaced(m *yaml.Node, i, last int, section bool) bool {
	if i > 0 || i+2 < len(m.Content) {
		key := m.Content[i]
		if i == 0 {
			key = m.Content[2]
		}
		line := key.Line - 1
		for line > 0 && strings.HasPrefix(strings.TrimLeft(d.file.Line(line), " "), "#") {
			line--
		}
		if line > 0 && strings.TrimSpace(d.file.Line(line)) == "" {
			return true
		}
		return m == d.root && last > m.Content[i].Line
	}
	return section && last > m.Content[i].Line && m.Column <= 1+d.step
}

// aligned is where the values of a mapping begin, counted from the beginning of their keys, when they stand in one column though their keys
// differ in length; 0 when they do not.
func aligned(m *yaml.Node) int {
	at, differ := 0, false
	length := 0
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if v.Line != k.Line || empty(v) && v.Kind == yaml.ScalarNode {
			continue
		}
		width := utf8.RuneCountInString(k.Value)
		switch by := v.Column - k.Column; {
		case at == 0:
			at, length = by, width
		case by != at:
			return 0
		}
		differ = differ || width != length
	}
	if !differ {
		return 0
	}
	return at
}

// intoFlow puts the one entry or item of a flow collection into another one.
func (d *Document) intoFlow(m *yaml.Node, one string) []diag.Edit {
	text := one[1 : len(one)-1]
	end, last := closing(d.file.Content, offset(d.file, m))
	at := func(offset int, text string) diag.Edit {
		pos := d.file.PosAt(offset)
		return diag.Edit{Span: source.Span{File: d.file, Start: pos, End: pos}, New: text}
	}
	comma := d.file.Content[last-1] == ','
	if line := d.file.PosAt(last).Line; m.Content[0].Line > m.Line && d.file.PosAt(end).Line > line {
		// An entry a line: the new one has its own, behind a comment on the last.
		content := d.file.Line(line)
		indent := content[:len(content)-len(strings.TrimLeft(content, " "))]
		if comma {
			return []diag.Edit{d.lines(line+1, indent+text+",")}
		}
		return []diag.Edit{at(last, ","), d.lines(line+1, indent+text)}
	}
	switch {
	case len(m.Content) == 0:
		return []diag.Edit{at(end, text)}
	case comma:
		return []diag.Edit{at(last, " "+text)}
	}
	return []diag.Edit{at(last, ", "+text)}
}

// fill gives the key at i of a mapping, which has none, a value.
func (d *Document) fill(m *yaml.Node, i int, e Entry) []diag.Edit {
	key, value := m.Content[i], m.Content[i+1]
	keyEnd := offset(d.file, key) + len(key.Value)
	if key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		keyEnd = afterQuote(d.file.Content, offset(d.file, key))
	}
	colon := keyEnd + bytes.IndexByte(d.file.Content[keyEnd:], ':') + 1
	// What stood for nothing goes: ~, null, {} or [].
	from, to := colon, colon
	switch {
	case value.Kind != yaml.ScalarNode:
		from = offset(d.file, value)
		to, _ = closing(d.file.Content, from)
		to++
	case value.Value != "":
		from = offset(d.file, value)
		to = from + len(value.Value)
	}
	edit := func(from, to int, text string) diag.Edit {
		return diag.Edit{Span: source.Span{File: d.file, Start: d.file.PosAt(from), End: d.file.PosAt(to)}, New: text}
	}
	if m.Style&yaml.FlowStyle != 0 || !d.below(e, m.Column+len(e.Key)+1) {
		text := flow(e.Value)
		if from == colon {
			text = " " + text
		}
		return []diag.Edit{edit(from, to, text)}
	}
	below := d.lines(key.Line+1, strings.TrimPrefix(d.under(e.Value, m.Column-1), "\n"))
	if from == to {
		return []diag.Edit{below}
	}
	return []diag.Edit{edit(colon, to, ""), below}
}
