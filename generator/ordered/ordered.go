// Package ordered writes YAML documents whose keys stay in the order they were set in, so that the same model gives the same bytes.
package ordered

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Map is a mapping in the order of its keys.
type Map struct {
	keys   []string
	values map[string]any
}

// List is a sequence.
type List []any

// New returns an empty mapping.
func New() *Map { return &Map{values: map[string]any{}} }

// Set sets a key; one that is there keeps its place. A value is a string, bool, int, int64, float64, []string, List or *Map.
func (m *Map) Set(key string, value any) *Map {
	if _, ok := m.values[key]; !ok {
		m.keys = append(m.keys, key)
	}
	m.values[key] = value
	return m
}

// Get returns the value of a key, nil when there is none.
func (m *Map) Get(key string) any { return m.values[key] }

// Len is the number of keys.
func (m *Map) Len() int { return len(m.keys) }

// YAML returns the mapping as a document. It fails for a value of a kind that Set does not name.
func (m *Map) YAML() ([]byte, error) {
	var w writer
	if m.Len() == 0 {
		return []byte("{}\n"), nil
	}
	w.mapping(m, 0, false)
	return []byte(w.String()), w.err
}

// maxKey is the length of a simple key, see YAML 1.2, §7.4.2.
const maxKey = 1024

type writer struct {
	strings.Builder
	err error
}

func (w *writer) indent(depth int) { w.WriteString(strings.Repeat("  ", depth)) }

// mapping writes the keys at a depth; inline says that the cursor stands where the first key goes.
func (w *writer) mapping(m *Map, depth int, inline bool) {
	for i, key := range m.keys {
		if i > 0 || !inline {
			w.indent(depth)
		}
		name := scalar(key)
		if len(name) > maxKey {
			w.err = fmt.Errorf("a key of %d bytes is longer than YAML allows", len(name))
		}
		w.WriteString(name + ":")
		w.value(m.values[key], depth)
	}
}

// value writes what follows a key.
func (w *writer) value(v any, depth int) {
	switch v := v.(type) {
	case *Map:
		if v.Len() == 0 {
			w.WriteString(" {}\n")
			return
		}
		w.WriteByte('\n')
		w.mapping(v, depth+1, false)
	case List:
		if len(v) == 0 {
			w.WriteString(" []\n")
			return
		}
		w.WriteByte('\n')
		for _, item := range v {
			w.indent(depth + 1)
			w.item(item, depth+1)
		}
	case []string:
		list := make(List, len(v))
		for i, s := range v {
			list[i] = s
		}
		w.value(list, depth)
	case string:
		if literal(v) {
			w.block(v, depth+1)
			return
		}
		w.WriteString(" " + scalar(v) + "\n")
	default:
		w.WriteString(" " + w.plain(v) + "\n")
	}
}

// item writes one element of a sequence.
func (w *writer) item(v any, depth int) {
	switch v := v.(type) {
	case *Map:
		if v.Len() > 0 {
			w.WriteString("- ")
			w.mapping(v, depth+1, true)
			return
		}
		w.WriteString("- {}\n")
	case string:
		w.WriteString("- " + scalar(v) + "\n")
	case List, []string:
		w.WriteByte('-')
		w.value(v, depth)
	default:
		w.WriteString("- " + w.plain(v) + "\n")
	}
}

func (w *writer) plain(v any) string {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	w.err = fmt.Errorf("a %T has no place in a document", v)
	return "null"
}

// literal reports that a text of several lines can be written as a literal block and come back unchanged.
func literal(s string) bool {
	if !strings.HasSuffix(s, "\n") || strings.HasSuffix(s, "\n\n") || strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") {
		return false
	}
	for _, r := range s {
		if r != '\n' && (r < ' ' || r > '~') {
			return false
		}
	}
	return true
}

func (w *writer) block(s string, depth int) {
	w.WriteString(" |\n")
	for _, line := range strings.Split(strings.TrimSuffix(s, "\n"), "\n") {
		if line != "" {
			w.indent(depth)
		}
		w.WriteString(line + "\n")
	}
}

// bare is what needs no quotes in any version of YAML: words that begin with a letter and hold nothing that YAML reads as syntax.
var bare = regexp.MustCompile(`^[A-Za-z/$_][A-Za-z0-9_./$()-]*( [A-Za-z0-9_./$()+=;-]+)*$`)

// reserved are words that some version of YAML reads as something else than text.
var reserved = map[string]bool{
	"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true, "true": true, "false": true, "null": true,
}

func scalar(s string) string {
	if bare.MatchString(s) && !reserved[strings.ToLower(s)] {
		return s
	}
	return quote(s)
}

// quote is a double-quoted YAML scalar.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
