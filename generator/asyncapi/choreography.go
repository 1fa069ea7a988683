package asyncapi

import "github.com/msgen-dev/msgen/generator/ordered"

// choreographies adds the events of the choreographed sagas, each of which carries what its saga was started with.
func (d *document) choreographies() {
	for _, sg := range d.sys.Sagas {
		if !sg.Choreographed() {
			continue
		}
		topic, schema := sg.FlowTopic(), ""
		if a := sg.Aggregate; a != nil && sg.Service.Spec.Proto.V == "" {
			schema = payload(d.sys, sg.Service.ProtoPackage, a.Message, sg.Service)
		}
		for _, e := range sg.FlowEvents() {
			name := messageName(e.Type, d.sys)
			d.put(topic, name, func() *ordered.Map {
				return message(e.Type, e.Name, e.Doc, schema, "The key of the saga.", "sagaEvent")
			})
			add(&d.sends, e.From, topic, name)
			if e.Starter {
				add(&d.receives, sg.Service, topic, name)
			}
			for _, to := range e.To {
				add(&d.receives, to, topic, name)
			}
		}
	}
}

// sagaEvent are the further headers of a choreographed saga's events.
func sagaEvent() *ordered.Map {
	return ordered.New().Set("headers", ordered.New().
		Set("type", "object").
		Set("required", []string{"ce_sagaid", "ce_sagastep", "ce_sagaop", "ce_sagaattempt", "ce_sagaversion", "ce_sagadeadline"}).
		Set("properties", sagaHeaders().
			Set("ce_sagaversion", str("The version of the saga's steps; events of another are not reacted to.")).
			Set("ce_sagadeadline", str("When the saga's time is up: a step that can be refused is refused from then on.").Set("format", "date-time")).
			Set("ce_sagareason", str("Why it turns back, if it does."))))
}
