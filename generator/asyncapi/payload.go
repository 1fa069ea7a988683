package asyncapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/view"
)

// payload is a message as a .proto text of its own: the message first, then those that it holds, by their short names. Options are left
// out: they change nothing on the wire. AsyncAPI 3.0 wants protobuf inlined as text, and tools take the one message that no other holds
// for the payload.
func payload(sys *view.System, pkg string, m *view.Message, s *view.Service) string {
	p := &protoText{sys: sys, imports: map[string]bool{}, seen: map[*view.Message]bool{m: true}}
	p.message(m, s)
	for len(p.queue) > 0 {
		next := p.queue[0]
		p.queue = p.queue[1:]
		p.WriteByte('\n')
		p.message(next.message, next.service)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "syntax = \"proto3\";\n\npackage %s;\n\n", pkg)
	files := make([]string, 0, len(p.imports))
	for f := range p.imports {
		files = append(files, f)
	}
	slices.Sort(files)
	for _, f := range files {
		fmt.Fprintf(&b, "import %q;\n", f)
	}
	if len(files) > 0 {
		b.WriteByte('\n')
	}
	return b.String() + p.String()
}

type declared struct {
	message *view.Message
	service *view.Service
}

type protoText struct {
	strings.Builder
	sys     *view.System
	imports map[string]bool
	seen    map[*view.Message]bool
	queue   []declared
}

func (p *protoText) message(m *view.Message, s *view.Service) {
	fmt.Fprintf(p, "message %s {\n", m.Name)
	enums := map[*view.Enum]bool{}
	for _, f := range m.Fields {
		if f.Enum == nil || enums[f.Enum] {
			continue
		}
		enums[f.Enum] = true
		fmt.Fprintf(p, "  enum %s {\n", f.Enum.Name)
		for _, v := range f.Enum.ByNumber() {
			fmt.Fprintf(p, "    %s = %d;\n", v.Name, v.Number)
		}
		p.WriteString("  }\n")
	}
	for _, f := range m.ByNumber() {
		label := ""
		switch {
		case f.Repeated:
			label = "repeated "
		case f.Optional:
			label = "optional "
		}
		fmt.Fprintf(p, "  %s%s %s = %d;\n", label, p.fieldType(f, s), f.Name, f.Number)
	}
	p.WriteString("}\n")
}

// fieldType is a field's type by its short name.
func (p *protoText) fieldType(f *view.Field, s *view.Service) string {
	if !f.Map {
		return p.single(f, f.Proto, s)
	}
	key, value, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(f.Proto, "map<"), ">"), ", ")
	return "map<" + key + ", " + p.single(f, value, s) + ">"
}

func (p *protoText) single(f *view.Field, name string, s *view.Service) string {
	if f.Enum != nil {
		return f.Enum.Name
	}
	if file := wellKnown[name]; file != "" {
		p.imports[file] = true
		return name
	}
	m, owner := p.sys.Lookup(name, s)
	if m == nil {
		return name
	}
	if !p.seen[m] {
		p.seen[m] = true
		p.queue = append(p.queue, declared{m, owner})
	}
	return m.Name
}

// wellKnown are the messages of others that fields use, and the files that declare them.
var wellKnown = map[string]string{
	"google.protobuf.Duration":  "google/protobuf/duration.proto",
	"google.protobuf.FieldMask": "google/protobuf/field_mask.proto",
	"google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
	"google.type.Money":         "google/type/money.proto",
}
