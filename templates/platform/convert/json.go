package convert

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// MessageJSON returns m as JSON for a jsonb column, the same bytes for equal messages; nil for nil.
func MessageJSON(m proto.Message) ([]byte, error) {
	if m == nil || !m.ProtoReflect().IsValid() {
		return nil, nil
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	// protojson puts spaces in at random, so that nobody relies on its bytes.
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return compact.Bytes(), nil
}

// MessageFromJSON reads into m what MessageJSON wrote. Fields that m does not know are left out: a newer release may have written them.
func MessageFromJSON(data []byte, m proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return fmt.Errorf("decode %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	return nil
}

// ListJSON returns list as a JSON array for a jsonb column, the same bytes for equal lists; [] for none.
func ListJSON[T proto.Message](list []T) ([]byte, error) {
	items := make([][]byte, len(list))
	for i, m := range list {
		item, err := MessageJSON(m)
		if err != nil {
			return nil, err
		}
		if item == nil {
			return nil, fmt.Errorf("encode list: item %d is nil", i)
		}
		items[i] = item
	}
	return append(append([]byte{'['}, bytes.Join(items, []byte{','})...), ']'), nil
}

// ListFromJSON returns what ListJSON wrote; newT makes an empty message. NULL, which is no data, has no items.
func ListFromJSON[T proto.Message](data []byte, newT func() T) ([]T, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, fmt.Errorf("decode list: %w", err)
	}
	list := make([]T, len(items))
	for i, item := range items {
		list[i] = newT()
		if err := MessageFromJSON(item, list[i]); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return list, nil
}
