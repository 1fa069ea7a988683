package rule

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
)

func data() []Rule {
	return []Rule{
		{"MSG201", "StoresWithoutDatabase", diag.Error, Data, storesWithoutDatabase, OfSpec},
		{"MSG202", "MissingCompensation", diag.Error, Data, missingCompensation, OfSpec},
		{"MSG203", "SeveralPivots", diag.Error, Data, severalPivots, OfSpec},
		{"MSG204", "StepOrder", diag.Error, Data, stepOrder, OfSpec},
		{"MSG205", "NotRetriableAfterPivot", diag.Error, Data, notRetriable, OfSpec},
		{"MSG206", "StepTimeout", diag.Error, Data, stepTimeout, OfSpec},
		{"MSG207", "StepTarget", diag.Error, Data, stepTarget, OfSpec},
		{"MSG208", "CompensationTarget", diag.Error, Data, compensationTarget, OfSpec},
		{"MSG209", "SagaStart", diag.Error, Data, sagaStart, OfSpec},
		{"MSG210", "FailureTarget", diag.Error, Data, failureTarget, OfSpec},
		{"MSG211", "ViewKey", diag.Error, Data, viewKey, OfSpec},
		{"MSG212", "UnknownState", diag.Error, Data, unknownState, OfSpec},
		{"MSG213", "SingleStepSaga", diag.Warning, Data, singleStepSaga, OfSpec},
		{"MSG214", "AggregateKey", diag.Error, Data, aggregateKey, OfSpec},
		{"MSG215", "RepeatedStep", diag.Error, Data, repeatedStep, OfSpec},
		{"MSG216", "LongChoreography", diag.Warning, Data, longChoreography, OfSpec},
		{"MSG217", "MonolithicDatabase", diag.Error, Data, monolithicDatabase, OfSpec},
		{"MSG218", "SagaDeadEnd", diag.Error, Data, deadEnd, OfSpec},
		{"MSG219", "SagaInterference", diag.Warning, Data, interference, OfSpec},
	}
}

func storesWithoutDatabase(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if !service.Database.Set || service.Database.V != "" {
			continue
		}
		if reasons := s.StorageReasons(service); len(reasons) > 0 {
			report.add(finding{
				path: "services." + service.Name.V + ".database", span: service.Database.Span,
				message: fmt.Sprintf("%s says it has no database, but it %s", service.Name.V, strings.Join(reasons, ", it ")),
				help:    "remove `database: none`: outbox, inbox and saga log live in the service's own database",
			})
		}
	}
}

// viewKey wants every event of a view to carry its key, in one type that a row can be found by.
func viewKey(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		for _, v := range service.Views {
			if !v.Key.Set {
				continue
			}
			path := "services." + service.Name.V + ".views." + v.Name.V
			var first *schema.Field
			for _, ref := range v.From {
				if ref.Event == nil {
					continue
				}
				f := schema.FieldNamed(ref.Event.Fields, v.Key.V)
				switch {
				case f == nil:
					report.add(finding{
						path: path + ".from", span: ref.Name.Span, message: fmt.Sprintf("the event %s does not carry %s, the key of the view %s", ref.Name.V, v.Key.V, v.Name.V),
						help:    "add the field to the event, or leave the event out",
						related: []diag.Label{label(v.Key.Span, "the view's key"), label(ref.Event.Name.Span, "the event")},
					})
				case first == nil:
					first = f
					if !isKey(f.Type) {
						report.add(finding{
							path: path + ".key", span: v.Key.Span, message: fmt.Sprintf("%s of type %s cannot be the key of a view", v.Key.V, f.Type),
							help: "use a uuid, a string or a whole number", related: []diag.Label{label(f.Span, "its type")},
						})
					}
				case !f.Type.Equal(first.Type):
					report.add(finding{
						path: path + ".key", span: v.Key.Span, message: fmt.Sprintf("the key %s is %s in one event and %s in another", v.Key.V, first.Type, f.Type),
						help: "give it one type", related: []diag.Label{label(first.Span, "here"), label(f.Span, "and here")},
					})
				}
			}
		}
	}
}

// isKey reports whether values of a type can identify something: in a path, as a primary key, as a partition key.
func isKey(t schema.Type) bool {
	if t.Kind == schema.KindUUID {
		return true
	}
	if t.Kind != schema.KindScalar {
		return false
	}
	switch t.Name {
	case "string", "int32", "int64", "uint32", "uint64":
		return true
	}
	return false
}

func unknownState(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.Aggregate == nil {
			return
		}
		check := func(key string, v schema.Value[string]) {
			var known []string
			for _, state := range m.Aggregate.States {
				if state.V == v.V {
					return
				}
				known = append(known, state.V)
			}
			f := finding{path: path + "." + key, span: v.Span, message: fmt.Sprintf("%s has no state %q", m.Aggregate.Name.V, v.V), related: []diag.Label{label(m.Aggregate.Name.Span, "the aggregate")}}
			f.help = "its states: " + strings.Join(known, ", ")
			if len(known) == 0 {
				f.help = "add `states:` to the aggregate"
			} else if near := schema.Nearest(v.V, known); near != "" {
				f.help = fmt.Sprintf("did you mean %q?", near)
			}
			if right := schema.Typo(v.V, known); key != "from" || !hasState(m.From, right) {
				f.fix = edit.Replace(v.Span, v.V, right)
			}
			report.add(f)
		}
		for _, v := range m.From {
			check("from", v)
		}
		if m.To.Set {
			check("to", m.To)
		}
	})
}

func hasState(states []schema.Value[string], name string) bool {
	for _, state := range states {
		if state.V == name {
			return true
		}
	}
	return false
}

func aggregateKey(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		for _, a := range service.Aggregates {
			if !a.Key.Set {
				continue
			}
			f := finding{path: "services." + service.Name.V + ".aggregates." + a.Name.V + ".key", span: a.Key.Span, related: []diag.Label{label(a.Name.Span, "the aggregate")}}
			field := schema.FieldNamed(a.Fields, a.Key.V)
			switch {
			case field == nil:
				f.message = fmt.Sprintf("%s has no field %q", a.Name.V, a.Key.V)
				f.help = "name one of its fields, or leave `key` out: the service then makes ids"
			case !isKey(field.Type):
				f.message = fmt.Sprintf("%s of type %s cannot be a key", a.Key.V, field.Type)
				f.help = "use a uuid, a string or a whole number"
			default:
				continue
			}
			report.add(f)
		}
	}
}
