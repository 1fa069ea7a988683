package column

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Values is the argument for a jsonb column that holds a list or map of plain values.
// It panics on a value that JSON cannot hold, which protobuf scalars never are.
func Values(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("column: %v", err))
	}
	return data
}

// ScanValues reads a jsonb column written by Values.
func ScanValues[T any](dst *T) sql.Scanner {
	return scanner(func(src any) error {
		data, err := raw(src)
		if err != nil || data == nil {
			return err
		}
		return json.Unmarshal(data, dst)
	})
}

// Message is the argument for a jsonb column that holds one message: NULL when it is unset.
func Message(m proto.Message) (data []byte) {
	if m == nil || !m.ProtoReflect().IsValid() {
		return nil
	}
	return marshal(m)
}

// ScanMessage reads a jsonb column written by Message.
func ScanMessage[M proto.Message](dst *M) sql.Scanner {
	return scanner(func(src any) error {
		data, err := raw(src)
		if err != nil || data == nil {
			return err
		}
		*dst = newMessage[M]()
		return unmarshal(data, *dst)
	})
}

// List is the argument for a jsonb column that holds a list of messages, as protojson.
func List[M proto.Message](list []M) []byte {
	items := make([]json.RawMessage, len(list))
	for i, m := range list {
		items[i] = marshal(m)
	}
	return Values(items)
}

// ScanList reads a jsonb column written by List.
func ScanList[M proto.Message](dst *[]M) sql.Scanner {
	return scanner(func(src any) error {
		var items []json.RawMessage
		if err := ScanValues(&items).Scan(src); err != nil {
			return err
		}
		*dst = nil
		for _, item := range items {
			m := newMessage[M]()
			if err := unmarshal(item, m); err != nil {
				return err
			}
			*dst = append(*dst, m)
		}
		return nil
	})
}

// Map is the argument for a jsonb column that holds a map to messages, as protojson.
func Map[K comparable, M proto.Message](entries map[K]M) []byte {
	items := make(map[K]json.RawMessage, len(entries))
	for k, m := range entries {
		items[k] = marshal(m)
	}
	return Values(items)
}

// ScanMap reads a jsonb column written by Map.
func ScanMap[K comparable, M proto.Message](dst *map[K]M) sql.Scanner {
	return scanner(func(src any) error {
		var items map[K]json.RawMessage
		if err := ScanValues(&items).Scan(src); err != nil {
			return err
		}
		*dst = make(map[K]M, len(items))
		for k, item := range items {
			m := newMessage[M]()
			if err := unmarshal(item, m); err != nil {
				return err
			}
			(*dst)[k] = m
		}
		return nil
	})
}

// marshal never fails for a message that came through the API: protojson refuses only invalid UTF-8 and unresolvable Any,
// and both are refused on the way in.
func marshal(m proto.Message) []byte {
	data, err := protojson.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("column: %v", err))
	}
	return data
}

// unmarshal ignores fields it does not know, so that a release can be rolled back.
func unmarshal(data []byte, m proto.Message) error {
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, m)
}

func newMessage[M proto.Message]() M {
	var zero M
	return reflect.New(reflect.TypeOf(zero).Elem()).Interface().(M)
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
