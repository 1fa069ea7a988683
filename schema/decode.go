package schema

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
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
type problem struct {
	message, help string
	// wrong and right are texts: to put the one in the place of the other is the only way to mend it. "" when there are several.
	wrong, right string
}

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
		found.Fix = edit.Replace(span, p.wrong, p.right)
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
		d.spec.Aliased = true
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

// keys are the keys of a mapping, each name once.
type keys struct {
	file *source.File
	list []entry
	// byName is nil as long as there are few: to look through them is quicker then.
	byName map[string]int
}

const fewKeys = 16

func (k *keys) add(e entry) {
	k.list = append(k.list, e)
	switch {
	case k.byName != nil:
		k.byName[e.name] = len(k.list) - 1
	case len(k.list) > fewKeys:
		k.byName = make(map[string]int, cap(k.list))
		for i := range k.list {
			k.byName[k.list[i].name] = i
		}
	}
}

// get is the entry of a name; nil when there is none.
func (k *keys) get(name string) *entry {
	if k.byName != nil {
		if i, ok := k.byName[name]; ok {
			return &k.list[i]
		}
		return nil
	}
	for i := range k.list {
		if k.list[i].name == name {
			return &k.list[i]
		}
	}
	return nil
}

// span is where the key of a name stands; ok is false when it is not given.
func (k *keys) span(name string) (span source.Span, ok bool) {
	e := k.get(name)
	if e == nil {
		return source.Span{}, false
	}
	return spanOf(k.file, e.key), true
}

// entries are a mapping's keys in order, with merge keys (<<) expanded behind the mapping's own. Duplicates are reported and left out.
func (d *decoder) entries(n *yaml.Node, at place) keys {
	found := keys{file: d.file, list: make([]entry, 0, len(n.Content)/2)}
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
		if first := found.get(key.Value); first != nil {
			twice := d.fail(at.at(key.Value, source.Span{}).path, spanOf(d.file, key), problemf("remove one of the two", "duplicate key %q", key.Value))
			twice.Secondary = []diag.Label{{Span: spanOf(d.file, first.key), Text: "first given here"}}
			continue
		}
		found.add(entry{key.Value, key, value})
	}
	for _, m := range merges {
		d.merge(&found, m, at, 0)
	}
	return found
}

// merge adds the keys of a merge value that are not there yet.
func (d *decoder) merge(found *keys, value *yaml.Node, at place, depth int) {
	n := d.resolveAlias(value)
	if depth > 16 || d.exhausted {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			d.merge(found, item, at, depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, v := d.resolveAlias(n.Content[i]), n.Content[i+1]
			if key.Kind != yaml.ScalarNode {
				continue
			}
			if isMerge(key) {
				d.merge(found, v, at, depth+1)
				continue
			}
			if found.get(key.Value) == nil {
				found.add(entry{key.Value, key, v})
			}
		}
	default:
		d.fail(at.path, spanOf(d.file, value), problemf("merge a mapping: `<<: *name`", "cannot merge %s", describe(n)))
	}
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
		found := d.fail(at.path, d.spanOr(n, at), problemf(help, "expected a list of %s, found %s", what, describe(s)))
		if help != "" {
			found.Fix = listOf(found.Primary.Span, s.Value)
		}
		return nil, false
	}
	return s.Content, true
}

// listOf puts the brackets of a list around a word.
func listOf(span source.Span, value string) *diag.Fix {
	if strings.ContainsAny(value, ",[]{}:#") {
		return nil
	}
	fix := edit.Replace(span, value, "["+value+"]")
	if fix != nil {
		open, end := span, span
		open.End, end.Start = open.Start, end.End
		fix.Edits = []diag.Edit{{Span: open, New: "["}, {Span: end, New: "]"}}
	}
	return fix
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
