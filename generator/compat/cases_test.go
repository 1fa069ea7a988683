package compat_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/compat"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

const demo = `apiVersion: msgen/v1
system: demo
module: example.com/demo
services:
  orders:
    responsibility: Takes orders.
    owner: team-a
    aggregates:
      Order: {fields: {note: string, line: Line, kind: "enum(gift, plain)"}, states: [open, closed]}
    types:
      Line: {sku: string, extra: Extra}
      Extra: {color: string, size: int32}
      Unused: {a: string, b: string}
    api:
      PlaceOrder: {http: POST /v1/orders, creates: Order, sends: [OrderPlaced]}
      GetOrder: {http: "GET /v1/orders/{id}", reads: Order}
      CloseOrder: {internal: true, updates: Order, to: closed, sends: [OrderClosed]}
  bills:
    responsibility: Sends bills.
    owner: team-b
    aggregates: {Bill: {fields: {total: money}}}
    api:
      SendBill: {internal: true, creates: Bill, sends: [OrderClosed]}
events:
  OrderPlaced: {key: order_id, fields: {order_id: uuid, at: timestamp}}
  OrderClosed: {key: order_id, fields: {order_id: uuid}}
  NeverSent: {key: id, external: true, fields: {id: uuid, a: string}}
gateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: demo, jwks: "https://id.example.com/keys"}}
`

// brief is a finding as "id path: message".
func brief(list diag.List) []string {
	var lines []string
	for _, d := range list {
		lines = append(lines, d.ID+" "+d.Path+": "+d.Message)
	}
	slices.Sort(lines)
	return lines
}

func replace(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("there is no %q", pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// What changes in a spec and what it breaks. Where buf has a rule for the same (docs, Breaking change rules), its name stands beside it.
func TestCompare(t *testing.T) {
	for _, c := range []struct {
		what  string
		pairs []string
		want  []string
	}{
		{what: "nothing"},
		{what: "order", pairs: []string{
			`note: string, line: Line, kind: "enum(gift, plain)"`, `kind: "enum(plain, gift)", line: Line, note: string`,
			"sku: string, extra: Extra", "extra: Extra, sku: string", "order_id: uuid, at: timestamp", "at: timestamp, order_id: uuid",
		}},
		{what: "more", pairs: []string{
			"{note: string,", "{note: string, more: string,", "enum(gift, plain)", "enum(gift, plain, large)", "[open, closed]", "[open, late, closed]",
			"at: timestamp}", "at: timestamp, by: string}",
		}},
		{what: "the same bytes", pairs: []string{"note: string", "note: uuid"}},
		{what: "a parameter's name", pairs: []string{"{note: string,", "{code: string, note: string,"}},
		{what: "what nobody uses", pairs: []string{"{a: string, b: string}", "{a: int32}", "{id: uuid, a: string}", "{id: uuid}"}},
		{what: "an event that nobody sent", pairs: []string{"  NeverSent: {key: id, external: true, fields: {id: uuid, a: string}}\n", ""}},
		{ // FIELD_NO_DELETE
			what: "a field two types down", pairs: []string{"{color: string, size: int32}", "{color: string}"},
			want: []string{"MSG751 services.orders.types.Extra.size: Extra.size is removed"},
		},
		{ // FIELD_SAME_CARDINALITY
			what: "many lines", pairs: []string{"line: Line", `line: "[]Line"`},
			want: []string{"MSG753 services.orders.aggregates.Order.fields.line: Order.line is repeated demo.orders.v1.Line instead of demo.orders.v1.Line"},
		},
		{ // ENUM_VALUE_NO_DELETE
			what: "values", pairs: []string{"enum(gift, plain)", "enum(gift)", "[open, closed]", "[fresh, closed]"},
			want: []string{
				"MSG754 services.orders.aggregates.Order.fields.kind.plain: Order.Kind.KIND_PLAIN is removed",
				"MSG754 services.orders.aggregates.Order.states.open: Order.State.STATE_OPEN is removed",
			},
		},
		{ // FIELD_NO_DELETE
			what: "no states", pairs: []string{", states: [open, closed]", "", "updates: Order, to: closed,", "updates: Order,"},
			want: []string{
				"MSG751 services.orders.aggregates.Order.state: Order.state is removed",
				"MSG751 services.orders.api.CloseOrder.etag: CloseOrderRequest.etag is removed",
				"MSG751 services.orders.api.CloseOrder.id: CloseOrderRequest.id is removed",
			},
		},
		{ // RPC_NO_DELETE
			what: "a method", pairs: []string{"      GetOrder: {http: \"GET /v1/orders/{id}\", reads: Order}\n", ""},
			want: []string{"MSG755 services.orders.api.GetOrder: the method GetOrder of orders is removed"},
		},
		{ // SERVICE_NO_DELETE
			what: "a service's name", pairs: []string{"  bills:", "  invoices:"},
			want: []string{
				"MSG755 services.bills: the service bills is removed, and with it its method SendBill",
				"MSG758 events.OrderClosed: OrderClosed is no longer sent by bills as com.example.demo.bills.v1.OrderClosed",
			},
		},
		{ // PACKAGE_SERVICE_NO_DELETE
			what: "the system's name", pairs: []string{"system: demo", "system: shop"},
			want: []string{
				"MSG755 services.bills: bills no longer answers as demo.bills.v1.BillsService: its proto service is shop.bills.v1.BillsService",
				"MSG755 services.orders: orders no longer answers as demo.orders.v1.OrdersService: its proto service is shop.orders.v1.OrdersService",
				"MSG758 events.OrderClosed: OrderClosed is no longer sent to the topic demo.bills.events",
				"MSG758 events.OrderClosed: OrderClosed is no longer sent to the topic demo.orders.events",
				"MSG758 events.OrderPlaced: OrderPlaced is no longer sent to the topic demo.orders.events",
			},
		},
		{
			what: "a service renamed", pairs: []string{"  bills:", "  invoices:\n    renamedFrom: bills"},
			want: []string{
				"MSG755 services.invoices: the service bills is called invoices now: it answers as demo.invoices.v1.InvoicesService instead of demo.bills.v1.BillsService",
				"MSG758 events.OrderClosed: OrderClosed is sent by invoices, which was called bills, as com.example.demo.invoices.v1.OrderClosed to the topic demo.invoices.events instead of com.example.demo.bills.v1.OrderClosed to demo.bills.events",
			},
		},
		{
			what: "a service renamed, and changed", pairs: []string{
				"  orders:", "  sales:\n    renamedFrom: orders", "sku: string, extra: Extra", "sku: int32, extra: Extra", "[open, closed]", "[open]", "updates: Order, to: closed", "updates: Order, to: open",
				"    api:\n      PlaceOrder: {http: POST /v1/orders,", "    api:\n      PlaceOrder: {http: POST /v2/orders,",
			},
			want: []string{
				"MSG753 services.orders.types.Line.sku: Line.sku is int32 instead of string",
				"MSG754 services.orders.aggregates.Order.states.closed: Order.State.STATE_CLOSED is removed",
				"MSG755 services.sales: the service orders is called sales now: it answers as demo.sales.v1.SalesService instead of demo.orders.v1.OrdersService",
				"MSG757 services.sales.api.PlaceOrder: PlaceOrder is reached by POST /v2/orders instead of POST /v1/orders",
				"MSG758 events.OrderClosed: OrderClosed is sent by sales, which was called orders, as com.example.demo.sales.v1.OrderClosed to the topic demo.sales.events instead of com.example.demo.orders.v1.OrderClosed to demo.orders.events",
				"MSG758 events.OrderPlaced: OrderPlaced is sent by sales, which was called orders, as com.example.demo.sales.v1.OrderPlaced to the topic demo.sales.events instead of com.example.demo.orders.v1.OrderPlaced to demo.orders.events",
			},
		},
		{
			what: "a method renamed", pairs: []string{"GetOrder: {", "FindOrder: {renamedFrom: GetOrder, "},
			want: []string{"MSG755 services.orders.api.FindOrder: the method GetOrder of orders is called FindOrder now"},
		},
		{
			what: "a method renamed, with another route", pairs: []string{"PlaceOrder: {http: POST /v1/orders, creates", "BuyOrder: {renamedFrom: PlaceOrder, http: POST /v2/orders, creates"},
			want: []string{
				"MSG755 services.orders.api.BuyOrder: the method PlaceOrder of orders is called BuyOrder now",
				"MSG757 services.orders.api.BuyOrder: BuyOrder is reached by POST /v2/orders instead of POST /v1/orders",
			},
		},
		{ // its name is on no wire, but what is named after it
			what: "an aggregate renamed", pairs: []string{"aggregates: {Bill: {fields: {total: money}}}", "aggregates: {Invoice: {renamedFrom: Bill, fields: {total: money}}}", "creates: Bill", "creates: Invoice"},
			want: []string{"MSG751 services.bills.api.SendBill.bill_id: SendBillRequest.bill_id is removed"},
		},
		{
			what: "an event renamed", pairs: []string{"sends: [OrderPlaced]", "sends: [OrderBooked]", "  OrderPlaced: {key: order_id, fields: {order_id: uuid, at: timestamp}}", "  OrderBooked: {renamedFrom: OrderPlaced, key: order_id, fields: {order_id: uuid}}"},
			want: []string{
				"MSG751 events.OrderPlaced.fields.at: OrderPlaced.at is removed",
				"MSG758 events.OrderBooked: the event OrderPlaced is called OrderBooked now: it is sent as com.example.demo.orders.v1.OrderBooked instead of com.example.demo.orders.v1.OrderPlaced",
			},
		},
		{
			what: "the module", pairs: []string{"example.com/demo", "example.org/demo"},
			want: []string{
				"MSG758 events.OrderClosed: OrderClosed is no longer sent by bills as com.example.demo.bills.v1.OrderClosed",
				"MSG758 events.OrderClosed: OrderClosed is no longer sent by orders as com.example.demo.orders.v1.OrderClosed",
				"MSG758 events.OrderPlaced: OrderPlaced is no longer sent by orders as com.example.demo.orders.v1.OrderPlaced",
			},
		},
		{ // RPC_SAME_RESPONSE_TYPE
			what: "what a method does", pairs: []string{"PlaceOrder: {http: POST /v1/orders, creates: Order, sends: [OrderPlaced]}", "PlaceOrder: {http: POST /v1/orders, response: {a: string}, sends: [OrderPlaced]}"},
			want: []string{
				"MSG751 services.orders.aggregates.Order.fields.kind: PlaceOrderRequest.kind is removed",
				"MSG751 services.orders.aggregates.Order.fields.line: PlaceOrderRequest.line is removed",
				"MSG751 services.orders.aggregates.Order.fields.note: PlaceOrderRequest.note is removed",
				"MSG751 services.orders.api.PlaceOrder.request_id: PlaceOrderRequest.request_id is removed",
				"MSG751 events.OrderPlaced.fields.at: PlaceOrderRequest.at is removed",
				"MSG756 services.orders.api.PlaceOrder: PlaceOrder answers demo.orders.v1.PlaceOrderResponse instead of demo.orders.v1.Order",
			},
		},
		{ // what the event needs and Bill does not hold is in the request
			what: "one sender of two", pairs: []string{"creates: Bill, sends: [OrderClosed]", "creates: Bill"},
			want: []string{
				"MSG751 events.OrderClosed.fields.order_id: SendBillRequest.order_id is removed",
				"MSG758 events.OrderClosed: OrderClosed is no longer sent by bills as com.example.demo.bills.v1.OrderClosed",
			},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			slices.Sort(c.want)
			if got := brief(compare(t, demo, replace(t, demo, c.pairs...))); !slices.Equal(got, c.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// Without its lock a spec in another order has other numbers.
func TestLockLost(t *testing.T) {
	old := side(t, "msgen.yaml@main", demo, nil, nil, "@main")
	now := side(t, "msgen.yaml", replace(t, demo, "{color: string, size: int32}", "{size: int32, color: string}"), nil, nil, "")
	list := compat.Compare(old, now)
	want := []string{
		"MSG752 services.orders.types.Extra.color: Extra.color has the number 2 instead of 1",
		"MSG752 services.orders.types.Extra.size: Extra.size has the number 1 instead of 2",
	}
	if got := brief(list); !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if !strings.Contains(list[0].Help, "msgen.lock") {
		t.Errorf("the help is %q", list[0].Help)
	}
}

const contractSpec = `apiVersion: msgen/v1
system: demo
module: example.com/demo
services:
  greeter: {responsibility: Greets., owner: team-a, proto: api/greeter.proto}
gateway:
  auth: {jwt: {issuer: "https://id.example.com", audience: demo, jwks: "https://id.example.com/keys"}}
`

const contract = `syntax = "proto3";
package acme.greeter.v1;
import "google/api/annotations.proto";

message Hello {
	string name = 1;
	/* äö */ Tone tone = 2;
	map<string, Part> parts = 3;
}
message Part { int32 size = 1; }
message Bye {}
enum Tone {
  TONE_UNSPECIFIED = 0;
  TONE_LOUD = 1;
  TONE_SOFT = 2;
}
service Greeter {
  rpc Greet(Hello) returns (Hello) { option (google.api.http) = { post: "/v1/greet" body: "*" }; }
  rpc Leave(Bye) returns (Bye);
}
`

// The user's own contracts are compared as well, and findings point into them.
func TestContractFirst(t *testing.T) {
	contracts := func(text, suffix string) *compat.Side {
		return side(t, "msgen.yaml"+suffix, contractSpec, map[string][]byte{"api/greeter.proto": []byte(text)}, nil, suffix)
	}
	for _, c := range []struct {
		what  string
		pairs []string
		want  string
		at    string // the text under the caret
	}{
		{"nothing", nil, "", ""},
		{"added", []string{"message Bye {}", "message Bye { string why = 1; }", "TONE_SOFT = 2;", "TONE_SOFT = 2;\n  TONE_FLAT = 3;"}, "", ""},
		{"removed", []string{"\tstring name = 1;\n", "\treserved 1;\n"}, "MSG751 services.greeter.proto.Hello.name: Hello.name is removed", "Hello"},
		{"renamed", []string{"string name = 1", "string title = 1"}, "MSG751 services.greeter.proto.Hello.name: Hello.name is removed: its number 1 is title now", "Hello"},
		{"renumbered", []string{"Tone tone = 2", "Tone tone = 4"}, "MSG752 services.greeter.proto.Hello.tone: Hello.tone has the number 4 instead of 2", "tone"},
		{"retyped", []string{"string name", "bytes name"}, "MSG753 services.greeter.proto.Hello.name: Hello.name is bytes instead of string", "name"},
		{"in a oneof", []string{"string name = 1;", "oneof who { string name = 1; }"}, "MSG753 services.greeter.proto.Hello.name: Hello.name is string in the oneof who instead of string", "name"},
		{"in a map", []string{"int32 size = 1", "int64 size = 1"}, "MSG753 services.greeter.proto.Part.size: Part.size is int64 instead of int32", "size"},
		{"value removed", []string{"  TONE_LOUD = 1;\n", ""}, "MSG754 services.greeter.proto.TONE_LOUD: Tone.TONE_LOUD is removed", "Tone"},
		{"value renumbered", []string{"TONE_LOUD = 1", "TONE_LOUD = 3"}, "MSG754 services.greeter.proto.TONE_LOUD: Tone.TONE_LOUD has the number 3 instead of 1", "TONE_LOUD"},
		{"method removed", []string{"  rpc Leave(Bye) returns (Bye);\n", ""}, "MSG755 services.greeter.api.Leave: the method Leave of greeter is removed", "Greeter"},
		{"package", []string{"package acme.greeter.v1", "package acme.greeter.v2"}, "MSG755 services.greeter: greeter no longer answers as acme.greeter.v1.Greeter: its proto service is acme.greeter.v2.Greeter", "greeter"},
		{"streaming", []string{"returns (Bye)", "returns (stream Bye)"}, "MSG756 services.greeter.api.Leave: Leave answers a stream of acme.greeter.v1.Bye instead of acme.greeter.v1.Bye", "Leave"},
		{"request", []string{"Leave(Bye)", "Leave(Part)"}, "MSG756 services.greeter.api.Leave: Leave takes acme.greeter.v1.Part instead of acme.greeter.v1.Bye", "Leave"},
		{"route", []string{`post: "/v1/greet"`, `put: "/v1/greet"`}, "MSG757 services.greeter.api.Greet: Greet is reached by PUT /v1/greet instead of POST /v1/greet", "Greet"},
		{"body", []string{` body: "*"`, ""}, "MSG757 services.greeter.api.Greet: the body of POST /v1/greet is empty instead of the request", "Greet"},
	} {
		t.Run(c.what, func(t *testing.T) {
			list := compat.Compare(contracts(contract, "@v1"), contracts(replace(t, contract, c.pairs...), ""))
			if got := strings.Join(brief(list), "\n"); got != c.want {
				t.Fatalf("got  %s\nwant %s", got, c.want)
			}
			if c.want == "" {
				return
			}
			span := list[0].Primary.Span
			if got := string(span.File.Runes(span.Start.Line)[span.Start.Col-1 : span.End.Col-1]); got != c.at {
				t.Errorf("it points at %q, want %q", got, c.at)
			}
			if old := list[0].Secondary[0].Span.File.Name; !strings.HasSuffix(old, "@v1") {
				t.Errorf("the old one is in %s", old)
			}
		})
	}
}

// Whatever is left out of a spec, comparing finds something or nothing, and never points outside the text.
func TestEveryLineLess(t *testing.T) {
	content, err := os.ReadFile("../../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	old := side(t, "msgen.yaml@main", string(content), nil, nil, "@main")
	lines := strings.SplitAfter(string(content), "\n")
	compared, broken := 0, 0
	for i := range lines {
		text := strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
		spec, list := schema.Load("msgen.yaml", []byte(text))
		if list.HasErrors() || len(spec.Unresolved) > 0 || rule.Run(spec).HasErrors() {
			continue
		}
		now, faults, err := compat.NewSide(t.Context(), spec, nil, old.System.Numbers, "")
		if err != nil || faults.HasErrors() {
			t.Errorf("without line %d: %v %v", i+1, err, faults)
			continue
		}
		compared++
		found := compat.Compare(old, now)
		if len(found) > 0 {
			broken++
		}
		for _, d := range found {
			span := d.Primary.Span
			if span.IsZero() || span.File != spec.File || span.Start.Line < 1 || span.End.Line > spec.File.Lines() || span.End.Col > len(spec.File.Runes(span.End.Line))+2 {
				t.Errorf("without line %d: %s points to %v", i+1, d.Message, span)
			}
			if len(d.Secondary) != 1 || d.Secondary[0].Span.File != old.Spec.File {
				t.Errorf("without line %d: %s does not show what was", i+1, d.Message)
			}
		}
	}
	if compared < 30 || broken < 8 {
		t.Errorf("%d of %d lines can be left out, and %d break something", compared, len(lines), broken)
	}
}
