// Package sample fills messages with values that keep their contract, for tests: what a field must hold is read from its protovalidate
// rules. The same message is always filled the same way.
package sample

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/type/money"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// UUID is the uuid that Fill uses.
const UUID = "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"

// maxDepth bounds messages that hold themselves.
const maxDepth = 5

// Fill sets every field of m that is not named in skip, and returns m.
func Fill[M proto.Message](m M, skip ...string) M {
	omit := make(map[protoreflect.Name]bool, len(skip))
	for _, name := range skip {
		omit[protoreflect.Name(name)] = true
	}
	fill(m.ProtoReflect(), omit, 0)
	return m
}

func fill(m protoreflect.Message, omit map[protoreflect.Name]bool, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if omit[fd.Name()] || fd.ContainingOneof() != nil && !fd.HasOptionalKeyword() {
			continue
		}
		rules, err := protovalidate.ResolveFieldRules(fd)
		if err != nil {
			panic(fmt.Sprintf("sample: %v", err))
		}
		switch {
		case fd.IsMap():
			entries := m.Mutable(fd).Map()
			key := value(fd.MapKey(), nil, rules.GetMap().GetKeys(), depth).MapKey()
			entries.Set(key, value(fd.MapValue(), entries.NewValue, rules.GetMap().GetValues(), depth))
		case fd.IsList():
			list := m.Mutable(fd).List()
			for range max(1, rules.GetRepeated().GetMinItems()) {
				list.Append(value(fd, list.NewElement, rules.GetRepeated().GetItems(), depth))
			}
		default:
			m.Set(fd, value(fd, func() protoreflect.Value { return m.NewField(fd) }, rules, depth))
		}
	}
}

func value(fd protoreflect.FieldDescriptor, newValue func() protoreflect.Value, rules *validate.FieldRules, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		v := newValue()
		switch msg := v.Message().Interface().(type) {
		case *money.Money:
			msg.CurrencyCode, msg.Units = "EUR", 42
		case *timestamppb.Timestamp:
			msg.Seconds = 1_700_000_000
		case *durationpb.Duration:
			msg.Seconds = 60
		default:
			if depth < maxDepth {
				fill(v.Message(), nil, depth+1)
			}
		}
		return v
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(min(1, values.Len()-1)).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text(rules.GetString()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(strings.Repeat("x", int(max(1, rules.GetBytes().GetMinLen())))))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(number(1, float64(rules.GetInt32().GetGte()), float64(rules.GetInt32().GetLte()))))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(number(1, float64(rules.GetInt64().GetGte()), float64(rules.GetInt64().GetLte()))))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(number(1, float64(rules.GetUint32().GetGte()), float64(rules.GetUint32().GetLte()))))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(number(1, float64(rules.GetUint64().GetGte()), float64(rules.GetUint64().GetLte()))))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(number(1, float64(rules.GetFloat().GetGte()), float64(rules.GetFloat().GetLte()))))
	default:
		return protoreflect.ValueOfFloat64(number(1, rules.GetDouble().GetGte(), rules.GetDouble().GetLte()))
	}
}

// number is want, moved into [low, high]; a bound of 0 is taken as none.
func number(want, low, high float64) float64 {
	if low != 0 && want < low {
		return low
	}
	if high != 0 && want > high {
		return high
	}
	return want
}

func text(rules *validate.StringRules) string {
	switch {
	case rules.GetUuid():
		return UUID
	case rules.GetPattern() != "":
		re, err := syntax.Parse(rules.GetPattern(), syntax.Perl)
		if err != nil {
			panic(fmt.Sprintf("sample: pattern %q: %v", rules.GetPattern(), err))
		}
		return shortest(re.Simplify())
	case len(rules.GetIn()) > 0:
		return rules.GetIn()[0]
	}
	s := "sample"
	if n := int(rules.GetMinLen()); n > len(s) {
		s += strings.Repeat("x", n-len(s))
	}
	if limit := int(rules.GetMaxLen()); limit > 0 && len(s) > limit {
		s = s[:limit]
	}
	return s
}

// shortest is a short text that matches re.
func shortest(re *syntax.Regexp) string {
	var b strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('x')
	case syntax.OpCapture, syntax.OpPlus:
		b.WriteString(shortest(re.Sub[0]))
	case syntax.OpRepeat:
		for range re.Min {
			b.WriteString(shortest(re.Sub[0]))
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			b.WriteString(shortest(sub))
		}
	case syntax.OpAlternate:
		b.WriteString(shortest(re.Sub[0]))
	}
	return b.String()
}
