package compat

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

// place is where something of a contract stands in the spec, or in the user's .proto file.
type place struct {
	path  string // services.orders.aggregates.Order.fields.note
	span  source.Span
	typ   source.Span // of a field of the spec: where its type stands
	owner string      // the path of what holds it
}

// places are the places of all that follows from a spec.
type places struct {
	messages map[string]place // by full name
	fields   map[string]place // by full name
	values   map[string]place // by the enum's full name and the value's name
	owners   map[string]source.Span
}

// placesOf finds for every message, field and value of the generated contracts what it comes from.
func placesOf(sys *view.System) places {
	b := &placer{
		sys: sys, spec: map[*schema.Field]place{},
		places: places{messages: map[string]place{}, fields: map[string]place{}, values: map[string]place{}, owners: map[string]source.Span{}},
	}
	for _, s := range sys.Services {
		b.service(s)
	}
	for _, e := range sys.Events {
		b.owner("events."+e.Name, e.Spec.Name.Span)
		b.specFields("events."+e.Name, ".fields.", e.Spec.Fields)
	}
	for _, s := range sys.Services {
		at := "services." + s.Name
		for _, a := range s.Aggregates {
			b.message(a.Message, at+".aggregates."+a.Name, nil)
			b.states(a, at+".aggregates."+a.Name)
		}
		for _, v := range s.Views {
			b.message(v.Message, at+".views."+v.Name, nil)
		}
		for _, t := range s.Types {
			b.message(t, at+".types."+t.Name, nil)
		}
		for _, m := range s.Methods {
			if m.Request == nil { // contract-first
				continue
			}
			b.message(m.Request, at+".api."+m.Name, m.Resource)
			if m.Response.Name == m.Name+"Response" {
				b.message(m.Response, at+".api."+m.Name, nil)
			}
		}
	}
	for _, e := range sys.Events {
		b.message(e.Message, "events."+e.Name, nil)
	}
	return b.places
}

type placer struct {
	places
	sys  *view.System
	spec map[*schema.Field]place
}

func (b *placer) owner(path string, span source.Span) { b.owners[path] = span }

func (b *placer) service(s *view.Service) {
	at := "services." + s.Name
	for _, a := range s.Spec.Aggregates {
		b.owner(at+".aggregates."+a.Name.V, a.Name.Span)
		b.specFields(at+".aggregates."+a.Name.V, ".fields.", a.Fields)
	}
	for _, v := range s.Spec.Views {
		b.owner(at+".views."+v.Name.V, v.Name.Span)
		b.specFields(at+".views."+v.Name.V, ".fields.", v.Fields)
	}
	for _, t := range s.Spec.Types {
		b.owner(at+".types."+t.Name.V, t.Name.Span)
		b.specFields(at+".types."+t.Name.V, ".", t.Fields)
	}
	for _, m := range s.Spec.API {
		path := at + ".api." + m.Name.V
		b.owner(path, m.Name.Span)
		b.specFields(path, ".request.", m.Request)
		b.specFields(path, ".response.", m.Response)
	}
}

func (b *placer) specFields(owner, between string, fields []*schema.Field) {
	for _, f := range fields {
		path := owner + between + f.Name.V
		b.spec[f] = place{path: path, span: f.Name.Span, typ: f.Span, owner: owner}
		b.owner(path, f.Span) // an enum's values stand in its type
	}
}

// message places a message's fields. Those that msgen adds stand at what the message is made for; those that narrow a list are the
// resource's.
func (b *placer) message(m *view.Message, path string, lists *view.Resource) {
	full := b.sys.FullName(m)
	b.messages[full] = place{path: path, span: b.owners[path]}
	for _, f := range m.Fields {
		p := place{path: path + "." + f.Name, span: b.owners[path], owner: path}
		spec := f.Spec
		if spec == nil && f.Filter && lists != nil {
			of := b.sys.FullName(lists.Message) + "." + f.Name
			if resource, ok := b.fields[of]; ok {
				p = resource
			}
		}
		if spec != nil {
			p = b.spec[spec]
		}
		b.fields[full+"."+f.Name] = p
		if f.Enum == nil || spec == nil || f.Enum.Message != m {
			continue
		}
		for _, v := range f.Enum.Values {
			b.values[full+"."+f.Enum.Name+"."+v.Name] = place{path: p.path + "." + v.Text, span: spec.Span, owner: p.path}
		}
	}
}

// states places the values of an aggregate's state.
func (b *placer) states(a *view.Aggregate, path string) {
	if a.State == nil {
		return
	}
	b.owner(path+".states", a.Spec.States[0].Span)
	for _, st := range a.Spec.States {
		i := slices.IndexFunc(a.State.Values, func(v view.EnumValue) bool { return v.Text == st.V })
		name := b.sys.FullName(a.Message) + "." + a.State.Name + "." + a.State.Values[i].Name
		b.values[name] = place{path: path + ".states." + st.V, span: st.Span, owner: path + ".states"}
	}
}

// field is where a field stands.
func (s *Side) field(f protoreflect.FieldDescriptor) place {
	if p, ok := s.places.fields[string(f.FullName())]; ok {
		return p
	}
	return s.written(f)
}

// value is where a value of an enum stands.
func (s *Side) value(v protoreflect.EnumValueDescriptor) place {
	if p, ok := s.places.values[string(v.Parent().FullName())+"."+string(v.Name())]; ok {
		return p
	}
	return s.written(v)
}

// holder is where that stands which held something that is gone: the same part of the spec, or else what now stands for in.
func (s *Side) holder(gone place, in protoreflect.Descriptor) source.Span {
	if span, ok := s.places.owners[gone.owner]; ok {
		return span
	}
	if p, ok := s.places.messages[string(in.FullName())]; ok {
		return p.span
	}
	if p := s.written(in); !p.span.IsZero() {
		return p.span
	}
	return s.Spec.System.Span
}

// method is where a method stands. m is nil-safe in its Spec only: a contract may declare methods that the spec does not list.
func (s *Side) method(m *view.Method, d protoreflect.MethodDescriptor) source.Span {
	if m.Spec != nil {
		return m.Spec.Name.Span
	}
	return s.written(d).span
}

// written is where something stands in a .proto file of the user's; without a span for what is in no such file.
func (s *Side) written(d protoreflect.Descriptor) place {
	fd := d.ParentFile()
	p := place{path: "proto." + string(d.FullName())}
	file := s.sources[fd.Path()]
	if file == nil {
		return p
	}
	for _, svc := range s.System.Services {
		if svc.ProtoFile == fd.Path() {
			p.path = "services." + svc.Name + ".proto." + short(d)
		}
	}
	// A declaration's name has the field number 1 in every kind of descriptor.
	loc := fd.SourceLocations().ByPath(append(slices.Clone(fd.SourceLocations().ByDescriptor(d).Path), 1))
	if loc.Path == nil {
		loc = fd.SourceLocations().ByDescriptor(d)
	}
	start := source.Pos{Line: loc.StartLine + 1, Col: runeColumn(file, loc.StartLine+1, loc.StartColumn)}
	p.span = source.Span{File: file, Start: start, End: source.Pos{Line: start.Line, Col: start.Col + len([]rune(string(d.Name())))}}
	return p
}

// runeColumn is a compiler's column, for which a tab reaches to the next multiple of eight, as the 1-based rune of the line.
func runeColumn(file *source.File, line, column int) int {
	at := 0
	for i, r := range file.Runes(line) {
		if at >= column {
			return i + 1
		}
		if r == '\t' {
			at += 8 - at%8
		} else {
			at++
		}
	}
	return len(file.Runes(line)) + 1
}
