package view

import (
	"strconv"
	"strings"
)

// EventSourced reports that the aggregate's events are the truth and its table is made from them.
func (a *Aggregate) EventSourced() bool { return a.Spec.EventSourced.V }

// EventSourced are the aggregates whose events are the truth.
func (s *Service) EventSourced() []*Aggregate {
	var list []*Aggregate
	for _, a := range s.Aggregates {
		if a.EventSourced() {
			list = append(list, a)
		}
	}
	return list
}

// EventSourced are the aggregates of all services whose events are the truth.
func (s *System) EventSourced() []*Aggregate {
	var list []*Aggregate
	for _, svc := range s.Services {
		list = append(list, svc.EventSourced()...)
	}
	return list
}

// StoredEvent is an event of an event-sourced aggregate.
type StoredEvent struct {
	Name string // Captured: as it is stored
	Type string // com.example.shop.payments.v1.Payment.Captured: as it is published
	When string // it comes to state captured
	Go   string // Payment_STATE_CAPTURED with its package, where it leads to a state
}

// StoredEvents are the events of an event-sourced aggregate: its creation, one for each state, changes that leave the state, its deletion.
func (a *Aggregate) StoredEvents() []StoredEvent {
	list := []StoredEvent{{Name: "Created", When: "it is created"}}
	list = append(list, a.StateEvents()...)
	list = append(list, StoredEvent{Name: "Updated", When: "its fields change"}, StoredEvent{Name: "Deleted", When: "it is deleted"})
	for i := range list {
		list[i].Type = a.EventPrefix() + "." + list[i].Name
	}
	return list
}

// StateEvents are the events that bring the aggregate to a state.
func (a *Aggregate) StateEvents() []StoredEvent {
	if a.State == nil {
		return nil
	}
	var list []StoredEvent
	for _, v := range a.State.Values {
		if v.Text != "" {
			list = append(list, StoredEvent{Name: Pascal(v.Text), When: "it comes to state " + v.Text, Go: a.Service.Package + "." + v.Go})
		}
	}
	return list
}

// EventPrefix comes before an event's name in its CloudEvents type. No event of the spec has it: those have no dot in their names.
func (a *Aggregate) EventPrefix() string {
	return a.Service.System.TypePrefix + "." + a.Service.Snake + ".v1." + a.Name
}

// LogVar is the function that makes the aggregate's log.
func (a *Aggregate) LogVar() string { return "new" + a.Name + "Log" }

// EventVar is the function that tells an event's type.
func (a *Aggregate) EventVar() string { return "typeOf" + a.Name + "Event" }

// StreamOf is the Go expression of the stream of the aggregate's variable: the key as the database writes it.
func (a *Aggregate) StreamOf() string { return a.canonical(a.KeyText()) }

// StreamOfVar is the Go expression of the stream of the parameter KeyVar.
func (a *Aggregate) StreamOfVar() string { return a.canonical(a.KeyVarText()) }

// StreamSQL is the SQL type that takes a stream to the key's column.
func (a *Aggregate) StreamSQL() string {
	name, _, _ := strings.Cut(a.KeySQL(), "(")
	return name
}

// ProjectColumns are the columns of the projection's row: those of InsertArgs, then the version and the times.
func (a *Aggregate) ProjectColumns() string {
	return a.InsertColumns() + ", row_version, create_time, update_time"
}

// ProjectPlaceholders are those of ProjectColumns.
func (a *Aggregate) ProjectPlaceholders() string {
	n := strings.Count(a.InsertPlaceholders(), "$")
	return a.InsertPlaceholders() + ", $" + strconv.Itoa(n+1) + ", $" + strconv.Itoa(n+2) + ", $" + strconv.Itoa(n+3)
}

// ProjectSet is the SET list that gives a row that is there the values of ProjectColumns, but for the key.
func (a *Aggregate) ProjectSet() string {
	columns := columnNames(a.Fields)
	if a.State != nil {
		columns = append(columns, "state")
	}
	columns = append(columns, "row_version", "create_time", "update_time")
	for i, c := range columns {
		columns[i] = c + " = excluded." + c
	}
	return strings.Join(columns, ", ")
}
