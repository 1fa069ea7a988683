package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/templates"
)

// The numbers of fields: what msgen adds has 1 to 9, the spec's fields follow from 10 in their order.
func TestFieldNumbers(t *testing.T) {
	sys := read(t, "../../testdata/specs/shop.yaml")
	for _, c := range []struct{ service, message, want string }{
		{"orders", "Order", "id=1 state=2 etag=3 create_time=4 update_time=5 customer_id=10 lines=11 total=12"},
		{"orders", "OrderLine", "sku=1 quantity=2"},
		{"orders", "PlaceOrderRequest", "request_id=3 customer_id=10 lines=11 total=12"},
		{"orders", "ListOrdersRequest", "page_size=1 page_token=2 state=10 customer_id=11"},
		{"orders", "ListOrdersResponse", "orders=1 next_page_token=2"},
		{"orders", "ConfirmOrderRequest", "id=1 etag=2 request_id=3"},
		{"inventory", "StockItem", "sku=1 etag=3 create_time=4 update_time=5 available=10 reserved=11"},
		{"inventory", "ReserveStockRequest", "reservation_id=1 request_id=3 order_id=10 lines=11"},
		{"pricing", "QuoteOrderRequest", "customer_id=1 lines=2"},
		{"history", "OrderHistory", "order_id=1 update_time=5 customer_id=10 total=11 status=12 captured=13"},
	} {
		var m *view.Message
		for _, candidate := range service(t, sys, c.service).Messages {
			if candidate.Name == c.message {
				m = candidate
			}
		}
		if m == nil {
			t.Errorf("%s has no message %s", c.service, c.message)
			continue
		}
		var got []string
		for _, f := range m.Fields {
			got = append(got, fmt.Sprintf("%s=%d", f.Name, f.Number))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s has %s, want %s", c.message, text, c.want)
		}
	}
}

const kinds = `apiVersion: msgen/v1
system: kinds
module: example.com/kinds
services:
  things:
    responsibility: Has things.
    owner: team-a
    aggregates:
      Thing:
        key: code
        fields:
          code: {type: string, required: true, maxLength: 8}
          %s
    api:
      CreateThing: {creates: Thing, internal: true}
      UpdateThing: {updates: Thing, internal: true}
    types:
      Part: {label: string}
`

// A field's constraints in proto, its columns, and its types.
func TestFields(t *testing.T) {
	const v = "(buf.validate.field)."
	for _, c := range []struct{ field, options, columns, goType string }{
		{"bool", "", "f boolean NOT NULL DEFAULT false", "bool"},
		{"{type: string, minLength: 1, maxLength: 9, pattern: '^\\d+$'}", v + `string.min_len = 1 ` + v + `string.max_len = 9 ` + v + `string.pattern = "^\\d+$"`,
			"f text NOT NULL DEFAULT ''", "string"},
		{"{type: bytes, maxLength: 3}", v + "bytes.max_len = 3", "f bytea NOT NULL DEFAULT ''", "[]byte"},
		{"{type: int32, min: -5, max: 5}", v + "int32.gte = -5 " + v + "int32.lte = 5", "f integer NOT NULL DEFAULT 0", "int32"},
		{"{type: int64, max: 9007199254740991}", v + "int64.lte = 9007199254740991", "f bigint NOT NULL DEFAULT 0", "int64"},
		{"uint32", "", "f bigint NOT NULL DEFAULT 0", "uint32"},
		{"uint64", "", "f numeric(20, 0) NOT NULL DEFAULT 0", "uint64"},
		{"float", "", "f real NOT NULL DEFAULT 0", "float32"},
		{"{type: double, min: 0.5, max: 2.25}", v + "double.gte = 0.5 " + v + "double.lte = 2.25", "f double precision NOT NULL DEFAULT 0", "float64"},
		{"uuid", v + "string.uuid = true " + v + "ignore = IGNORE_IF_ZERO_VALUE", "f uuid", "string"},
		{"{type: uuid, required: true}", "(google.api.field_behavior) = REQUIRED " + v + "required = true " + v + "string.uuid = true", "f uuid", "string"},
		{"money", "", "f_currency text NOT NULL DEFAULT '', f_units bigint NOT NULL DEFAULT 0, f_nanos integer NOT NULL DEFAULT 0", "*money.Money"},
		{"timestamp", "", "f timestamptz", "*timestamppb.Timestamp"},
		{"duration", "", "f bigint", "*durationpb.Duration"},
		{"decimal", v + `string.pattern = "^-?[0-9]{1,30}(\\.[0-9]{1,18})?$" ` + v + "ignore = IGNORE_IF_ZERO_VALUE", "f numeric", "string"},
		{"enum(red, dark_blue)", v + "enum.defined_only = true", "f text NOT NULL DEFAULT '' CHECK (f IN ('', 'red', 'dark_blue'))", "thingsv1.Thing_F"},
		{"Part", "", "f jsonb", "*thingsv1.Part"},
		{"'[]Part'", "", "f jsonb NOT NULL DEFAULT '[]'", "[]*thingsv1.Part"},
		{"{type: '[]uuid', minLength: 1, maxLength: 2}", v + "repeated.min_items = 1 " + v + "repeated.max_items = 2 " + v + "repeated.items.string.uuid = true",
			"f jsonb NOT NULL DEFAULT '[]'", "[]string"},
		{"{type: 'map<string, int32>', maxLength: 2}", v + "map.max_pairs = 2", "f jsonb NOT NULL DEFAULT '{}'", "map[string]int32"},
		{"'map<string, Part>'", "", "f jsonb NOT NULL DEFAULT '{}'", "map[string]*thingsv1.Part"},
	} {
		t.Run(c.field, func(t *testing.T) {
			sys, findings := build(t, fmt.Sprintf(kinds, "f: "+c.field), nil)
			if len(findings) > 0 {
				t.Fatal(findings)
			}
			f := service(t, sys, "things").Aggregates[0].Fields[0]
			if got := strings.Join(f.Options, " "); got != c.options {
				t.Errorf("options are %s, want %s", got, c.options)
			}
			if f.GoType != c.goType {
				t.Errorf("the Go type is %s, want %s", f.GoType, c.goType)
			}
			columns := make([]string, len(f.Columns))
			for i, col := range f.Columns {
				columns[i] = strings.TrimSpace(col.Name + " " + col.SQL)
				if col.Check != "" {
					columns[i] += " CHECK (" + col.Check + ")"
				}
			}
			if got := strings.Join(columns, ", "); got != c.columns {
				t.Errorf("columns are %s, want %s", got, c.columns)
			}
		})
	}
}

// No option is given twice, whatever the spec says of a key.
func TestOptionsOnce(t *testing.T) {
	sys, _ := build(t, fmt.Sprintf(kinds, "f: bool"), nil)
	for _, m := range service(t, sys, "things").Messages {
		for _, f := range m.Fields {
			options := slices.Clone(f.Options)
			slices.Sort(options)
			if len(slices.Compact(options)) != len(f.Options) {
				t.Errorf("%s.%s has options twice: %v", m.Name, f.Name, f.Options)
			}
		}
	}
}

// Columns and arguments have the same order: there are as many of one as of the other.
func TestColumnsMatchArguments(t *testing.T) {
	for _, name := range []string{"../../testdata/specs/shop.yaml", "../../testdata/specs/minimal.yaml", "../proto/testdata/kinds.yaml"} {
		for _, s := range read(t, name).Services {
			count := func(list string) int { return strings.Count(list, ", ") + 1 }
			for _, a := range s.Aggregates {
				if n := count(a.InsertColumns()); n != len(a.InsertArgs()) || n != count(a.InsertPlaceholders()) {
					t.Errorf("%s: insert has %d columns, %d arguments, %s", a.Name, n, len(a.InsertArgs()), a.InsertPlaceholders())
				}
				if n := count(a.UpdateSet()); n != len(a.UpdateArgs()) {
					t.Errorf("%s: update has %d columns, %d arguments", a.Name, n, len(a.UpdateArgs()))
				}
				if n := count(a.SelectColumns()) - len([]string{"version", "create_time", "update_time"}); n != len(a.ScanDests()) {
					t.Errorf("%s: select has %d columns, %d destinations", a.Name, n, len(a.ScanDests()))
				}
			}
			for _, v := range s.Views {
				if n := count(v.UpsertColumns()); n != len(v.UpsertArgs()) || n != count(v.UpsertPlaceholders()) {
					t.Errorf("%s: upsert has %d columns, %d arguments, %s", v.Name, n, len(v.UpsertArgs()), v.UpsertPlaceholders())
				}
				if n := count(v.SelectColumns()) - 1; n != len(v.ScanDests()) {
					t.Errorf("%s: select has %d columns, %d destinations", v.Name, n, len(v.ScanDests()))
				}
			}
		}
	}
}

// No variable named after a part of the spec hides a package of the platform.
func TestVarHidesNoPackage(t *testing.T) {
	entries, err := templates.FS.ReadDir("platform")
	if err != nil || len(entries) < 10 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if got := view.Var(view.Pascal(e.Name())); got == e.Name() {
			t.Errorf("Var(%q) is the package %s", view.Pascal(e.Name()), got)
		}
	}
}
