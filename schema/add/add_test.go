package add_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/rule"
)

// load reads one of the project's specs and checks it.
func load(t *testing.T, name string, content []byte) (*schema.Spec, diag.List) {
	t.Helper()
	spec, list := schema.Load(name, content)
	if spec != nil && !list.HasErrors() {
		list = append(list, rule.Run(spec)...)
	}
	return spec, list
}

// addTo makes an addition to a spec and returns the text before and after.
func addTo(t *testing.T, name string, a add.Addition) (before, after string, err error) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/specs/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, list := load(t, "msgen.yaml", text)
	if list.HasErrors() {
		t.Fatal(list)
	}
	doc, err := edit.Parse("msgen.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	err = a.AddTo(spec, doc)
	return string(text), string(doc.Content()), err
}

// What each kind of addition writes, and what the rules say of the spec that comes of it.
func TestAdditions(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		add  add.Addition
	}{
		"service": {"shop", add.Service{
			Name: "shipping", Responsibility: "Brings parcels to customers: tracks them too.", Owner: "team-logistics", PII: true,
			Aggregate: "Shipment", Fields: []string{"order_id: uuid", "address:{type: string, maxLength: 200}", `tags: "[]string"`}, States: []string{"planned", "sent"},
			Methods: []string{"CreateShipment", "GetShipment", "ListShipments", "EstimateDelivery"}, Access: add.Token,
			Receives: []string{"OrderConfirmed", "OrderRejected"}, Sends: []string{"ShipmentCreated", "StockReserved"},
			Calls: []string{"pricing.QuoteOrder", "payments.VoidPayment"}, Criteria: add.Criteria{Timeout: "500ms", ErrorThreshold: "30%", Reset: "30s", Fallback: "none"},
			Min: 3, Max: 6, CPU: "60%", Availability: "99.9%", P99: "250ms",
		}},
		"service made by an event": {"minimal", add.Service{
			Name: "search", Responsibility: "Finds notes.", Owner: "team-search", Aggregate: "Hit", Receives: []string{"NoteCreated"}, CreatedBy: []string{"NoteCreated"},
			Methods: []string{"ListHits"}, Access: add.Public,
		}},
		"service that stores nothing": {"minimal", add.Service{
			Name: "spelling", Responsibility: "Checks spelling.", Owner: "team-search", Methods: []string{"CheckText"}, Calls: []string{"notes.GetNote"}, Criteria: add.Criteria{Fallback: "cached"},
		}},
		"public service": {"minimal", add.Service{
			Name: "tags", Responsibility: "Keeps tags.", Owner: "team-notes", Aggregate: "Tag", Fields: []string{"name: string"}, Methods: []string{"CreateTag", "ListTags"}, Access: add.Public,
		}},
		"event":              {"shop", add.Event{Name: "StockReleased", Fields: []string{"reservation_id: uuid", "lines: '[]ReservedLine'"}, SentBy: []string{"inventory.ReleaseStock"}, ReceivedBy: []string{"pricing", "history"}}},
		"external event":     {"minimal", add.Event{Name: "NoteShared", Key: "id", Fields: []string{"title: string", "id: uuid"}, External: true, SentBy: []string{"notes.CreateNote"}}},
		"method":             {"shop", add.Method{Service: "payments", Name: "RefundPayment", Does: add.Updates, Aggregate: "Payment", From: []string{"captured"}, To: "voided"}},
		"exposed method":     {"shop", add.Method{Service: "orders", Name: "CancelOrder", Does: add.Updates, Aggregate: "Order", From: []string{"pending"}, To: "rejected", Access: add.Token, Sends: []string{"OrderRejected"}}},
		"standard method":    {"shop", add.Method{Service: "inventory", Name: "CreateStockItem", Access: add.Token, Scopes: []string{"stock.admin", "stock.write"}}},
		"method by key":      {"shop", add.Method{Service: "inventory", Name: "DeleteStockItem", Access: add.Token}},
		"own method":         {"minimal", add.Method{Service: "audit", Name: "QuoteStorage", Request: []string{"days: int32"}, Response: []string{"price: money"}}},
		"call":               {"shop", add.Call{Service: "inventory", Target: "pricing.QuoteOrder", Criteria: add.Criteria{Timeout: "3000ms", Reset: "1m", Fallback: "none"}}},
		"call with a policy": {"minimal", add.Call{Service: "audit", Target: "notes.GetNote", Criteria: add.Criteria{Timeout: "1s", ErrorThreshold: "25%", Fallback: "cached"}}},
		"saga": {"shop", add.Saga{
			Name: "cancel-order", Orchestrator: "inventory", Timeout: "1m", StartedBy: []string{"inventory.ReserveStock"},
			Steps: []string{"payments.AuthorizePayment compensate payments.VoidPayment timeout 5s", "payments.CapturePayment pivot", "inventory.ReleaseStock retriable"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after, err := addTo(t, test.spec, test.add)
			if err != nil {
				t.Fatal(err)
			}
			spec, list := load(t, "msgen.yaml", []byte(after))
			if list.HasErrors() {
				t.Errorf("the rules refuse it: %s\n%s", diagtest.Render(t, list), after)
			}
			if spec != nil && len(schema.UnsupportedDiagnostics(spec)) > 0 {
				t.Error("it cannot be generated")
			}
			diagtest.Golden(t, "testdata/"+strings.ReplaceAll(name, " ", "-")+".golden", edit.Diff("msgen.yaml", []byte(before), []byte(after))+diagtest.Render(t, list))
		})
	}
}

// A call that is there gets a breaker of its own; one that has one keeps it.
func TestBreakerForACall(t *testing.T) {
	const head = "apiVersion: msgen/v1\nsystem: s\nservices:\n  a:\n    responsibility: A.\n    calls:\n"
	const rest = "  b:\n    responsibility: B.\n    api:\n      GetIt: {request: {id: string}, response: {it: string}}\nresilience:\n  standard: {timeout: 2s}\n"
	c := add.Call{Service: "a", Target: "b.GetIt", Criteria: add.Criteria{Timeout: "1s", Fallback: "none"}}
	const policy = "  b: {timeout: 1s, circuitBreaker: {errorThreshold: 50%, reset: 1m}}\n"
	for name, test := range map[string]struct{ call, want string }{
		"no options":    {"      b.GetIt: # why\n", "      b.GetIt: {resilience: b, fallback: none} # why\n"},
		"empty braces":  {"      b.GetIt: {}\n", "      b.GetIt: {resilience: b, fallback: none}\n"},
		"some options":  {"      b.GetIt: {fallback: cached} # why\n", "      b.GetIt: {fallback: cached, resilience: b} # why\n"},
		"a block":       {"      b.GetIt:\n        fallback: cached\n", "      b.GetIt:\n        fallback: cached\n        resilience: b\n"},
		"has a breaker": {"      b.GetIt: {resilience: standard}\n", ""},
	} {
		text := head + test.call + rest
		spec, list := schema.Load("msgen.yaml", []byte(text))
		if list.HasErrors() {
			t.Fatal(name, list)
		}
		doc, err := edit.Parse("msgen.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		err = c.AddTo(spec, doc)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), "msgen.yaml:7:7: a calls b.GetIt already, with the policy standard") {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		if want := head + test.want + rest + policy; err != nil || string(doc.Content()) != want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", name, err, doc.Content(), want)
		}
	}
}

// What cannot be added says why, and what is meant where that is plain.
func TestAdditionsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		add  add.Addition
		want string
	}{
		"service that is there":         {"shop", add.Service{Name: "orders"}, "msgen.yaml:22:3: services.orders is there already"},
		"event that is there":           {"shop", add.Event{Name: "OrderPlaced", Fields: []string{"id: uuid"}}, "events.OrderPlaced is there already"},
		"method that is there":          {"shop", add.Method{Service: "orders", Name: "GetOrder"}, "services.orders.api.GetOrder is there already"},
		"saga that is there":            {"shop", add.Saga{Name: "place-order"}, "sagas.place-order is there already"},
		"receives nothing known":        {"shop", add.Service{Name: "x", Receives: []string{"OrderConfirmd"}}, `there is no event "OrderConfirmd"; did you mean "OrderConfirmed"?`},
		"created by nothing known":      {"shop", add.Service{Name: "x", Aggregate: "X", CreatedBy: []string{"Nope"}}, `there is no event "Nope"`},
		"calls nothing known":           {"shop", add.Service{Name: "x", Calls: []string{"pricing.QuoteOrdr"}}, `there is no method "pricing.QuoteOrdr"; did you mean "pricing.QuoteOrder"?`},
		"calls no service":              {"shop", add.Call{Service: "orders", Target: "prices.QuoteOrder"}, `there is no service "prices"`},
		"no caller":                     {"shop", add.Call{Service: "order", Target: "pricing.QuoteOrder"}, `there is no service "order"; did you mean "orders"?`},
		"no method to send":             {"shop", add.Service{Name: "x", Aggregate: "X", Fields: []string{"a: string"}, Methods: []string{"GetX"}, Sends: []string{"XMade"}}, "no method of x changes anything, so none can send XMade"},
		"no field":                      {"shop", add.Event{Name: "X"}, "the event X needs a field"},
		"no type":                       {"shop", add.Event{Name: "X", Fields: []string{"id"}}, `"id" is no field`},
		"unknown type":                  {"shop", add.Event{Name: "X", Fields: []string{"id: Strin g"}}, "Strin g"},
		"method of no service":          {"shop", add.Method{Service: "ordrs", Name: "X"}, `there is no service "ordrs"; did you mean "orders"?`},
		"received by nobody":            {"shop", add.Event{Name: "X", Fields: []string{"id: uuid"}, ReceivedBy: []string{"me"}}, `there is no service "me"`},
		"sent by no method":             {"shop", add.Event{Name: "X", Fields: []string{"id: uuid"}, SentBy: []string{"orders"}}, `"orders" is no method of the form service.Method`},
		"step that is none":             {"shop", add.Saga{Name: "x", Steps: []string{"orders.X then payments.Y"}}, `"then" is nothing that a step has`},
		"step without its method":       {"shop", add.Saga{Name: "x", Steps: []string{"orders.X compensate"}}, `nothing follows "compensate"`},
		"step of no time":               {"shop", add.Saga{Name: "x", Steps: []string{"orders.X timeout soon"}}, "soon"},
		"empty step":                    {"shop", add.Saga{Name: "x", Steps: []string{" "}}, "a step needs a method"},
		"started by what starts others": {"shop", add.Saga{Name: "x", Orchestrator: "orders", StartedBy: []string{"orders.PlaceOrder"}}, "services.orders.api.PlaceOrder.starts is there already"},
	} {
		before, _, err := addTo(t, test.spec, test.add)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if strings.Contains(name, "is there") != errors.Is(err, edit.ErrExists) && name != "started by what starts others" {
			t.Errorf("%s: %v is ErrExists or not, of %d bytes", name, err, len(before))
		}
	}
}

func TestParseField(t *testing.T) {
	for _, bad := range []string{"", "a", "a:", ": string", "A: string", "a: {", "a: {max: 1}", "a: [string]", "a: {type: x!}", "a: {type: {b: c}}", "a: {type: string, min: 1.5}"} {
		if f, err := add.ParseField(bad); err == nil {
			t.Errorf("%q is %v", bad, f)
		}
	}
}
