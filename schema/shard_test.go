package schema

import (
	"strings"
	"testing"
)

const shardedSpec = `apiVersion: msgen/v1
system: shop
services:
  orders:
    responsibility: Takes orders.
    aggregates:
      Order:
        fields: {customer: string, total: money}
        states: [pending, paid]
        shard: {key: customer, count: 4}
    api:
      PlaceOrder: {internal: true, creates: Order, starts: pay}
      PayOrder: {internal: true, updates: Order, to: paid}
    receives:
      Paid: {}
  billing:
    responsibility: Takes money.
    api:
      Take: {internal: true, sends: [Paid]}
events:
  Paid: {key: order_id, fields: {order_id: uuid}}
sagas:
  pay:
    orchestrator: orders
    timeout: 1m
    steps:
      - {invoke: orders.PayOrder, pivot: true}
`

// TestShards breaks a spec with shards in each way that one can be wrong.
func TestShards(t *testing.T) {
	s, list := Load("spec.yaml", []byte(shardedSpec))
	if len(list) > 0 {
		t.Fatal(renderList(t, list))
	}
	if order := s.Services[0].Aggregates[0]; !order.Fields[0].Required.V || order.Shard.Count.V != 4 {
		t.Errorf("the shard key is not required: %+v", order.Fields[0])
	}
	if f := s.Services[0].Receives[0].ShardField(); f == nil || f.Name.V != "order_id" {
		t.Errorf("the event is handled by %+v", f)
	}
	for name, test := range map[string]struct{ old, new, path, message string }{
		"no such field":     {"key: customer,", "key: nobody,", "services.orders.aggregates.Order.shard.key", `Order has no field "nobody"`},
		"a key of no text":  {"key: customer,", "key: total,", "services.orders.aggregates.Order.shard.key", "must be a uuid or a string"},
		"an optional key":   {"customer: string", "customer: {type: string, required: false}", "services.orders.aggregates.Order.fields.customer.required", "cannot be left out"},
		"none":              {"count: 4", "count: 0", "services.orders.aggregates.Order.shard.count", "0"},
		"too many":          {"count: 4", "count: 65", "services.orders.aggregates.Order.shard.count", "64"},
		"a key of its own":  {"        states:", "        key: customer\n        states:", "services.orders.aggregates.Order.key", "cannot have a key of its own"},
		"event sourced":     {"        states:", "        eventSourced: true\n        states:", "services.orders.aggregates.Order.eventSourced", "cannot have shards"},
		"the column's name": {"total: money", "shard_slot: int32", "services.orders.aggregates.Order.fields.shard_slot", "has a column shard_slot already"},
		"a neighbour":       {"    api:\n      Place", "      Other: {fields: {a: string}}\n    api:\n      Place", "services.orders.aggregates.Other", "Other has no shards, but Order of the same service has"},
		"another neighbour": {"    api:\n      Place", "      Other: {fields: {customer: string}, shard: {key: customer, count: 2}}\n    api:\n      Place", "services.orders.aggregates.Other.shard", "have different shards"},
		"a view":            {"    receives:", "    views:\n      V: {key: order_id, fields: {n: int32}, from: [Paid]}\n    receives:", "services.orders.views.V", "cannot have views"},
		"an own sender":     {"      PayOrder:", "      Ask: {internal: true, sends: [Paid]}\n      PayOrder:", "services.orders.api.Ask.sends", "Ask sends, but is for no aggregate"},
		"a foreign event":   {"fields: {order_id: uuid}}", "fields: {order_id: string}}", "services.orders.receives.Paid", "does not say in which shard"},
		"creates without":   {"Paid: {}", "Paid: {creates: Order}", "services.orders.receives.Paid", "does not say in which shard"},
		"a saga creates":    {"invoke: orders.PayOrder, pivot: true}", "invoke: orders.PlaceOrder, pivot: true}", "sagas.pay", "a saga cannot create Order"},
		"a choreography":    {"    orchestrator: orders\n", "    coordination: choreography\n", "sagas.pay.coordination", "orders has shards"},
		"about another":     {"Take: {internal: true, sends: [Paid]}", "MakeBill: {internal: true, creates: Bill, sends: [Paid], starts: pay}\n    aggregates: {Bill: {fields: {order_id: uuid}}}", "sagas.pay", "the saga is not about"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(shardedSpec, test.old, test.new, 1)
			if text == shardedSpec {
				t.Fatalf("there is no %q", test.old)
			}
			_, list := Load("spec.yaml", []byte(text))
			for _, d := range list {
				if d.Path == test.path && strings.Contains(d.Message+d.Help, test.message) && d.Primary.Span.Start.Line > 0 {
					return
				}
			}
			t.Errorf("got:\n%s", renderList(t, list))
		})
	}
}
