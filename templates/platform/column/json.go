package column

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Values is the argument for a jsonb column that holds a list or map of plain values; nil is stored as an empty one. JSON has no NaN and
// no infinities.
func Values[T any](values T) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		v := reflect.ValueOf(values)
		switch {
		case v.Kind() == reflect.Slice && v.IsNil():
			return "[]", nil
		case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.Bool:
			return text(named(v))
		case v.Kind() == reflect.Map && v.IsNil():
			return "{}", nil
		}
		return text(values)
	})
}

func text(v any) (driver.Value, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, unfit(err)
	}
	return string(data), nil
}

// named is a map with bool keys, which encoding/json does not know, with their names.
func named(m reflect.Value) map[string]any {
	out := make(map[string]any, m.Len())
	for _, k := range m.MapKeys() {
		out[strconv.FormatBool(k.Bool())] = m.MapIndex(k).Interface()
	}
	return out
}

// ScanValues reads a jsonb column written by Values; NULL is nil.
func ScanValues[T any](dst *T) sql.Scanner {
	return scanner(func(src any) error {
		*dst = *new(T)
		data, err := raw(src)
		if err != nil || data == nil {
			return err
		}
		v := reflect.ValueOf(dst).Elem()
		if v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.Bool {
			return json.Unmarshal(data, dst)
		}
		byName := reflect.New(reflect.MapOf(reflect.TypeFor[string](), v.Type().Elem()))
		if err := json.Unmarshal(data, byName.Interface()); err != nil {
			return err
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range byName.Elem().MapKeys() {
			v.SetMapIndex(reflect.ValueOf(k.String() == "true").Convert(v.Type().Key()), byName.Elem().MapIndex(k))
		}
		return nil
	})
}

// Message is the argument for a jsonb column that holds one message, as protojson: NULL when it is unset.
func Message(m proto.Message) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		if m == nil || !m.ProtoReflect().IsValid() {
			return nil, nil
		}
		data, err := marshal(m)
		return string(data), err
	})
}

// ScanMessage reads a jsonb column written by Message; NULL is nil.
func ScanMessage[M proto.Message](dst *M) sql.Scanner {
	return scanner(func(src any) error {
		*dst = *new(M)
		data, err := raw(src)
		if err != nil || data == nil {
			return err
		}
		*dst, err = unmarshal[M](data)
		return err
	})
}

// List is the argument for a jsonb column that holds a list of messages, as protojson.
func List[M proto.Message](list []M) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		items := make([]json.RawMessage, len(list))
		for i, m := range list {
			item, err := marshal(m)
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return text(items)
	})
}

// ScanList reads a jsonb column written by List; NULL is nil.
func ScanList[M proto.Message](dst *[]M) sql.Scanner {
	return scanner(func(src any) error {
		var items []json.RawMessage
		if err := ScanValues(&items).Scan(src); err != nil {
			return err
		}
		*dst = nil
		for _, item := range items {
			m, err := unmarshal[M](item)
			if err != nil {
				return err
			}
			*dst = append(*dst, m)
		}
		return nil
	})
}

// Map is the argument for a jsonb column that holds a map to messages, as protojson.
func Map[K comparable, M proto.Message](entries map[K]M) driver.Valuer {
	return valuer(func() (driver.Value, error) {
		items := make(map[K]json.RawMessage, len(entries))
		for k, m := range entries {
			item, err := marshal(m)
			if err != nil {
				return nil, err
			}
			items[k] = item
		}
		return Values(items).Value()
	})
}

// ScanMap reads a jsonb column written by Map; NULL is nil.
func ScanMap[K comparable, M proto.Message](dst *map[K]M) sql.Scanner {
	return scanner(func(src any) error {
		var items map[K]json.RawMessage
		if err := ScanValues(&items).Scan(src); err != nil {
			return err
		}
		*dst = nil
		if items != nil {
			*dst = make(map[K]M, len(items))
		}
		for k, item := range items {
			m, err := unmarshal[M](item)
			if err != nil {
				return err
			}
			(*dst)[k] = m
		}
		return nil
	})
}

// marshal fails for what JSON has no form for, such as a time beyond the year 9999.
func marshal(m proto.Message) ([]byte, error) {
	data, err := protojson.Marshal(m)
	if err != nil {
		return nil, unfit(err)
	}
	return data, nil
}

// unmarshal ignores fields that it does not know, so that a release can be rolled back.
func unmarshal[M proto.Message](data []byte) (M, error) {
	var zero M
	m := zero.ProtoReflect().New().Interface().(M)
	return m, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

// raw is the column's bytes; nil for NULL.
func raw(src any) ([]byte, error) {
	switch v := src.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	case string:
		return []byte(v), nil
	default:
		return nil, fmt.Errorf("cannot read %T as JSON", src)
	}
}
