// Package sample fills messages with values that keep their contract, for tests: what a field must hold is read from its protovalidate
// rules. The same message is always filled the same way.
package sample

import (
	"cmp"
	"fmt"
	"slices"

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

// Fill sets every field of m that is not named in skip, and returns m. Of a oneof it sets the first field. What it leaves out are
// messages inside messages of their own type, which would have no end, and field masks, since any value would be a choice.
//
// It knows the rules that a msgen spec can state: required, uuid, pattern, lengths, limits, sizes of lists and maps, and values that
// an enum defines.
func Fill[M proto.Message](m M, skip ...string) M {
	f := filler{}
	f.fill(m.ProtoReflect(), skip)
	return m
}

// filler holds the types of the messages being filled, from the outermost.
type filler struct{ inside []protoreflect.FullName }

func (f *filler) fill(m protoreflect.Message, skip []string) {
	f.inside = append(f.inside, m.Descriptor().FullName())
	defer func() { f.inside = f.inside[:len(f.inside)-1] }()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if slices.Contains(skip, string(fd.Name())) || !f.wanted(fd) {
			continue
		}
		rules, err := protovalidate.ResolveFieldRules(fd)
		if err != nil {
			panic(fmt.Sprintf("sample: %v", err))
		}
		switch {
		case fd.IsMap():
			entries, r := m.Mutable(fd).Map(), rules.GetMap()
			for i := range size(r.GetMinPairs(), r.HasMaxPairs(), r.GetMaxPairs()) {
				entries.Set(key(fd.MapKey(), i), f.value(fd.MapValue(), entries.NewValue(), r.GetValues()))
			}
		case fd.IsList():
			list, r := m.Mutable(fd).List(), rules.GetRepeated()
			for range size(r.GetMinItems(), r.HasMaxItems(), r.GetMaxItems()) {
				list.Append(f.value(fd, list.NewElement(), r.GetItems()))
			}
		default:
			m.Set(fd, f.value(fd, m.NewField(fd), rules))
		}
	}
}

// wanted reports whether a field is to be filled.
func (f *filler) wanted(fd protoreflect.FieldDescriptor) bool {
	if o := fd.ContainingOneof(); o != nil && o.Fields().Get(0) != fd {
		return false
	}
	if fd.IsMap() {
		fd = fd.MapValue()
	}
	md := fd.Message()
	return md == nil || md.FullName() != "google.protobuf.FieldMask" && !slices.Contains(f.inside, md.FullName())
}

// size is how many items a list or map gets: one, if it may.
func size(least uint64, bounded bool, most uint64) int {
	n := max(1, least)
	if bounded {
		n = min(n, most)
	}
	return int(n)
}

// value is a value of a field, or of an item or entry of it. A message is filled in zero.
func (f *filler) value(fd protoreflect.FieldDescriptor, zero protoreflect.Value, rules *validate.FieldRules) protoreflect.Value {
	low, high := limits(rules)
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		switch m := zero.Message().Interface().(type) {
		case *money.Money:
			m.CurrencyCode, m.Units = "EUR", 42
		case *timestamppb.Timestamp:
			m.Seconds = 1_700_000_000
		case *durationpb.Duration:
			m.Seconds = 60
		default:
			f.fill(zero.Message(), nil)
		}
		return zero
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(min(1, values.Len()-1)).Number())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text(rules.GetString()))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(bytes(rules.GetBytes())))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(number(1, -1, low, high, protoreflect.Value.Int)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(number(1, -1, low, high, protoreflect.Value.Int))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(number(1, 0, low, high, protoreflect.Value.Uint)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(number(1, 0, low, high, protoreflect.Value.Uint))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(number(1, -1, low, high, protoreflect.Value.Float)))
	default:
		return protoreflect.ValueOfFloat64(number(1, -1, low, high, protoreflect.Value.Float))
	}
}

// key is the i-th key of a map. A map of bool has two.
func key(fd protoreflect.FieldDescriptor, i int) protoreflect.MapKey {
	n := i + 1
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(i == 0).MapKey()
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprint("sample", n)).MapKey()
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(n)).MapKey()
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(n)).MapKey()
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n)).MapKey()
	default:
		return protoreflect.ValueOfUint64(uint64(n)).MapKey()
	}
}

// limits are the rules gte and lte, which each type of number has as its own; invalid when there is none.
func limits(rules *validate.FieldRules) (low, high protoreflect.Value) {
	m := rules.ProtoReflect()
	typ := m.WhichOneof(m.Descriptor().Oneofs().ByName("type"))
	if typ == nil {
		return low, high
	}
	m = m.Get(typ).Message()
	get := func(name protoreflect.Name) (v protoreflect.Value) {
		if fd := m.Descriptor().Fields().ByName(name); fd != nil && m.Has(fd) {
			v = m.Get(fd)
		}
		return v
	}
	return get("gte"), get("lte")
}

// number is want, moved to where both limits allow it; other takes its place when that comes to 0, which a required field must not be.
func number[N cmp.Ordered](want, other N, low, high protoreflect.Value, as func(protoreflect.Value) N) N {
	within := func(n N) N {
		if low.IsValid() {
			n = max(n, as(low))
		}
		if high.IsValid() {
			n = min(n, as(high))
		}
		return n
	}
	var zero N
	if n := within(want); n != zero {
		return n
	}
	return within(other)
}
