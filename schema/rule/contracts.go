package rule

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/source"
)

// maxDatabaseName is the longest name that Postgres keeps whole, in bytes (NAMEDATALEN - 1).
const maxDatabaseName = 63

func contracts() []Rule {
	return []Rule{
		{"MSG701", "NameCollision", diag.Error, Contracts, nameCollision, OfSpec},
		{"MSG702", "FieldCollision", diag.Error, Contracts, fieldCollision, OfSpec},
		{"MSG703", "PathParameters", diag.Error, Contracts, pathParameters, OfSpec},
		{"MSG704", "WriteOverGet", diag.Error, Contracts, writeOverGet, OfSpec},
		{"MSG705", "UnusualVerb", diag.Warning, Contracts, unusualVerb, OfSpec},
		{"MSG706", "NameTooLong", diag.Error, Contracts, nameTooLong, OfSpec},
		{"MSG707", "ListWithoutPages", diag.Error, Contracts, listWithoutPages, OfSpec},
		{"MSG708", "LargeEvent", diag.Warning, Contracts, largeEvent, OfSpec},
	}
}

// taken remembers what each generated name is for.
type taken struct {
	report Report
	names  map[string]holder
}

// holder is what has a name.
type holder struct {
	by   schema.Value[string]
	what string
}

func newTaken(report Report) *taken { return &taken{report, map[string]holder{}} }

// forget makes all names free again.
func (t *taken) forget() { clear(t.names) }

// claim reports a name that something else has already.
func (t *taken) claim(name, what, path string, by schema.Value[string]) {
	held, ok := t.names[name]
	if !ok {
		t.names[name] = holder{by, what}
		return
	}
	first := held.by
	f := finding{path: path, span: by.Span, message: fmt.Sprintf("%s %s: %s would be generated twice", what, by.V, name), help: "rename one of the two"}
	if !first.Span.IsZero() && first.Span != by.Span {
		f.related = []diag.Label{label(first.Span, "taken by "+held.what+" "+first.V)}
	} else if first.V != "" {
		f.message = fmt.Sprintf("%s %s: the generated code has a %s already", what, by.V, first.V)
	}
	t.report.add(f)
}

// differ reports a name that differs from another in nothing but case: their tables and files would be one. The same name twice is for claim.
func (t *taken) differ(name schema.Value[string], what, path string) {
	table := "table " + strings.ToLower(name.V)
	if first, ok := t.names[table]; !ok || first.by.V != name.V {
		t.claim(table, what, path, name)
	}
}

// nameCollision holds the names of one service's proto package, its Go methods, and the services' Go packages apart.
func nameCollision(s *schema.Spec, report Report) {
	packages, messages, handlers, tables := newTaken(report), newTaken(report), newTaken(report), newTaken(report)
	for _, service := range s.Services {
		at := "services." + service.Name.V
		packages.claim("package "+strings.ReplaceAll(service.Name.V, "-", "")+"v1", "service", at, service.Name)
		if service.Name.V == s.System.V {
			report.add(finding{
				path: at, span: service.Name.Span, message: fmt.Sprintf("the service %s is called like its system: inside its protobuf package the other services could not be named", service.Name.V),
				help: "rename one of the two", related: []diag.Label{label(s.System.Span, "the system")},
			})
		}
		messages.forget()
		handlers.forget()
		tables.forget()
		stem := strings.ReplaceAll(titles(service.Name.V), "-", "")
		for _, name := range []string{stem + "Service", stem + "ServiceClient", stem + "ServiceServer", "Unimplemented" + stem + "ServiceServer", "Unsafe" + stem + "ServiceServer"} {
			messages.names[name] = holder{schema.Value[string]{V: "stub " + name}, "stub"}
		}
		for _, a := range service.Aggregates {
			messages.claim(a.Name.V, "aggregate", at+".aggregates."+a.Name.V, a.Name)
			tables.differ(a.Name, "aggregate", at+".aggregates."+a.Name.V)
		}
		for _, v := range service.Views {
			messages.claim(v.Name.V, "view", at+".views."+v.Name.V, v.Name)
			tables.differ(v.Name, "view", at+".views."+v.Name.V)
		}
		for _, t := range service.Types {
			messages.claim(t.Name.V, "type", at+".types."+t.Name.V, t.Name)
		}
		for _, m := range service.API {
			path := at + ".api." + m.Name.V
			if !service.Proto.Set {
				messages.claim(m.Name.V+"Request", "method", path, m.Name)
				messages.claim(m.Name.V+"Response", "method", path, m.Name)
			}
			// Files and methods differ by more than case: GetURL and GetUrl would share get_url.go.
			handlers.claim("method "+strings.ToLower(m.Name.V), "method", path, m.Name)
		}
		for _, m := range service.API {
			if m.Writes() && len(service.Calls) > 0 {
				handlers.claim("method prepare"+strings.ToLower(m.Name.V), "hook of method", at+".api."+m.Name.V, m.Name)
			}
		}
		for _, r := range service.Receives {
			handlers.claim("method on"+strings.ToLower(r.Event.Name.V), "handler of event", at+".receives."+r.Event.Name.V, r.Event.Name)
		}
	}
	events := newTaken(report)
	for _, e := range s.Events {
		events.claim("event "+strings.ToLower(e.Name.V), "event", "events."+e.Name.V, e.Name)
	}
}

// titles is a kebab-case name with each word capitalised, dashes kept.
func titles(s string) string {
	words := strings.Split(s, "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "-")
}

// fieldCollision reports fields of one message whose JSON names, Go accessors or columns are the same.
func fieldCollision(s *schema.Spec, report Report) {
	seen := map[string]*schema.Field{}
	check := func(path string, fields []*schema.Field) {
		clear(seen)
		for _, f := range fields {
			for _, name := range generated(f) {
				other, ok := seen[name]
				if !ok {
					seen[name] = f
					continue
				}
				report.add(finding{
					path: path + f.Name.V, span: f.Name.Span, message: fmt.Sprintf("the fields %s and %s become the same %s", other.Name.V, f.Name.V, strings.Replace(name, " ", " name ", 1)),
					help: "rename one of the two", related: []diag.Label{label(other.Name.Span, "the other")},
				})
				break
			}
		}
	}
	for _, service := range s.Services {
		at := "services." + service.Name.V
		for _, a := range service.Aggregates {
			fields := a.Fields
			if len(a.States) > 0 {
				state := &schema.Field{Name: schema.Value[string]{V: "state", Span: a.States[0].Span}, Type: schema.Type{Kind: schema.KindEnum}}
				for _, s := range a.States {
					state.Type.Enum = append(state.Type.Enum, s.V)
				}
				fields = append([]*schema.Field{state}, fields...)
			}
			check(at+".aggregates."+a.Name.V+".fields.", fields)
		}
		for _, t := range service.Types {
			check(at+".types."+t.Name.V+".", t.Fields)
		}
		for _, v := range service.Views {
			check(at+".views."+v.Name.V+".fields.", v.Fields)
		}
		for _, m := range service.API {
			check(at+".api."+m.Name.V+".request.", m.Request)
			check(at+".api."+m.Name.V+".response.", m.Response)
		}
	}
	for _, e := range s.Events {
		check("events."+e.Name.V+".fields.", e.Fields)
	}
}

// generated are the names that a field takes: in JSON, as a Go accessor, and as columns (money takes three).
func generated(f *schema.Field) []string {
	var json strings.Builder
	for i, w := range strings.Split(f.Name.V, "_") {
		if i > 0 && w != "" {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		json.WriteString(w)
	}
	list := []string{"JSON " + json.String(), "Go " + strings.TrimPrefix(f.Name.V, "get_"), "column " + f.Name.V}
	if f.Type.Kind == schema.KindMoney {
		list[2] = "column " + f.Name.V + "_currency"
		list = append(list, "column "+f.Name.V+"_units", "column "+f.Name.V+"_nanos")
	}
	t := f.Type
	if t.Elem != nil {
		t = *t.Elem
	}
	for _, v := range t.Enum { // protobuf keeps the values of all enums of a message in one scope
		list = append(list, "enum "+strings.ToUpper(f.Name.V+"_"+v))
	}
	return list
}

// pathParameters wants each parameter of a path to be a field of the request, and the key of what is read, changed or deleted in the path.
func pathParameters(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP == nil || m.Service.Proto.Set {
			return
		}
		kind, target := m.Behaviour()
		if kind != "" && m.Aggregate == nil && m.View == nil {
			return
		}
		add := func(message, help string, at source.Span) {
			f := finding{path: path + ".http", span: m.HTTP.Span, message: message, help: help}
			if !at.IsZero() {
				f.related = []diag.Label{label(at, "here")}
			}
			report.add(f)
		}
		fields, key := requestFields(m)
		byKey, wrong := kind == "reads" || kind == "updates" || kind == "deletes", false
		for _, p := range m.HTTP.Params {
			f := schema.FieldNamed(fields, p)
			switch {
			case p == key:
			case byKey:
				wrong = true
				add(fmt.Sprintf("the path parameter {%s} is not the key of %s", p, target.V), fmt.Sprintf("use {%s}", key), target.Span)
			case f == nil:
				add(fmt.Sprintf("the path parameter {%s} is no field of the request of %s", p, m.Name.V), "name a field of the request, or leave it out of the path", source.Span{})
			case !isKey(f.Type) && (f.Type.Kind != schema.KindScalar || f.Type.Name != "bool"):
				add(fmt.Sprintf("the path parameter {%s} of type %s cannot stand in a path", p, f.Type), "use a uuid, a string or a whole number", f.Span)
			}
		}
		if byKey && !wrong && !contains(m.HTTP.Params, key) {
			add(fmt.Sprintf("the path of %s does not say which %s", m.Name.V, target.V), fmt.Sprintf("add {%s} to the path", key), target.Span)
		}
	})
}

// requestFields are the fields that a method's request has from the spec, and the name of the key of what it works on.
func requestFields(m *schema.Method) (fields []*schema.Field, key string) {
	switch {
	case m.View != nil:
		return m.View.Fields, m.View.Key.V
	case m.Aggregate != nil && m.Creates.Set:
		return m.Aggregate.Fields, ""
	case m.Aggregate != nil && m.Lists.Set:
		return m.Aggregate.Fields, ""
	case m.Aggregate != nil:
		return m.Aggregate.Fields, m.Aggregate.Key.V
	}
	return m.Request, ""
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

func writeOverGet(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP != nil && m.HTTP.Verb == "GET" && m.Writes() {
			kind, _ := m.Behaviour()
			report.add(finding{
				path: path + ".http", span: m.HTTP.Span, message: fmt.Sprintf("%s %s something over GET, which proxies and browsers repeat at will", m.Name.V, kind),
				help: "use " + strings.Join(verbs(m), " or "), fix: otherVerb(s, m),
			})
		}
	})
}

// otherVerb gives a method the only verb of its behaviour; nil when there are several, or when the route is taken.
func otherVerb(s *schema.Spec, m *schema.Method) *diag.Fix {
	list := verbs(m)
	if len(list) != 1 {
		return nil
	}
	free := true
	methods(s, func(other *schema.Method, _ string) {
		if other.HTTP != nil && other.HTTP.Verb == list[0] && other.HTTP.Path == m.HTTP.Path {
			free = false
		}
	})
	if !free {
		return nil
	}
	return edit.Replace(m.HTTP.Span, m.HTTP.Verb+" "+m.HTTP.Path, list[0]+" "+m.HTTP.Path)
}

// verbs are the usual verbs of a method's behaviour (AIP-131 to 136); none for own methods.
func verbs(m *schema.Method) []string {
	switch {
	case m.ReadOnly():
		return []string{"GET"}
	case m.Creates.Set:
		return []string{"POST"}
	case m.Updates.Set && m.To.Set:
		return []string{"POST", "PATCH"}
	case m.Updates.Set:
		return []string{"PATCH"}
	case m.Deletes.Set:
		return []string{"DELETE"}
	}
	return nil
}

func unusualVerb(s *schema.Spec, report Report) {
	methods(s, func(m *schema.Method, path string) {
		usual := verbs(m)
		if m.HTTP == nil || len(usual) == 0 || contains(usual, m.HTTP.Verb) || m.Writes() && m.HTTP.Verb == "GET" {
			return
		}
		kind, target := m.Behaviour()
		report.add(finding{
			path: path + ".http", span: m.HTTP.Span, message: fmt.Sprintf("%s is an unusual verb for a method that %s %s", m.HTTP.Verb, kind, target.V),
			help: "use " + strings.Join(usual, " or "),
		})
	})
}

func nameTooLong(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if n := len(s.System.V) + 1 + len(service.Name.V); n > maxDatabaseName {
			report.add(finding{
				path: "services." + service.Name.V, span: service.Name.Span,
				message: fmt.Sprintf("the database of %s would have a name of %d characters, and Postgres keeps %d", service.Name.V, n, maxDatabaseName),
				help:    "shorten the name of the service or of the system", related: []diag.Label{label(s.System.Span, "the system")},
			})
		}
	}
}
