package sequence_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// system is a spec as changes see it. References are names: a change that takes a thing away leaves what names it to forget.
type system struct {
	Name     string
	Module   string
	Settings map[string]string // by the path of the key, such as gateway.timeout
	Services []*service
	Events   []*event
	Sagas    []*saga
}

type service struct {
	Name           string
	RenamedFrom    string
	Responsibility string
	Settings       map[string]string // owner, pii, scaling, slo
	Aggregates     []*aggregate
	API            []*method
	Receives       []*receive
	Views          []*view
	Calls          []string // service.Method
}

type aggregate struct {
	Name        string
	RenamedFrom string
	Fields      []*field
	States      string // "" for none
}

type field struct {
	Name        string
	RenamedFrom string
	Type        string
}

type method struct {
	Name        string
	RenamedFrom string
	Does        string // creates, reads, lists, updates, deletes; "" for one of the user's own
	Of          string // the aggregate or view that it does it to
	Sends       []string
	Starts      string // a saga, or ""
	Request     []*field
	Response    []*field
	Internal    bool
}

type receive struct {
	Event   string
	Creates string // an aggregate, or ""
	Retries int
}

type view struct {
	Name   string
	Fields []*field
	From   []string
}

// saga has one step that can be undone, and its pivot.
type saga struct {
	Name         string
	Orchestrator string
	Undone       string // service.Method; it undoes itself as well
	Pivot        string // service.Method
}

// event has its key as the first of its fields.
type event struct {
	Name        string
	RenamedFrom string
	Fields      []*field
}

// first is the system that sequences begin with: two services, an event between them, a view, a call, and a method of the user's own.
func first() *system {
	title := func() *field { return &field{Name: "title", Type: "{type: string, minLength: 1, maxLength: 200}"} }
	return &system{
		Name: "desk", Module: "example.com/desk",
		Settings: map[string]string{"gateway.auth": `{jwt: {issuer: "https://id.example.com", audience: desk, jwks: "https://id.example.com/keys.json"}}`},
		Services: []*service{
			{
				Name: "notes", Responsibility: "Keeps notes.", Settings: map[string]string{"owner": "team-notes"},
				Aggregates: []*aggregate{{Name: "Note", Fields: []*field{title(), {Name: "body", Type: "string"}}, States: "[open, closed]"}},
				API: []*method{
					{Name: "CreateNote", Does: "creates", Of: "Note", Sends: []string{"NoteCreated"}},
					{Name: "GetNote", Does: "reads", Of: "Note", Internal: true},
					{Name: "CloseNote", Does: "updates", Of: "Note"},
					{Name: "CountWords", Request: []*field{{Name: "text", Type: "string"}}, Response: []*field{{Name: "words", Type: "int32"}}},
				},
			},
			{
				Name: "audit", Responsibility: "Remembers which notes were made.", Settings: map[string]string{"owner": "team-audit"},
				Aggregates: []*aggregate{{Name: "Entry", Fields: []*field{{Name: "note_id", Type: "uuid"}, title()}}},
				Receives:   []*receive{{Event: "NoteCreated", Creates: "Entry", Retries: 5}},
				Views:      []*view{{Name: "Headline", Fields: []*field{{Name: "title", Type: "string"}}, From: []string{"NoteCreated"}}},
				API:        []*method{{Name: "ListEntries", Does: "lists", Of: "Entry"}, {Name: "GetHeadline", Does: "reads", Of: "Headline"}},
				Calls:      []string{"notes.GetNote"},
			},
		},
		Events: []*event{{Name: "NoteCreated", Fields: []*field{{Name: "note_id", Type: "uuid"}, {Name: "title", Type: "string"}}}},
	}
}

// clone is a copy that shares nothing.
func (s *system) clone() *system {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // it has nothing but texts and numbers
	}
	c := &system{}
	if err := json.Unmarshal(text, c); err != nil {
		panic(err)
	}
	return c
}

// faults are the errors that keep a spec from being generated, as one text.
func faults(text string) string {
	spec, list := schema.Load("msgen.yaml", []byte(text))
	if spec != nil && !list.HasErrors() {
		list = append(append(list, rule.Run(spec)...), schema.UnsupportedDiagnostics(spec)...)
	}
	var lines []string
	for _, d := range list {
		if d.Severity == diag.Error {
			lines = append(lines, d.Path+": "+d.Message)
		}
	}
	return strings.Join(lines, "\n")
}

// text is the spec's msgen.yaml. What is not in it because nothing uses it, such as a gateway without an API, is left out.
func (s *system) text() string {
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		b.WriteString(strings.Repeat("  ", indent))
		fmt.Fprintf(&b, format+"\n", args...)
	}
	line(0, "apiVersion: msgen/v1\nsystem: %s\nmodule: %s", s.Name, s.Module)
	sections := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(s.Settings)) {
		section, name, nested := strings.Cut(key, ".")
		if !nested {
			line(0, "%s: %s", key, s.Settings[key])
			continue
		}
		sections[section] = append(sections[section], name+": "+s.Settings[key])
	}
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		if section == "gateway" && !s.exposed() {
			continue
		}
		line(0, "%s:", section)
		for _, setting := range sections[section] {
			line(1, "%s", setting)
		}
	}
	line(0, "services:")
	for _, v := range s.Services {
		line(1, "%s:", v.Name)
		if v.RenamedFrom != "" {
			line(2, "renamedFrom: %s", v.RenamedFrom)
		}
		line(2, "responsibility: %s", v.Responsibility)
		for _, key := range slices.Sorted(maps.Keys(v.Settings)) {
			line(2, "%s: %s", key, v.Settings[key])
		}
		heading(line, 2, "aggregates", len(v.Aggregates))
		for _, a := range v.Aggregates {
			line(3, "%s: {%s}", a.Name, join("renamedFrom", a.RenamedFrom, "fields", fields(a.Fields), "states", a.States))
		}
		heading(line, 2, "views", len(v.Views))
		for _, w := range v.Views {
			line(3, "%s: {key: %s, fields: %s, from: [%s]}", w.Name, viewKey(s, w), fields(w.Fields), strings.Join(w.From, ", "))
		}
		heading(line, 2, "api", len(v.API))
		for _, m := range v.API {
			line(3, "%s: {%s}", m.Name, m.text(s, v))
		}
		heading(line, 2, "receives", len(v.Receives))
		for _, r := range v.Receives {
			line(3, "%s: {%s}", r.Event, join("creates", r.Creates, "retries", fmt.Sprint(r.Retries)))
		}
		heading(line, 2, "calls", len(v.Calls))
		for _, c := range v.Calls {
			line(3, "%s: {fallback: none}", c)
		}
	}
	heading(line, 0, "events", len(s.Events))
	for _, e := range s.Events {
		line(1, "%s: {%s}", e.Name, join("renamedFrom", e.RenamedFrom, "key", e.Fields[0].Name, "fields", fields(e.Fields)))
	}
	heading(line, 0, "sagas", len(s.Sagas))
	for _, g := range s.Sagas {
		line(1, "%s: {orchestrator: %s, steps: [{invoke: %s, compensate: %s}, {invoke: %s, pivot: true}]}", g.Name, g.Orchestrator, g.Undone, g.Undone, g.Pivot)
	}
	return b.String()
}

func heading(line func(int, string, ...any), indent int, name string, n int) {
	if n > 0 {
		line(indent, "%s:", name)
	}
}

// join is pairs of keys and values as the inside of a mapping; those without a value are left out.
func join(pairs ...string) string {
	var list []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			list = append(list, pairs[i]+": "+pairs[i+1])
		}
	}
	return strings.Join(list, ", ")
}

func fields(list []*field) string {
	var parts []string
	for _, f := range list {
		kind := f.Type
		if f.RenamedFrom != "" {
			if inner, ok := strings.CutPrefix(kind, "{"); ok {
				kind = "{renamedFrom: " + f.RenamedFrom + ", " + inner
			} else {
				kind = fmt.Sprintf("{renamedFrom: %s, type: %s}", f.RenamedFrom, kind)
			}
		}
		parts = append(parts, f.Name+": "+kind)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// viewKey is the key of the first event that a view is kept from.
func viewKey(s *system, w *view) string {
	for _, e := range s.Events {
		if slices.Contains(w.From, e.Name) {
			return e.Fields[0].Name
		}
	}
	return "nothing"
}

func (m *method) text(s *system, v *service) string {
	var pairs []string
	if m.RenamedFrom != "" {
		pairs = append(pairs, "renamedFrom", m.RenamedFrom)
	}
	if m.Internal {
		pairs = append(pairs, "internal", "true")
	} else {
		path := "/v1/" + v.Name + "/" + strings.ToLower(m.Name)
		switch m.Does {
		case "reads", "updates", "deletes":
			key := "id"
			for _, w := range v.Views {
				if w.Name == m.Of {
					key = viewKey(s, w)
				}
			}
			path += "/{" + key + "}"
		}
		verb := map[string]string{"creates": "POST", "reads": "GET", "lists": "GET", "updates": "PATCH", "deletes": "DELETE", "": "POST"}[m.Does]
		pairs = append(pairs, "http", fmt.Sprintf("%q", verb+" "+path), "scopes", "["+v.Name+".use]")
	}
	if m.Does != "" {
		pairs = append(pairs, m.Does, m.Of)
	} else {
		pairs = append(pairs, "request", fields(m.Request), "response", fields(m.Response))
	}
	if len(m.Sends) > 0 {
		pairs = append(pairs, "sends", "["+strings.Join(m.Sends, ", ")+"]")
	}
	pairs = append(pairs, "starts", m.Starts)
	return join(pairs...)
}

func (s *system) exposed() bool {
	return slices.ContainsFunc(s.Services, func(v *service) bool {
		return slices.ContainsFunc(v.API, func(m *method) bool { return !m.Internal })
	})
}
