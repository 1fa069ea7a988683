package openapi

import (
	"fmt"
	"regexp"
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
		return constrain(m, f)
	case f.Repeated:
		m := ordered.New().Set("type", "array").Set("items", c.single(f.Proto, f, f.Type.Elem, s))
		return constrain(m, f)
	}
	return c.value(f, s)
}

// value is the schema of a field that holds one value, with its constraints.
func (c *schemas) value(f *view.Field, s *view.Service) *ordered.Map {
	return constrain(c.single(f.Proto, f, &f.Type, s), f)
}

// rule is a protovalidate rule as a field option has it: (buf.validate.field).string.min_len = 1.
var rule = regexp.MustCompile(`^\(buf\.validate\.field\)\.\w+\.(\w+) = (.+)$`)

// keywords are what JSON Schema calls the rules, and the words for it where a keyword cannot hold: a 64-bit integer and bytes are text.
var keywords = map[string]struct{ key, words string }{
	"gte": {"minimum", "at least %s"}, "lte": {"maximum", "at most %s"},
	"min_len": {"minLength", "%s bytes or more"}, "max_len": {"maxLength", "%s bytes or fewer"},
	"pattern":   {"pattern", ""},
	"min_items": {"minItems", ""}, "max_items": {"maxItems", ""},
	"min_pairs": {"minProperties", ""}, "max_pairs": {"maxProperties", ""},
}

// constrain adds the rules that the service checks.
func constrain(m *ordered.Map, f *view.Field) *ordered.Map {
	format, _ := m.Get("format").(string)
	text := m.Get("type") == "string" && (format == "int64" || format == "uint64" || format == "byte")
	var words []string
	for _, o := range f.Options {
		parts := rule.FindStringSubmatch(o)
		if parts == nil {
			continue
		}
		k, ok := keywords[parts[1]]
		switch {
		case !ok:
		case text:
			words = append(words, fmt.Sprintf(k.words, parts[2]))
		case parts[1] == "pattern":
			if pattern, err := strconv.Unquote(parts[2]); err == nil {
				m.Set("pattern", pattern)
			}
		default:
			if n, err := strconv.ParseFloat(parts[2], 64); err == nil {
				m.Set(k.key, n)
			}
		}
	}
	if len(words) > 0 {
		text := strings.Join(words, ", ")
		m.Set("description", strings.TrimSpace(f.Doc+" "+strings.ToUpper(text[:1])+text[1:]+"."))
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
	if m, owner := c.sys.Lookup(proto, s); m != nil {
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
