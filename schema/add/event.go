package add

import (
	"fmt"
	"slices"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Event is a domain event that is added to a system.
type Event struct {
	Name       string
	Key        string   // the field that is the partition key; "" is the first one
	Fields     []string // as of ParseField
	External   bool     // it is for others outside the system
	SentBy     []string // methods of the form service.Method
	ReceivedBy []string // services, each with a handler of its user's
}

// AddTo adds the event, and its name to those that send and receive it.
func (e Event) AddTo(spec *schema.Spec, doc *edit.Document) error {
	fields, err := parseFields(e.Fields)
	if err != nil {
		return err
	}
	if len(fields) == 0 {
		return fmt.Errorf("the event %s needs a field: that by which its messages are kept in order", e.Name)
	}
	if e.Key == "" {
		e.Key = fields[0].Name
	}
	body := with(edit.Map{{Key: "key", Value: e.Key}, {Key: "fields", Value: fieldMap(fields)}}, edit.Entry{Key: "external", Value: e.External})
	if err := doc.Add([]string{"events"}, edit.Entry{Key: e.Name, Value: body}, order); err != nil {
		return err
	}
	for _, ref := range e.SentBy {
		s, m, err := targetOf(spec, ref)
		if err != nil {
			return err
		}
		if m == nil {
			return fmt.Errorf("the methods of %s are those of %s: it cannot say there what they send", s.Name.V, s.Proto.V)
		}
		if err := doc.Append([]string{"services", s.Name.V, "api", m.Name.V, "sends"}, order, e.Name); err != nil {
			return err
		}
	}
	for _, name := range e.ReceivedBy {
		if !slices.Contains(serviceNames(spec), name) {
			return unknown("service", name, serviceNames(spec))
		}
		if err := doc.Add([]string{"services", name, "receives"}, edit.Entry{Key: e.Name}, order); err != nil {
			return err
		}
	}
	return nil
}
