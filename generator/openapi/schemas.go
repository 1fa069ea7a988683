package openapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/generator/ordered"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// scalar is the JSON shape of a proto scalar: 64-bit integers are strings (https://protobuf.dev/programming-guides/json).
type scalar struct{ typ, format, pattern string }

var scalars = map[string]*scalar{
	"string": {typ: "string"},
	"bool":   {typ: "boolean"},
	"bytes":  {typ: "string", format: "byte"},
	"double": {typ: "number", format: "double"},
	"float":  {typ: "number", format: "float"},
	"int32":  {typ: "integer", format: "int32"}, "sint32": {typ: "integer", format: "int32"}, "sfixed32": {typ: "integer", format: "int32"},
	"uint32": {typ: "integer", format: "uint32"}, "fixed32": {typ: "integer", format: "uint32"},
	"int64": {"string", "int64", signed}, "sint64": {"string", "int64", signed}, "sfixed64": {"string", "int64", signed},
	"uint64": {"string", "uint64", unsigned}, "fixed64": {"string", "uint64", unsigned},
}

const signed, unsigned = "^-?[0-9]{1,19}$", "^[0-9]{1,20}$"

// schemas collects the messages that operations use.
type schemas struct {
	sys  *view.System
	defs *ordered.Map
}

// message finds a message by its proto name as written in a file of s, and the service whose file declares it.
func (c *schemas) message(name string, s *view.Service) (*view.Message, *view.Service) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		for _, other := range c.sys.Services {
			if other.ProtoPackage == name[:i] {
				return c.message(name[i+1:], other)
			}
		}
		return nil, nil
	}
	for _, m := range s.Messages {
		if m.Name == name {
			return m, s
		}
	}
	return nil, nil
}

// ref is a reference to a message's schema, which it defines. keep says which fields the schema has; nil is all.
func (c *schemas) ref(m *view.Message, s *view.Service, keep func(*view.Field) bool) *ordered.Map {
	name := s.Name + "." + m.Name
	if c.defs.Get(name) == nil {
		c.defs.Set(name, ordered.New()) // a message may hold itself
		c.defs.Set(name, c.object(m, s, keep))
	}
	return ordered.New().Set("$ref", "#/components/schemas/"+name)
}

func (c *schemas) object(m *view.Message, s *view.Service, keep func(*view.Field) bool) *ordered.Map {
	obj := ordered.New().Set("type", "object")
	if m.Doc != "" {
		obj.Set("description", m.Doc)
	}
	var must []string
	props := ordered.New()
	for _, f := range m.Fields {
		if keep != nil && !keep(f) {
			continue
		}
		if required(f) {
			must = append(must, f.JSON)
		}
		props.Set(f.JSON, c.documented(f, s))
	}
	if len(must) > 0 {
		obj.Set("required", must)
	}
	return obj.Set("properties", props).Set("additionalProperties", false)
}

// documented is a field's schema with its comment, and whether only the service sets it.
func (c *schemas) documented(f *view.Field, s *view.Service) *ordered.Map {
	schema := c.field(f, s)
	if f.Doc != "" && schema.Get("description") == nil {
		schema.Set("description", f.Doc)
	}
	if has(f, "OUTPUT_ONLY") {
		schema.Set("readOnly", true)
	}
	return schema
}

// field is a field's schema: a list, a map or a value.
func (c *schemas) field(f *view.Field, s *view.Service) *ordered.Map {
	switch {
	case f.Map:
		value := strings.TrimSuffix(f.Proto[strings.IndexByte(f.Proto, ',')+1:], ">")
		m := ordered.New().Set("type", "object").Set("additionalProperties", c.single(strings.TrimSpace(value), f, f.Type.Elem, s))
		return lengths(m, f, "minProperties", "maxProperties")
	case f.Repeated:
		m := ordered.New().Set("type", "array").Set("items", c.single(f.Proto, f, f.Type.Elem, s))
		return lengths(m, f, "minItems", "maxItems")
	}
	return c.value(f, s)
}

// value is the schema of a field that holds one value, with its constraints.
func (c *schemas) value(f *view.Field, s *view.Service) *ordered.Map {
	m := c.single(f.Proto, f, &f.Type, s)
	if f.Spec == nil || f.Type.Kind != schema.KindScalar {
		return m
	}
	switch m.Get("type") {
	case "integer", "number":
		if f.Spec.Min != nil {
			m.Set("minimum", f.Spec.Min.V)
		}
		if f.Spec.Max != nil {
			m.Set("maximum", f.Spec.Max.V)
		}
	case "string":
		if m.Get("format") != nil {
			return bounds(m, f) // a number or bytes as text: JSON Schema cannot compare it
		}
		lengths(m, f, "minLength", "maxLength")
		if f.Spec.Pattern != nil {
			m.Set("pattern", f.Spec.Pattern.V)
		}
	}
	return m
}

// bounds says in words what the schema cannot.
func bounds(m *ordered.Map, f *view.Field) *ordered.Map {
	var parts []string
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	if f.Spec.Min != nil {
		parts = append(parts, "at least "+number(f.Spec.Min.V))
	}
	if f.Spec.Max != nil {
		parts = append(parts, "at most "+number(f.Spec.Max.V))
	}
	if f.Spec.MinLength != nil {
		parts = append(parts, fmt.Sprintf("%d bytes or more", f.Spec.MinLength.V))
	}
	if f.Spec.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("%d bytes or fewer", f.Spec.MaxLength.V))
	}
	if len(parts) > 0 {
		text := strings.Join(parts, ", ")
		m.Set("description", strings.ToUpper(text[:1])+text[1:]+".")
	}
	return m
}

func lengths(m *ordered.Map, f *view.Field, minKey, maxKey string) *ordered.Map {
	if f.Spec != nil && f.Spec.MinLength != nil {
		m.Set(minKey, f.Spec.MinLength.V)
	}
	if f.Spec != nil && f.Spec.MaxLength != nil {
		m.Set(maxKey, f.Spec.MaxLength.V)
	}
	return m
}

// single is the schema of one value of a proto type; t is its type in the spec, nil for a field that msgen adds.
func (c *schemas) single(proto string, f *view.Field, t *schema.Type, s *view.Service) *ordered.Map {
	if f.Enum != nil && (t == nil || t.Kind == schema.KindEnum) {
		names := make([]string, len(f.Enum.Values))
		for i, v := range f.Enum.Values {
			names[i] = v.Name
		}
		return ordered.New().Set("type", "string").Set("enum", names)
	}
	switch proto {
	case "google.protobuf.Timestamp":
		return ordered.New().Set("type", "string").Set("format", "date-time")
	case "google.protobuf.Duration":
		return ordered.New().Set("type", "string").Set("pattern", `^-?[0-9]+(\.[0-9]{1,9})?s$`).Set("description", "Seconds, such as 1.5s.")
	case "google.protobuf.FieldMask":
		return ordered.New().Set("type", "string").Set("description", "Field names in lowerCamelCase, separated by commas.")
	case "google.protobuf.Empty":
		return ordered.New().Set("type", "object")
	case "google.type.Money":
		return c.money()
	}
	if sc := scalars[proto]; sc != nil {
		return plain(sc, t)
	}
	if m, owner := c.message(proto, s); m != nil {
		return c.ref(m, owner, nil)
	}
	return freeForm("As the message " + proto + ".")
}

func plain(sc *scalar, t *schema.Type) *ordered.Map {
	m := ordered.New().Set("type", sc.typ)
	if sc.format != "" {
		m.Set("format", sc.format)
	}
	if sc.pattern != "" {
		m.Set("pattern", sc.pattern)
	}
	if sc.format == "byte" {
		m.Set("contentEncoding", "base64")
	}
	if sc.format == "uint32" {
		m.Set("minimum", 0)
	}
	if t != nil {
		switch t.Kind {
		case schema.KindUUID:
			m.Set("format", "uuid")
		case schema.KindDecimal:
			m.Set("format", "decimal").Set("pattern", `^-?[0-9]{1,30}(\.[0-9]{1,18})?$`)
		}
	}
	return m
}

// money is google.type.Money.
func (c *schemas) money() *ordered.Map {
	const name = "google.type.Money"
	if c.defs.Get(name) == nil {
		c.defs.Set(name, ordered.New().Set("type", "object").
			Set("description", "An amount in a currency: units and, in the same direction, billionths of a unit.").
			Set("properties", ordered.New().
				Set("currencyCode", ordered.New().Set("type", "string").Set("description", "ISO 4217, such as EUR.")).
				Set("units", ordered.New().Set("type", "string").Set("format", "int64").Set("pattern", signed)).
				Set("nanos", ordered.New().Set("type", "integer").Set("format", "int32").Set("minimum", -999999999).Set("maximum", 999999999))).
			Set("additionalProperties", false))
	}
	return ordered.New().Set("$ref", "#/components/schemas/"+name)
}

// required reports that a request must have the field.
func required(f *view.Field) bool { return has(f, "required = true") }

func has(f *view.Field, text string) bool {
	for _, o := range f.Options {
		if strings.Contains(o, text) {
			return true
		}
	}
	return false
}
