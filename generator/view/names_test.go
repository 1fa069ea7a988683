package view_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/compiler/protogen"
	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// GoName and JSONName name a field as protoc-gen-go and protobuf's JSON do: protogen is asked.
func TestGoNameIsProtogens(t *testing.T) {
	names := []string{
		"id", "customer_id", "a_1", "a1_b", "line_2_of_3", "x_y_z", "http_code", "a", "a_b", "abc_def_ghi", "v1", "v_1a", "p99_latency",
		"CamelName", "mixedCase_name", "HTTP_code", "trailing_", "double__under", "_lead",
	}
	var text strings.Builder
	text.WriteString("syntax = \"proto3\";\npackage t;\noption go_package = \"example.com/t\";\n")
	for i, name := range names { // one message a field: some have the same JSON name
		fmt.Fprintf(&text, "message M%d { string %s = 1; }\nmessage %s_m { message inner_x {} }\n", i, name, name)
	}
	files, findings, err := compile.Files(t.Context(), map[string][]byte{"t.proto": []byte(text.String())}, []string{"t.proto"})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{"t.proto"}, Parameter: gproto.String("paths=source_relative"),
		ProtoFile: []*descriptorpb.FileDescriptorProto{compile.Descriptor(files[0])},
	})
	if err != nil {
		t.Fatal(err)
	}
	messages := plugin.Files[0].Messages
	for i, name := range names {
		field := messages[2*i].Fields[0]
		if got := view.GoName(name); got != field.GoName {
			t.Errorf("GoName(%q) = %q, want %q", name, got, field.GoName)
		}
		if got := view.JSONName(name); got != field.Desc.JSONName() {
			t.Errorf("JSONName(%q) = %q, want %q", name, got, field.Desc.JSONName())
		}
		nested := messages[2*i+1].Messages[0]
		if got := view.GoName(name + "_m.inner_x"); got != nested.GoIdent.GoName {
			t.Errorf("GoName(%q) = %q, want %q", name+"_m.inner_x", got, nested.GoIdent.GoName)
		}
	}
}

func TestNames(t *testing.T) {
	for name, c := range map[string]struct {
		f  func(string) string
		in map[string]string
	}{
		"Snake": {schema.Snake, map[string]string{
			"order-history": "order_history", "OrderHistory": "order_history", "HTTPRoute": "http_route", "GetHTTP": "get_http", "orders": "orders",
			"A": "a", "AB": "ab", "Order2Go": "order2_go", "V1Route": "v1_route", "": "",
		}},
		"Pascal": {view.Pascal, map[string]string{"order-history": "OrderHistory", "place_order": "PlaceOrder", "a": "A", "x-1-y": "X1Y", "": ""}},
		"Plural": {schema.Plural, map[string]string{
			"Order": "Orders", "Delivery": "Deliveries", "Address": "Addresses", "Box": "Boxes", "Buzz": "Buzzes", "Batch": "Batches", "Wish": "Wishes",
			"Key": "Keys", "Toy": "Toys", "stock_item": "stock_items", "entry": "entries", "y": "ys", "Sky": "Skies",
		}},
		"Lower": {view.Lower, map[string]string{"Order": "order", "": "", "X": "x", "HTTPRoute": "hTTPRoute"}},
		"Var": {view.Var, map[string]string{
			"Order": "order", "Type": "typeValue", "Range": "rangeValue", "Event": "eventValue", "Page": "pageValue", "Tx": "txValue", "StockItem": "stockItem",
		}},
	} {
		for in, want := range c.in {
			if got := c.f(in); got != want {
				t.Errorf("%s(%q) = %q, want %q", name, in, got, want)
			}
		}
	}
}
