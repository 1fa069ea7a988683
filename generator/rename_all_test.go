package generator_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/number"
)

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// renamer gives everything in a spec that can have another name another one.
type renamer struct {
	names map[string]string // of services, methods, events and aggregates
}

// called is the other name.
func called(name string) string {
	base, id := strings.CutSuffix(name, "_id")
	switch {
	case id:
		return base + "_x_id" // as what is made from the name of an aggregate
	case name[0] >= 'A' && name[0] <= 'Z':
		return name + "X"
	case strings.Contains(name, "_"):
		return name + "_x"
	}
	return name + "x"
}

func value(m *yaml.Node, key string) *yaml.Node {
	for i := 0; m != nil && i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func scalar(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// part renames what stands in a mapping by name.
func (r renamer) part(m *yaml.Node, each func(*yaml.Node)) {
	for i := 0; m != nil && i < len(m.Content); i += 2 {
		key, body := m.Content[i], m.Content[i+1]
		// A type keeps its name, also where another service has an aggregate of that name; an event store keeps its aggregate's.
		if key.Value == "Status" || value(body, "eventSourced") != nil {
			each(body)
			continue
		}
		body.Content = append(body.Content, scalar("renamedFrom"), scalar(key.Value))
		r.names[key.Value] = called(key.Value)
		key.Value = called(key.Value)
		each(body)
	}
}

func (r renamer) fields(m *yaml.Node) {
	for i := 0; m != nil && i < len(m.Content); i += 2 {
		key, body := m.Content[i], m.Content[i+1]
		if key.Value == "reason" { // a saga fills a field of this name
			continue
		}
		if body.Kind == yaml.ScalarNode {
			quoted := *body
			quoted.Style = yaml.DoubleQuotedStyle
			body = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("type"), &quoted}}
			m.Content[i+1] = body
		}
		body.Content = append(body.Content, scalar("renamedFrom"), scalar(key.Value))
		key.Value = called(key.Value)
	}
}

// references renames what refers to what has been renamed.
func (r renamer) references(n *yaml.Node, under string) {
	if under == "renamedFrom" {
		return
	}
	for i, c := range n.Content {
		key := under
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			key = n.Content[i-1].Value
		}
		r.references(c, key)
	}
	if n.Kind != yaml.ScalarNode {
		return
	}
	service, method, _ := strings.Cut(n.Value, ".")
	switch {
	case r.names[service] != "" && r.names[method] != "":
		n.Value = r.names[service] + "." + r.names[method]
	case r.names[n.Value] != "":
		n.Value = r.names[n.Value]
	case under == "key":
		n.Value = called(n.Value)
	case under == "http":
		n.Value = parameter.ReplaceAllStringFunc(n.Value, func(p string) string {
			if p == "{id}" {
				return p
			}
			return "{" + called(p[1:len(p)-1]) + "}"
		})
	}
}

func renameAll(t *testing.T, text string) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	r, spec := renamer{map[string]string{}}, doc.Content[0]
	services := value(spec, "services")
	for i := 1; i < len(services.Content); i += 2 {
		s := services.Content[i]
		if types := value(s, "types"); types != nil {
			for j := 1; j < len(types.Content); j += 2 {
				r.fields(types.Content[j])
			}
		}
		if views := value(s, "views"); views != nil {
			for j := 1; j < len(views.Content); j += 2 {
				r.fields(value(views.Content[j], "fields"))
			}
		}
		r.part(value(s, "aggregates"), func(a *yaml.Node) { r.fields(value(a, "fields")) })
		r.part(value(s, "api"), func(m *yaml.Node) {
			r.fields(value(m, "request"))
			r.fields(value(m, "response"))
		})
	}
	r.part(services, func(*yaml.Node) {})
	r.part(value(spec, "events"), func(e *yaml.Node) { r.fields(value(e, "fields")) })
	r.references(spec, "")
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out).Encode(&doc); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Everything in a system gets another name at once: each file of the user's goes where it belongs, every number stays, and the next run has nothing to do.
func TestEverythingRenamed(t *testing.T) {
	for _, name := range []string{"minimal", "shop", "kitchen-sink", "choreography"} {
		t.Run(name, func(t *testing.T) {
			root, text := generated(t, name)
			var mine []string
			for _, e := range readLock(t, root).Files {
				if e.Class == string(generator.Yours) && strings.HasPrefix(e.Path, "services/") && strings.HasSuffix(e.Path, ".go") {
					put(t, root, e.Path, snapshotOf(t, root, e.Path)+"// mine in "+e.Path+"\n")
					mine = append(mine, "// mine in "+e.Path+"\n")
				}
			}
			before := readLock(t, root).Numbers
			text = renameAll(t, text)
			plan := renamed(t, root, text)
			if orphans := plan.Of(generator.Orphan); len(orphans) > 0 {
				t.Errorf("left behind: %v", orphans)
			}
			for _, c := range plan.Changes {
				if c.Class == generator.Yours && c.Action == generator.Create && !strings.Contains(c.Path, "/migrations/00002_") {
					t.Errorf("%s is made anew", c.Path)
				}
			}
			if len(plan.Advice()) == 0 {
				t.Error("there is nothing to see to")
			}
			apply(t, root, plan)
			got, all := snapshot(t, root), ""
			for path, content := range got {
				if strings.HasPrefix(path, "services/") && !strings.Contains(path, "/internal/") {
					all += content
				}
			}
			for _, line := range mine {
				if !strings.Contains(all, line) {
					t.Errorf("lost: %s", line)
				}
			}
			after := readLock(t, root).Numbers
			if len(after) != len(before) || used(after) != used(before) {
				t.Errorf("%d messages with %d numbers were %d with %d", len(after), used(after), len(before), used(before))
			}
			if plan := renamed(t, root, text); plan.Pending() {
				t.Errorf("a second run has something to do")
			}
		})
	}
}

// used is how many numbers are in use.
func used(table number.Table) int {
	n := 0
	for _, e := range table {
		n += len(e.Used) - len(e.Removed)
	}
	return n
}

func snapshotOf(t *testing.T, root, path string) string {
	t.Helper()
	return snapshot(t, root)[path]
}
