package view

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// contractFirst takes a service's methods from the .proto file that the spec names. They are all the user's own.
func (b *builder) contractFirst(s *Service) {
	file := s.Spec.Proto.V
	fail := func(format string, args ...any) {
		b.findings = append(b.findings, diag.Diagnostic{
			Severity: diag.Error, Message: fmt.Sprintf(format, args...), Path: "services." + s.Name + ".proto",
			Primary: diag.Label{Span: s.Spec.Proto.Span},
		})
	}
	content, ok := b.opts.Protos[file]
	if !ok {
		fail("there is no file %s beside the spec", file)
		return
	}
	files, findings, err := compile.Files(context.Background(), map[string][]byte{file: content}, []string{file})
	if b.findings = append(b.findings, findings...); len(findings) > 0 {
		return
	}
	if err != nil {
		fail("%s does not compile: %v", file, err)
		return
	}
	fd := files[0]
	if fd.Services().Len() != 1 {
		fail("%s has %d proto services: a contract holds the one of its service", file, fd.Services().Len())
		return
	}
	if fd.Package() == "" {
		fail("%s has no package: its messages would have no name of their own", file)
		return
	}
	sd := fd.Services().Get(0)
	if why := b.packageTaken(s, string(fd.Package())); why != "" {
		fail("%s: %s", file, why)
		return
	}
	s.ProtoPackage, s.GRPCName = string(fd.Package()), string(sd.Name())
	dir := strings.ReplaceAll(s.ProtoPackage, ".", "/")
	s.ProtoFile, s.Import = dir+"/"+path.Base(file), b.sys.Module+"/api/"+dir
	known := map[string]bool{}
	for i := range sd.Methods().Len() {
		md := sd.Methods().Get(i)
		name := string(md.Name())
		known[name] = true
		m := &Method{
			Service: s, Name: name, Snake: schema.Snake(name), Var: Var(name), Kind: Own, Internal: true,
			Doc:             fmt.Sprintf("%s is written by hand.", name),
			CommandType:     b.sys.TypePrefix + "." + s.Snake + ".v1." + name,
			ClientStreaming: md.IsStreamingClient(), ServerStreaming: md.IsStreamingServer(),
		}
		for _, side := range []struct {
			to *string
			d  protoreflect.MessageDescriptor
		}{{&m.RequestGo, md.Input()}, {&m.ResponseGo, md.Output()}} {
			goType, ok := b.goMessage(s, fd, side.d)
			if !ok {
				fail("%s: %s uses the message %s, which msgen cannot import", file, name, side.d.FullName())
			}
			*side.to = goType
		}
		b.bindContract(m, md, fail)
		s.Methods = append(s.Methods, m)
	}
	for _, spec := range s.Spec.API {
		if !known[spec.Name.V] {
			fail("%s has no method %s, which the spec lists in services.%s.api", file, spec.Name.V, s.Name)
		}
	}
}

// packageTaken says why a contract cannot have a protobuf package; "" when it can.
func (b *builder) packageTaken(s *Service, name string) string {
	first, _, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return "it has no package: declare one, such as " + s.ProtoPackage
	case first == "google" || first == "buf":
		return fmt.Sprintf("the package %s belongs to %s", name, first)
	case name == b.sys.Snake+".events.v1":
		return fmt.Sprintf("the package %s is that of the events", name)
	}
	for _, other := range b.sys.Services {
		if other != s && other.ProtoPackage == name {
			return fmt.Sprintf("the package %s is that of the service %s", name, other.Name)
		}
	}
	return ""
}

// bindContract gives a contract-first method what the spec says of it, and its REST binding from either.
func (b *builder) bindContract(m *Method, md protoreflect.MethodDescriptor, fail func(string, ...any)) {
	verb, p, body := "", "", ""
	rule := httpRule(md)
	if rule != nil {
		verb, p = binding(rule)
		body = rule.GetBody()
		if verb == "" || len(rule.GetAdditionalBindings()) > 0 || rule.GetResponseBody() != "" || body != "" && body != "*" {
			fail("%s: its google.api.http option has more than one method and path and the body \"*\", which msgen does not know yet", m.Name)
			return
		}
	}
	for _, spec := range m.Service.Spec.API {
		if spec.Name.V != m.Name {
			continue
		}
		b.methods[spec] = m
		m.Spec, m.Internal, m.Public = spec, spec.Internal.V, spec.Public.V
		for _, scope := range spec.Scopes {
			m.Scopes = append(m.Scopes, scope.V)
		}
		if spec.HTTP != nil {
			verb, p, rule = spec.HTTP.Verb, spec.HTTP.Path, nil
		}
	}
	if verb == "" {
		return
	}
	if m.Streaming() {
		fail("%s streams: it cannot have a REST route", m.Name)
		return
	}
	if strings.ContainsAny(p, "*=:") {
		fail("%s: the path %s uses a pattern that the gateway does not know; write /v1/things/{field}", m.Name, p)
		return
	}
	m.Internal = false
	var params []string
	for _, seg := range strings.Split(p, "/") {
		if strings.HasPrefix(seg, "{") {
			params = append(params, strings.Trim(seg, "{}"))
		}
	}
	for _, param := range params {
		if !pathField(md.Input(), param) {
			fail("%s: {%s} in the path %s is no field of %s with a single plain value", m.Name, param, p, md.Input().Name())
			return
		}
	}
	m.Route = route(m, verb, p, params)
	if rule != nil {
		m.Route.Body = body
	}
}

// pathField reports that a message has a field, by its dotted path, that a segment of a URL can fill.
func pathField(d protoreflect.MessageDescriptor, path string) bool {
	name, rest, nested := strings.Cut(path, ".")
	f := d.Fields().ByName(protoreflect.Name(name))
	if f == nil || f.IsList() || f.IsMap() {
		return false
	}
	if nested {
		return f.Message() != nil && pathField(f.Message(), rest)
	}
	return f.Message() == nil
}

// httpRule is a method's google.api.http option; nil without one. The compiler keeps options as dynamic messages, so they are decoded anew.
func httpRule(md protoreflect.MethodDescriptor) *annotations.HttpRule {
	text, err := proto.Marshal(md.Options())
	if err != nil {
		return nil
	}
	var options descriptorpb.MethodOptions
	if err := proto.Unmarshal(text, &options); err != nil {
		return nil
	}
	rule, _ := proto.GetExtension(&options, annotations.E_Http).(*annotations.HttpRule)
	return rule
}

// binding is a rule's verb and path.
func binding(rule *annotations.HttpRule) (verb, p string) {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, pattern.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, pattern.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, pattern.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, pattern.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, pattern.Patch
	}
	return "", ""
}

// goMessage is the Go type of a message that a contract uses.
func (b *builder) goMessage(s *Service, fd protoreflect.FileDescriptor, d protoreflect.MessageDescriptor) (string, bool) {
	if d.ParentFile().Path() == fd.Path() {
		nested := strings.TrimPrefix(string(d.FullName()), string(fd.Package())+".")
		return s.Package + "." + GoName(nested), true
	}
	known := map[string]string{
		"google.protobuf.Empty": "emptypb.Empty", "google.protobuf.Timestamp": "timestamppb.Timestamp", "google.protobuf.Duration": "durationpb.Duration",
		"google.protobuf.FieldMask": "fieldmaskpb.FieldMask", "google.type.Money": "money.Money",
	}
	goType, ok := known[string(d.FullName())]
	return goType, ok
}
