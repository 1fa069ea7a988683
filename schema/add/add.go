// Package add adds services, events, methods, calls and sagas to a spec. It says what is written and where; package edit writes it so that
// everything else stays as it is. What is added is not checked here: the rules say what they think of the spec that comes of it.
package add

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Addition is one thing that is added to a spec.
type Addition interface {
	// AddTo adds it to the text of a spec that has been decoded without errors. After an error the text is of no use.
	AddTo(spec *schema.Spec, doc *edit.Document) error
}

// order is the language's own order of the keys of the parts that additions extend.
func order(path []string) []string {
	switch {
	case len(path) == 0:
		return []string{"apiVersion", "system", "module", "description", "stack", "services", "events", "sagas", "resilience", "gateway", "security", "observability", "deployment"}
	case len(path) == 2 && path[0] == "services":
		return []string{"responsibility", "owner", "pii", "database", "proto", "aggregates", "types", "api", "receives", "views", "calls", "slo", "scaling", "renamedFrom"}
	case len(path) == 4 && path[2] == "api":
		return []string{"http", "internal", "public", "scopes", "rateLimit", "creates", "reads", "lists", "updates", "deletes", "from", "to", "sends", "starts", "cache", "request", "response", "renamedFrom"}
	}
	return nil
}

// with adds entries that have a value to a mapping: what is "" or false, and what is empty, is left out.
func with(m edit.Map, entries ...edit.Entry) edit.Map {
	for _, e := range entries {
		switch v := e.Value.(type) {
		case string:
			if v == "" {
				continue
			}
		case bool:
			if !v {
				continue
			}
		case edit.List:
			if len(v) == 0 {
				continue
			}
		case edit.Map:
			if len(v) == 0 {
				continue
			}
		}
		m = append(m, e)
	}
	return m
}

func list(items []string) edit.List {
	var l edit.List
	for _, item := range items {
		l = append(l, item)
	}
	return l
}

// Field is a field as the spec writes it: its type, or an object with its type and constraints.
type Field struct {
	Name  string
	Value any // a string or an edit.Map
}

// ParseField reads `name: type`, also as `name:type` and `name: {type: string, maxLength: 64}`. The error says what is wrong with the name or the type.
func ParseField(text string) (Field, error) {
	name, value, ok := strings.Cut(text, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok || value == "" {
		return Field{}, fmt.Errorf("%q is no field (write name: type, such as customer_id: uuid)", text)
	}
	if err := schema.FormField.Check(name); err != nil {
		return Field{}, err
	}
	if !strings.HasPrefix(value, "{") {
		value = unquote(value)
		return Field{name, value}, schema.FormType.Check(value)
	}
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(value), &n); err != nil || len(n.Content) != 1 {
		return Field{}, fmt.Errorf("%q is no object (write {type: string, maxLength: 64})", value)
	}
	object, err := valueOf(n.Content[0])
	m, isMap := object.(edit.Map)
	if err != nil || !isMap {
		return Field{}, fmt.Errorf("%q is no object (write {type: string, maxLength: 64})", value)
	}
	for _, e := range m {
		if e.Key == "type" {
			return Field{name, m}, schema.FormType.Check(fmt.Sprint(e.Value))
		}
	}
	return Field{}, fmt.Errorf("%q has no type (write {type: string, maxLength: 64})", value)
}

func unquote(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// valueOf is a node as a value to be added.
func valueOf(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		var m edit.Map
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := valueOf(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m = append(m, edit.Entry{Key: n.Content[i].Value, Value: v})
		}
		return m, nil
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!str":
			return n.Value, nil
		case "!!bool":
			return strings.EqualFold(n.Value, "true"), nil
		case "!!int":
			var i int
			err := n.Decode(&i)
			return i, err
		}
	}
	return nil, errors.New("a value of another kind")
}

// parseFields reads the fields of a part.
func parseFields(lines []string) ([]Field, error) {
	var all []Field
	for _, line := range lines {
		f, err := ParseField(line)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func fieldMap(fields []Field) edit.Map {
	var m edit.Map
	for _, f := range fields {
		m = append(m, edit.Entry{Key: f.Name, Value: f.Value})
	}
	return m
}

// typeOf is a field's type as the spec writes it.
func (f Field) typeOf() string {
	if m, ok := f.Value.(edit.Map); ok {
		for _, e := range m {
			if e.Key == "type" {
				return fmt.Sprint(e.Value)
			}
		}
	}
	return fmt.Sprint(f.Value)
}

// EventFields are the fields of some events of the spec as lines for ParseField, each name once. Types that only the event's sender knows are left out.
func EventFields(spec *schema.Spec, names []string) []string {
	seen := map[string]bool{}
	var lines []string
	for _, name := range names {
		e := EventNamed(spec, name)
		if e == nil {
			continue
		}
		for _, f := range e.Fields {
			if !seen[f.Name.V] && f.Type.Named == nil && (f.Type.Elem == nil || f.Type.Elem.Named == nil) {
				seen[f.Name.V] = true
				lines = append(lines, f.Name.V+": "+f.Type.String())
			}
		}
	}
	return lines
}

// EventNamed is the spec's event of a name; nil when it has none.
func EventNamed(spec *schema.Spec, name string) *schema.Event {
	i := slices.IndexFunc(spec.Events, func(e *schema.Event) bool { return e.Name.V == name })
	if i < 0 {
		return nil
	}
	return spec.Events[i]
}

// ServiceNamed is the spec's service of a name; nil when it has none.
func ServiceNamed(spec *schema.Spec, name string) *schema.Service {
	i := slices.IndexFunc(spec.Services, func(s *schema.Service) bool { return s.Name.V == name })
	if i < 0 {
		return nil
	}
	return spec.Services[i]
}

// MethodNamed is the spec's method of a name of the form service.Method; nil when it has none.
func MethodNamed(spec *schema.Spec, ref string) *schema.Method {
	service, method, _ := strings.Cut(ref, ".")
	s := ServiceNamed(spec, service)
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.API, func(m *schema.Method) bool { return m.Name.V == method })
	if i < 0 {
		return nil
	}
	return s.API[i]
}
