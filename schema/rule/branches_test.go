package rule_test

import (
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

// shopOf is a spec of two services, with what a test adds to it.
func shopOf(orders, billing, event, rest string) string {
	return `apiVersion: msgen/v1
system: shop
services:
  orders:
    responsibility: Takes orders.
    owner: team-orders
    aggregates:
      Order: {fields: {total: money}}
    types:
      Person: {contact: Contact}
      Contact: {email: string}
    api:
      CreateOrder: {http: POST /v1/orders, creates: Order, sends: [OrderCreated], scopes: [orders.write]}
` + orders + `
  billing:
    responsibility: Sends invoices.
    owner: team-billing
    aggregates:
      Invoice: {fields: {order_id: uuid}}
    receives:
      OrderCreated: {creates: Invoice}
` + billing + `
events:
  OrderCreated: {key: order_id, fields: {order_id: uuid` + event + `}}
` + rest
}

// What a pass and a fail file each do not show: the other ways in which a rule is kept or broken.
func TestBranches(t *testing.T) {
	for name, test := range map[string]struct {
		rule, spec string
		want       []string // path: message of each finding
	}{
		"mTLS is left out":       {"MSG409", shopOf("", "", "", "security: {serviceAuth: jwt}\n"), []string{"security.mtls: security without mTLS: services talk in plain text"}},
		"mTLS is off":            {"MSG409", shopOf("", "", "", "security: {mtls: {mode: off}}\n"), []string{"security.mtls.mode: mTLS is off: services talk in plain text"}},
		"no security at all":     {"MSG4", shopOf("", "", "", "gateway: {auth: {jwt: {issuer: i, audience: a, jwks: \"https://a.example.com/\"}}}\n"), nil},
		"signing is left out":    {"MSG411", shopOf("", "", "", "security: {serviceAuth: jwt}\n"), []string{"security.requestSigning: internal requests are not signed"}},
		"a type of a type":       {"MSG413", shopOf("", "", ", who: \"[]Person\"", ""), []string{"services.billing.receives.OrderCreated: OrderCreated carries who to billing, which says nothing of personal data"}},
		"a flag is not personal": {"MSG413", shopOf("", "", ", email: bool, company_id: string", ""), nil},
		"an end of a name":       {"MSG413", shopOf("", "", ", shipping_street_address: string", ""), []string{"services.billing.receives.OrderCreated: OrderCreated carries shipping_street_address to billing, which says nothing of personal data"}},
		"read only is no entry":  {"MSG503", shopOf("    slo: {availability: 99%}", "    api: {ListInvoices: {http: GET /v1/invoices, lists: Invoice, public: true}}", "", ""), nil},
		"nobody has an objective": {
			"MSG503", shopOf("", "", "", ""), nil,
		},
		"the same objective":     {"MSG504", shopOf("    slo: {availability: 99.9%}\n    calls: {billing.Ask: {}}", "    slo: {availability: 99.9%}\n    api: {Ask: {internal: true}}", "", ""), nil},
		"an unbounded blob":      {"MSG708", shopOf("", "", ", scan: bytes", ""), []string{"events.OrderCreated.fields: OrderCreated carries raw bytes without a bound"}},
		"many bounded parts":     {"MSG708", shopOf("", "", ", a: {type: string, maxLength: 40000}, b: {type: string, maxLength: 30000}", ""), []string{"events.OrderCreated.fields: OrderCreated may carry 70000 bytes, more than the 65536 that every broker and gateway forwards"}},
		"a list that is short":   {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, response: {count: int32}}, Listen: {internal: true, response: {a: \"[]string\"}}}", "", ""), nil},
		"pages one way only":     {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, request: {page_size: int32, page_token: string}, response: {a: \"[]string\"}}}", "", ""), []string{"services.billing.api.ListKinds.response: ListKinds takes a page_token and never gives one"}},
		"pages the other way":    {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, request: {kind: string}, response: {a: \"[]string\", next_page_token: string}}}", "", ""), []string{"services.billing.api.ListKinds.response: ListKinds gives a next_page_token and takes none"}},
		"one page":               {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, request: {page_size: int32}, response: {a: \"[]string\"}}}", "", ""), []string{"services.billing.api.ListKinds.response: ListKinds has one page: whoever wants the next cannot ask for it"}},
		"pages by number":        {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, request: {page: int32}, response: {a: \"[]string\"}}}", "", ""), nil},
		"a list with an end":     {"MSG707", shopOf("", "    api: {ListKinds: {internal: true, request: {kind: string}, response: {a: {type: \"[]string\", maxLength: 10}}}}", "", ""), nil},
		"stateless replicas":     {"MSG606", shopOf("", "  web:\n    responsibility: Shows pages.\n    scaling: {max: 1000}\n    api: {Show: {internal: true}}", "", ""), nil},
		"sharded aggregates":     {"MSG217", shopOf("", many(20), "", ""), nil},
		"orchestrated in steps":  {"MSG216", shopOf("", "", "", "sagas:\n  s:\n    orchestrator: orders\n    steps: ["+strings.Repeat("{invoke: billing.A}, ", 6)+"]\n"), nil},
		"choreographed from one": {"MSG209", dance("", ""), nil},
		"choreographed from two": {"MSG209", dance("      TakeParcel: {internal: true, creates: Parcel, starts: s}\n", ""), []string{
			"services.billing.api.TakeParcel.starts: the saga s starts in both orders and billing"}},
		"the failure of another":      {"MSG210", dance("", "    onFailure: billing.Void\n"), []string{"sagas.s.onFailure: onFailure names a method of billing, but orders starts the saga"}},
		"the failure of the starter":  {"MSG210", dance("", "    onFailure: orders.Reject\n"), nil},
		"personal data that dances":   {"MSG413", dance("", ""), []string{"sagas.s.coordination: the events of s carry email to billing, which says nothing of personal data"}},
		"personal data that is led":   {"MSG413", strings.Replace(dance("", ""), "coordination: choreography", "orchestrator: orders", 1), nil},
		"personal data that is known": {"MSG413", strings.Replace(dance("", ""), "  billing:\n", "  billing:\n    pii: true\n", 1), nil},
		"a blob that dances":          {"MSG708", strings.Replace(dance("", ""), "email: string", "scan: bytes", 1), []string{"sagas.s.coordination: each event of s carries raw bytes without a bound"}},
		"a large part that dances": {"MSG708", strings.Replace(dance("", ""), "email: string", "note: {type: string, maxLength: 70000}", 1), []string{
			"sagas.s.coordination: each event of s may carry 70000 bytes, more than the 65536 that every broker and gateway forwards"}},
		"a call of a reader": {"MSG315", readers, nil},
	} {
		t.Run(name, func(t *testing.T) {
			spec, list := schema.Load("spec.yaml", []byte(test.spec))
			if len(list) > 0 {
				t.Fatalf("it does not decode:\n%s", diagtest.Render(t, list))
			}
			var got []string
			for _, d := range rule.Run(spec, test.rule) {
				got = append(got, d.Path+": "+d.Message)
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// dance is a system with the choreographed saga s, with what a test adds to a service that takes part and to the saga.
func dance(billing, saga string) string {
	return `apiVersion: msgen/v1
system: shop
services:
  orders:
    responsibility: Takes orders.
    aggregates:
      Order: {fields: {email: string}, states: [open, rejected]}
    api:
      TakeOrder: {internal: true, creates: Order, starts: s}
      Reject: {internal: true, updates: Order, from: [open], to: rejected}
  billing:
    responsibility: Sends invoices.
    aggregates:
      Invoice: {fields: {order_id: uuid}, states: [sent, void]}
      Parcel: {fields: {order_id: uuid}}
    api:
      Send: {internal: true, creates: Invoice}
      Void: {internal: true, updates: Invoice, from: [sent], to: void}
      Note: {internal: true, creates: Parcel}
` + billing + `sagas:
  s:
    coordination: choreography
    steps: [{invoke: billing.Send, compensate: billing.Void}, {invoke: billing.Note, pivot: true}]
` + saga
}

// many is a service of more than n aggregates, which are sharded.
func many(n int) string {
	text := "  store:\n    responsibility: Keeps everything.\n    aggregates:\n      First: {fields: {name: string}, shard: {key: name, count: 4}}\n"
	for i := range n {
		text += "      Thing" + string(rune('A'+i)) + ": {fields: {name: string}, shard: {key: name, count: 4}}\n"
	}
	return text
}

// readers is a system in which an impatient caller calls a method that only reads.
const readers = `apiVersion: msgen/v1
system: shop
services:
  web:
    responsibility: Shows pages.
    api: {Show: {internal: true}}
    calls: {orders.GetOrder: {resilience: quick}}
  orders:
    responsibility: Takes orders.
    aggregates:
      Order: {fields: {total: money}}
    api: {GetOrder: {internal: true, reads: Order}, TakeOrder: {internal: true, creates: Order}}
    calls: {pricing.Quote: {}}
  pricing:
    responsibility: Quotes prices.
    api: {Quote: {internal: true}}
resilience:
  quick: {timeout: 1s}
`

func TestLiteralSecret(t *testing.T) {
	for text, want := range map[string]string{
		"AKIA" + "IOSFODNN7EXAMPLE":                          "services.orders.responsibility: the spec holds a key of Amazon Web Services",
		"AKIAshort":                                          "",
		"xAKIA" + "IOSFODNN7EXAMPLE":                         "",
		"ghp_" + strings.Repeat("a", 36):                     "services.orders.responsibility: the spec holds a token of GitHub",
		"glpat-" + strings.Repeat("a1", 10):                  "services.orders.responsibility: the spec holds a token of GitLab",
		"sk_live_" + strings.Repeat("Z", 24):                 "services.orders.responsibility: the spec holds a key of Stripe",
		"eyJhbGciOiJub25lIn0" + ".eyJzdWIiOiJhIn0" + ".c2ln": "services.orders.responsibility: the spec holds a JSON Web Token",
		"eyJhbGciOiJub25lIn0eyJhbGciOiJub25lIn0":             "",
		"-----BEGIN RSA " + "PRIVATE KEY----- MIIE":          "services.orders.responsibility: the spec holds a private key",
		"the PRIVATE KEY----- of nobody":                     "",
		"amqp://shop:hunter2@broker.example.com/":            "services.orders.responsibility: the spec holds the password of a URL",
		"amqp://shop@broker.example.com/":                    "",
		"amqp://shop:${PASSWORD}@broker.example.com/":        "",
		"https://example.com/a:b@c":                          "",
		"mail team:orders@example.com":                       "",
	} {
		spec, list := schema.Load("spec.yaml", []byte(strings.Replace(readers, "Takes orders.", "'"+text+"'", 1)))
		if len(list) > 0 {
			t.Fatalf("%s does not decode:\n%s", text, diagtest.Render(t, list))
		}
		got := ""
		for _, d := range rule.Run(spec, "MSG412") {
			got += d.Path + ": " + d.Message
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
