// Package proto writes a system's contracts: the .proto files and the Go stubs that the official plugins would make of them.
package proto

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/generator/view"
)

// Render returns the .proto files of a system by their path below api/, laid out as buf expects. A contract-first file is not among them: it
// is the user's, and Sources adds it. Fields and values stand in the order of their numbers, so that the order of the spec changes nothing.
func Render(sys *view.System) map[string][]byte {
	files := map[string][]byte{}
	for _, s := range sys.Services {
		if s.Spec.Proto.V == "" {
			files[s.ProtoFile] = serviceFile(s)
		}
	}
	if len(sys.Events) > 0 {
		files[sys.EventsProto] = eventsFile(sys)
	}
	return files
}

// writer collects a file's body and the imports that it needs.
type writer struct {
	strings.Builder
	imports map[string]bool
}

// linef writes one line with n levels of indent.
func (w *writer) linef(n int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", n))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

func (w *writer) doc(n int, text string) {
	if text != "" {
		w.linef(n, "// %s", text)
	}
}

// known maps what a type or an option begins with to the file that declares it.
var known = []struct{ prefix, file string }{
	{"google.protobuf.Timestamp", "google/protobuf/timestamp.proto"},
	{"google.protobuf.Duration", "google/protobuf/duration.proto"},
	{"google.protobuf.FieldMask", "google/protobuf/field_mask.proto"},
	{"google.protobuf.Empty", "google/protobuf/empty.proto"},
	{"google.type.Money", "google/type/money.proto"},
	{"(buf.validate.", "buf/validate/validate.proto"},
	{"(google.api.field_behavior)", "google/api/field_behavior.proto"},
	{"(google.api.http)", "google/api/annotations.proto"},
}

func (w *writer) use(text string) {
	for _, k := range known {
		if strings.Contains(text, k.prefix) {
			w.imports[k.file] = true
		}
	}
}

func serviceFile(s *view.Service) []byte {
	w := &writer{imports: map[string]bool{}}
	if len(s.Methods) > 0 || len(s.Messages) == 0 {
		w.doc(0, fmt.Sprintf("%s: %s", s.GRPCName, strings.TrimSpace(s.Spec.Responsibility.V)))
		w.linef(0, "service %s {", s.GRPCName)
		for i, m := range s.Methods {
			if i > 0 {
				w.WriteByte('\n')
			}
			method(w, m)
		}
		w.linef(0, "}")
	}
	for _, m := range s.Messages {
		if w.Len() > 0 {
			w.WriteByte('\n')
		}
		message(w, m)
	}
	return file(w, s.ProtoPackage, s.Import+";"+s.Package)
}

func eventsFile(sys *view.System) []byte {
	w := &writer{imports: map[string]bool{}}
	for i, e := range sys.Events {
		if i > 0 {
			w.WriteByte('\n')
		}
		message(w, e.Message)
		for _, f := range e.Message.Fields {
			for _, s := range sys.Services {
				if strings.Contains(f.Proto, s.ProtoPackage+".") {
					w.imports[s.ProtoFile] = true
				}
			}
		}
	}
	return file(w, sys.Snake+".events.v1", sys.EventsImport+";"+sys.EventsPackage)
}

func file(w *writer, pkg, goPackage string) []byte {
	var b strings.Builder
	b.WriteString(header + "\nsyntax = \"proto3\";\n\n")
	fmt.Fprintf(&b, "package %s;\n\n", pkg)
	imports := make([]string, 0, len(w.imports))
	for i := range w.imports {
		imports = append(imports, i)
	}
	sort.Strings(imports)
	for _, i := range imports {
		fmt.Fprintf(&b, "import %q;\n", i)
	}
	if len(imports) > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "option go_package = %q;\n\n", goPackage)
	b.WriteString(w.String())
	return []byte(b.String())
}

func method(w *writer, m *view.Method) {
	response := m.Response.Name
	w.use(response)
	w.doc(1, m.Doc)
	if m.Route == nil {
		w.linef(1, "rpc %s(%s) returns (%s);", m.Name, m.Request.Name, response)
		return
	}
	w.use("(google.api.http)")
	w.linef(1, "rpc %s(%s) returns (%s) {", m.Name, m.Request.Name, response)
	w.linef(2, "option (google.api.http) = {")
	w.linef(3, "%s: %q", strings.ToLower(m.Route.Verb), m.Route.Proto)
	if m.Route.Body != "" {
		w.linef(3, "body: %q", m.Route.Body)
	}
	w.linef(2, "};")
	w.linef(1, "}")
}

func message(w *writer, m *view.Message) {
	w.doc(0, m.Doc)
	if len(m.Fields) == 0 && len(m.Enums) == 0 && len(m.Reserved.Numbers) == 0 {
		w.linef(0, "message %s {}", m.Name)
		return
	}
	w.linef(0, "message %s {", m.Name)
	for _, e := range m.Enums {
		w.doc(1, e.Doc)
		w.linef(1, "enum %s {", e.Name)
		reserved(w, 2, e.Reserved)
		for _, v := range e.ByNumber() {
			w.linef(2, "%s = %d;", v.Name, v.Number)
		}
		w.linef(1, "}")
		w.WriteByte('\n')
	}
	reserved(w, 1, m.Reserved)
	for _, f := range m.ByNumber() {
		field(w, f)
	}
	w.linef(0, "}")
}

// reserved writes what nothing may use again, so that nobody who still has the old contract misreads the new one.
func reserved(w *writer, indent int, r view.Reserved) {
	if len(r.Numbers) == 0 {
		return
	}
	numbers := make([]string, len(r.Numbers))
	for i, n := range r.Numbers {
		numbers[i] = strconv.Itoa(n)
	}
	w.linef(indent, "reserved %s;", strings.Join(numbers, ", "))
	if len(r.Names) == 0 {
		return
	}
	names := make([]string, len(r.Names))
	for i, n := range r.Names {
		names[i] = strconv.Quote(n)
	}
	w.linef(indent, "reserved %s;", strings.Join(names, ", "))
}

func field(w *writer, f *view.Field) {
	label := ""
	switch {
	case f.Repeated:
		label = "repeated "
	case f.Optional:
		label = "optional "
	}
	w.use(f.Proto)
	for _, o := range f.Options {
		w.use(o)
	}
	w.doc(1, f.Doc)
	head := fmt.Sprintf("%s%s %s = %d", label, f.Proto, f.Name, f.Number)
	switch len(f.Options) {
	case 0:
		w.linef(1, "%s;", head)
	case 1:
		w.linef(1, "%s [%s];", head, f.Options[0])
	default:
		w.linef(1, "%s [", head)
		for i, o := range f.Options {
			comma := ","
			if i == len(f.Options)-1 {
				comma = ""
			}
			w.linef(2, "%s%s", o, comma)
		}
		w.linef(1, "];")
	}
}
