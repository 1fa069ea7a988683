package generator_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/number"
	protowriter "github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
)

// contractsOf are the .proto files of a spec, and the numbers after it, when numbers are those of before.
func contractsOf(t *testing.T, spec *schema.Spec, numbers number.Table) (map[string][]byte, number.Table) {
	t.Helper()
	sys, findings := view.Build(spec, view.Options{Numbers: numbers})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	return protowriter.Render(sys), sys.Numbers
}

// reverse turns the order of everything in a spec around that has a number.
func reverse(spec *schema.Spec) {
	fields := func(list []*schema.Field) {
		slices.Reverse(list)
		for _, f := range list {
			for typ := &f.Type; typ != nil; typ = typ.Elem {
				slices.Reverse(typ.Enum)
			}
		}
	}
	for _, s := range spec.Services {
		for _, a := range s.Aggregates {
			fields(a.Fields)
			slices.Reverse(a.States)
		}
		for _, typ := range s.Types {
			fields(typ.Fields)
		}
		for _, v := range s.Views {
			fields(v.Fields)
		}
		for _, m := range s.API {
			fields(m.Request)
			fields(m.Response)
		}
	}
	for _, e := range spec.Events {
		fields(e.Fields)
	}
}

// A spec in another order is the same contract, byte for byte, and the lock does not change either.
func TestReorderedSpec(t *testing.T) {
	for _, name := range examples {
		before, numbers := contractsOf(t, example(t, name), nil)
		again := example(t, name)
		reverse(again)
		unlocked, _ := contractsOf(t, again, nil)
		after, then := contractsOf(t, again, numbers)
		differs := false
		for path, content := range before {
			differs = differs || !bytes.Equal(unlocked[path], content)
			if !bytes.Equal(after[path], content) {
				t.Errorf("%s: %s\n%s", name, path, firstDifference(string(after[path]), string(content)))
			}
		}
		if !differs && name == "shop" {
			t.Error("the order makes no difference without the lock: this test shows nothing")
		}
		if a, b := lockText(t, numbers), lockText(t, then); a != b {
			t.Errorf("%s: the lock changes\n%s", name, firstDifference(b, a))
		}
	}
}

func lockText(t *testing.T, numbers number.Table) string {
	t.Helper()
	text, err := (&lock.File{Format: lock.Format, Numbers: numbers}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const orders = `apiVersion: msgen/v1
system: demo
module: example.com/demo
services:
  orders:
    responsibility: Takes orders.
    owner: team-a
    aggregates:
      Order:
        fields: {customer_id: uuid, note: string, lines: "[]Line", kind: "enum(gift, plain)", count: int32}
        states: [pending, confirmed, rejected]
    types:
      Line: {sku: string, quantity: int32}
    api:
      PlaceOrder: {internal: true, creates: Order, sends: [OrderPlaced]}
      GetOrder: {internal: true, reads: Order}
events:
  OrderPlaced: {key: order_id, fields: {order_id: uuid, customer_id: uuid, note: string, count: int32}}
`

// changed is orders with some of its text replaced.
func changed(t *testing.T, pairs ...string) *schema.Spec {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(orders, pairs[i]) {
			t.Fatalf("the spec has no %q", pairs[i])
		}
	}
	return load(t, strings.NewReplacer(pairs...).Replace(orders))
}

// block is the text of a message without its options and comments.
func block(t *testing.T, files map[string][]byte, path, message string) string {
	t.Helper()
	_, text, ok := strings.Cut(string(files[path]), "message "+message+" {\n")
	if !ok {
		t.Fatalf("%s has no %s:\n%s", path, message, files[path])
	}
	text, _, _ = strings.Cut(text, "\n}\n")
	text = regexp.MustCompile(`(?s) \[.*?\];`).ReplaceAllString(text, ";")
	text = regexp.MustCompile(`(?m)^ *//.*\n`).ReplaceAllString(text, "")
	return strings.Join(strings.Fields(text), " ")
}

const (
	ordersProto = "demo/orders/v1/orders.proto"
	eventsProto = "demo/events/v1/events.proto"
)

func TestNumbersStick(t *testing.T) {
	_, first := contractsOf(t, load(t, orders), nil)
	const standard = "enum State { STATE_UNSPECIFIED = 0; STATE_PENDING = 1; STATE_CONFIRMED = 2; STATE_REJECTED = 3; } "
	const kinds = "enum Kind { KIND_UNSPECIFIED = 0; KIND_GIFT = 1; KIND_PLAIN = 2; } "
	const added = "string id = 1; State state = 2; string etag = 3; google.protobuf.Timestamp create_time = 4; google.protobuf.Timestamp update_time = 5; "
	for _, c := range []struct {
		what        string
		pairs       []string
		order, sent string
	}{
		{
			"nothing", nil,
			standard + kinds + added + "string customer_id = 10; string note = 11; repeated Line lines = 12; Kind kind = 13; int32 count = 14;",
			"string order_id = 1; string customer_id = 2; string note = 3; int32 count = 4;",
		},
		{
			"inserted", []string{"{customer_id: uuid, note", "{urgent: bool, customer_id: uuid, note", "{order_id: uuid, ", "{order_id: uuid, urgent: bool, "},
			standard + kinds + added + "string customer_id = 10; string note = 11; repeated Line lines = 12; Kind kind = 13; int32 count = 14; bool urgent = 15;",
			"string order_id = 1; string customer_id = 2; string note = 3; int32 count = 4; bool urgent = 5;",
		},
		{
			"removed", []string{", note: string", "", ", count: int32", ""},
			standard + kinds + `reserved 11, 14; reserved "count", "note"; ` + added + "string customer_id = 10; repeated Line lines = 12; Kind kind = 13;",
			`reserved 3, 4; reserved "count", "note"; string order_id = 1; string customer_id = 2;`,
		},
		{
			"renamed", []string{"note: string", "remark: string"},
			standard + kinds + `reserved 11; reserved "note"; ` + added + "string customer_id = 10; repeated Line lines = 12; Kind kind = 13; int32 count = 14; string remark = 15;",
			`reserved 3; reserved "note"; string order_id = 1; string customer_id = 2; int32 count = 4; string remark = 5;`,
		},
		{
			"values", []string{"enum(gift, plain)", "enum(large, plain)", "[pending, confirmed, rejected]", "[pending, paid, rejected]"},
			`enum State { reserved 2; reserved "STATE_CONFIRMED"; STATE_UNSPECIFIED = 0; STATE_PENDING = 1; STATE_REJECTED = 3; STATE_PAID = 4; } ` +
				`enum Kind { reserved 1; reserved "KIND_GIFT"; KIND_UNSPECIFIED = 0; KIND_PLAIN = 2; KIND_LARGE = 3; } ` +
				added + "string customer_id = 10; string note = 11; repeated Line lines = 12; Kind kind = 13; int32 count = 14;",
			"string order_id = 1; string customer_id = 2; string note = 3; int32 count = 4;",
		},
		{
			"no states", []string{"        states: [pending, confirmed, rejected]\n", ""},
			kinds + `reserved 2; reserved "state"; ` + strings.Replace(added, "State state = 2; ", "", 1) +
				"string customer_id = 10; string note = 11; repeated Line lines = 12; Kind kind = 13; int32 count = 14;",
			"string order_id = 1; string customer_id = 2; string note = 3; int32 count = 4;",
		},
		{
			"retyped", []string{"note: string", "note: int64"},
			standard + kinds + added + "string customer_id = 10; int64 note = 11; repeated Line lines = 12; Kind kind = 13; int32 count = 14;",
			"string order_id = 1; string customer_id = 2; int64 note = 3; int32 count = 4;",
		},
	} {
		files, then := contractsOf(t, changed(t, c.pairs...), first)
		if got := block(t, files, ordersProto, "Order"); got != c.order {
			t.Errorf("%s:\ngot  %s\nwant %s", c.what, got, c.order)
		}
		if got := block(t, files, eventsProto, "OrderPlaced"); got != c.sent {
			t.Errorf("%s:\ngot  %s\nwant %s", c.what, got, c.sent)
		}
		// The file is sound, and everything is back when the spec is.
		if _, findings, err := compile.Files(t.Context(), files, []string{ordersProto, eventsProto}); err != nil || findings.HasErrors() {
			t.Errorf("%s: %v %v", c.what, err, findings)
		}
		back, _ := contractsOf(t, load(t, orders), then)
		if want, _ := contractsOf(t, load(t, orders), nil); c.what == "removed" || c.what == "no states" {
			for path := range want {
				if !bytes.Equal(back[path], want[path]) {
					t.Errorf("%s and back: %s", c.what, firstDifference(string(back[path]), string(want[path])))
				}
			}
		}
	}
}

// What was written with the old contract is read with the new one: field by field the same.
func TestOldBytesAreRead(t *testing.T) {
	before, numbers := contractsOf(t, load(t, orders), nil)
	spec := changed(t, "{customer_id: uuid, note: string, ", "{urgent: bool, count: int32, customer_id: uuid, ", ", count: int32}\n        states: [pending,", "}\n        states: [held, pending,",
		"enum(gift, plain)", "enum(large, plain, gift)", "{sku: string, quantity: int32}", "{price: int64, quantity: int32, sku: string}")
	after, _ := contractsOf(t, spec, numbers)
	old, now := messageOf(t, before, "demo.orders.v1.Order"), messageOf(t, after, "demo.orders.v1.Order")

	written := dynamicpb.NewMessage(old)
	set := func(m protoreflect.Message, name string, v any) {
		m.Set(m.Descriptor().Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(v))
	}
	set(written, "id", "one")
	set(written, "customer_id", "two")
	set(written, "note", "three")
	set(written, "count", int32(4))
	set(written, "state", protoreflect.EnumNumber(2)) // confirmed
	set(written, "kind", protoreflect.EnumNumber(1))  // gift
	lines := written.Mutable(old.Fields().ByName("lines")).List()
	line := lines.AppendMutable().Message()
	set(line, "sku", "five")
	set(line, "quantity", int32(6))
	data, err := proto.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}

	read := dynamicpb.NewMessage(now)
	if err := proto.Unmarshal(data, read); err != nil {
		t.Fatal(err)
	}
	get := func(m protoreflect.Message, name string) any {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f.Enum() != nil {
			return string(f.Enum().Values().ByNumber(m.Get(f).Enum()).Name())
		}
		return m.Get(f).Interface()
	}
	first := read.Get(now.Fields().ByName("lines")).List().Get(0).Message()
	for _, c := range []struct {
		in   protoreflect.Message
		name string
		want any
	}{
		{read, "id", "one"},
		{read, "customer_id", "two"},
		{read, "count", int32(4)},
		{read, "state", "STATE_CONFIRMED"},
		{read, "kind", "KIND_GIFT"},
		{read, "urgent", false},
		{first, "sku", "five"},
		{first, "quantity", int32(6)},
		{first, "price", int64(0)},
	} {
		if got := get(c.in, c.name); got != c.want {
			t.Errorf("%s is %v, want %v", c.name, got, c.want)
		}
	}
	// The note that is gone is kept as bytes that nobody knows, and is no other field.
	if want := 2 + len("three"); len(read.GetUnknown()) != want {
		t.Errorf("%d unknown bytes, want %d", len(read.GetUnknown()), want)
	}
}

func messageOf(t *testing.T, files map[string][]byte, name string) protoreflect.MessageDescriptor {
	t.Helper()
	linked, findings, err := compile.Files(t.Context(), files, []string{ordersProto})
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	return linked[0].Messages().ByName(protoreflect.FullName(name).Name())
}

// The lock carries the numbers from run to run, a partial plan keeps them, and a lock from before they were kept takes them as they are.
func TestNumbersInLock(t *testing.T) {
	root := t.TempDir()
	generate := func(spec *schema.Spec) *generator.Plan {
		t.Helper()
		old := readLock(t, root)
		files, findings, err := generator.Render(t.Context(), spec, generator.Options{Numbers: old.Numbers})
		if err != nil || findings.HasErrors() {
			t.Fatal(err, findings)
		}
		plan, err := generator.NewPlan(root, files, old, "v1.2.3", "digest")
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	if err := generator.Apply(root, generate(load(t, orders))); err != nil {
		t.Fatal(err)
	}
	made := snapshot(t, root)[lock.Name]
	const line = "demo.orders.v1.Line: sku=1:string quantity=2:int32\n"
	if !strings.Contains(made, line) {
		t.Fatalf("the lock has no numbers:\n%s", made)
	}

	spec := changed(t, "{sku: string, quantity: int32}", "{price: int64, quantity: int32}")
	plan := generate(spec)
	if snapshot(t, root)[lock.Name] != made {
		t.Error("making a plan writes the lock")
	}
	if err := generator.Apply(root, plan); err != nil {
		t.Fatal(err)
	}
	if now := snapshot(t, root)[lock.Name]; !strings.Contains(now, "demo.orders.v1.Line: quantity=2:int32 price=3:int64 -sku=1:string\n") {
		t.Errorf("the lock does not follow:\n%s", now)
	}
	if plan = generate(spec); plan.Pending() {
		t.Errorf("a second run changes %v", plan.Changes)
	}
	partial, err := generator.NewPartialPlan(root, []generator.File{file("docs/architecture.md", generator.Generated, "x")}, readLock(t, root))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := lockText(t, partial.Lock.Numbers), lockText(t, plan.Lock.Numbers); a != b {
		t.Errorf("a partial plan changes the numbers:\n%s", firstDifference(a, b))
	}

	older := readLock(t, root)
	older.Numbers = nil
	text, err := older.Marshal()
	if err != nil || bytes.Contains(text, []byte("numbers:")) {
		t.Fatalf("%v\n%s", err, text)
	}
	put(t, root, lock.Name, string(text))
	if err := generator.Apply(root, generate(load(t, orders))); err != nil {
		t.Fatal(err)
	}
	if now := snapshot(t, root)[lock.Name]; !strings.Contains(now, line) {
		t.Errorf("an older lock is not completed:\n%s", now)
	}

	put(t, root, lock.Name, strings.Replace(made, line, strings.Replace(line, "=2", "=1", 1), 1))
	if _, err := lock.Read(filepath.Join(root, lock.Name)); err == nil || !strings.Contains(err.Error(), "sku and quantity have the number 1") {
		t.Errorf("a number that is there twice: %v", err)
	}
}
