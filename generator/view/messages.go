package view

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// Field numbers of a new message: what msgen adds takes 1 to 9, the spec's fields follow from 10, so that a new standard field never moves
// theirs. Those of a message that was generated before are kept: numbers.go.
const firstOwn = 10

// resources makes the named types, aggregates and views of a service.
func (b *builder) resources(s *Service) {
	for _, t := range s.Spec.Types {
		m := &Message{Service: s, Name: t.Name.V, Doc: fmt.Sprintf("%s is a part of what %s keeps.", t.Name.V, s.Name)}
		b.addFields(m, s, t.Fields)
		s.Types = append(s.Types, m)
	}
	for _, a := range s.Spec.Aggregates {
		agg := &Aggregate{Spec: a, KeyIsID: a.Key.V == "id" && specField(a.Fields, "id") == nil}
		b.aggs[a] = agg
		m := &Message{Service: s, Name: a.Name.V, Doc: fmt.Sprintf("%s is an aggregate of %s.", a.Name.V, s.Name)}
		agg.Resource = b.resource(s, a.Name.V, m)
		if agg.KeyIsID {
			agg.Key = b.added(m, "id", 1, uuidType(), "The id, a UUID that the service makes.")
			agg.Key.Output = true
			agg.Key.Options = append([]string{identifier}, optionalUUID...)
		} else {
			agg.Key = b.specField(m, s, specField(a.Fields, a.Key.V), 1)
			agg.Key.Options = append(agg.Key.Options, identifier)
			m.Fields = append(m.Fields, agg.Key)
		}
		agg.Key.Columns = columns(agg.Key)
		if len(a.States) > 0 {
			texts := make([]string, len(a.States))
			for i, st := range a.States {
				texts[i] = st.V
			}
			agg.State = newEnum(m, "State", texts, fmt.Sprintf("The states of %s.", a.Name.V))
			agg.Initial = agg.State.Values[1]
			f := b.added(m, "state", 2, schema.Type{Kind: schema.KindEnum, Enum: texts}, "The state, changed by the service only.")
			f.Output, f.Filter = true, true
			f.Options = append(f.Options, outputOnly)
			f.Columns = columns(f)
		}
		for i, std := range []struct{ name, doc string }{
			{"etag", "The version; give it back with a change to be sure that nobody else changed it (AIP-154)."},
			{"create_time", "When it was made."},
			{"update_time", "When it was last changed."},
		} {
			t := schema.Type{Kind: schema.KindTimestamp}
			if std.name == "etag" {
				t = schema.Type{Kind: schema.KindScalar, Name: "string"}
			}
			f := b.added(m, std.name, 3+i, t, std.doc)
			f.Output = true
			if std.name != "etag" {
				f.Options = append(f.Options, outputOnly)
			}
		}
		b.resourceFields(&agg.Resource, s, a.Fields)
		s.Aggregates = append(s.Aggregates, agg)
	}
	for _, v := range s.Spec.Views {
		view := &View{Spec: v}
		b.views[v] = view
		m := &Message{Service: s, Name: v.Name.V, Doc: fmt.Sprintf("%s is a read model of %s, kept by events.", v.Name.V, s.Name)}
		view.Resource = b.resource(s, v.Name.V, m)
		view.Key = b.added(m, v.Key.V, 1, v.KeyType, "The key.")
		view.Key.Options = []string{identifier}
		if v.KeyType.Kind == schema.KindUUID {
			view.Key.Options = append(view.Key.Options, optionalUUID...)
		}
		view.Key.Columns = columns(view.Key)
		f := b.added(m, "update_time", 5, schema.Type{Kind: schema.KindTimestamp}, "When an event last changed it.")
		f.Output = true
		f.Options = append(f.Options, outputOnly)
		b.resourceFields(&view.Resource, s, v.Fields)
		s.Views = append(s.Views, view)
	}
}

func (b *builder) resource(s *Service, name string, m *Message) Resource {
	snake := schema.Snake(name)
	table := schema.Plural(snake)
	if platformTables[table] || sqlReserved[table] {
		table = s.Snake + "_" + table
	}
	return Resource{Service: s, Name: name, Plural: schema.Plural(name), Var: Var(name), Vars: Var(schema.Plural(name)), Snake: snake, Table: table, Message: m}
}

// platformTables are the tables that the platform makes in every database.
var platformTables = map[string]bool{
	"dead_letters": true, "eventstore": true, "eventstore_snapshots": true, "idempotency": true, "inbox": true, "outbox": true, "saga": true, "saga_participant": true, "saga_request": true,
	"saga_step_log": true, "stuck_log": true,
}

func (b *builder) resourceFields(r *Resource, s *Service, fields []*schema.Field) {
	number := firstOwn
	for _, f := range fields {
		if f.Name.V == r.Key.Name {
			continue
		}
		field := b.specField(r.Message, s, f, number)
		number++
		if s.Spec.PII.V {
			field.Options = append(field.Options, "debug_redact = true")
		}
		field.Columns = columns(field)
		field.Filter = filterable(f.Type)
		r.Message.Fields = append(r.Message.Fields, field)
		r.Fields = append(r.Fields, field)
	}
}

// filterable reports that a list can be narrowed by equality on a field of the type.
func filterable(t schema.Type) bool {
	switch t.Kind {
	case schema.KindUUID, schema.KindEnum:
		return true
	case schema.KindScalar:
		return t.Name == "string" || t.Name == "bool"
	}
	return false
}

const (
	required   = "(google.api.field_behavior) = REQUIRED"
	outputOnly = "(google.api.field_behavior) = OUTPUT_ONLY"
	identifier = "(google.api.field_behavior) = IDENTIFIER"
)

// optionalUUID are the rules of a field that is a UUID or empty.
var optionalUUID = []string{"(buf.validate.field).string.uuid = true", "(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE"}

func uuidType() schema.Type   { return schema.Type{Kind: schema.KindUUID} }
func stringType() schema.Type { return schema.Type{Kind: schema.KindScalar, Name: "string"} }

// added adds a field that the spec does not name.
func (b *builder) added(m *Message, name string, number int, t schema.Type, doc string) *Field {
	f := &Field{Name: name, Go: GoName(name), JSON: JSONName(name), Number: number, Type: t, Doc: doc}
	b.bind(f, m, m.Service)
	m.Fields = append(m.Fields, f)
	return f
}

// addFields adds the spec's fields with their constraints, numbered from 1.
func (b *builder) addFields(m *Message, s *Service, fields []*schema.Field) {
	for i, f := range fields {
		m.Fields = append(m.Fields, b.specField(m, s, f, 1+i))
	}
}

// specField is a field of the spec as a field of m; s is the service whose types it may name.
func (b *builder) specField(m *Message, s *Service, f *schema.Field, number int) *Field {
	field := &Field{Name: f.Name.V, Go: GoName(f.Name.V), JSON: JSONName(f.Name.V), Number: number, Type: f.Type, Spec: f}
	b.bind(field, m, s)
	field.Options = constraints(f)
	return field
}

// bind settles a field's types in proto and Go.
func (b *builder) bind(f *Field, m *Message, s *Service) {
	t := f.Type
	switch t.Kind {
	case schema.KindList:
		f.Repeated = true
		f.Proto, f.GoType = b.types(f, m, s, *t.Elem)
		f.GoType = "[]" + f.GoType
	case schema.KindMap:
		f.Map = true
		key, goKey := b.types(f, m, s, *t.Key)
		value, goValue := b.types(f, m, s, *t.Elem)
		f.Proto, f.GoType = "map<"+key+", "+value+">", "map["+goKey+"]"+goValue
	default:
		f.Proto, f.GoType = b.types(f, m, s, t)
	}
}

// qualify writes the named types of the service in full where an enum of the message has the same name and would hide them.
func (m *Message) qualify(s *Service) {
	for _, f := range m.Fields {
		t := f.Type
		if t.Elem != nil {
			t = *t.Elem
		}
		for _, e := range m.Enums {
			if t.Kind == schema.KindNamed && t.Name == e.Name && t.Named != nil && t.Named.Service == s.Spec {
				f.Proto = strings.TrimSuffix(f.Proto, ">")
				f.Proto = strings.TrimSuffix(f.Proto, t.Name) + s.ProtoPackage + "." + t.Name
				if f.Map {
					f.Proto += ">"
				}
			}
		}
	}
}

// types are the proto and Go types of a single value.
func (b *builder) types(f *Field, m *Message, s *Service, t schema.Type) (protoType, goType string) {
	switch t.Kind {
	case schema.KindUUID, schema.KindDecimal:
		return "string", "string"
	case schema.KindMoney:
		return "google.type.Money", "*money.Money"
	case schema.KindTimestamp:
		return "google.protobuf.Timestamp", "*timestamppb.Timestamp"
	case schema.KindDuration:
		return "google.protobuf.Duration", "*durationpb.Duration"
	case schema.KindEnum:
		e := newEnum(m, Pascal(f.Name), t.Enum, "")
		f.Enum = e
		return e.Name, b.packageOf(m) + "." + m.Name + "_" + e.Name
	case schema.KindNamed:
		owner := s
		if t.Named != nil && t.Named.Service != nil {
			owner = b.services[t.Named.Service]
		}
		if m.Service == owner {
			return t.Name, "*" + owner.Package + "." + t.Name
		}
		return owner.ProtoPackage + "." + t.Name, "*" + owner.Package + "." + t.Name
	}
	switch t.Name {
	case "double":
		return t.Name, "float64"
	case "float":
		return t.Name, "float32"
	case "bytes":
		return t.Name, "[]byte"
	}
	return t.Name, t.Name
}

func (b *builder) packageOf(m *Message) string {
	if m.Service == nil {
		return b.sys.EventsPackage
	}
	return m.Service.Package
}

// newEnum adds a nested enum to a message.
func newEnum(m *Message, name string, texts []string, doc string) *Enum {
	for _, e := range m.Enums {
		if e.Name == name {
			return e
		}
	}
	e := &Enum{Message: m, Name: name, Doc: doc}
	prefix := strings.ToUpper(schema.Snake(name)) + "_"
	for i, text := range append([]string{""}, texts...) {
		v := EnumValue{Name: prefix + strings.ToUpper(text), Number: i, Text: text}
		if i == 0 {
			v.Name = prefix + "UNSPECIFIED"
		}
		v.Go = m.Name + "_" + v.Name
		e.Values = append(e.Values, v)
	}
	m.Enums = append(m.Enums, e)
	return e
}

func specField(fields []*schema.Field, name string) *schema.Field {
	for _, f := range fields {
		if f.Name.V == name {
			return f
		}
	}
	return nil
}

// constraints are the field's options in a request: protovalidate rules from its type and from the spec.
func constraints(f *schema.Field) []string {
	var opts []string
	rule := func(format string, args ...any) {
		opts = append(opts, "(buf.validate.field)."+fmt.Sprintf(format, args...))
	}
	if f.Required.V {
		opts = append(opts, required)
		rule("required = true")
	}
	switch f.Type.Kind {
	case schema.KindUUID:
		rule("string.uuid = true")
		if !f.Required.V {
			rule("ignore = IGNORE_IF_ZERO_VALUE")
		}
	case schema.KindDecimal:
		rule("%s", decimalRule)
		if !f.Required.V {
			rule("ignore = IGNORE_IF_ZERO_VALUE")
		}
	case schema.KindEnum:
		rule("enum.defined_only = true")
	case schema.KindScalar:
		number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
		if f.Min != nil {
			rule("%s.gte = %s", f.Type.Name, number(f.Min.V))
		}
		if f.Max != nil {
			rule("%s.lte = %s", f.Type.Name, number(f.Max.V))
		}
		if f.MinLength != nil {
			rule("%s.min_len = %d", f.Type.Name, f.MinLength.V)
		}
		if f.MaxLength != nil {
			rule("%s.max_len = %d", f.Type.Name, f.MaxLength.V)
		}
		if f.Pattern != nil {
			rule("%s.pattern = %s", f.Type.Name, strconv.Quote(f.Pattern.V))
		}
	case schema.KindList:
		if f.MinLength != nil {
			rule("repeated.min_items = %d", f.MinLength.V)
		}
		if f.MaxLength != nil {
			rule("repeated.max_items = %d", f.MaxLength.V)
		}
		if r := elementRule(f.Type.Elem); r != "" {
			rule("repeated.items.%s", r)
		}
	case schema.KindMap:
		if f.MinLength != nil {
			rule("map.min_pairs = %d", f.MinLength.V)
		}
		if f.MaxLength != nil {
			rule("map.max_pairs = %d", f.MaxLength.V)
		}
		if r := elementRule(f.Type.Elem); r != "" {
			rule("map.values.%s", r)
		}
	}
	return opts
}

// decimalRule is the form of a decimal: what a numeric column holds exactly.
const decimalRule = `string.pattern = "^-?[0-9]{1,30}(\\.[0-9]{1,18})?$"`

// elementRule is the rule that a type brings with it for each item of a list or value of a map; "" for none. Floating-point items must be
// finite, since JSON, as which lists and maps are stored, has no other.
func elementRule(t *schema.Type) string {
	switch {
	case t.Kind == schema.KindUUID:
		return "string.uuid = true"
	case t.Kind == schema.KindDecimal:
		return decimalRule
	case t.Kind == schema.KindEnum:
		return "enum.defined_only = true"
	case t.Kind == schema.KindScalar && (t.Name == "double" || t.Name == "float"):
		return t.Name + ".finite = true"
	}
	return ""
}

// columns are a field's database columns. What can be unset is nullable; the rest has the proto zero value as its default.
func columns(f *Field) []Column {
	one := func(sql string) []Column { return []Column{{Name: f.Name, SQL: sql}} }
	t := f.Type
	switch t.Kind {
	case schema.KindUUID:
		return one("uuid")
	case schema.KindMoney:
		return []Column{
			{Name: f.Name + "_currency", SQL: "text NOT NULL DEFAULT ''"},
			{Name: f.Name + "_units", SQL: "bigint NOT NULL DEFAULT 0"},
			{Name: f.Name + "_nanos", SQL: "integer NOT NULL DEFAULT 0"},
		}
	case schema.KindTimestamp:
		return one("timestamptz")
	case schema.KindDuration:
		return one("bigint") // nanoseconds
	case schema.KindDecimal:
		return one("numeric")
	case schema.KindEnum:
		quoted := make([]string, 0, len(t.Enum)+1)
		if !f.Output {
			quoted = append(quoted, "''")
		}
		for _, v := range t.Enum {
			quoted = append(quoted, "'"+v+"'")
		}
		c := one("text NOT NULL DEFAULT ''")
		if f.Output { // the state: always set
			c = one("text NOT NULL")
		}
		c[0].Check = sqlName(f.Name) + " IN (" + strings.Join(quoted, ", ") + ")"
		return c
	case schema.KindNamed:
		return one("jsonb")
	case schema.KindList:
		return one("jsonb NOT NULL DEFAULT '[]'")
	case schema.KindMap:
		return one("jsonb NOT NULL DEFAULT '{}'")
	}
	switch t.Name {
	case "bool":
		return one("boolean NOT NULL DEFAULT false")
	case "int32", "sint32", "sfixed32":
		return one("integer NOT NULL DEFAULT 0")
	case "uint64", "fixed64":
		return one("numeric(20, 0) NOT NULL DEFAULT 0")
	case "int64", "uint32", "sint64", "sfixed64", "fixed32":
		return one("bigint NOT NULL DEFAULT 0")
	case "float":
		return one("real NOT NULL DEFAULT 0")
	case "double":
		return one("double precision NOT NULL DEFAULT 0")
	case "bytes":
		return one("bytea NOT NULL DEFAULT ''")
	}
	return one("text NOT NULL DEFAULT ''")
}
