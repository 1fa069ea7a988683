package generator

import (
	"bytes"
	"regexp"
	"strconv"
	"text/template"
	syntax "text/template/parse"
)

// mark stands in the result of a traced template before what a node of it writes, with the place of the node in the template.
var mark = regexp.MustCompile("\x00([ta])([0-9]+)\x00")

// trace finds where in a template the byte of its result at an offset comes from: the very byte when it is text of the template, the beginning
// of the action when an action wrote it. It renders once more, so it is for errors only. ok is false when nothing can be said.
func trace(t *template.Template, data any, offset int) (place int, ok bool) {
	marked, err := instrument(t)
	if err != nil {
		return 0, false
	}
	var out bytes.Buffer
	if err := marked.Execute(&out, data); err != nil {
		return 0, false
	}
	text := out.Bytes()
	plain := 0 // the offset in the result of what follows the marks so far
	marks := mark.FindAllSubmatchIndex(text, -1)
	for i, m := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		length := end - m[1]
		if offset < plain+length || i == len(marks)-1 {
			at, err := strconv.Atoi(string(text[m[4]:m[5]]))
			if err != nil {
				return 0, false
			}
			if text[m[2]] == 't' {
				at += min(max(offset-plain, 0), length)
			}
			return at, true
		}
		plain += length
	}
	return 0, false
}

// instrument is a copy of a template that writes a mark before each text and each result of an action.
func instrument(t *template.Template) (*template.Template, error) {
	marked, err := t.Clone()
	if err != nil {
		return nil, err
	}
	for _, part := range t.Templates() {
		if part.Tree == nil {
			continue
		}
		tree := part.Copy()
		tag(tree.Root)
		if _, err := marked.AddParseTree(part.Name(), tree); err != nil {
			return nil, err
		}
	}
	return marked, nil
}

// tag puts marks into a list of nodes and those below it.
func tag(list *syntax.ListNode) {
	if list == nil {
		return
	}
	nodes := make([]syntax.Node, 0, 2*len(list.Nodes))
	for _, node := range list.Nodes {
		kind := "a"
		switch n := node.(type) {
		case *syntax.TextNode:
			kind = "t"
		case *syntax.IfNode:
			kind = ""
			tag(n.List)
			tag(n.ElseList)
		case *syntax.RangeNode:
			kind = ""
			tag(n.List)
			tag(n.ElseList)
		case *syntax.WithNode:
			kind = ""
			tag(n.List)
			tag(n.ElseList)
		}
		if kind != "" {
			text := "\x00" + kind + strconv.Itoa(int(node.Position())) + "\x00"
			nodes = append(nodes, &syntax.TextNode{NodeType: syntax.NodeText, Pos: node.Position(), Text: []byte(text)})
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}
