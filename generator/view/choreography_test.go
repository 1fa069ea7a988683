package view_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/view"
)

// led and danced are sagas over the same services; the last starts in a service that does nothing in it.
const led = `apiVersion: msgen/v1
system: shop
module: example.com/shop
services:
  front:
    responsibility: Takes wishes.
    aggregates:
      Wish: {fields: {text: string}}
    api:
      MakeWish: {internal: true, creates: Wish, starts: grant}
  orders:
    responsibility: Takes orders.
    aggregates:
      Order: {fields: {text: string}, states: [open, failed]}
    api:
      PlaceOrder: {internal: true, creates: Order, starts: place}
      FailOrder: {internal: true, updates: Order, from: [open], to: failed}
  stock:
    responsibility: Holds things.
    aggregates:
      Hold: {fields: {text: string}}
    api:
      Take: {internal: true, creates: Hold}
      Free: {internal: true, deletes: Hold}
  genie:
    responsibility: Grants wishes.
    aggregates:
      Grant: {fields: {text: string}}
    api:
      Take: {internal: true, creates: Grant}
      Free: {internal: true, deletes: Grant}
security: {requestSigning: hmac-sha256}
sagas:
  place:
    orchestrator: orders
    steps: [{invoke: stock.Take, compensate: stock.Free}, {invoke: genie.Take, pivot: true}]
    onFailure: orders.FailOrder
  grant:
    coordination: choreography
    steps: `

func flow(t *testing.T, steps string) (*view.System, *view.Saga) {
	t.Helper()
	sys, findings := build(t, led+steps+"\n", nil)
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	return sys, sys.Sagas[1]
}

// Which events there are, who sends them and on which a service does something is what the platform's package does.
func TestFlowEvents(t *testing.T) {
	for steps, want := range map[string]string{
		"[{invoke: stock.Take, compensate: stock.Free}, {invoke: genie.Take, pivot: true}]": `Started front>stock
StepRequested front>stock genie
UndoRequested front>stock genie
StockTake.Done stock>genie
StockTake.Failed stock>
StockTake.Undone stock>
StockTake.Stuck stock>
GenieTake.Done genie>
GenieTake.Failed genie>stock
GenieTake.Undone genie>stock`,
		"[{invoke: stock.Take, retriable: true}, {invoke: genie.Take, retriable: true}]": `Started front>stock
StepRequested front>stock genie
StockTake.Done stock>genie
StockTake.Stuck stock>
GenieTake.Done genie>
GenieTake.Stuck genie>`,
	} {
		_, sg := flow(t, steps)
		var got []string
		for _, e := range sg.FlowEvents() {
			to := make([]string, len(e.To))
			for i, s := range e.To {
				to[i] = s.Name
			}
			got = append(got, e.Name+" "+e.From.Name+">"+strings.Join(to, " "))
		}
		if text := strings.Join(got, "\n"); text != want {
			t.Errorf("%s:\n%s\nwant:\n%s", steps, text, want)
		}
	}
}

// What holds of a service that is led in one saga and reacts in another.
func TestFlowsBesideCommands(t *testing.T) {
	sys, sg := flow(t, "[{invoke: stock.Take, compensate: stock.Free}, {invoke: genie.Take, pivot: true}]")
	stock, front, genie := service(t, sys, "stock"), service(t, sys, "front"), service(t, sys, "genie")
	for _, c := range []struct {
		service *view.Service
		topics  string
	}{
		{stock, "shop.grant.saga shop.stock.commands"}, {front, "shop.grant.saga"}, {genie, "shop.genie.commands shop.grant.saga"},
		{service(t, sys, "orders"), "shop.orders.commands shop.orders.replies"},
	} {
		if got := strings.Join(c.service.Subscribes, " "); got != c.topics {
			t.Errorf("%s reads %s, want %s", c.service.Name, got, c.topics)
		}
	}
	if front.ReplyTopic != "" || !front.IsOrchestrator || !front.HasInbox || !front.HasOutbox || len(front.Reacts()) != 0 || len(front.Parts()) != 1 {
		t.Errorf("front only starts and follows: %+v", front)
	}
	var commands []string
	for _, m := range stock.Commands {
		commands = append(commands, m.Name)
	}
	if !slices.Equal(commands, []string{"Take", "Free"}) {
		t.Errorf("stock takes the commands %v of the saga that is led", commands)
	}
	if len(genie.Commands) != 1 {
		t.Errorf("genie takes %d commands, want 1: what only a choreographed saga does is none", len(genie.Commands))
	}
	for _, c := range sg.Hooks() {
		if sg.Home(c) != c.Method.Service {
			t.Errorf("%s is at home in %s", c.Hook, sg.Home(c).Name)
		}
	}
	if c := sys.Sagas[0].Hooks()[0]; sys.Sagas[0].Home(c).Name != "orders" {
		t.Errorf("%s is at home in %s, want orders", c.Hook, sys.Sagas[0].Home(c).Name)
	}
	var trusted []string
	for _, s := range stock.TrustedSenders() {
		trusted = append(trusted, strings.Trim(s.Type, `"`)+" "+strings.Join(s.Sources, " "))
	}
	if want := []string{
		"com.example.shop.grant.saga.v1.GenieTake.Failed /shop/genie", "com.example.shop.grant.saga.v1.GenieTake.Undone /shop/genie",
		"com.example.shop.grant.saga.v1.Started /shop/front", "com.example.shop.grant.saga.v1.StepRequested /shop/front",
		"com.example.shop.grant.saga.v1.UndoRequested /shop/front", "com.example.shop.stock.v1.Free /shop/orders", "com.example.shop.stock.v1.Take /shop/orders",
	}; !slices.Equal(trusted, want) {
		t.Errorf("stock believes\n%s", strings.Join(trusted, "\n"))
	}
}

// The version tells the two kinds of one saga's steps apart: what runs led is not taken for what dances.
func TestVersionOfAChoreography(t *testing.T) {
	sys, sg := flow(t, "[{invoke: stock.Take, compensate: stock.Free}, {invoke: genie.Take, pivot: true}]")
	if sys.Sagas[0].Version() == sg.Version() {
		t.Error("both are of one version")
	}
}
