package sequence_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// change is one way to change a spec. do returns what it did, and "" when there is nothing that it could be done to.
type change struct {
	name string
	do   func(r *rand.Rand, s *system) string
}

var changes = []change{
	{"add a service", addService}, {"remove a service", removeService}, {"rename a service", renameService},
	{"add a method", addMethod}, {"remove a method", removeMethod}, {"rename a method", renameMethod},
	{"add an event", addEvent}, {"remove an event", removeEvent}, {"rename an event", renameEvent},
	{"add a field", addField}, {"remove a field", removeField}, {"rename a field", renameField}, {"change a field's type", changeField},
	{"rename an aggregate", renameAggregate},
	{"receive an event", receiveEvent}, {"call a method", callMethod}, {"add a saga", addSaga}, {"remove a saga", removeSaga},
	{"change a setting", changeSetting}, {"change a service's setting", changeServiceSetting}, {"change the broker", changeBroker},
	{"change the module", changeModule}, {"forget the renames", forgetRenames},
}

// The names are few, so that what was removed comes back and meets what was left of it.
var (
	serviceNames   = []string{"notes", "audit", "mail", "search", "billing-desk", "stock"}
	aggregateNames = []string{"Note", "Entry", "Parcel", "Ticket", "Invoice"}
	ownMethods     = []string{"CountWords", "Ping", "Export", "CheckAll"}
	eventNames     = []string{"NoteCreated", "NoteClosed", "AlarmRaised", "TicketSold"}
	fieldNames     = []string{"title", "body", "amount", "count", "due_at", "reference", "ratio", "done", "labels"}
	fieldTypes     = []string{"string", "money", "int32", "timestamp", "uuid", "double", "bool", `"[]string"`, "{type: string, maxLength: 80}", "decimal", `"enum(low, high)"`}
	settings       = map[string][]string{
		"description":            {"A desk.", "A desk with drawers.", "A larger desk."},
		"stack.tracing":          {"jaeger", "otlp", "zipkin"},
		"gateway.timeout":        {"3s", "5s", "8s"},
		"gateway.maxBody":        {"1MiB", "2MiB", "512KiB"},
		"gateway.rateLimit":      {"{requests: 50, per: 1s, burst: 100, by: client}", "{requests: 80, per: 1s, burst: 90, by: token}"},
		"gateway.cors":           {`{origins: ["https://a.example.com"]}`, `{origins: ["https://b.example.com", "https://c.example.com"]}`},
		"observability.sampling": {"0.1", "0.5", "1"},
		"observability.logs":     {"json", "text"},
		"deployment.targets":     {"[compose]", "[kubernetes]", "[compose, kubernetes]"},
		"deployment.namespace":   {"desk", "office"},
		"deployment.resources":   {"{cpu: 100m, memory: 64Mi, memoryLimit: 256Mi}", "{cpu: 200m, memory: 128Mi, memoryLimit: 512Mi}"},
		"deployment.gracePeriod": {"30s", "45s"},
		"resilience.standard":    {"{timeout: 2s}", "{retry: {maxRetries: 1}}", "{circuitBreaker: {errorThreshold: 40%}, bulkhead: {maxConcurrent: 32}}"},
	}
	serviceSettings = map[string][]string{
		"owner":   {"team-a", "team-b", "team-c"},
		"scaling": {"{min: 2, max: 4, cpu: 70%}", "{min: 3, max: 6, cpu: 60%}"},
		"slo":     {"{availability: 99.9%, latency: {p99: 300ms}, window: 30d}", "{availability: 99%, latency: {p99: 500ms}, window: 7d}"},
	}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// unused is a name of the list that taken does not have.
func unused(r *rand.Rand, list, taken []string) (string, bool) {
	free := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(taken, name) })
	if len(free) == 0 {
		return "", false
	}
	return pick(r, free), true
}

func names[T any](list []T, name func(T) string) []string {
	var out []string
	for _, v := range list {
		out = append(out, name(v))
	}
	return out
}

func (s *system) serviceNames() []string {
	return names(s.Services, func(v *service) string { return v.Name })
}
func (s *system) eventNames() []string {
	return names(s.Events, func(e *event) string { return e.Name })
}
func (v *service) methodNames() []string {
	return names(v.API, func(m *method) string { return m.Name })
}

func (s *system) aggregateNames() []string {
	var list []string
	for _, v := range s.Services {
		list = append(list, names(v.Aggregates, func(a *aggregate) string { return a.Name })...)
	}
	return list
}

func newFields(r *rand.Rand, n int) []*field {
	var list []*field
	for _, i := range r.Perm(len(fieldNames))[:n] {
		list = append(list, &field{Name: fieldNames[i], Type: pick(r, fieldTypes)})
	}
	return list
}

func addService(r *rand.Rand, s *system) string {
	name, ok := unused(r, serviceNames, s.serviceNames())
	of, free := unused(r, aggregateNames, s.aggregateNames())
	if !ok || !free {
		return ""
	}
	v := &service{Name: name, Responsibility: "Does what " + name + " does.", Settings: map[string]string{"owner": "team-new"}}
	v.Aggregates = []*aggregate{{Name: of, Fields: newFields(r, 2), States: pick(r, []string{"", "[open, closed]"})}}
	v.API = []*method{{Name: "Create" + of, Does: "creates", Of: of}, {Name: "List" + of + "s", Does: "lists", Of: of}}
	s.Services = append(s.Services, v)
	return "add the service " + name
}

func removeService(r *rand.Rand, s *system) string {
	if len(s.Services) < 2 {
		return ""
	}
	v := pick(r, s.Services)
	s.Services = slices.DeleteFunc(s.Services, func(o *service) bool { return o == v })
	s.forget()
	return "remove the service " + v.Name
}

func renameService(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	name, ok := unused(r, serviceNames, s.serviceNames())
	if !ok {
		return ""
	}
	was := v.Name
	s.swap(func(ref string) string {
		if rest, ok := strings.CutPrefix(ref, was+"."); ok {
			return name + "." + rest
		}
		return ref
	})
	for _, g := range s.Sagas {
		if g.Orchestrator == was {
			g.Orchestrator = name
		}
	}
	v.Name, v.RenamedFrom = name, renamed(was)
	return fmt.Sprintf("rename the service %s to %s", was, name)
}

func addMethod(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	m := &method{Internal: r.IntN(3) == 0}
	if len(v.Aggregates) > 0 && r.IntN(4) > 0 {
		a := pick(r, v.Aggregates)
		m.Of, m.Does = a.Name, pick(r, []string{"creates", "reads", "lists", "updates", "deletes"})
		m.Name = map[string]string{"creates": "Create", "reads": "Get", "lists": "List", "updates": "Update", "deletes": "Delete"}[m.Does] + a.Name
		if m.Does == "lists" {
			m.Name += "s"
		}
	} else {
		m.Name, m.Request, m.Response = pick(r, ownMethods), newFields(r, 2), newFields(r, 1)
	}
	if slices.Contains(v.methodNames(), m.Name) {
		return ""
	}
	if len(s.Events) > 0 && (m.Does == "creates" || m.Does == "") && r.IntN(2) == 0 {
		m.Sends = []string{pick(r, s.Events).Name}
	}
	v.API = append(v.API, m)
	return "add the method " + v.Name + "." + m.Name
}

func removeMethod(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	if len(v.API) == 0 {
		return ""
	}
	m := pick(r, v.API)
	v.API = slices.DeleteFunc(v.API, func(o *method) bool { return o == m })
	s.forget()
	return "remove the method " + v.Name + "." + m.Name
}

func renameMethod(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	if len(v.API) == 0 {
		return ""
	}
	m := pick(r, v.API)
	was, name := m.Name, m.Name+"Now"
	if trimmed, ok := strings.CutSuffix(m.Name, "Now"); ok {
		name = trimmed
	}
	s.swap(func(ref string) string {
		if ref == v.Name+"."+was {
			return v.Name + "." + name
		}
		return ref
	})
	m.Name, m.RenamedFrom = name, renamed(was)
	return fmt.Sprintf("rename the method %s.%s to %s", v.Name, was, name)
}

func renameAggregate(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	name, ok := unused(r, aggregateNames, s.aggregateNames())
	if !ok || len(v.Aggregates) == 0 {
		return ""
	}
	a := pick(r, v.Aggregates)
	for _, m := range v.API {
		if m.Of == a.Name {
			m.Of = name
		}
	}
	for _, rec := range v.Receives {
		if rec.Creates == a.Name {
			rec.Creates = name
		}
	}
	was := a.Name
	a.Name, a.RenamedFrom = name, renamed(was)
	return fmt.Sprintf("rename the aggregate %s.%s to %s", v.Name, was, name)
}

func addEvent(r *rand.Rand, s *system) string {
	name, ok := unused(r, eventNames, s.eventNames())
	if !ok {
		return ""
	}
	var senders []*method
	for _, v := range s.Services {
		for _, m := range v.API {
			if len(v.Aggregates) > 0 && (m.Does == "creates" || m.Does == "updates" || m.Does == "") {
				senders = append(senders, m)
			}
		}
	}
	if len(senders) == 0 {
		return ""
	}
	s.Events = append(s.Events, &event{Name: name, Fields: append([]*field{{Name: "subject_id", Type: "uuid"}}, newFields(r, 2)...)})
	sender := pick(r, senders)
	sender.Sends = append(sender.Sends, name)
	to := pick(r, s.Services)
	to.Receives = append(to.Receives, &receive{Event: name, Retries: 3})
	return fmt.Sprintf("add the event %s, sent by %s and received by %s", name, sender.Name, to.Name)
}

func removeEvent(r *rand.Rand, s *system) string {
	if len(s.Events) == 0 {
		return ""
	}
	e := pick(r, s.Events)
	s.Events = slices.DeleteFunc(s.Events, func(o *event) bool { return o == e })
	s.forget()
	return "remove the event " + e.Name
}

func renameEvent(r *rand.Rand, s *system) string {
	name, ok := unused(r, eventNames, s.eventNames())
	if !ok || len(s.Events) == 0 {
		return ""
	}
	e := pick(r, s.Events)
	was := e.Name
	swap := func(list []string) {
		if i := slices.Index(list, was); i >= 0 {
			list[i] = name
		}
	}
	for _, v := range s.Services {
		for _, m := range v.API {
			swap(m.Sends)
		}
		for _, w := range v.Views {
			swap(w.From)
		}
		for _, rec := range v.Receives {
			if rec.Event == was {
				rec.Event = name
			}
		}
	}
	e.Name, e.RenamedFrom = name, renamed(was)
	return fmt.Sprintf("rename the event %s to %s", was, name)
}

func receiveEvent(r *rand.Rand, s *system) string {
	if len(s.Events) == 0 {
		return ""
	}
	v, e := pick(r, s.Services), pick(r, s.Events)
	if slices.ContainsFunc(v.Receives, func(rec *receive) bool { return rec.Event == e.Name }) {
		return ""
	}
	rec := &receive{Event: e.Name, Retries: 2 + r.IntN(3)}
	if len(v.Aggregates) > 0 && r.IntN(2) == 0 {
		rec.Creates = pick(r, v.Aggregates).Name
	}
	v.Receives = append(v.Receives, rec)
	return fmt.Sprintf("receive %s in %s", e.Name, v.Name)
}

func callMethod(r *rand.Rand, s *system) string {
	from, to := pick(r, s.Services), pick(r, s.Services)
	if from == to || len(to.API) == 0 {
		return ""
	}
	call := to.Name + "." + pick(r, to.API).Name
	if slices.Contains(from.Calls, call) {
		return ""
	}
	from.Calls = append(from.Calls, call)
	return fmt.Sprintf("call %s from %s", call, from.Name)
}

func changeSetting(r *rand.Rand, s *system) string { return set(r, s.Settings, settings) }

func changeServiceSetting(r *rand.Rand, s *system) string {
	v := pick(r, s.Services)
	if r.IntN(2) == 0 {
		v.Responsibility = pick(r, []string{"Does less.", "Does more.", "Does all that it can."})
		return "change the responsibility of " + v.Name
	}
	return set(r, v.Settings, serviceSettings) + " for " + v.Name
}

func set(r *rand.Rand, to map[string]string, from map[string][]string) string {
	key := pick(r, slices.Sorted(maps.Keys(from)))
	to[key] = pick(r, from[key])
	return fmt.Sprintf("set %s: %s", key, to[key])
}

func changeBroker(r *rand.Rand, s *system) string {
	return set(r, s.Settings, map[string][]string{"stack.broker": {"kafka", "rabbitmq", "nats"}})
}

func changeModule(r *rand.Rand, s *system) string {
	s.Module = pick(r, []string{"example.com/desk", "example.com/office", "example.org/team/desk"})
	return "change the module to " + s.Module
}
