package schema

import "strings"

// inferFromReferences fills in what follows from how the parts refer to each other: databases and the types of views' keys.
func (d *decoder) inferFromReferences() {
	why := d.storageReasons()
	for _, s := range d.spec.Services {
		if s.Database.Set {
			if s.Database.V == "none" {
				s.Database.V = ""
			}
			continue
		}
		s.Database.Span = s.Name.Span
		if reasons := why[s]; len(reasons) > 0 {
			s.Database.V = d.spec.Stack.Database.V
			d.infer("services."+s.Name.V+".database", s.Database.V, "it "+strings.Join(reasons, ", it "))
		}
	}
	for _, s := range d.spec.Services {
		for _, v := range s.Views {
			for _, ref := range v.From {
				if f := ref.Event.field(v.Key.V); f != nil {
					v.KeyType = f.Type
					break
				}
			}
		}
	}
}

// StorageReasons say, for each service that has to store something, why: "has aggregates", "receives events".
func (s *Spec) StorageReasons(service *Service) []string {
	d := decoder{spec: s}
	return d.storageReasons()[service]
}

func (d *decoder) storageReasons() map[*Service][]string {
	why := map[*Service][]string{}
	add := func(s *Service, reason string) {
		if s == nil {
			return
		}
		for _, r := range why[s] {
			if r == reason {
				return
			}
		}
		why[s] = append(why[s], reason)
	}
	for _, s := range d.spec.Services {
		if len(s.Aggregates) > 0 {
			add(s, "has aggregates")
		}
		if len(s.Views) > 0 {
			add(s, "has views")
		}
		if len(s.Receives) > 0 {
			add(s, "receives events")
		}
		for _, m := range s.API {
			if len(m.Sends) > 0 {
				add(s, "sends events")
			}
		}
	}
	for _, saga := range d.spec.Sagas {
		if saga.Choreographed() {
			add(saga.Service, "starts "+saga.Name.V)
		} else {
			add(saga.Service, "orchestrates "+saga.Name.V)
		}
		for _, ref := range saga.Refs() {
			add(ref.Service, "takes part in "+saga.Name.V)
		}
	}
	return why
}

// Choreographed reports that nobody leads the saga: its services react to each other's events.
func (s *Saga) Choreographed() bool { return s.Coordination.V == "choreography" }

// Refs are all methods that a saga names, in the order of the spec: each step's action and compensation, then onFailure.
func (s *Saga) Refs() []*MethodRef {
	var list []*MethodRef
	for _, step := range s.Steps {
		list = append(list, &step.Invoke)
		if step.Compensate != nil {
			list = append(list, step.Compensate)
		}
	}
	if s.OnFailure != nil {
		list = append(list, s.OnFailure)
	}
	return list
}

// field is the event's field of a name; nil when there is none, or no event.
func (e *Event) field(name string) *Field {
	if e == nil {
		return nil
	}
	return FieldNamed(e.Fields, name)
}

// FieldNamed is the field of a name; nil when there is none.
func FieldNamed(fields []*Field, name string) *Field {
	for _, f := range fields {
		if f.Name.V == name {
			return f
		}
	}
	return nil
}
