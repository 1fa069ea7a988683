package asyncapi_test

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/msgen-dev/msgen/generator/asyncapi"
	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func model(t *testing.T, name string) *view.System {
	t.Helper()
	text, err := os.ReadFile("../../testdata/specs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, findings := schema.Load("msgen.yaml", text)
	if findings.HasErrors() {
		t.Fatalf("%v", findings)
	}
	sys, findings := view.Build(spec, view.Options{})
	if findings.HasErrors() {
		t.Fatalf("%v", findings)
	}
	return sys
}

func render(t *testing.T, name string) []byte {
	t.Helper()
	doc, err := asyncapi.Render(model(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"shop", "minimal", "choreography"} {
		got := render(t, name)
		golden := "testdata/" + name + ".yaml"
		if *update {
			if err := os.WriteFile(golden, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs; look at the difference and run the test with -update", golden)
		}
		if !bytes.Equal(got, render(t, name)) {
			t.Errorf("%s: the second time it is different", name)
		}
	}
}

// TestSchema checks the documents against the official JSON Schema, see testdata/README.md.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("testdata/asyncapi-3.0.0.json")
	if err != nil {
		t.Fatal(err)
	}
	official, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	if err := compiler.AddResource("asyncapi.json", official); err != nil {
		t.Fatal(err)
	}
	check, err := compiler.Compile("asyncapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop", "minimal", "choreography"} {
		if err := check.Validate(decode(t, render(t, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := decode(t, render(t, "shop"))
	broken["operations"].(map[string]any)["orders.send.shop.orders.events"].(map[string]any)["action"] = "shout"
	if check.Validate(broken) == nil {
		t.Error("this test would not find a wrong action")
	}
}

func decode(t *testing.T, doc []byte) map[string]any {
	t.Helper()
	text, err := yaml.YAMLToJSON(doc)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value.(map[string]any)
}

// TestReferences follows every $ref of the documents.
func TestReferences(t *testing.T) {
	for _, name := range []string{"shop", "minimal", "choreography"} {
		doc := decode(t, render(t, name))
		count := 0
		var walk func(any)
		walk = func(v any) {
			switch v := v.(type) {
			case map[string]any:
				if ref, ok := v["$ref"].(string); ok {
					count++
					if at(doc, ref) == nil {
						t.Errorf("%s: %s leads nowhere", name, ref)
					}
				}
				for _, child := range v {
					walk(child)
				}
			case []any:
				for _, child := range v {
					walk(child)
				}
			}
		}
		walk(doc)
		if count == 0 {
			t.Errorf("%s: no references", name)
		}
	}
}

func at(doc any, ref string) any {
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, _ := doc.(map[string]any)
		doc = m[part]
	}
	return doc
}

// TestPayloads compiles each payload by itself: tools get no other file.
func TestPayloads(t *testing.T) {
	doc := decode(t, render(t, "shop"))
	for name, m := range at(doc, "#/components/messages").(map[string]any) {
		text, ok := at(m, "payload/schema").(string)
		if !ok {
			if name != "SagaReply" {
				t.Errorf("%s has no payload", name)
			}
			continue
		}
		_, findings, err := compile.Files(t.Context(), map[string][]byte{"payload.proto": []byte(text)}, []string{"payload.proto"})
		if err != nil || len(findings) > 0 {
			t.Errorf("%s: %v %v\n%s", name, err, findings, text)
		}
	}
}

// TestFlows holds the shop's flows against what its spec says.
func TestFlows(t *testing.T) {
	doc := decode(t, render(t, "shop"))
	flows := map[string][]string{}
	for _, v := range at(doc, "#/operations").(map[string]any) {
		op := v.(map[string]any)
		service := op["tags"].([]any)[0].(map[string]any)["name"].(string)
		for _, m := range op["messages"].([]any) {
			ref := m.(map[string]any)["$ref"].(string)
			key := service + " " + op["action"].(string) + "s"
			flows[key] = append(flows[key], ref[strings.LastIndexByte(ref, '.')+1:])
		}
	}
	for key, want := range map[string][]string{
		"orders sends":           {"AuthorizePayment", "CapturePayment", "ConfirmOrder", "OrderConfirmed", "OrderPlaced", "OrderRejected", "RejectOrder", "ReleaseStock", "ReserveStock", "VoidPayment", "replies/messages/SagaReply"},
		"orders receives":        {"ConfirmOrder", "RejectOrder", "replies/messages/SagaReply"},
		"inventory receives":     {"ReleaseStock", "ReserveStock"},
		"inventory sends":        {"StockReserved", "replies/messages/SagaReply"},
		"payments receives":      {"AuthorizePayment", "CapturePayment", "VoidPayment"},
		"payments sends":         {"Authorized", "Captured", "Created", "Deleted", "PaymentCaptured", "Updated", "Voided", "replies/messages/SagaReply"},
		"notifications receives": {"OrderConfirmed", "OrderRejected"},
		"history receives":       {"OrderConfirmed", "OrderPlaced", "OrderRejected", "PaymentCaptured"},
	} {
		got := flows[key]
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s %v, want %v", key, got, want)
		}
		delete(flows, key)
	}
	for key, names := range flows {
		t.Errorf("%s %v, which the spec does not say", key, names)
	}
}
