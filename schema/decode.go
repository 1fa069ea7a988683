package schema

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// maxVisits bounds how many nodes are decoded, so that aliases to aliases cannot blow up a small file.
const maxVisits = 1_000_000

// decoder turns nodes into a Spec. It goes on after an error, so that all are reported at once.
type decoder struct {
	file      *source.File
	spec      *Spec
	list      diag.List
	visits    int
	exhausted bool
	// names of types and methods by service, for resolve
	index index
}

// place is where a value stands: its logical path and the span that its absence is reported at.
type place struct {
	path string
	span source.Span
}

func (p place) at(name string, span source.Span) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{path: name, span: span}
}

// problem is an error with advice.
type problem struct{ message, help string }

func (p *problem) Error() string { return p.message }

func problemf(help, format string, args ...any) *problem {
	return &problem{message: fmt.Sprintf(format, args...), help: help}
}

// fail records an error.
func (d *decoder) fail(path string, span source.Span, err error) *diag.Diagnostic {
	if d.exhausted {
		return &diag.Diagnostic{}
	}
	found := diag.Diagnostic{Severity: diag.Error, Message: err.Error(), Path: path, Primary: diag.Label{Span: span}}
	if p, ok := err.(*problem); ok { //nolint:errorlint // problems are never wrapped
		found.Help = p.help
	}
	d.list = append(d.list, found)
	return &d.list[len(d.list)-1]
}

// resolveAlias follows aliases to the node they stand for, and counts what is visited.
func (d *decoder) resolveAlias(n *yaml.Node) *yaml.Node {
	d.visits++
	if d.visits > maxVisits && !d.exhausted {
		d.fail("", spanOf(d.file, n), problemf("repeat less through aliases", "the spec expands to more than %d values", maxVisits))
		d.exhausted = true
	}
	if d.exhausted {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	key   *yaml.Node
	value *yaml.Node
}

// entries are a mapping's keys in order, with merge keys (<<) expanded behind the mapping's own. Duplicates are reported and left out.
func (d *decoder) entries(n *yaml.Node, at place) []entry {
	var list []entry
	seen := map[string]*yaml.Node{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := d.resolveAlias(n.Content[i]), n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.fail(at.path, spanOf(d.file, key), problemf("", "a key must be plain text, found %s", describe(key)))
			continue
		}
		if isMerge(key) {
			merges = append(merges, value)
			continue
		}
		if first, ok := seen[key.Value]; ok {
			found := d.fail(at.at(key.Value, source.Span{}).path, spanOf(d.file, key), problemf("remove one of the two", "duplicate key %q", key.Value))
			found.Secondary = []diag.Label{{Span: spanOf(d.file, first), Text: "first given here"}}
			continue
		}
		seen[key.Value] = key
		list = append(list, entry{key.Value, key, value})
	}
	for _, m := range merges {
		list = d.merge(list, seen, m, at, 0)
	}
	return list
}

// merge adds the keys of a merge value that are not there yet.
func (d *decoder) merge(list []entry, seen map[string]*yaml.Node, value *yaml.Node, at place, depth int) []entry {
	n := d.resolveAlias(value)
	if depth > 16 || d.exhausted {
		return list
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			list = d.merge(list, seen, item, at, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, v := d.resolveAlias(n.Content[i]), n.Content[i+1]
			if key.Kind != yaml.ScalarNode {
				continue
			}
			if isMerge(key) {
				list = d.merge(list, seen, v, at, depth+1)
				continue
			}
			if _, ok := seen[key.Value]; !ok {
				seen[key.Value] = key
				list = append(list, entry{key.Value, key, v})
			}
		}
	default:
		d.fail(at.path, spanOf(d.file, value), problemf("merge a mapping: `<<: *name`", "cannot merge %s", describe(n)))
	}
	return list
}

func isMerge(key *yaml.Node) bool {
	return key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// mapping is the node as a mapping; ok is false, and an error recorded, when it is none.
func (d *decoder) mapping(n *yaml.Node, at place, what string) (*yaml.Node, bool) {
	m := d.resolveAlias(n)
	if m.Kind != yaml.MappingNode {
		d.fail(at.path, d.spanOr(n, at), problemf("", "expected %s, found %s", what, describe(m)))
		return nil, false
	}
	return m, true
}

// sequence is the node as a list.
func (d *decoder) sequence(n *yaml.Node, at place, what string) ([]*yaml.Node, bool) {
	s := d.resolveAlias(n)
	if s.Kind != yaml.SequenceNode {
		help := ""
		if s.Kind == yaml.ScalarNode && s.ShortTag() == "!!str" && s.Value != "" {
			help = "write [" + s.Value + "]"
		}
		d.fail(at.path, d.spanOr(n, at), problemf(help, "expected a list of %s, found %s", what, describe(s)))
		return nil, false
	}
	return s.Content, true
}

// spanOr is the node's span, or that of its key when the node has no text (`key:` and nothing after it).
func (d *decoder) spanOr(n *yaml.Node, at place) source.Span {
	if n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && !at.span.IsZero() {
		return at.span
	}
	return spanOf(d.file, n)
}

// describe names what a node is, for people.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch n.ShortTag() {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "the boolean " + n.Value
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!str":
		return "text"
	}
	return fmt.Sprintf("a value tagged %s", n.ShortTag())
}

// quoteList is names for a help line: a, b, c.
func quoteList(names []string) string { return strings.Join(names, ", ") }
