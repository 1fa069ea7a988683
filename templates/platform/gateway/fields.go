package gateway

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth of a field named in a query: a recursive message has no depth of its own.
const maxDepth = 8

// fieldPath leads from a message to one of its fields, through singular messages.
type fieldPath []protoreflect.FieldDescriptor

// resolve finds a field by its dotted path, in names of the .proto file or of JSON.
func resolve(md protoreflect.MessageDescriptor, dotted string) (fieldPath, error) {
	names := strings.Split(dotted, ".")
	if len(names) > maxDepth {
		return nil, errors.New("nested too deep")
	}
	var path fieldPath
	for i, name := range names {
		field := fieldNamed(md, name)
		if field == nil {
			return nil, fmt.Errorf("%s has no field %q", md.FullName(), name)
		}
		path = append(path, field)
		if i == len(names)-1 {
			break
		}
		if field.Message() == nil || field.IsList() || field.IsMap() {
			return nil, fmt.Errorf("field %s of %s is no message", name, md.FullName())
		}
		md = field.Message()
	}
	return path, nil
}

func fieldNamed(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := md.Fields().ByName(protoreflect.Name(name)); field != nil {
		return field
	}
	return md.Fields().ByJSONName(name)
}

func (p fieldPath) leaf() protoreflect.FieldDescriptor { return p[len(p)-1] }

// String is the path in names of the .proto file.
func (p fieldPath) String() string {
	var s strings.Builder
	for i, field := range p {
		if i > 0 {
			s.WriteByte('.')
		}
		s.WriteString(string(field.Name()))
	}
	return s.String()
}

// set parses the texts into the field: one for a singular field, any number for a repeated one.
func (p fieldPath) set(m protoreflect.Message, texts []string) error {
	for _, field := range p[:len(p)-1] {
		if other := otherOfOneof(m, field); other != nil {
			return invalid(p.String(), "excludes %s", other.Name())
		}
		m = m.Mutable(field).Message()
	}
	field := p.leaf()
	if field.IsMap() {
		return invalid(p.String(), "a map cannot be given here")
	}
	if field.IsList() {
		list := m.Mutable(field).List()
		for _, text := range texts {
			v, err := parse(field, list.NewElement(), text)
			if err != nil {
				return invalid(p.String(), "%v", err)
			}
			list.Append(v)
		}
		return nil
	}
	if len(texts) != 1 {
		return invalid(p.String(), "given more than once")
	}
	if other := otherOfOneof(m, field); other != nil {
		return invalid(p.String(), "excludes %s", other.Name())
	}
	v, err := parse(field, m.NewField(field), texts[0])
	if err != nil {
		return invalid(p.String(), "%v", err)
	}
	m.Set(field, v)
	return nil
}

// otherOfOneof is the field that setting this one would silently clear.
func otherOfOneof(m protoreflect.Message, field protoreflect.FieldDescriptor) protoreflect.FieldDescriptor {
	oneof := field.ContainingOneof()
	if oneof == nil {
		return nil
	}
	if other := m.WhichOneof(oneof); other != nil && other != field {
		return other
	}
	return nil
}

// parse reads one value; zero is a new value of the field, filled when it is a message.
func parse(field protoreflect.FieldDescriptor, zero protoreflect.Value, text string) (protoreflect.Value, error) {
	if !utf8.ValidString(text) {
		return protoreflect.Value{}, errors.New("is not valid UTF-8")
	}
	switch field.Kind() {
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return protoreflect.Value{}, errors.New("must be true or false")
		}
		return protoreflect.ValueOfBool(text == "true"), nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		return protoreflect.ValueOfInt32(int32(n)), number(err, "a whole number of 32 bits")
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		return protoreflect.ValueOfInt64(n), number(err, "a whole number of 64 bits")
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := strconv.ParseUint(text, 10, 32)
		return protoreflect.ValueOfUint32(uint32(n)), number(err, "a whole number of 32 bits, not negative")
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := strconv.ParseUint(text, 10, 64)
		return protoreflect.ValueOfUint64(n), number(err, "a whole number of 64 bits, not negative")
	case protoreflect.FloatKind:
		n, err := strconv.ParseFloat(text, 32)
		return protoreflect.ValueOfFloat32(float32(n)), number(err, "a number")
	case protoreflect.DoubleKind:
		n, err := strconv.ParseFloat(text, 64)
		return protoreflect.ValueOfFloat64(n), number(err, "a number")
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BytesKind:
		return parseBytes(text)
	case protoreflect.EnumKind:
		return parseEnum(field.Enum(), text)
	default:
		return parseMessage(zero, text)
	}
}

func number(err error, what string) error {
	if err != nil {
		return errors.New("must be " + what)
	}
	return nil
}

// parseBytes takes base64 in both alphabets, padded or not, as JSON does.
func parseBytes(text string) (protoreflect.Value, error) {
	text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return protoreflect.Value{}, errors.New("must be base64")
	}
	return protoreflect.ValueOfBytes(data), nil
}

// parseEnum takes the name or the number of a value that there is.
func parseEnum(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, error) {
	value := enum.Values().ByName(protoreflect.Name(text))
	if n, err := strconv.ParseInt(text, 10, 32); value == nil && err == nil {
		value = enum.Values().ByNumber(protoreflect.EnumNumber(n))
	}
	if value == nil {
		return protoreflect.Value{}, fmt.Errorf("is no value of %s", enum.Name())
	}
	return protoreflect.ValueOfEnum(value.Number()), nil
}

// parseMessage takes the well-known types that JSON writes as one value: times, durations, field masks and wrappers.
func parseMessage(zero protoreflect.Value, text string) (protoreflect.Value, error) {
	m := zero.Message()
	switch m.Descriptor().FullName() {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		if err := protojson.Unmarshal([]byte(strconv.Quote(text)), m.Interface()); err != nil {
			return protoreflect.Value{}, fmt.Errorf("is no %s", m.Descriptor().Name())
		}
		return zero, nil
	case "google.protobuf.BoolValue", "google.protobuf.BytesValue", "google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value", "google.protobuf.StringValue", "google.protobuf.UInt32Value",
		"google.protobuf.UInt64Value":
		field := m.Descriptor().Fields().ByName("value")
		v, err := parse(field, m.NewField(field), text)
		if err != nil {
			return protoreflect.Value{}, err
		}
		m.Set(field, v)
		return zero, nil
	default:
		return protoreflect.Value{}, fmt.Errorf("is a message: give its fields, as in %s.name", m.Descriptor().Name())
	}
}
