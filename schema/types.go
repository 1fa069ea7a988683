package schema

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

// scalarTypes are the proto scalars that the language has.
var scalarTypes = []string{"double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes"}

// wellKnown are the types beyond the scalars.
var wellKnown = map[string]Kind{
	"uuid": KindUUID, "money": KindMoney, "timestamp": KindTimestamp, "duration": KindDuration, "decimal": KindDecimal,
}

// foreignTypes are names of other languages for types of this one.
var foreignTypes = map[string]string{
	"int": "int32", "integer": "int32", "long": "int64", "uint": "uint32", "float32": "float", "float64": "double", "number": "double",
	"boolean": "bool", "text": "string", "varchar": "string", "date": "timestamp", "time": "timestamp", "datetime": "timestamp", "blob": "bytes",
}

// typePattern is the form of a type for the JSON Schema; ParseType is stricter.
const typePattern = `^(\[\] ?)?([a-z][a-z0-9]*|[A-Z][A-Za-z0-9]*|enum\([a-z0-9_, ]+\)|map<[a-z0-9]+, ?([A-Za-z0-9]+|enum\([a-z0-9_, ]+\))>)$`

var enumForm = regexp.MustCompile(`^enum\(([^()]*)\)$`)

// ParseType reads a type: a proto scalar, uuid, money, timestamp, duration, decimal, enum(a, b), []T, map<K,V> or the name of a type.
// Named types are not resolved.
func ParseType(s string) (Type, error) {
	text := strings.TrimSpace(s)
	if elem, ok := strings.CutPrefix(text, "[]"); ok {
		t, err := ParseType(elem)
		if err != nil {
			return Type{}, err
		}
		if t.Kind == KindList || t.Kind == KindMap {
			return Type{}, problemf("put the inner one into a named type under `types`", "%q is a list of lists or maps, which protobuf has not", text)
		}
		return Type{Kind: KindList, Elem: &t}, nil
	}
	if inner, ok := strings.CutPrefix(text, "map<"); ok {
		return parseMap(text, inner)
	}
	if strings.HasPrefix(text, "enum") && strings.ContainsAny(text, "()") {
		return parseEnum(text)
	}
	for _, name := range scalarTypes {
		if text == name {
			return Type{Kind: KindScalar, Name: name}, nil
		}
	}
	if kind, ok := wellKnown[text]; ok {
		return Type{Kind: kind, Name: text}, nil
	}
	if pascalForm.MatchString(text) {
		return Type{Kind: KindNamed, Name: text}, nil
	}
	return Type{}, unknownType(text)
}

// builtInTypes are the names of the language's own types.
func builtInTypes() []string {
	return append(append([]string{}, scalarTypes...), "uuid", "money", "timestamp", "duration", "decimal")
}

// builtIn is the type of the language that may be meant by an unknown one; "" when none is near.
func builtIn(text string) string {
	if known, ok := foreignTypes[strings.ToLower(text)]; ok {
		return known
	}
	return Nearest(text, builtInTypes())
}

func unknownType(text string) error {
	help := "use a proto scalar, uuid, money, timestamp, duration, decimal, enum(a, b), []T, map<K,V> or the PascalCase name of a type"
	names := builtInTypes()
	if near := builtIn(text); near != "" {
		help = fmt.Sprintf("did you mean %q?", near)
	}
	if elem, ok := strings.CutSuffix(text, "[]"); ok {
		help = fmt.Sprintf("write \"[]%s\"", elem)
	}
	if strings.HasPrefix(text, "enum(") || strings.HasPrefix(text, "map<") {
		help = `put it in quotes: "enum(a, b)", "map<string, int32>"`
	}
	p := problemf(help, "unknown type %q", text)
	if right := onlyType(text, names); right != "" {
		p.wrong, p.right = text, right
	}
	return p
}

// onlyType is the one type that can be meant by an unknown one; "" when there are several: an int may be an int32 or an int64.
func onlyType(text string, names []string) string {
	switch strings.ToLower(text) {
	case "boolean", "text", "varchar", "float32", "float64":
		return foreignTypes[strings.ToLower(text)]
	}
	if elem, ok := strings.CutSuffix(text, "[]"); ok {
		if _, err := ParseType("[]" + elem); err == nil {
			return "[]" + elem
		}
	}
	return Typo(text, names)
}

func parseMap(text, inner string) (Type, error) {
	inner, closed := strings.CutSuffix(inner, ">")
	k, v, ok := strings.Cut(inner, ",")
	if !closed || !ok {
		return Type{}, problemf(`write "map<string, int32>", in quotes`, "%q is no map type", text)
	}
	keyType, err := ParseType(k)
	if err != nil {
		return Type{}, err
	}
	if keyType.Kind != KindScalar || keyType.Name == "double" || keyType.Name == "float" || keyType.Name == "bytes" {
		return Type{}, problemf("use string, bool or a whole number", "a map cannot have keys of type %s", strings.TrimSpace(k))
	}
	value, err := ParseType(v)
	if err != nil {
		return Type{}, err
	}
	if value.Kind == KindList || value.Kind == KindMap {
		return Type{}, problemf("put the inner one into a named type under `types`", "%q is a map of lists or maps, which protobuf has not", text)
	}
	return Type{Kind: KindMap, Key: &keyType, Elem: &value}, nil
}

func parseEnum(text string) (Type, error) {
	m := enumForm.FindStringSubmatch(text)
	if m == nil {
		return Type{}, problemf(`write "enum(new, paid)", in quotes`, "%q is no enum type", text)
	}
	t := Type{Kind: KindEnum}
	for _, v := range strings.Split(m[1], ",") {
		v = strings.TrimSpace(v)
		if v == "" {
			return Type{}, problemf(`write "enum(new, paid)", in quotes`, "%q has an empty value", text)
		}
		if err := enumValueName.check(v); err != nil {
			return Type{}, err
		}
		for _, other := range t.Enum {
			if other == v {
				return Type{}, problemf("remove it", "the enum has the value %s twice", v)
			}
		}
		t.Enum = append(t.Enum, v)
	}
	return t, nil
}

// String is the type as the spec writes it.
func (t Type) String() string {
	switch t.Kind {
	case KindEnum:
		return "enum(" + strings.Join(t.Enum, ", ") + ")"
	case KindList:
		return "[]" + t.Elem.String()
	case KindMap:
		return "map<" + t.Key.String() + ", " + t.Elem.String() + ">"
	}
	return t.Name
}

// Equal reports that two types are written the same.
func (t Type) Equal(u Type) bool { return t.String() == u.String() }

// typeText reads the text of a type.
var typeText = scalar[Type]{
	want: "a type", plural: "types", tag: "!!str", parse: ParseType, shape: shape{"type": "string", "pattern": typePattern},
}

// unbounded accepts every finite number.
func unbounded() scalar[float64] { return number("a number", math.Inf(-1), math.Inf(1)) }

var fieldObject = object[Field]{name: "field", what: "a field", keys: []key[Field]{
	{name: "type", doc: "a proto scalar, uuid, money, timestamp, duration, decimal, enum(a, b), []T, map<K,V> or a named type",
		required: true, shape: typeText.shape, decode: func(d *decoder, n *yaml.Node, at place, f *Field) {
			if v, ok := typeText.decode(d, n, at); ok {
				f.Type, f.Span = v.V, v.Span
			}
		}},
	one("required", "refuse requests that leave it out", boolean(), func(f *Field) *Value[bool] { return &f.Required }),
	optional("min", "the least value of a number", unbounded(), func(f *Field) **Value[float64] { return &f.Min }),
	optional("max", "the greatest value of a number", unbounded(), func(f *Field) **Value[float64] { return &f.Max }),
	optional("minLength", "the least length: characters of a string, bytes, items of a list or map", integer(0, math.MaxInt32), func(f *Field) **Value[int] { return &f.MinLength }),
	optional("maxLength", "the greatest length: characters of a string, bytes, items of a list or map", integer(0, math.MaxInt32), func(f *Field) **Value[int] { return &f.MaxLength }),
	optional("pattern", "a regular expression (RE2) that a string must match", pattern(), func(f *Field) **Value[string] { return &f.Pattern }),
	renamedKey(fieldName, func(f *Field) *Value[string] { return &f.RenamedFrom }),
}}

// fieldsKey is a key with a mapping from field names to types.
func fieldsKey[T any](name, doc string, fields func(*T) *[]*Field) key[T] {
	return key[T]{name: name, doc: doc, shape: fieldsShape(), decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		*fields(dst) = d.fields(n, at)
	}}
}

func fieldsShape() shape {
	return shape{"type": "object", "propertyNames": fieldName.shape(), "additionalProperties": shape{"$ref": "#/$defs/fieldType"}}
}

// fields decodes a mapping from names to types. Fields whose type is wrong are left out, so that rules see only whole ones.
func (d *decoder) fields(n *yaml.Node, at place) []*Field {
	var list []*Field
	d.named(n, at, fieldName, func(name Value[string], value *yaml.Node, at place) {
		f := &Field{Name: name}
		target := d.resolveAlias(value)
		switch target.Kind {
		case yaml.MappingNode:
			if fieldObject.decode(d, value, at, f); f.Type.Kind != 0 {
				d.checkConstraints(f, at)
			}
		case yaml.SequenceNode:
			help := `write "[]string", in quotes`
			p := problemf(help, "expected a type, found a list")
			if len(target.Content) == 1 && target.Content[0].Kind == yaml.ScalarNode {
				elem := target.Content[0].Value
				p.help = fmt.Sprintf("write %q, in quotes", "[]"+elem)
				if _, err := ParseType("[]" + elem); err == nil {
					p.wrong, p.right = "["+elem+"]", "[]"+elem
				}
			}
			d.fail(at.path, spanOf(d.file, value), p)
		default:
			if v, ok := typeText.decode(d, value, at); ok {
				f.Type, f.Span = v.V, v.Span
			}
		}
		if f.Type.Kind != 0 {
			list = append(list, f)
		}
	})
	return list
}

// checkConstraints reports constraints that the field's type does not have, or that nothing can satisfy.
func (d *decoder) checkConstraints(f *Field, at place) {
	t := f.Type
	isNumber := t.Kind == KindScalar && t.Name != "bool" && t.Name != "string" && t.Name != "bytes"
	hasLength := t.Kind == KindList || t.Kind == KindMap || t.Kind == KindScalar && (t.Name == "string" || t.Name == "bytes")
	wrong := func(name string, span source.Span, of string) {
		d.fail(at.path+"."+name, span, problemf("", "%s is for %s; %s is %s", name, of, f.Name.V, t))
	}
	for _, b := range []struct {
		name  string
		value *Value[float64]
	}{{"min", f.Min}, {"max", f.Max}} {
		switch {
		case b.value == nil:
		case !isNumber:
			wrong(b.name, b.value.Span, "numbers")
		case !fits(t.Name, b.value.V):
			d.fail(at.path+"."+b.name, b.value.Span, problemf("", "%v is no %s", b.value.V, t.Name))
		}
	}
	for _, b := range []struct {
		name  string
		value *Value[int]
	}{{"minLength", f.MinLength}, {"maxLength", f.MaxLength}} {
		if b.value != nil && !hasLength {
			wrong(b.name, b.value.Span, "strings, bytes, lists and maps")
		}
	}
	if f.Pattern != nil && (t.Kind != KindScalar || t.Name != "string") {
		wrong("pattern", f.Pattern.Span, "strings")
	}
	if f.Min != nil && f.Max != nil && f.Min.V > f.Max.V {
		d.fail(at.path+".min", f.Min.Span, problemf("", "min %v is greater than max %v", f.Min.V, f.Max.V))
	}
	if f.MinLength != nil && f.MaxLength != nil && f.MinLength.V > f.MaxLength.V {
		d.fail(at.path+".minLength", f.MinLength.Span, problemf("", "minLength %d is greater than maxLength %d", f.MinLength.V, f.MaxLength.V))
	}
}

// fits reports whether a bound can be a value of a numeric type.
func fits(name string, v float64) bool {
	if name == "double" {
		return true
	}
	if name == "float" {
		return math.Abs(v) <= math.MaxFloat32
	}
	if v != math.Trunc(v) {
		return false
	}
	switch name {
	case "int32":
		return v >= math.MinInt32 && v <= math.MaxInt32
	case "uint32":
		return v >= 0 && v <= math.MaxUint32
	case "uint64":
		return v >= 0 && v < math.MaxUint64
	}
	return v >= math.MinInt64 && v < math.MaxInt64
}
