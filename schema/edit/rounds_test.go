package edit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/rule"
)

// check finds what is wrong with a spec, as validate does: the rules run on what decodes without errors.
func check(text string) (*schema.Spec, diag.List) {
	spec, list := schema.Load("fail.yaml", []byte(text))
	if spec != nil && !list.HasErrors() {
		list = append(list, rule.Run(spec)...)
	}
	return spec, list
}

// fixed applies the fixes of one round; more is false when there are none.
func fixed(t *testing.T, text string) (now string, more bool) {
	t.Helper()
	spec, list := check(text)
	if spec == nil {
		t.Fatalf("no YAML any more: %v\n%s", list, text)
	}
	chosen := edit.Fixes(list)
	if len(chosen) == 0 {
		return text, false
	}
	if len(chosen) > 1 || len(chosen[spec.File]) == 0 {
		t.Fatal("fixes of other files")
	}
	out, err := edit.Apply(spec.File, chosen[spec.File])
	if err != nil {
		t.Fatal(err)
	}
	return string(out), true
}

// fixable counts the findings that have a fix.
func fixable(text string) (n int) {
	_, list := check(text)
	for _, d := range list {
		if d.Fix != nil {
			n++
		}
	}
	return n
}

// Each fix mends its finding, and the spec is then what it was before the fault was put in, byte by byte.
func TestFixesMend(t *testing.T) {
	shop, err := os.ReadFile("../../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(shop)
	if _, list := check(good); len(list) > 0 {
		t.Fatalf("the example is not clean: %v", list)
	}
	for name, test := range map[string]struct{ right, wrong, becomes string }{
		"unknown key":               {"    owner: team-crm\n", "    ownr: team-crm\n", ""},
		"unknown key, other case":   {"maxInterval: 1s", "maxinterval: 1s", ""},
		"unknown key in quotes":     {"    owner: team-crm\n", "    'ownre': team-crm\n", "    'owner': team-crm\n"},
		"unknown key at the top":    {"\ngateway:\n", "\ngatewya:\n", ""},
		"choice, other case":        {"broker: kafka ", "broker: Kafka ", ""},
		"choice, a typo":            {"broker: kafka ", "broker: kafak ", ""},
		"choice in quotes":          {"  logs: json", "  logs: \"JSON\"", "  logs: \"json\""},
		"choice in a list":          {"targets: [compose, kubernetes]", "targets: [Compose, kubernetes]", ""},
		"verb in small letters":     {"http: POST /v1/orders,", "http: post /v1/orders,", ""},
		"verb, quoted":              {`http: "GET /v1/orders/{id}"`, `http: "Get /v1/orders/{id}"`, ""},
		"path without a slash":      {"http: POST /v1/orders,", "http: POST v1/orders,", `http: "POST /v1/orders",`},
		"type, a typo":              {"customer_id: uuid\n", "customer_id: uuidd\n", ""},
		"MSG101 type of a list":     {`lines: "[]OrderLine"`, `lines: "[]OrderLin"`, ""},
		"type of another language":  {"sku: string, available", "sku: varchar, available", ""},
		"list type, the other way":  {`lines: "[]OrderLine"`, "lines: OrderLine[]", ""},
		"list type as a list":       {`lines: "[]OrderLine"`, "lines: [OrderLine]", ""},
		"boolean of YAML 1.1":       {"pii: true", "pii: Yes", ""},
		"word in place of a list":   {"sends: [OrderConfirmed]", "sends: OrderConfirmed", ""},
		"quoted, in place of one":   {"sends: [OrderConfirmed]", "sends: 'OrderConfirmed'", "sends: ['OrderConfirmed']"},
		"MSG101 event sent":         {"sends: [PaymentCaptured]", "sends: [PaymentCapturd]", ""},
		"MSG101 event received":     {"      OrderRejected:  {creates", "      OrderRejectde:  {creates", ""},
		"MSG101 event of a view":    {"OrderRejected, PaymentCaptured]", "OrderRejected, paymentCaptured]", ""},
		"MSG101 method":             {"pricing.QuoteOrder: {res", "pricing.QuoteOrdr: {res", ""},
		"MSG101 service":            {"pricing.QuoteOrder: {res", "pricingg.QuoteOrder: {res", ""},
		"MSG101 method of a step":   {"compensate: payments.VoidPayment", "compensate: payments.VoidPaymnt", ""},
		"MSG101 aggregate":          {"creates: Reservation,", "creates: Resevation,", ""},
		"MSG101 saga":               {"starts: place-order", "starts: placeorder", ""},
		"MSG101 policy":             {"resilience: standard", "resilience: standrad", ""},
		"MSG101 orchestrator":       {"orchestrator: orders", "orchestrator: order", ""},
		"MSG203 state":              {"from: [held]", "from: [hled]", ""},
		"MSG203 next state":         {"to: captured", "to: cptured", ""},
		"key of an event":           {"OrderRejected:   {key: order_id", "OrderRejected:   {key: orderid", ""},
		"retries without backoff":   {"policy: exponential", "policy: constant", ""},
		"retries without jitter":    {"jitter: full", "jitter: none", ""},
		"retries without either":    {"{policy: exponential, duration: 50ms, maxInterval: 1s, maxRetries: 2, jitter: full}", "{policy: constant, duration: 50ms, maxInterval: 1s, maxRetries: 2, jitter: none}", ""},
		"logs as text":              {"logs: json", "logs: text", ""},
		"creation over GET":         {"http: POST /v1/orders,", "http: GET /v1/purchases,", "http: POST /v1/purchases,"},
		"two of a service together": {"from: [authorized], to: voided", "from: [authorised], to: voidd", "from: [authorized], to: voided"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.becomes == "" {
				test.becomes = test.right
			}
			text := strings.Replace(good, test.right, test.wrong, 1)
			if text == good {
				t.Fatal("the example has no such text")
			}
			_, before := check(text)
			now, _ := fixed(t, text)
			if want := strings.Replace(good, test.right, test.becomes, 1); now != want {
				t.Fatalf("%s\nof %v", edit.Diff("want-got", []byte(want), []byte(now)), before)
			}
			if _, after := check(now); len(after) > 0 {
				t.Errorf("left or new: %v", after)
			}
		})
	}
}

// Where two answers are possible, or one might break something else, there is no fix.
func TestNoFix(t *testing.T) {
	shop, err := os.ReadFile("../../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ right, wrong string }{
		"another version":            {"apiVersion: msgen/v1", "apiVersion: msgen/v2"},
		"far from every key":         {"    owner: team-crm\n", "    department: team-crm\n"},
		"the right key is there":     {"    owner: team-crm\n", "    owner: team-crm\n    ownr: team-crm\n"},
		"a number of bits":           {"quantity: {type: int32", "quantity: {type: int34"},
		"an int of no size":          {"sku: string, quantity: int32}\n\n", "sku: string, quantity: int}\n\n"},
		"the event is there already": {"OrderRejected, PaymentCaptured]", "OrderRejected, PaymentCaptured, PaymentCapturd]"},
		"the call is there already":  {"      pricing.QuoteOrder: {res", "      pricing.QuoteOrdr: {}\n      pricing.QuoteOrder: {res"},
		"named twice":                {"      OrderConfirmed: {creates: Delivery, retries: 5}\n      OrderRejected:  {creates", "      OrderConfirmd: {creates: Delivery, retries: 5}\n      OrderRejected:  {creates"},
		"no such method there":       {"pricing.QuoteOrder: {res", "pricingg.Quote: {res"},
		"a name":                     {"  pricing:\n", "  Pricing:\n"},
		"a verb that is none":        {"http: POST /v1/orders,", "http: PUST /v1/orders,"},
		"a path that is none":        {"http: POST /v1/orders,", "http: post /v1/orders/,"},
		"the route is taken":         {"http: POST /v1/orders,", "http: GET /v1/cart,"},
		"a list in a word":           {"sends: [OrderConfirmed]", "sends: \"OrderConfirmed, X\""},
		"an alias":                   {"broker: kafka ", "cache: &x none\n  broker: Kafka\n  database: *x\n#"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(shop), test.right, test.wrong, 1)
			switch name {
			case "named twice":
				text = strings.Replace(text, "OrderPlaced, OrderConfirmed, OrderRejected", "OrderPlaced, OrderConfirmd, OrderRejected", 1)
			case "the route is taken":
				text = strings.Replace(text, "CapturePayment:   {internal: true", "CapturePayment:   {http: POST /v1/cart, public: true", 1)
			}
			if text == string(shop) {
				t.Fatal("the example has no such text")
			}
			_, list := check(text)
			if len(list) == 0 {
				t.Fatal("no findings")
			}
			for _, d := range list {
				if d.Fix != nil {
					t.Errorf("%s: %s", d.Message, d.Fix.Title)
				}
			}
		})
	}
}

// Rounds of fixes over every bad spec of this repository come to an end, each with fewer findings to fix than the one before, and none breaks the YAML.
func TestRounds(t *testing.T) {
	var paths []string
	for _, pattern := range []string{"../../testdata/rules/*/fail.yaml", "../testdata/bad/*.yaml", "../../testdata/specs/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		paths = append(paths, found...)
	}
	some := 0
	for _, path := range paths {
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := string(content)
			if spec, _ := schema.Load(path, content); spec == nil {
				t.Skip("no YAML mapping, so that it has no fixes")
			}
			for left := fixable(text); ; {
				now, more := fixed(t, text)
				if !more {
					break
				}
				some++
				n := fixable(now)
				if n >= left {
					t.Fatalf("%d findings to fix, then %d\n%s", left, n, edit.Diff(path, []byte(text), []byte(now)))
				}
				text, left = now, n
			}
			if n := fixable(text); n > 0 {
				t.Errorf("%d are left", n)
			}
		})
	}
	if some == 0 {
		t.Error("no spec had a fix")
	}
}

// Whatever the spec, its fixes can be applied, keep it YAML, and come to an end.
func FuzzRounds(f *testing.F) {
	for _, path := range []string{"../../testdata/specs/shop.yaml", "../../testdata/specs/minimal.yaml"} {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(content))
	}
	f.Add("apiversion: msgen/v1\nsystem: x\nservices: {a: {pii: yes, receives: {X: {creates: [Y]}}, api: {Do: {http: get /v1/x, sends: Z}}}}\n")
	f.Add("services:\r\n  a: {aggregates: {B: {fields: {c: 'd[]', e: [string], f: Varchar}}}}\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if spec, _ := check(text); spec == nil {
			return
		}
		for round := 0; ; round++ {
			now, more := fixed(t, text)
			if !more {
				return
			}
			if round > 50 {
				t.Fatal("no end of fixes")
			}
			text = now
		}
	})
}

func ExampleDiff() {
	fmt.Print(edit.Diff("msgen.yaml", []byte("system: shop\n"), []byte("system: store\n")))
	// Output:
	// --- a/msgen.yaml
	// +++ b/msgen.yaml
	// @@ -1,1 +1,1 @@
	// -system: shop
	// +system: store
}
