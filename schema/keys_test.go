package schema

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

// Every key of the full shop counts: without it, or with another value, the spec decodes to something else or not at all.
func TestEveryKeyCounts(t *testing.T) {
	content, err := os.ReadFile("../testdata/specs/shop-full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(content, &doc); err != nil {
		t.Fatal(err)
	}
	whole := fingerprint(t, marshal(t, &doc))
	keys := 0
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				p := path + "." + n.Content[i].Value
				keys++
				kept := n.Content
				n.Content = append(append([]*yaml.Node{}, kept[:i]...), kept[i+2:]...)
				if fingerprint(t, marshal(t, &doc)) == whole {
					t.Errorf("leaving out %s changes nothing", p)
				}
				n.Content = kept
				walk(n.Content[i+1], p)
			}
		case yaml.SequenceNode:
			for i, item := range n.Content {
				walk(item, fmt.Sprintf("%s[%d]", path, i))
			}
		case yaml.ScalarNode:
			value, tag := n.Value, n.Tag
			n.Value, n.Tag = value+"x", "!!str"
			if fingerprint(t, marshal(t, &doc)) == whole {
				t.Errorf("another value of %s changes nothing", path)
			}
			n.Value, n.Tag = value, tag
		}
	}
	walk(doc.Content[0], "")
	if keys < 200 {
		t.Errorf("only %d keys were tried", keys)
	}
}

func marshal(t *testing.T, doc *yaml.Node) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out).Encode(doc); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fingerprint is all that a spec decodes to, places left out but for whether a value is set.
func fingerprint(t *testing.T, content []byte) string {
	t.Helper()
	spec, list := Load("x.yaml", content)
	var out strings.Builder
	for _, d := range list {
		out.WriteString(d.Message + "\n")
	}
	dump(&out, reflect.ValueOf(spec), map[uintptr]bool{})
	return out.String()
}

func dump(out *strings.Builder, v reflect.Value, seen map[uintptr]bool) {
	if v.Type() == reflect.TypeFor[source.Span]() || v.Type() == reflect.TypeFor[*source.File]() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			out.WriteString("nil;")
			return
		}
		if seen[v.Pointer()] {
			if name := v.Elem().FieldByName("Name"); name.IsValid() {
				fmt.Fprintf(out, "->%v;", name.FieldByName("V"))
			}
			return
		}
		seen[v.Pointer()] = true
		dump(out, v.Elem(), seen)
	case reflect.Struct:
		for i := range v.NumField() {
			fmt.Fprintf(out, "%s:", v.Type().Field(i).Name)
			dump(out, v.Field(i), seen)
		}
	case reflect.Slice:
		fmt.Fprintf(out, "[%d]", v.Len())
		for i := range v.Len() {
			dump(out, v.Index(i), seen)
		}
	default:
		fmt.Fprintf(out, "%v;", v)
	}
}

func TestShopDecodes(t *testing.T) {
	content, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, list := Load("shop.yaml", content)
	if len(list) > 0 || len(s.Unresolved) > 0 || len(s.Unsupported) > 0 {
		t.Fatalf("%v %v %v", list, s.Unresolved, s.Unsupported)
	}
	orders := s.Services[0]
	if got := orders.Name.Span.String(); got != "shop.yaml:22:3" {
		t.Errorf("orders stands at %s", got)
	}
	call := orders.Calls[0]
	if call.Target.Method != s.Services[1].API[0] || call.Policy.Name.V != StandardPolicy || call.Fallback.V != "cached" || !call.Target.Method.Repeatable() {
		t.Errorf("call: %+v", call)
	}
	if orders.SLO.Availability.V != 0.999 || orders.SLO.LatencyP99.V != 300*time.Millisecond || orders.Scaling.CPU.V != 70 {
		t.Errorf("slo: %+v", orders.SLO)
	}
	var databases []string
	for _, service := range s.Services {
		databases = append(databases, service.Database.V)
	}
	if got := strings.Join(databases, ","); got != "postgres,,postgres,postgres,postgres,postgres" {
		t.Errorf("databases: %s", got)
	}
	saga := s.Sagas[0]
	if saga.Service != orders || saga.StartedBy[0] != orders.API[0] || saga.Steps[2].Timeout.V != 5*time.Second || !saga.Steps[2].Pivot.V {
		t.Errorf("saga: %+v", saga)
	}
	if v := s.Services[5].Views[0]; v.KeyType.Kind != KindUUID || v.From[3].Event.Senders[0].Name.V != "payments" {
		t.Errorf("view: %+v", v)
	}
	reserved := s.Events[3]
	if named := reserved.Fields[1].Type.Elem.Named; named == nil || named.Service.Name.V != "inventory" {
		t.Errorf("StockReserved.lines: %+v", reserved.Fields[1].Type)
	}
	if s.Gateway.MaxBody.V != 1<<20 || s.Gateway.RateLimit.Burst.V != 200 || s.Resilience[0].Breaker.ErrorThreshold.V != 50 {
		t.Errorf("gateway: %+v", s.Gateway)
	}
}

func TestMinimalIsInferred(t *testing.T) {
	content, err := os.ReadFile("../testdata/specs/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := Load("minimal.yaml", content)
	got := map[string]string{}
	for _, i := range s.Inferred {
		if i.Why == "" || got[i.Path] != "" {
			t.Errorf("inferred: %+v", i)
		}
		got[i.Path] = i.Value
	}
	for path, want := range map[string]string{
		"module": "example.com/notebook", "services.notes.database": "postgres", "services.audit.receives.NoteCreated.retries": "5",
		"gateway.maxBody": "1MiB", "gateway.timeout": "5s", "deployment.targets": "compose, kubernetes", "stack.broker": "kafka",
		"services.notes.aggregates.Note.key": "id", "deployment.namespace": "notebook",
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	s, list := Load("x.yaml", []byte(`
apiVersion: msgen/v1
system: shop
services:
  a: &base
    responsibility: One.
    owner: team
    scaling: &scaling {min: 3, max: 4}
  b:
    <<: *base
    responsibility: Two.
  c:
    <<: [*base]
    scaling: {<<: *scaling, max: 9}
`))
	if len(list) > 0 {
		t.Fatal(renderList(t, list))
	}
	b, c := s.Services[1], s.Services[2]
	if b.Responsibility.V != "Two." || b.Owner.V != "team" || b.Scaling.Min.V != 3 || c.Scaling.Max.V != 9 || c.Scaling.Min.V != 3 {
		t.Errorf("b: %+v, c: %+v", b, c)
	}
}

// Aliases to aliases cost no more than the bound, and a spec in one long line no more than one in many.
func TestAliasBomb(t *testing.T) {
	var text strings.Builder
	text.WriteString("apiVersion: msgen/v1\nsystem: bomb\nservices:\n  a: &s {responsibility: x, owner: y, api: {")
	for i := range 1500 {
		fmt.Fprintf(&text, "M%d: {internal: true}, ", i)
	}
	text.WriteString("}}\n")
	for i := range 1500 {
		fmt.Fprintf(&text, "  s%d: *s\n", i)
	}
	_, list := Load("bomb.yaml", []byte(text.String()))
	if len(list) != 1 || !strings.Contains(list[0].Message, "expands to more than") {
		t.Errorf("got %s", renderList(t, list[:min(len(list), 3)]))
	}
}

func TestUnsupported(t *testing.T) {
	const text = `apiVersion: msgen/v1
system: shop
stack: {http: echo, broker: nats, database: mongodb, discovery: consul, gateway: kong, tracing: zipkin}
services:
  orders: {responsibility: Takes orders., owner: team, database: mongodb, aggregates: {Order: {fields: {total: money}}}, api: {GetOrder: {reads: Order}}}
gateway: {api: graphql}
`
	s, list := Load("msgen.yaml", []byte(text))
	if len(list) > 0 {
		t.Fatal(renderList(t, list))
	}
	var got []string
	for _, d := range UnsupportedDiagnostics(s) {
		got = append(got, fmt.Sprintf("%s %s: %s", d.Primary.Span, d.Message, d.Help))
	}
	want := []string{
		"msgen.yaml:3:15 not supported yet: echo: use gin for now",
		"msgen.yaml:3:29 not supported yet: nats: use kafka for now",
		"msgen.yaml:3:45 not supported yet: mongodb: use postgres for now",
		"msgen.yaml:3:65 not supported yet: consul: use kubernetes for now",
		"msgen.yaml:3:82 not supported yet: kong: use builtin for now",
		"msgen.yaml:3:97 not supported yet: zipkin: use jaeger for now",
		"msgen.yaml:5:66 not supported yet: mongodb: use postgres for now",
		"msgen.yaml:6:16 not supported yet: graphql: use rest for now",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{"ordres": "orders", "Orders": "orders", "paymnet": "payments", "billing": "", "o": ""} {
		if got := Nearest(name, []string{"orders", "payments", "inventory"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// Whatever a name is, what is proposed instead is a good name of that kind.
func TestSuggestionsAreGoodNames(t *testing.T) {
	for _, name := range []string{"", "..", "../../x", "9lives", "type", "my service", "Шоп", "a--b", "Foo_Bar", "events", "internal", "get-linux", "GetLinux",
		strings.Repeat("x", 99), "-", "reset", "state", "unspecified", "nil", "HTTPServer", "ID2x", "google"} {
		for _, kind := range []nameKind{systemName, serviceName, sagaName, policyName, aggregateName, typeName, eventName, methodName, viewName, fieldName, stateName, enumValueName, scopeName, namespaceName} {
			if kind.check(name) == nil {
				continue
			}
			if better := kind.suggest(name); kind.check(better) != nil {
				t.Errorf("%s: %q is proposed for %q: %v", kind.article, better, name, kind.check(better))
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, services := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(services), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("apiVersion: msgen/v1\nsystem: big\nservices:\n")
			for i := range services {
				fmt.Fprintf(&text, "  s%d:\n    responsibility: Does %d.\n    owner: team\n    aggregates:\n      A%d: {fields: {name: string, total: money}, states: [a, b]}\n"+
					"    api:\n      Create%d: {http: POST /v1/s%d, creates: A%d, sends: [E%d], scopes: [s.write]}\n      Get%d: {http: \"GET /v1/s%d/{id}\", reads: A%d, scopes: [s.read]}\n",
					i, i, i, i, i, i, i, i, i, i)
			}
			text.WriteString("events:\n")
			for i := range services {
				fmt.Fprintf(&text, "  E%d: {key: id, fields: {id: uuid}, external: true}\n", i)
			}
			content := []byte(text.String())
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				if _, list := Load("big.yaml", content); len(list) > 0 {
					b.Fatal(list[0].Message)
				}
			}
		})
	}
}

func TestCertificateLife(t *testing.T) {
	content, err := os.ReadFile("../testdata/specs/shop-full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for mtls, want := range map[string]string{
		"{mode: off, rotation: 24h}":       "without mTLS there is no certificate to rotate",
		"{mode: strict, rotation: 59m}":    "cert-manager issues no certificate for less than an hour",
		"{mode: strict, rotation: 1h}":     "",
		"{mode: permissive, rotation: 1h}": "",
		"{mode: strict}":                   "",
		"{rotation: 2h}":                   "",
	} {
		s, list := Load("msgen.yaml", bytes.Replace(content, []byte("{mode: strict, rotation: 24h}"), []byte(mtls), 1))
		if got := renderList(t, list); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s", mtls, got)
		}
		if want == "" && (s.Security.MTLSRotation.V == 0 || s.Security.MTLSMode.V == "") {
			t.Errorf("%s: no defaults", mtls)
		}
	}
}
