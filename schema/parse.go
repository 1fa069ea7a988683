package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// parse reads the one YAML document of a file. The node is nil when there are errors.
func parse(file *source.File) (*yaml.Node, diag.List) {
	if len(file.Content) > maxSize {
		return nil, syntaxError(file, source.Pos{Line: 1, Col: 1}, fmt.Sprintf("the spec is larger than %d MiB", maxSize>>20), "split the system")
	}
	if pos, message, bad := badText(file); bad {
		return nil, syntaxError(file, pos, message, "save the file as UTF-8 text")
	}
	// The decoder reads one document after the other, which is how a second one is found.
	dec := yaml.NewDecoder(bytes.NewReader(file.Content))
	doc, err := decodeNode(dec)
	if errors.Is(err, io.EOF) {
		return nil, syntaxError(file, source.Pos{Line: 1, Col: 1}, "the spec is empty", "write apiVersion, system, services and events; `msgen new` writes an example")
	}
	if err != nil {
		return nil, yamlErrors(file, err)
	}
	second, err := decodeNode(dec)
	if err == nil {
		pos := source.Pos{Line: max(second.Line, 1), Col: max(second.Column, 1)}
		return nil, syntaxError(file, pos, "a second document in the spec", "keep one spec in a file: remove the `---` and what follows it")
	}
	if !errors.Is(err, io.EOF) {
		return nil, yamlError(file, err)
	}
	root := doc
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, syntaxError(file, source.Pos{Line: 1, Col: 1}, "the spec is empty", "write apiVersion, system, services and events; `msgen new` writes an example")
	}
	if root.Kind != yaml.MappingNode {
		return nil, diag.List{{
			Severity: diag.Error, Message: "the spec must be a mapping, found " + describe(root),
			Primary: diag.Label{Span: spanOf(file, root)}, Help: "start with `apiVersion: " + Version + "`",
		}}
	}
	return root, nil
}

// decodeNode shields from panics of the YAML library, which takes any bytes a user hands in.
func decodeNode(dec *yaml.Decoder) (node *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML parser gave up: %v", p)
		}
	}()
	node = new(yaml.Node)
	if err := dec.Decode(node); err != nil {
		return nil, err
	}
	return node, nil
}

// badText finds the first byte that is no UTF-8, or a control character that YAML forbids: its library names no place for either.
func badText(file *source.File) (source.Pos, string, bool) {
	for n := 1; n <= file.Lines(); n++ {
		col := 0
		for _, r := range file.Line(n) {
			col++
			pos := source.Pos{Line: n, Col: col}
			switch {
			case r == utf8.RuneError && !utf8.ValidString(file.Line(n)):
				return pos, "the spec is not UTF-8", true
			case r < ' ' && r != '\t', r == 0x7f, r >= 0x80 && r < 0xa0, r == 0xfffe, r == 0xffff:
				return pos, fmt.Sprintf("a control character (U+%04X) in the spec", r), true
			}
		}
	}
	return source.Pos{}, "", false
}

var (
	yamlLine      = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
	unquotedType  = regexp.MustCompile(`[{,:]\s*(\[\]|map<|enum\()`)
)

// yamlError places an error of the YAML library. It names a line at best: none for what is wrong on line 1 and for unknown anchors.
func yamlError(file *source.File, err error) diag.List {
	message := err.Error()
	line := 1
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = message[len(m[0]):]
	}
	message = strings.TrimPrefix(message, "yaml: ")
	// The parser, unlike the scanner, counts lines from 0.
	if strings.HasPrefix(message, "did not find expected") && yamlLine.MatchString(err.Error()) {
		line++
	}
	line = min(line, file.Lines())
	odd := false
	if strings.HasPrefix(message, "did not find expected key") {
		begins := line // of the mapping, is what the library names
		line = oddIndent(file, begins)
		odd = line != begins
	}
	for line > 1 && strings.TrimSpace(file.Line(line)) == "" {
		line-- // what is missing at the end is missing after the last text
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		if span, ok := findText(file, "*"+m[1]); ok {
			return diag.List{{
				Severity: diag.Error, Message: fmt.Sprintf("no anchor &%s stands before this alias", m[1]),
				Primary: diag.Label{Span: span}, Help: "quote the value if it is no alias",
			}}
		}
	}
	help := ""
	switch {
	case strings.Contains(message, "expected ',' or"):
		help = "close the bracket"
	case odd:
		help = "indent it like the keys beside it"
	case strings.Contains(message, "mapping values are not allowed"):
		help = "indent it like the line above; or put the text above in quotes"
	}
	if unquotedType.MatchString(file.Line(line)) {
		help = `put types with brackets or commas in quotes: "[]OrderLine", "enum(a, b)", "map<string, int32>"`
	}
	list := syntaxError(file, source.Pos{Line: line, Col: 1}, message, help)
	list[0].Primary.Span = lineSpan(file, line)
	culprit(file, line, &list[0])
	return list
}

var (
	tabIndent   = regexp.MustCompile(`^ *(\t+)`)
	badStart    = regexp.MustCompile("(?:^|[:,\\[{-] |- )\\s*([@`%])")
	secondColon = regexp.MustCompile(`^[^"'\[{#]*?: [^"'\[{&*!|>#]*?(:)(?: |$)`)
)

// culprit narrows the place of an error of the YAML library from its line to what it complains of, where that can be told.
func culprit(file *source.File, line int, d *diag.Diagnostic) {
	narrow := func(line int, what *regexp.Regexp, help string) bool {
		text := file.Line(line)
		m := what.FindStringSubmatchIndex(text)
		if m == nil {
			return false
		}
		start := utf8.RuneCountInString(text[:m[2]]) + 1
		d.Primary.Span.Start, d.Primary.Span.End = source.Pos{Line: line, Col: start}, source.Pos{Line: line, Col: start + utf8.RuneCountInString(text[m[2]:m[3]])}
		d.Help = help
		return true
	}
	switch {
	case strings.Contains(d.Message, "tab character"):
		// It is noticed at the end of the text before it.
		for n := line; n <= line+2; n++ {
			if narrow(n, tabIndent, "indent with spaces") {
				break
			}
		}
	case strings.Contains(d.Message, "cannot start any token"):
		if !narrow(line, tabIndent, "indent with spaces") {
			narrow(line, badStart, "put the text in quotes")
		}
	case strings.Contains(d.Message, "mapping values are not allowed"):
		narrow(line, secondColon, "put the text in quotes, since it holds a colon and a space")
	}
}

// oddIndent is the first line from one on that goes back to an indentation at which nothing has begun; the line itself when there is none.
func oddIndent(file *source.File, from int) int {
	var open []int
	for n := from; n <= file.Lines(); n++ {
		if insignificant(file.Line(n)) {
			continue
		}
		at, back := indentation(file.Line(n)), false
		for len(open) > 0 && open[len(open)-1] > at {
			open, back = open[:len(open)-1], true
		}
		switch {
		case len(open) > 0 && open[len(open)-1] == at:
		case back && len(open) > 0:
			return n
		case back:
			return from // the mapping has ended
		default:
			open = append(open, at)
		}
	}
	return from
}

func syntaxError(file *source.File, pos source.Pos, message, help string) diag.List {
	span := source.Span{File: file, Start: pos, End: source.Pos{Line: pos.Line, Col: pos.Col + 1}}
	return diag.List{{Severity: diag.Error, Message: message, Primary: diag.Label{Span: span}, Help: help}}
}

// lineSpan is a line without the blanks around it.
func lineSpan(file *source.File, line int) source.Span {
	text := file.Line(line)
	trimmed := strings.TrimLeft(text, " \t")
	start := utf8.RuneCountInString(text) - utf8.RuneCountInString(trimmed) + 1
	width := max(utf8.RuneCountInString(strings.TrimRight(trimmed, " \t")), 1)
	return source.Span{File: file, Start: source.Pos{Line: line, Col: start}, End: source.Pos{Line: line, Col: start + width}}
}

// findText is the first place of a text that is no comment.
func findText(file *source.File, text string) (source.Span, bool) {
	for n := 1; n <= file.Lines(); n++ {
		line := file.Line(n)
		i := strings.Index(line, text)
		if i < 0 || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		col := utf8.RuneCountInString(line[:i]) + 1
		return source.Span{File: file, Start: source.Pos{Line: n, Col: col}, End: source.Pos{Line: n, Col: col + utf8.RuneCountInString(text)}}, true
	}
	return source.Span{}, false
}
