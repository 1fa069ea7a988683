package edit

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Map is a mapping to be added, in the order in which it is written. A value is a string, an int, a bool, a List, a Map, or nil for a key without
// a value.
type Map []Entry

// Entry is one key of a Map with its value.
type Entry struct {
	Key   string
	Value any
	// Block has a mapping or a list stand below its key, an entry a line, though it would fit behind it.
	Block bool
}

// List is a list to be added; its items are values as those of a Map.
type List []any

// width is how long a line may become before a mapping is written over several. A list always stays on its line: the specs' lists are short.
const width = 160

// flow is a value on one line: {a: b, c: [d]}.
func flow(value any) string {
	var b strings.Builder
	switch v := value.(type) {
	case nil:
	case Map:
		b.WriteByte('{')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(scalar(e.Key, true) + ":")
			if e.Value != nil {
				b.WriteString(" " + flow(e.Value))
			}
		}
		b.WriteByte('}')
	case List:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(flow(item))
		}
		b.WriteByte(']')
	default:
		return scalar(v, true)
	}
	return b.String()
}

// style is how a file lays out what is added.
type style struct {
	step int // columns by which a mapping in a mapping is indented
	list int // columns by which a list in a mapping is indented; may be 0
}

// entry is the lines of one entry, the first without its indentation. pad is where the value of a line is to begin, counted from the
// beginning of its key; 0 for right after it.
func (s style) entry(e Entry, indent, pad int) string {
	key := scalar(e.Key, false) + ":"
	if !s.below(e, indent+len(key)+1) {
		if e.Value == nil {
			return key
		}
		gap := max(1, pad-utf8.RuneCountInString(key))
		return key + strings.Repeat(" ", gap) + s.line(e.Value)
	}
	return key + s.under(e.Value, indent)
}

// line is a value behind its key: lists and mappings as flow, everything else as it stands in a block.
func (s style) line(value any) string {
	switch value.(type) {
	case Map, List:
		return flow(value)
	}
	return scalar(value, false)
}

// under is a value below its key, whose indentation is given: each line with the line end before it.
func (s style) under(value any, indent int) string {
	var b strings.Builder
	switch v := value.(type) {
	case Map:
		at := indent + s.step
		for _, e := range v {
			b.WriteString("\n" + strings.Repeat(" ", at) + s.entry(e, at, 0))
		}
	case List:
		for _, item := range v {
			b.WriteString("\n" + strings.Repeat(" ", indent+s.list) + "- " + s.line(item))
		}
	}
	return b.String()
}

// below reports that a value stands below its key: it asks for that, something in it does, or the line would be too long.
func (s style) below(e Entry, column int) bool {
	m, isMap := e.Value.(Map)
	l, isList := e.Value.(List)
	switch {
	case !isMap && !isList, len(m)+len(l) == 0:
		return false
	case e.Block:
		return true
	case isList:
		return false
	}
	for _, inner := range m {
		if s.below(inner, 0) {
			return true
		}
	}
	return column+utf8.RuneCountInString(flow(m)) > width
}

// other are plain words that some reader of YAML takes for something else than text.
var other = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|~)$`)

// scalar is a value that is no collection. Text is written plain where it reads back as the same text, and in double quotes elsewhere.
func scalar(value any, inFlow bool) string {
	switch v := value.(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case string:
		if plain(v, inFlow) {
			return v
		}
		return quoted(v)
	}
	panic(fmt.Sprintf("edit: a %T is no value of a spec", value)) // a fault of the caller
}

// plain reports that a text needs no quotes. It is the parser that says so.
func plain(text string, inFlow bool) bool {
	if text == "" || other.MatchString(text) || strings.ContainsAny(text, "\n\r\t\u0085\u2028\u2029\uFEFF") || strings.ContainsAny(text[:1], "&*!|>%@`'\"") {
		return false
	}
	doc := "k: " + text + "\n"
	if inFlow {
		if strings.ContainsAny(text, "{}[],") { // read back by our parser, and not by every other
			return false
		}
		doc = "{k: " + text + ", l: m}\n"
	}
	var n yaml.Node
	if yaml.Unmarshal([]byte(doc), &n) != nil || n.Kind != yaml.DocumentNode || len(n.Content) != 1 {
		return false
	}
	m := n.Content[0]
	if m.Kind != yaml.MappingNode || len(m.Content) != map[bool]int{false: 2, true: 4}[inFlow] {
		return false
	}
	v := m.Content[1]
	return v.Kind == yaml.ScalarNode && v.ShortTag() == "!!str" && v.Value == text && v.LineComment == ""
}

// quoted is a text in double quotes; JSON's escapes are YAML's.
func quoted(text string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}
