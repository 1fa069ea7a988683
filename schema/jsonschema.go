package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
)

//go:embed msgen.schema.json
var jsonSchema []byte

// JSONSchema is the JSON Schema (draft 7) of the spec, for editors. It says less than Load: it knows forms, not references.
func JSONSchema() []byte { return bytes.Clone(jsonSchema) }

// table is an object of the language without its Go type.
type table struct {
	name, what string
	keys       []tableKey
}

type tableKey struct {
	name, doc string
	required  bool
	shape     shape
}

func (o *object[T]) table() table {
	t := table{name: o.name, what: o.what}
	for _, k := range o.keys {
		t.keys = append(t.keys, tableKey{k.name, k.doc, k.required, k.shape})
	}
	return t
}

// tables are all objects of the language; the first is the whole spec.
func tables() []table {
	return []table{
		specObject.table(), stackObject.table(), serviceObject.table(), aggregateObject.table(), shardObject.table(), fieldObject.table(),
		methodObject.table(), receiveObject.table(), viewObject.table(), callObject.table(), sloObject.table(), latencyObject.table(),
		scalingObject.table(), eventObject.table(), sagaObject.table(), stepObject.table(), policyObject.table(), retryObject.table(),
		breakerObject.table(), bulkheadObject.table(), gatewayObject.table(), authObject.table(), jwtObject.table(), rateLimitObject.table(),
		routeLimitObject.table(), corsObject.table(), securityObject.table(), mtlsObject.table(), observabilityObject.table(), deploymentObject.table(),
		resourcesObject.table(),
	}
}

// buildJSONSchema writes the JSON Schema from the decoder's tables; the embedded file is its output.
func buildJSONSchema() ([]byte, error) {
	defs := shape{"fieldType": shape{"anyOf": []any{typeText.shape, fieldObject.ref()}}}
	var root shape
	for i, t := range tables() {
		if i == 0 {
			root = t.jsonSchema()
			continue
		}
		defs[t.name] = t.jsonSchema()
	}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = "https://github.com/msgen-dev/msgen/schema/msgen.schema.json"
	root["title"] = "msgen architecture spec, " + Version
	root["$defs"] = defs
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode the JSON Schema: %w", err)
	}
	return out.Bytes(), nil
}

func (t table) jsonSchema() shape {
	properties := shape{}
	var required []string
	for _, k := range t.keys {
		s := maps.Clone(k.shape)
		s["description"] = k.doc
		properties[k.name] = s
		if k.required {
			required = append(required, k.name)
		}
	}
	s := shape{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
