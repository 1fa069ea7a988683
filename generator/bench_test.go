package generator_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/rule"
)

// synthetic is a spec of n services: each has an aggregate with states, six methods, sends an event, and handles its neighbour's.
func synthetic(tb testing.TB, n int) *schema.Spec {
	tb.Helper()
	var s, events strings.Builder
	s.WriteString("apiVersion: msgen/v1\nsystem: many\nmodule: example.com/many\nservices:\n")
	events.WriteString("events:\n")
	for i := range n {
		fmt.Fprintf(&s, `  part%[1]d:
    responsibility: Keeps things of kind %[1]d.
    owner: team-%[1]d
    aggregates:
      Thing%[1]d: {fields: {name: {type: string, minLength: 1, maxLength: 100}, count: int32, price: money, tags: "[]string"}, states: [open, closed]}
      Note%[1]d: {fields: {thing_id: uuid, name: string}}
    api:
      CreateThing%[1]d: {http: POST /v1/things%[1]d, creates: Thing%[1]d, sends: [ThingMade%[1]d], scopes: [a]}
      GetThing%[1]d: {http: "GET /v1/things%[1]d/{id}", reads: Thing%[1]d, scopes: [a]}
      ListThings%[1]d: {http: GET /v1/things%[1]d, lists: Thing%[1]d, scopes: [a]}
      UpdateThing%[1]d: {http: "PATCH /v1/things%[1]d/{id}", updates: Thing%[1]d, scopes: [a]}
      CloseThing%[1]d: {internal: true, updates: Thing%[1]d, from: [open], to: closed}
      ListNotes%[1]d: {http: GET /v1/notes%[1]d, lists: Note%[1]d, scopes: [a]}
    receives:
      ThingMade%[2]d: {creates: Note%[1]d}
`, i, (i+1)%n)
		fmt.Fprintf(&events, "  ThingMade%d: {key: thing_id, fields: {thing_id: uuid, name: string}}\n", i)
	}
	s.WriteString(events.String())
	s.WriteString("gateway:\n  auth: {jwt: {issuer: \"https://id.example.com\", audience: many, jwks: \"https://id.example.com/jwks.json\"}}\n")
	spec, findings := schema.Load("msgen.yaml", []byte(s.String()))
	if spec == nil || findings.HasErrors() {
		tb.Fatal(findings)
	}
	if findings := rule.Run(spec); findings.HasErrors() {
		tb.Fatal(findings)
	}
	return spec
}

func render(tb testing.TB, spec *schema.Spec) []generator.File {
	tb.Helper()
	files, findings, err := generator.Render(tb.Context(), spec, generator.Options{})
	if err != nil || findings.HasErrors() {
		tb.Fatal(err, findings)
	}
	return files
}

// sizes are numbers of services; -short leaves out the one that takes seconds.
func sizes() []int {
	if testing.Short() {
		return []int{10, 100}
	}
	return []int{10, 100, 1000}
}

// BenchmarkRender makes every file of a system in memory.
func BenchmarkRender(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			spec := synthetic(b, n)
			files := 0
			cpu := cpuTime()
			for b.Loop() {
				files = len(render(b, spec))
			}
			perService(b, cpu, n)
			b.ReportMetric(float64(files), "files")
		})
	}
}

// BenchmarkStubs makes the Go stubs alone, from .proto files in memory: what `buf generate` does.
func BenchmarkStubs(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			sys, findings := view.Build(synthetic(b, n), view.Options{})
			if findings.HasErrors() {
				b.Fatal(findings)
			}
			sources := proto.Render(sys)
			cpu := cpuTime()
			for b.Loop() {
				if _, findings, err := proto.Stubs(b.Context(), sources, nil); err != nil || findings.HasErrors() {
					b.Fatal(err, findings)
				}
			}
			perService(b, cpu, n)
		})
	}
}

// BenchmarkUnchanged is `msgen generate` without a change, on a folder that is up to date: as a release does it, which sees from the lock that
// nothing can differ, and as a development build does it, which renders and compares everything.
func BenchmarkUnchanged(b *testing.B) {
	const n = 50
	text := synthetic(b, n).File.Content
	for name, version := range map[string]string{"release": "v1.0.0", "development": generator.DevVersion} {
		b.Run(name, func(b *testing.B) {
			root := b.TempDir()
			regenerate(b, root, text, version, true)
			cpu := cpuTime()
			for b.Loop() {
				regenerate(b, root, text, version, false)
			}
			perService(b, cpu, n)
		})
	}
}

// regenerate brings root in line with a spec; pending is whether there must be something to write.
func regenerate(b *testing.B, root string, text []byte, version string, pending bool) {
	b.Helper()
	spec, findings := schema.Load("msgen.yaml", text)
	if findings.HasErrors() || rule.Run(spec).HasErrors() {
		b.Fatal(findings)
	}
	old, err := lock.Read(root + "/" + lock.Name)
	if err != nil {
		b.Fatal(err)
	}
	sources := generator.Sources(text, nil, nil)
	same, err := generator.UpToDate(root, old, version, sources)
	if err != nil {
		b.Fatal(err)
	}
	if same {
		return
	}
	plan, err := generator.NewPlan(root, render(b, spec), old, version, sources)
	if err != nil {
		b.Fatal(err)
	}
	if plan.Pending() != pending {
		b.Fatalf("something to write: %t, want %t", plan.Pending(), pending)
	}
	if err := generator.Apply(root, plan); err != nil {
		b.Fatal(err)
	}
}
