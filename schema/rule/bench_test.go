package rule_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// BenchmarkValidate decodes a spec, runs all rules and prints what they find: nothing, or one finding for each service. The target is
// 100 ms of one processor for 1000 services.
func BenchmarkValidate(b *testing.B) {
	for _, services := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(services), func(b *testing.B) { validate(b, system(services), 0) })
		b.Run(fmt.Sprintf("%d/findings", services), func(b *testing.B) {
			validate(b, bytes.ReplaceAll(system(services), []byte("    owner: team\n"), nil), services)
		})
	}
}

func validate(b *testing.B, content []byte, findings int) {
	b.Helper()
	for b.Loop() {
		spec, list := schema.Load("big.yaml", content)
		if list = append(list, rule.Run(spec)...); len(list) != findings {
			b.Fatalf("%d findings, want %d: %s", len(list), findings, list[0].Message)
		}
		if err := diag.Render(io.Discard, list, diag.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// system is a spec of n services in a ring of events.
func system(n int) []byte {
	var text strings.Builder
	text.WriteString("apiVersion: msgen/v1\nsystem: big\nservices:\n")
	for i := range n {
		fmt.Fprintf(&text, "  s%[1]d:\n    responsibility: Does %[1]d.\n    owner: team\n    aggregates:\n      A%[1]d: {fields: {name: string, total: money}, states: [a, b]}\n"+
			"    api:\n      Create%[1]d: {http: POST /v1/s%[1]d, creates: A%[1]d, sends: [E%[1]d], scopes: [s.write]}\n"+
			"      Get%[1]d: {http: \"GET /v1/s%[1]d/{id}\", reads: A%[1]d, scopes: [s.read]}\n    receives:\n      E%[2]d: {creates: A%[1]d}\n", i, (i+1)%n)
	}
	text.WriteString("events:\n")
	for i := range n {
		fmt.Fprintf(&text, "  E%d: {key: id, fields: {id: uuid}}\n", i)
	}
	text.WriteString("gateway: {auth: {jwt: {issuer: i, audience: a, jwks: \"https://id.example.com/jwks\"}}}\n")
	return []byte(text.String())
}
