package openapi_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/msgen-dev/msgen/generator/openapi"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func model(t *testing.T, text []byte, protos map[string][]byte) *view.System {
	t.Helper()
	spec, findings := schema.Load("msgen.yaml", text)
	if findings.HasErrors() {
		t.Fatalf("%v", findings)
	}
	sys, findings := view.Build(spec, view.Options{Protos: protos})
	if findings.HasErrors() {
		t.Fatalf("%v", findings)
	}
	return sys
}

func render(t *testing.T, text []byte, protos map[string][]byte) (*openapi3.T, []byte) {
	t.Helper()
	doc, err := openapi.Render(model(t, text, protos))
	if err != nil {
		t.Fatal(err)
	}
	again, err := openapi.Render(model(t, text, protos))
	if err != nil || !bytes.Equal(doc, again) {
		t.Errorf("the second time it is different (%v)", err)
	}
	parsed, err := openapi3.NewLoader().LoadFromData(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	return parsed, doc
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"shop", "minimal"} {
		text, err := os.ReadFile("../../testdata/specs/" + name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		_, got := render(t, text, nil)
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
	}
}

// rest is a system with every kind of method and field.
const rest = `
apiVersion: msgen/v1
system: lib
module: example.com/lib
services:
  books:
    responsibility: Keeps books.
    owner: team
    aggregates:
      Book:
        fields:
          title: {type: string, required: true, minLength: 1, maxLength: 200, pattern: "^[^\n]+$"}
          pages: {type: int64, min: 1, max: 5000}
          weight: {type: double, min: 0}
          copies: {type: uint32, max: 9}
          cover: {type: bytes, maxLength: 1024}
          genre: "enum(novel, poetry)"
          price: decimal
          loan: duration
          bought: timestamp
          tags: {type: "[]string", maxLength: 5}
          shelves: "map<string, Shelf>"
        states: [present, lost]
    types:
      Shelf: {room: string, boards: "[]Board"}
      Board: {width: int32}
    api:
      CreateBook: {http: POST /v1/books, creates: Book}
      ListBooks:  {http: GET /v1/books, lists: Book, public: true}
      UpdateBook: {http: "PATCH /v1/books/{id}", updates: Book, scopes: [books.write], rateLimit: {requests: 2, per: 1m}}
      LoseBook:   {http: "POST /v1/books/{id}/lose", updates: Book, from: [present], to: lost}
      DeleteBook: {http: "DELETE /v1/books/{id}", deletes: Book}
      FindBooks:
        http: GET /v1/find
        request: {words: "[]string", since: timestamp, shelf: Shelf}
        response: {ids: "[]uuid"}
gateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: lib, jwks: "https://id.example.com/keys"}}
  rateLimit: {requests: 5, per: 1s, burst: 5, by: token}
`

func TestOperations(t *testing.T) {
	doc, _ := render(t, []byte(rest), nil)
	op := func(method, path string) *openapi3.Operation {
		t.Helper()
		item := doc.Paths.Find(path)
		if item == nil || item.GetOperation(method) == nil {
			t.Fatalf("there is no %s %s", method, path)
		}
		return item.GetOperation(method)
	}
	names := func(o *openapi3.Operation) string {
		var list []string
		for _, p := range o.Parameters {
			list = append(list, p.Value.In+":"+p.Value.Name)
		}
		return strings.Join(list, " ")
	}
	codes := func(o *openapi3.Operation) string {
		var list []string
		for _, c := range []string{"200", "201", "204", "400", "401", "403", "404", "409", "413", "415", "429", "500", "501", "503", "504"} {
			if o.Responses.Value(c) != nil {
				list = append(list, c)
			}
		}
		return strings.Join(list, " ")
	}
	body := func(o *openapi3.Operation) string {
		if o.RequestBody == nil {
			return ""
		}
		return strings.TrimPrefix(o.RequestBody.Value.Content["application/json"].Schema.Ref, "#/components/schemas/")
	}
	for _, c := range []struct{ method, path, params, body, codes string }{
		{"POST", "/v1/books", "header:Idempotency-Key", "books.CreateBookRequest", "201 400 401 409 413 415 429 500 503 504"},
		{"GET", "/v1/books", "query:pageSize query:pageToken query:state query:title query:genre", "", "200 400 429 500 503 504"},
		{"PATCH", "/v1/books/{id}", "path:id query:updateMask query:requestId header:Idempotency-Key", "books.Book", "200 400 401 403 404 409 413 415 429 500 503 504"},
		{"POST", "/v1/books/{id}/lose", "path:id header:Idempotency-Key", "books.LoseBookRequest", "200 400 401 404 409 413 415 429 500 503 504"},
		{"DELETE", "/v1/books/{id}", "path:id query:etag query:requestId header:Idempotency-Key", "", "204 400 401 404 409 429 500 503 504"},
		{"GET", "/v1/find", "query:words query:since", "", "200 400 401 404 429 500 501 503 504"},
	} {
		o := op(c.method, c.path)
		if got := names(o); got != c.params {
			t.Errorf("%s %s: parameters %q, want %q", c.method, c.path, got, c.params)
		}
		if got := body(o); got != c.body {
			t.Errorf("%s %s: body %q, want %q", c.method, c.path, got, c.body)
		}
		if got := codes(o); got != c.codes {
			t.Errorf("%s %s: responses %q, want %q", c.method, c.path, got, c.codes)
		}
	}
	if s := op("GET", "/v1/books").Security; s == nil || len(*s) != 0 {
		t.Errorf("a public method asks for %v", s)
	}
	if got := op("PATCH", "/v1/books/{id}").Extensions["x-required-scopes"]; !strings.Contains(strings.Trim(strings.Join(asStrings(got), " "), "[]"), "books.write") {
		t.Errorf("required scopes are %v", got)
	}
	if lose := doc.Components.Schemas["books.LoseBookRequest"].Value; lose.Properties["id"] != nil || lose.Properties["etag"] == nil {
		t.Errorf("the body of a request with a path parameter has the fields %v", lose.Properties)
	}
	if got := op("PATCH", "/v1/books/{id}").Description; got != "Beside the limit of all requests: Each token may send 2 requests per 1m, 4 at once." {
		t.Errorf("the route's own limit: %q", got)
	}
	if text := doc.Components.Headers["RateLimit"].Value.Description; !strings.Contains(text, `"route"`) {
		t.Errorf("RateLimit: %q", text)
	}
	headers := doc.Components.Responses["TooManyRequests"].Value.Headers
	for _, h := range []string{"Retry-After", "RateLimit", "RateLimit-Policy"} {
		if headers[h] == nil {
			t.Errorf("429 has no %s", h)
		}
	}
}

func asStrings(v any) []string {
	var list []string
	if all, ok := v.([]any); ok {
		for _, s := range all {
			if text, ok := s.(string); ok {
				list = append(list, text)
			}
		}
	}
	return list
}

// TestShapes checks that the schemas take what protojson writes and no other.
func TestShapes(t *testing.T) {
	doc, _ := render(t, []byte(rest), nil)
	schema := doc.Components.Schemas["books.CreateBookRequest"].Value
	whole := func() map[string]any {
		return map[string]any{
			"title": "Emma", "pages": "474", "weight": 0.4, "copies": 2.0, "cover": "AA==", "genre": "GENRE_NOVEL", "price": "12.50",
			"loan": "86400s", "bought": "2026-01-02T03:04:05Z", "tags": []any{"a"}, "shelves": map[string]any{"x": map[string]any{"room": "1", "boards": []any{map[string]any{"width": 1.0}}}},
		}
	}
	if err := schema.VisitJSON(whole(), openapi3.EnableJSONSchema2020()); err != nil {
		t.Error(err)
	}
	for field, wrong := range map[string]any{
		"title": "", "pages": 474.0, "weight": -1.0, "copies": 10.0, "genre": "novel", "price": "a lot", "loan": "1d",
		"tags": []any{"1", "2", "3", "4", "5", "6"}, "shelves": map[string]any{"x": "1"}, "unknown": "1",
	} {
		value := whole()
		value[field] = wrong
		if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020()); err == nil {
			t.Errorf("%s takes %v", field, wrong)
		}
	}
	without := whole()
	delete(without, "title")
	if schema.VisitJSON(without, openapi3.EnableJSONSchema2020()) == nil {
		t.Error("a required field may be left out")
	}
	if got := schema.Properties["pages"].Value.Description; got != "At least 1, at most 5000." {
		t.Errorf("what no schema can say is described as %q", got)
	}
}

func TestContractFirst(t *testing.T) {
	const spec = `
apiVersion: msgen/v1
system: lib
module: example.com/lib
services:
  maps:
    responsibility: Draws maps.
    owner: team
    proto: maps.proto
    api:
      Draw: {http: "POST /v1/maps/{area}", public: true}
gateway: {}
`
	proto := map[string][]byte{"maps.proto": []byte(`syntax = "proto3";
package acme.maps.v1;
option go_package = "example.com/lib/api/acme/maps/v1;mapsv1";
service MapService { rpc Draw(DrawRequest) returns (DrawResponse); }
message DrawRequest { string area = 1; string style = 2; }
message DrawResponse { string picture = 1; }
`)}
	doc, text := render(t, []byte(spec), proto)
	o := doc.Paths.Find("/v1/maps/{area}").Post
	if o.RequestBody.Value.Content["application/json"].Schema.Value.Type.Is("object") != true || o.Parameters[0].Value.Name != "area" {
		t.Errorf("a contract's operation is\n%s", text)
	}
	if strings.Contains(string(text), "bearer") {
		t.Error("a gateway without tokens describes them")
	}
}

func TestNoGateway(t *testing.T) {
	if _, err := openapi.Render(&view.System{Name: "inner"}); err == nil {
		t.Error("a system that exposes nothing has a document")
	}
}
