package asyncapi

import "github.com/msgen-dev/msgen/generator/ordered"

// stored are the events of event-sourced aggregates, each of which is published as it is stored.
func (d *document) stored() {
	for _, a := range d.sys.EventSourced() {
		s := a.Service
		for _, e := range a.StoredEvents() {
			name := messageName(e.Type, d.sys)
			d.put(s.EventTopic, name, func() *ordered.Map {
				return message(e.Type, a.Name+" "+e.Name, "Recorded when "+e.When+": the fields of "+a.Name+" that have changed.",
					payload(d.sys, s.ProtoPackage, a.Message, s), "The "+a.Key.Name+" of "+a.Name+".", "storedEvent")
			})
			add(&d.sends, s, s.EventTopic, name)
		}
	}
}

// storedEvent are the further headers of the events of event-sourced aggregates.
func storedEvent() *ordered.Map {
	return ordered.New().Set("headers", ordered.New().
		Set("type", "object").
		Set("required", []string{"ce_streamversion", "ce_changedfields"}).
		Set("properties", ordered.New().
			Set("ce_streamversion", str("The number of the event in the life of its aggregate, from 1.")).
			Set("ce_changedfields", str("The fields that have changed, with commas between; those that the payload does not have were cleared."))))
}
