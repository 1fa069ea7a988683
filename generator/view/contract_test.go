package view_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/view"
)

const contractFirst = `apiVersion: msgen/v1
system: demo
module: example.com/demo
services:
  greeter:
    responsibility: Greets.
    owner: team-a
    proto: api/greeter.proto
%sgateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: demo, jwks: "https://id.example.com/jwks.json"}}
`

const greeter = `syntax = "proto3";
package acme.greeter.v1;
import "google/api/annotations.proto";
import "google/protobuf/empty.proto";
message HelloRequest { string name = 1; message Inner {} }
message Hello { string text = 1; }
service Greeter {
  rpc Greet(HelloRequest) returns (Hello) { option (google.api.http) = { get: "/v1/greet/{name}" }; }
  rpc Store(Hello) returns (google.protobuf.Empty) { option (google.api.http) = { post: "/v1/greetings" body: "*" }; }
  rpc Nest(HelloRequest.Inner) returns (Hello);
  rpc Watch(HelloRequest) returns (stream Hello);
  rpc Chat(stream HelloRequest) returns (stream Hello);
}
`

func TestContractFirst(t *testing.T) {
	api := "    api:\n      Store: {http: POST /v2/greetings, scopes: [greet]}\n      Greet: {public: true}\n"
	sys, findings := build(t, fmt.Sprintf(contractFirst, api), map[string][]byte{"api/greeter.proto": []byte(greeter)})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	s := service(t, sys, "greeter")
	if s.ProtoPackage != "acme.greeter.v1" || s.GRPCName != "Greeter" || s.ProtoFile != "acme/greeter/v1/greeter.proto" {
		t.Errorf("the contract is %s %s in %s", s.ProtoPackage, s.GRPCName, s.ProtoFile)
	}
	text := func(m *view.Method) string {
		route := "-"
		if m.Route != nil {
			route = m.Route.Verb + " " + m.Route.Gin + " " + m.Route.Body
		}
		return fmt.Sprintf("%s public=%t internal=%t scopes=%v | %s", m.GRPCSignature(), m.Public, m.Internal, m.Scopes, route)
	}
	const in, out = "greeterv1.HelloRequest", "greeterv1.Hello"
	for name, want := range map[string]string{
		"Greet": "Greet(ctx context.Context, req *" + in + ") (*" + out + ", error) public=true internal=false scopes=[] | GET /v1/greet/:name ",
		"Store": "Store(ctx context.Context, req *" + out + ") (*emptypb.Empty, error) public=false internal=false scopes=[greet] | POST /v2/greetings *",
		"Nest":  "Nest(ctx context.Context, req *" + in + "_Inner) (*" + out + ", error) public=false internal=true scopes=[] | -",
		"Watch": "Watch(req *" + in + ", stream grpc.ServerStreamingServer[" + out + "]) error public=false internal=true scopes=[] | -",
		"Chat":  "Chat(stream grpc.BidiStreamingServer[" + in + ", " + out + "]) error public=false internal=true scopes=[] | -",
	} {
		m := method(t, sys, "greeter."+name)
		if got := text(m); got != want {
			t.Errorf("%s is\n  %s\nwant\n  %s", name, got, want)
		}
		if m.Kind != view.Own {
			t.Errorf("%s is %s", name, m.Kind)
		}
	}
}

// What is wrong with a contract is found at its place: in the .proto file, or at the spec's key.
func TestContractFaults(t *testing.T) {
	const spec, proto = "msgen.yaml", "api/greeter.proto"
	http := func(option string) string {
		return "syntax = \"proto3\";\npackage a;\nimport \"google/api/annotations.proto\";\nmessage M { string name = 1; repeated string tags = 2; M m = 3; }\n" +
			"service S { rpc Do(M) returns (M) { option (google.api.http) = { " + option + " }; } }\n"
	}
	for name, c := range map[string]struct {
		proto, api    string
		file, message string
		line          int
	}{
		"missing file":      {"", "", spec, "there is no file api/greeter.proto", 8},
		"syntax":            {"syntax = \"proto3\";\npackage a\nmessage M {}\n", "", proto, "syntax error", 2},
		"unknown type":      {"syntax = \"proto3\";\npackage a;\nservice S {\n  rpc Do(Gone) returns (Gone);\n}\n", "", proto, "Gone", 4},
		"unknown import":    {"syntax = \"proto3\";\npackage a;\nimport \"b.proto\";\nservice S {}\n", "", proto, "b.proto", 3},
		"no service":        {"syntax = \"proto3\";\npackage a;\nmessage M {}\n", "", spec, "has 0 proto services", 8},
		"two services":      {"syntax = \"proto3\";\npackage a;\nservice S {}\nservice T {}\n", "", spec, "has 2 proto services", 8},
		"unknown method":    {greeter, "    api:\n      Wave: {http: POST /v1/wave, scopes: [a]}\n", spec, "has no method Wave", 8},
		"streams over REST": {greeter, "    api:\n      Watch: {http: GET /v1/watch, scopes: [a]}\n", spec, "Watch streams", 8},
		"foreign message": {
			"syntax = \"proto3\";\npackage a;\nimport \"google/protobuf/struct.proto\";\nservice S { rpc Do(google.protobuf.Struct) returns (google.protobuf.Struct); }\n", "",
			spec, "uses the message google.protobuf.Struct", 8,
		},
		"no package":          {"syntax = \"proto3\";\nmessage M {}\nservice S { rpc Do(M) returns (M); }\n", "", spec, "has no package", 8},
		"wildcard path":       {http(`get: "/v1/{name=things/*}"`), "", spec, "uses a pattern that the gateway does not know", 8},
		"verb":                {http(`get: "/v1/things:list"`), "", spec, "uses a pattern that the gateway does not know", 8},
		"unknown path field":  {http(`get: "/v1/{gone}"`), "", spec, "{gone} in the path /v1/{gone} is no field of M", 8},
		"list in the path":    {http(`get: "/v1/{tags}"`), "", spec, "{tags}", 8},
		"message in the path": {http(`get: "/v1/{m}"`), "", spec, "{m}", 8},
		"two bindings":        {http(`get: "/v1/a" additional_bindings { get: "/v1/b" }`), "", spec, "more than one method and path", 8},
		"body of one field":   {http(`post: "/v1/a" body: "m"`), "", spec, "more than one method and path", 8},
		"custom verb":         {http(`custom { kind: "HEAD" path: "/v1/a" }`), "", spec, "more than one method and path", 8},
	} {
		t.Run(name, func(t *testing.T) {
			protos := map[string][]byte{}
			if c.proto != "" {
				protos[proto] = []byte(c.proto)
			}
			_, findings := build(t, fmt.Sprintf(contractFirst, c.api), protos)
			if !findings.HasErrors() {
				t.Fatal("no errors")
			}
			f := findings[0]
			if !strings.Contains(f.Message, c.message) {
				t.Errorf("the message is %q, want one with %q", f.Message, c.message)
			}
			if f.Primary.Span.File == nil || f.Primary.Span.File.Name != c.file || f.Primary.Span.Start.Line != c.line {
				t.Errorf("it is at %v, want %s:%d", f.Primary.Span, c.file, c.line)
			}
		})
	}
}
