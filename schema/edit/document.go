package edit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// ErrExists says that a key that was to be added is there already.
var ErrExists = errors.New("is there already")

// Document is a YAML file to which entries are added. Every byte of it stays as it is and where it is, comments, order, anchors and line ends
// included; what is added takes on the style of what it stands beside. Each addition is read back: one that would change what something else
// in the file means is an error, and not made.
type Document struct {
	file *source.File
	root *yaml.Node
	style
}

// Parse reads a file of one document, which must be a mapping. Name is the one that errors show.
func Parse(name string, content []byte) (*Document, error) {
	d := &Document{file: source.NewFile(name, content)}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if dec.Decode(&second) == nil {
		return nil, fmt.Errorf("%s: it has several documents", name)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: it is no mapping", name)
	}
	d.root = doc.Content[0]
	d.style = styleOf(d.root)
	return d, nil
}

// Content is the file as it is now.
func (d *Document) Content() []byte { return d.file.Content }

// styleOf is how a file indents: as its first mapping and its first list in a block mapping do.
func styleOf(root *yaml.Node) style {
	s := style{step: 2, list: -1}
	found := false
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Style&yaml.FlowStyle != 0 {
			return
		}
		for i := 1; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			key, value := n.Content[i-1], n.Content[i]
			if value.Style&yaml.FlowStyle == 0 && value.Line > key.Line {
				by := value.Column - key.Column
				if value.Kind == yaml.MappingNode && !found && by > 0 {
					s.step, found = by, true
				}
				if value.Kind == yaml.SequenceNode && s.list < 0 && by >= 0 {
					s.list = by
				}
			}
			walk(value)
		}
		for _, item := range n.Content {
			if n.Kind == yaml.SequenceNode {
				walk(item)
			}
		}
	}
	walk(root)
	if s.list < 0 {
		s.list = s.step
	}
	return s
}

// Add puts an entry into the mapping at path, and makes the mappings on the way that are missing. It comes behind the last of the keys `after`
// that is there, and behind all others when none is; each key on the way has the keys before it in its own order, by the name of that key's
// parent in orders. An entry that has no value yet is given one; any other that is there is ErrExists.
func (d *Document) Add(path []string, e Entry, order Order) error {
	m, at := d.root, place{limit: d.end()}
	for i, name := range path {
		child := find(m, name)
		if child < 0 || empty(m.Content[child+1]) {
			// What is missing is added as one entry.
			for j := len(path) - 1; j >= i; j-- {
				e = Entry{Key: path[j], Value: Map{e}, Block: true}
			}
			return d.put(m, at, path[:i], e, order)
		}
		value := m.Content[child+1]
		if err := d.shared(value); err != nil {
			return fmt.Errorf("%s: %w", d.span(value), err)
		}
		if value.Kind != yaml.MappingNode {
			return fmt.Errorf("%s: %s is no mapping", d.span(value), strings.Join(path[:i+1], "."))
		}
		at = at.inside(m, child)
		m = value
	}
	return d.put(m, at, path, e, order)
}

// Order says in which order the keys of a mapping stand, by the mapping's path; nil for a mapping whose new keys come last.
type Order func(path []string) []string

// put adds an entry to a mapping of the document, or gives a value to one that has none.
func (d *Document) put(m *yaml.Node, at place, path []string, e Entry, order Order) error {
	i := find(m, e.Key)
	var edits []diag.Edit
	switch {
	case i < 0 && m.Style&yaml.FlowStyle != 0:
		edits = d.intoFlow(m, flow(Map{e}))
	case i < 0:
		edits = d.intoBlock(m, at, e, order.before(path, e.Key))
	case !empty(m.Content[i+1]):
		return fmt.Errorf("%s: %s %w", d.span(m.Content[i]), strings.Join(append(slices.Clone(path), e.Key), "."), ErrExists)
	default:
		edits = d.fill(m, i, e)
	}
	return d.apply(edits, append(slices.Clone(path), e.Key), func(old, now *yaml.Node) bool {
		n := find(now, e.Key)
		if n < 0 || !means(now.Content[n+1], e.Value) {
			return false
		}
		if i >= 0 {
			now.Content[n+1] = old.Content[i+1]
		} else {
			now.Content = slices.Delete(now.Content, n, n+2)
		}
		return true
	})
}

// before are the keys that stand before a key.
func (o Order) before(path []string, key string) []string {
	if o == nil {
		return nil
	}
	all := o(path)
	return all[:max(slices.Index(all, key), 0)]
}

// Append adds texts to the list at path; those that it has already are left out. A list that is not there is made, by Add.
func (d *Document) Append(path []string, order Order, items ...string) error {
	m, at := d.root, place{limit: d.end()}
	for i, name := range path {
		child := find(m, name)
		if child < 0 || empty(m.Content[child+1]) && i == len(path)-1 {
			var list List
			for _, item := range items {
				list = append(list, item)
			}
			return d.Add(path[:len(path)-1], Entry{Key: path[len(path)-1], Value: list}, order)
		}
		value := m.Content[child+1]
		if err := d.shared(value); err != nil {
			return fmt.Errorf("%s: %w", d.span(value), err)
		}
		at = at.inside(m, child)
		m = value
		if last := i == len(path)-1; last && m.Kind != yaml.SequenceNode || !last && m.Kind != yaml.MappingNode {
			return fmt.Errorf("%s: %s is no %s", d.span(value), strings.Join(path[:i+1], "."), map[bool]string{true: "list", false: "mapping"}[last])
		}
	}
	for _, item := range items {
		if !slices.ContainsFunc(m.Content, func(n *yaml.Node) bool { return n.Value == item }) {
			if err := d.appendOne(path, item); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendOne adds one item to a list that is there.
func (d *Document) appendOne(path []string, item string) error {
	m, at := d.root, place{limit: d.end()}
	for _, name := range path {
		i := find(m, name)
		at = at.inside(m, i)
		m = m.Content[i+1]
	}
	var edits []diag.Edit
	if m.Style&yaml.FlowStyle != 0 {
		edits = d.intoFlow(m, "["+scalar(item, true)+"]")
	} else {
		line := d.after(lastLine(d.file, m, at.limit), m.Column, at)
		edits = []diag.Edit{d.lines(line, strings.Repeat(" ", m.Column-1)+"- "+scalar(item, false))}
	}
	return d.apply(edits, path, func(old, now *yaml.Node) bool {
		list := now.Content[find(now, path[len(path)-1])+1]
		n := len(list.Content) - 1
		if n < 0 || !means(list.Content[n], item) {
			return false
		}
		list.Content = list.Content[:n]
		return true
	})
}

// apply makes edits when what comes of them reads as the document did, but for what was added: undo takes that out of the mapping that holds
// the last key of path, and reports false when it is not there.
func (d *Document) apply(edits []diag.Edit, path []string, undo func(old, now *yaml.Node) bool) error {
	where := strings.Join(path, ".")
	content, err := Apply(d.file, edits)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", d.file.Name, where, err)
	}
	refused := fmt.Errorf("%s: %s cannot be added without changing what is there; add it by hand", d.file.Name, where)
	next, err := Parse(d.file.Name, content)
	if err != nil {
		return refused
	}
	check, err := Parse(d.file.Name, content)
	if err != nil {
		return refused
	}
	old, now := d.root, check.root
	for _, name := range path[:len(path)-1] {
		i, j := find(old, name), find(now, name)
		if i < 0 || j < 0 {
			return refused
		}
		old, now = old.Content[i+1], now.Content[j+1]
	}
	if !undo(old, now) || !same(d.root, check.root) {
		return refused
	}
	next.style = d.style
	*d = *next
	return nil
}

// shared says why a part cannot be added to: it stands for several places.
func (d *Document) shared(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("it is an alias of &%s, so that an addition would show in several places; write it out first", n.Value)
	}
	if n.Anchor != "" && aliased(d.root, n) {
		return fmt.Errorf("its anchor &%s is used elsewhere, so that an addition would show in several places; write that out first", n.Anchor)
	}
	return nil
}

func aliased(n, target *yaml.Node) bool {
	return n.Kind == yaml.AliasNode && n.Alias == target || slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return aliased(c, target) })
}

func (d *Document) span(n *yaml.Node) source.Span {
	at := source.Pos{Line: max(n.Line, 1), Col: max(n.Column, 1)}
	return source.Span{File: d.file, Start: at, End: at}
}

// find is the index of a key's node in a mapping; -1 when it has no such key.
func find(m *yaml.Node, key string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Kind == yaml.ScalarNode && m.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// empty reports that a key has no value: nothing, null, or empty braces or brackets.
func empty(n *yaml.Node) bool {
	if n.Anchor != "" {
		return false
	}
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" || (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && len(n.Content) == 0
}
