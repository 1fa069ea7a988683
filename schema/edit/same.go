package edit

import (
	"strconv"

	"gopkg.in/yaml.v3"
)

// same reports that two trees mean the same and are written alike but for comments and places.
func same(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Value != b.Value || a.Anchor != b.Anchor || a.ShortTag() != b.ShortTag() || len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// means reports that a node holds a value.
func means(n *yaml.Node, value any) bool {
	scalar := func(tag, text string) bool {
		return n.Kind == yaml.ScalarNode && n.ShortTag() == tag && n.Value == text
	}
	switch v := value.(type) {
	case nil:
		return scalar("!!null", "")
	case string:
		return scalar("!!str", v)
	case bool:
		return scalar("!!bool", strconv.FormatBool(v))
	case int:
		return scalar("!!int", strconv.Itoa(v))
	case List:
		if n.Kind != yaml.SequenceNode || len(n.Content) != len(v) {
			return false
		}
		for i, item := range v {
			if !means(n.Content[i], item) {
				return false
			}
		}
		return true
	case Map:
		if n.Kind != yaml.MappingNode || len(n.Content) != 2*len(v) {
			return false
		}
		for i, e := range v {
			if n.Content[2*i].Value != e.Key || !means(n.Content[2*i+1], e.Value) {
				return false
			}
		}
		return true
	}
	return false
}
