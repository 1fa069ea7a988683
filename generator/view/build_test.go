package view_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

func read(t *testing.T, path string) *view.System {
	t.Helper()
	spec, findings, err := schema.ReadFile(path)
	if err != nil || findings.HasErrors() {
		t.Fatal(err, findings)
	}
	sys, findings := view.Build(spec, view.Options{})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	return sys
}

// build makes the models of a spec's text.
func build(t *testing.T, text string, protos map[string][]byte) (*view.System, diag.List) {
	t.Helper()
	spec, findings := schema.Load("msgen.yaml", []byte(text))
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	return view.Build(spec, view.Options{Protos: protos})
}

func service(t *testing.T, sys *view.System, name string) *view.Service {
	t.Helper()
	i := slices.IndexFunc(sys.Services, func(s *view.Service) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("there is no service %s", name)
	}
	return sys.Services[i]
}

func method(t *testing.T, sys *view.System, full string) *view.Method {
	t.Helper()
	svc, name, _ := strings.Cut(full, ".")
	s := service(t, sys, svc)
	i := slices.IndexFunc(s.Methods, func(m *view.Method) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("there is no method %s", full)
	}
	return s.Methods[i]
}

// assigns are assignments as text: customer_id=customer_id lines=lines{sku quantity} status="placed".
func assigns(list []view.Assign) string {
	parts := make([]string, 0, len(list))
	for _, a := range list {
		part := a.To.Name + "="
		if a.From != nil {
			part += a.From.Name
		}
		if part += a.Literal; len(a.Pairs) > 0 {
			pairs := make([]string, len(a.Pairs))
			for i, p := range a.Pairs {
				pairs[i] = p.To.Name
			}
			part += "{" + strings.Join(pairs, " ") + "}"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func names(fields []*view.Field) string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name
	}
	return strings.Join(list, " ")
}

// Where the events of the shop take their fields from.
func TestShopEvents(t *testing.T) {
	sys := read(t, "../../testdata/specs/shop.yaml")
	for _, c := range []struct{ method, event, resource, request, missing string }{
		{"orders.PlaceOrder", "OrderPlaced", "order_id=id customer_id=customer_id total=total", "", ""},
		{"orders.ConfirmOrder", "OrderConfirmed", "order_id=id", "", ""},
		{"orders.RejectOrder", "OrderRejected", "order_id=id", "reason=reason", ""},
		{"inventory.ReserveStock", "StockReserved", "order_id=order_id lines=lines", "", ""},
		{"payments.CapturePayment", "PaymentCaptured", "order_id=order_id amount=amount", "", ""},
	} {
		sends := method(t, sys, c.method).Sends
		if len(sends) != 1 || sends[0].Event.Name != c.event {
			t.Fatalf("%s sends %v", c.method, sends)
		}
		s := sends[0]
		if got := assigns(s.FromResource); got != c.resource {
			t.Errorf("%s takes from the aggregate %q, want %q", c.event, got, c.resource)
		}
		if got := assigns(s.FromRequest); got != c.request {
			t.Errorf("%s takes from the request %q, want %q", c.event, got, c.request)
		}
		if got := names(s.Missing); got != c.missing {
			t.Errorf("%s misses %q, want %q", c.event, got, c.missing)
		}
	}
	// The request of a transition gets what its event needs and the aggregate does not have, and the document says so.
	reason := method(t, sys, "orders.RejectOrder").Request.Fields
	if f := reason[len(reason)-1]; f.Name != "reason" || f.Number != 10 {
		t.Errorf("RejectOrderRequest ends in %s = %d, want reason = 10", f.Name, f.Number)
	}
	if !slices.ContainsFunc(sys.Inferred, func(i schema.Inference) bool { return i.Path == "services.orders.api.RejectOrder.request.reason" }) {
		t.Error("the added field is not among what was inferred")
	}
}

// How the shop's saga fills its commands.
func TestShopSaga(t *testing.T) {
	sys := read(t, "../../testdata/specs/shop.yaml")
	sg := sys.Sagas[0]
	if sg.Name != "place-order" || sg.Aggregate.Name != "Order" || sg.Timeout != "2 * time.Minute" || sg.Service.Name != "orders" {
		t.Fatalf("the saga is %s of %s on %s within %s", sg.Name, sg.Service.Name, sg.Aggregate.Name, sg.Timeout)
	}
	text := func(c *view.SagaCommand) string {
		if c == nil {
			return "-"
		}
		return fmt.Sprintf("%s key=%s/%s hook=%s [%s] reason=%t", c.Method.Name, c.KeyOf, c.KeyStep, c.Hook, assigns(c.Suggest), c.Reason)
	}
	want := []string{
		"Compensatable 5 * time.Second | ReserveStock key=step/inventory.ReserveStock hook=PlaceOrderReserveStock [order_id=id lines=lines{sku quantity}] reason=false" +
			" | ReleaseStock key=step/inventory.ReserveStock hook= [] reason=false",
		"Compensatable 5 * time.Second | AuthorizePayment key=step/payments.AuthorizePayment hook=PlaceOrderAuthorizePayment [order_id=id amount=total] reason=false" +
			" | VoidPayment key=step/payments.AuthorizePayment hook= [] reason=false",
		"Pivot 5 * time.Second | ConfirmOrder key=saga/ hook= [] reason=false | -",
		"Retriable 5 * time.Second | CapturePayment key=step/payments.AuthorizePayment hook= [] reason=false | -",
	}
	for i, step := range sg.Steps {
		if got := fmt.Sprintf("%s %s | %s | %s", step.Kind, step.Timeout, text(step.Invoke), text(step.Compensate)); i >= len(want) || got != want[i] {
			t.Errorf("step %d is\n  %s\nwant\n  %s", i, got, want[min(i, len(want)-1)])
		}
	}
	if got := text(sg.OnFailure); got != "RejectOrder key=saga/ hook= [] reason=true" {
		t.Errorf("onFailure is %s", got)
	}
	for name, want := range map[string]bool{
		"orders.ConfirmOrder": true, "orders.RejectOrder": true, "orders.PlaceOrder": false, "inventory.ReserveStock": true, "payments.VoidPayment": true,
	} {
		if got := method(t, sys, name).IsCommand; got != want {
			t.Errorf("%s is a command: %t, want %t", name, got, want)
		}
	}
}

// What the shop's projections and receivers begin with.
func TestShopSuggestions(t *testing.T) {
	sys := read(t, "../../testdata/specs/shop.yaml")
	got := map[string]string{}
	for _, s := range sys.Services {
		for _, p := range s.Projects {
			got[p.Handler] = assigns(p.Suggest)
		}
		for _, r := range s.Receives {
			got[r.Handler] = assigns(r.Suggest)
		}
	}
	want := map[string]string{
		"ProjectOrderPlaced":     `customer_id=customer_id total=total status="placed"`,
		"ProjectOrderConfirmed":  `status="confirmed"`,
		"ProjectOrderRejected":   `status="rejected"`,
		"ProjectPaymentCaptured": "captured=amount",
		"OnOrderConfirmed":       `order_id=order_id kind="order_confirmed"`,
		"OnOrderRejected":        `order_id=order_id kind="order_rejected"`,
	}
	for handler, suggest := range want {
		if got[handler] != suggest {
			t.Errorf("%s begins with %q, want %q", handler, got[handler], suggest)
		}
	}
	if len(got) != len(want) {
		t.Errorf("the handlers are %v", got)
	}
}

func TestShopServices(t *testing.T) {
	sys := read(t, "../../testdata/specs/shop.yaml")
	text := func(s *view.Service) string {
		return fmt.Sprintf("db=%s outbox=%t inbox=%t events=%s commands=%s replies=%s reads=%s", s.DatabaseName, s.HasOutbox, s.HasInbox,
			s.EventTopic, s.CommandTopic, s.ReplyTopic, strings.Join(s.Subscribes, ","))
	}
	for name, want := range map[string]string{
		"orders": "db=shop_orders outbox=true inbox=true events=shop.orders.events commands=shop.orders.commands replies=shop.orders.replies" +
			" reads=shop.orders.commands,shop.orders.replies",
		"pricing":       "db= outbox=false inbox=false events= commands= replies= reads=",
		"inventory":     "db=shop_inventory outbox=true inbox=true events=shop.inventory.events commands=shop.inventory.commands replies= reads=shop.inventory.commands",
		"payments":      "db=shop_payments outbox=true inbox=true events=shop.payments.events commands=shop.payments.commands replies= reads=shop.payments.commands",
		"notifications": "db=shop_notifications outbox=false inbox=true events= commands= replies= reads=shop.orders.events",
		"history":       "db=shop_history outbox=false inbox=true events= commands= replies= reads=shop.orders.events,shop.payments.events",
	} {
		if got := text(service(t, sys, name)); got != want {
			t.Errorf("%s is\n  %s\nwant\n  %s", name, got, want)
		}
	}
	kinds := map[string]view.MethodKind{
		"orders.PlaceOrder": view.Create, "orders.GetOrder": view.Read, "orders.ListOrders": view.List, "orders.ConfirmOrder": view.Transition,
		"pricing.QuoteOrder": view.Own, "history.GetOrderHistory": view.Read,
	}
	for name, want := range kinds {
		if got := method(t, sys, name).Kind; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if m := method(t, sys, "orders.PlaceOrder"); !m.Prepare || m.Starts != sys.Sagas[0] {
		t.Errorf("PlaceOrder: prepare %t, starts %v", m.Prepare, m.Starts)
	}
	if !strings.Contains(strings.Join(sys.Topics, " "), "shop.orders.events") || !slices.IsSorted(sys.Topics) {
		t.Errorf("topics are %v", sys.Topics)
	}
	var routes []string
	for _, r := range sys.Gateway.Routes {
		routes = append(routes, fmt.Sprintf("%s %s %s body=%s %d", r.Verb, r.Gin, r.Proto, r.Body, r.Success))
	}
	want := []string{
		"POST /v1/orders /v1/orders body=* 201", "GET /v1/orders/:id /v1/orders/{id} body= 200", "GET /v1/orders /v1/orders body= 200",
		"GET /v1/stock/:sku /v1/stock/{sku} body= 200", "GET /v1/history/:order_id /v1/history/{order_id} body= 200",
	}
	if !slices.Equal(routes, want) {
		t.Errorf("routes are\n%s\nwant\n%s", strings.Join(routes, "\n"), strings.Join(want, "\n"))
	}
}
