package add

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Saga is a saga that is added to a system.
type Saga struct {
	Name         string
	Orchestrator string   // the service that keeps it
	Timeout      string   // of the whole; "" is the default
	Steps        []string // as of ParseStep
	OnFailure    string   // the method that is called once all is undone; "" for none
	StartedBy    []string // methods of the orchestrator
}

// Step is one step of a saga.
type Step struct {
	Invoke, Compensate, Timeout string
	Pivot, Retriable            bool
}

// ParseStep reads a step: a method, then `compensate` and the method that undoes it, `timeout` and a duration, `pivot` or `retriable`, as they
// are wanted: "inventory.ReserveStock compensate inventory.ReleaseStock timeout 5s".
func ParseStep(text string) (Step, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Step{}, fmt.Errorf("a step needs a method (write inventory.ReserveStock compensate inventory.ReleaseStock)")
	}
	s := Step{Invoke: words[0]}
	if err := schema.FormMethodRef.Check(s.Invoke); err != nil {
		return Step{}, err
	}
	for i := 1; i < len(words); i++ {
		word := words[i]
		switch word {
		case "pivot":
			s.Pivot = true
			continue
		case "retriable":
			s.Retriable = true
			continue
		}
		if word != "compensate" && word != "timeout" {
			return Step{}, fmt.Errorf("%q is nothing that a step has (after its method may come compensate METHOD, timeout DURATION, pivot and retriable)", word)
		}
		if i++; i == len(words) {
			return Step{}, fmt.Errorf("nothing follows %q", word)
		}
		form, value := schema.FormMethodRef, &s.Compensate
		if word == "timeout" {
			form, value = schema.FormDuration, &s.Timeout
		}
		if err := form.Check(words[i]); err != nil {
			return Step{}, err
		}
		*value = words[i]
	}
	return s, nil
}

func (s Step) value() edit.Map {
	return with(nil, edit.Entry{Key: "invoke", Value: s.Invoke}, edit.Entry{Key: "compensate", Value: s.Compensate}, edit.Entry{Key: "timeout", Value: s.Timeout},
		edit.Entry{Key: "pivot", Value: s.Pivot}, edit.Entry{Key: "retriable", Value: s.Retriable})
}

// AddTo adds the saga, and its name to the methods that start it.
func (s Saga) AddTo(spec *schema.Spec, doc *edit.Document) error {
	var steps edit.List
	for _, text := range s.Steps {
		step, err := ParseStep(text)
		if err != nil {
			return err
		}
		steps = append(steps, step.value())
	}
	body := with(edit.Map{{Key: "orchestrator", Value: s.Orchestrator}}, edit.Entry{Key: "timeout", Value: s.Timeout},
		edit.Entry{Key: "steps", Value: steps, Block: true}, edit.Entry{Key: "onFailure", Value: s.OnFailure})
	if err := doc.Add([]string{"sagas"}, edit.Entry{Key: s.Name, Value: body, Block: true}, order); err != nil {
		return err
	}
	for _, ref := range s.StartedBy {
		service, m, err := targetOf(spec, ref)
		if err != nil {
			return err
		}
		if m == nil {
			return fmt.Errorf("the methods of %s are those of %s: it cannot say there what they start", service.Name.V, service.Proto.V)
		}
		if err := doc.Add([]string{"services", service.Name.V, "api", m.Name.V}, edit.Entry{Key: "starts", Value: s.Name}, order); err != nil {
			return err
		}
	}
	return nil
}
