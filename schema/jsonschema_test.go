package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write golden files and the JSON Schema")

func TestJSONSchemaIsWhatTheDecoderReads(t *testing.T) {
	want, err := buildJSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("msgen.schema.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		jsonSchema = want
	}
	if !bytes.Equal(JSONSchema(), want) {
		t.Error("msgen.schema.json is out of date: go test ./schema -update")
	}
}

// The published file, read as a reader of JSON does, has the same objects, keys, and required keys as the decoder, and its references lead
// somewhere.
func TestJSONSchemaMatchesTables(t *testing.T) {
	type definition struct {
		Type                 string
		AdditionalProperties any
		Required             []string
		Properties           map[string]struct{ Description string }
		AnyOf                []any
	}
	var root struct {
		definition
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"fieldType": true}
	for i, table := range tables() {
		def := root.definition
		if i > 0 {
			if names[table.name] {
				t.Errorf("two objects are called %s", table.name)
			}
			names[table.name] = true
			def = root.Defs[table.name]
		}
		if def.Type != "object" || def.AdditionalProperties != false {
			t.Errorf("%s takes unknown keys", table.name)
		}
		var required []string
		for _, k := range table.keys {
			if p, ok := def.Properties[k.name]; !ok || p.Description == "" {
				t.Errorf("%s.%s is missing or has no description", table.name, k.name)
			}
			if k.required {
				required = append(required, k.name)
			}
		}
		if len(def.Properties) != len(table.keys) {
			t.Errorf("%s has %d keys in the JSON Schema and %d in the decoder", table.name, len(def.Properties), len(table.keys))
		}
		if !slices.Equal(def.Required, required) {
			t.Errorf("%s requires %v in the JSON Schema and %v in the decoder", table.name, def.Required, required)
		}
	}
	for name := range root.Defs {
		if !names[name] {
			t.Errorf("the definition %s belongs to no object", name)
		}
		if !bytes.Contains(JSONSchema(), []byte(`"#/$defs/`+name+`"`)) {
			t.Errorf("the definition %s is used nowhere", name)
		}
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("msgen.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("msgen.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate checks YAML text against the JSON Schema.
func validate(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// Every spec of the tests that decodes is valid for editors too.
func TestSpecsMatchJSONSchema(t *testing.T) {
	s := compileSchema(t)
	var paths []string
	for _, pattern := range []string{"../testdata/specs/*.yaml", "../testdata/rules/*/*.yaml", "../templates/examples/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, list := Load(filepath.Base(path), content); list.HasErrors() {
			t.Errorf("%s does not decode: %v", path, list)
		}
		if err := validate(t, s, content); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestJSONSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	shop, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"apiVersion: msgen/v1", "apiVersion: msgen/v2"}, {"system: shop", "system: 9lives"}, {"broker: kafka ", "broker: kafak "},
		{"p99: 300ms", "p99: 300"}, {"customer_id: uuid", "customerId: uuid"}, {"POST /v1/orders", "FETCH /v1/orders"},
		{"maxBody: 1MiB", "maxBody: big"}, {"owner: team-crm", "ownr: team-crm"}, {"errorThreshold: 50%", "errorThreshold: half"},
	} {
		text := strings.Replace(string(shop), change[0], change[1], 1)
		if text == string(shop) {
			t.Fatalf("%q is not in the shop", change[0])
		}
		if validate(t, s, []byte(text)) == nil {
			t.Errorf("accepts %q", change[1])
		}
	}
}

func TestExamplesAreTheTestdata(t *testing.T) {
	for _, name := range []string{"shop.yaml", "minimal.yaml"} {
		a, err := os.ReadFile("../testdata/specs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile("../templates/examples/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between testdata/specs and templates/examples", name)
		}
	}
}
