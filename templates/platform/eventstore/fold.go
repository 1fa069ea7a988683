package eventstore

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// notStored are the fields that come from the events themselves: the version and the times.
var notStored = []protoreflect.Name{"etag", "create_time", "update_time"}

// upcast brings a stored event to the present form.
func (l *Log[T]) upcast(e Event) (Event, error) {
	if e.Schema > l.schema() {
		return e, fmt.Errorf("its schema %d is newer than this release's %d", e.Schema, l.schema())
	}
	for e.Schema < l.schema() {
		next, err := l.upcasters[e.Schema](e)
		if err != nil {
			return e, fmt.Errorf("upcast from schema %d: %w", e.Schema, err)
		}
		next.Schema = e.Schema + 1
		e = next
	}
	return e, nil
}

// apply takes the state over one event.
func (l *Log[T]) apply(s *State[T], e Event) error {
	if e.Version != s.Version+1 {
		return fmt.Errorf("%s %s: event %d follows %d", l.options.Aggregate, s.Stream, e.Version, s.Version)
	}
	e, err := l.upcast(e)
	if err != nil {
		return fmt.Errorf("%s %s: event %d (%s): %w", l.options.Aggregate, s.Stream, s.Version+1, e.Type, err)
	}
	s.Version++
	if e.Tombstone {
		*s = State[T]{Stream: s.Stream, Version: s.Version, Value: l.empty()}
		return nil
	}
	change := l.empty()
	if err := proto.Unmarshal(e.Data, change); err != nil {
		return fmt.Errorf("%s %s: event %d (%s): %w", l.options.Aggregate, s.Stream, s.Version, e.Type, err)
	}
	if !s.Live {
		s.Live, s.Created = true, e.RecordedAt
	}
	s.Updated = e.RecordedAt
	from, to := change.ProtoReflect(), s.Value.ProtoReflect()
	for _, number := range e.Changed {
		field := from.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(number))
		switch {
		case field == nil: // the spec no longer has it
		case from.Has(field):
			to.Set(field, from.Get(field))
		default:
			to.Clear(field)
		}
	}
	return nil
}

// diff returns the fields of now that differ from before, and their numbers. A creation has all that are set.
func (l *Log[T]) diff(before, now T) (change T, changed []int32) {
	change = l.empty()
	old, cur, to := before.ProtoReflect(), now.ProtoReflect(), change.ProtoReflect()
	fields := cur.Descriptor().Fields()
	changed = []int32{}
	for i := range fields.Len() {
		field := fields.Get(i)
		if slices.Contains(notStored, field.Name()) || old.Has(field) == cur.Has(field) && old.Get(field).Equal(cur.Get(field)) {
			continue
		}
		changed = append(changed, int32(field.Number()))
		if cur.Has(field) {
			to.Set(field, cur.Get(field))
		}
	}
	return change, changed
}
