package generator_test

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryKeyChangesTheOutput changes one key of the shop at a time. A key that changed nothing would be a promise that nothing keeps.
// Keys with one permitted value (apiVersion, stack.http, …) are not here: every other value is refused by the decoder.
func TestEveryKeyChangesTheOutput(t *testing.T) {
	text, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base := system(t, load(t, string(text)))
	for _, c := range []struct {
		key, from, to string
		in            string // the beginning of the path of a file that must change
	}{
		{"system", "system: shop", "system: store", "deploy/"},
		{"module", "module: example.com/shop", "module: example.com/store", "go.mod"},
		{"description", "description: An online shop", "description: A shop", "README.md"},
		{"stack.discovery", "discovery: kubernetes", "discovery: static", "deploy/k8s/base/orders/service.yaml"},
		{"stack.tracing", "tracing: jaeger", "tracing: otlp", "deploy/compose/compose.yaml"},

		{"services.responsibility", "Takes an order and follows it to its end.", "Takes orders.", "docs/"},
		{"services.owner", "owner: team-warehouse", "owner: team-stock", "docs/"},
		{"services.pii", "pii: true", "pii: false", "api/shop/payments/"},
		{"aggregates.fields", "customer_id: uuid\n          lines", "customer_id: uuid\n          note: string\n          lines", "services/orders/internal/gen/migrations/"},
		{"aggregates.states", "states: [pending, confirmed, rejected]", "states: [pending, confirmed, rejected, archived]", "api/shop/orders/"},
		{"aggregates.key", "fields: {sku: string, available: int32, reserved: int32}, key: sku", "fields: {sku: string, available: int32, reserved: int32}, key: available", "services/inventory/internal/gen/"},
		{"types.minLength", "minLength: 1", "minLength: 2", "api/openapi.yaml"},
		{"types.maxLength", "maxLength: 64", "maxLength: 65", "api/openapi.yaml"},
		{"types.min", "min: 1, max: 1000", "min: 2, max: 1000", "api/shop/orders/"},
		{"types.max", "min: 1, max: 1000", "min: 1, max: 1001", "api/openapi.yaml"},
		{"types.pattern", "maxLength: 64", "maxLength: 64, pattern: \"^[a-z]+$\"", "api/openapi.yaml"},
		{"types.required", "sku: {type: string,", "sku: {type: string, required: true,", "api/openapi.yaml"},
		{"types.type", "type: int32, min", "type: int64, min", "api/openapi.yaml"},

		{"api.http verb", "http: POST /v1/orders", "http: PUT /v1/orders", "gateway/routes.go"},
		{"api.http path", "http: POST /v1/orders", "http: POST /v2/orders", "gateway/routes.go"},
		{"api.scopes", "starts: place-order, scopes: [orders.write]", "starts: place-order, scopes: [orders.all]", "gateway/routes.go"},
		{"api.public", "reads: StockItem, public: true", "reads: StockItem, scopes: [stock.read]", "gateway/routes.go"},
		{"api.internal", "AuthorizePayment: {internal: true, creates", "AuthorizePayment: {http: POST /v1/payments, scopes: [payments.write], creates", "gateway/routes.go"},
		{"api.creates", "AuthorizePayment: {internal: true, creates: Payment}", "AuthorizePayment: {internal: true, request: {payment_id: uuid}}", "services/payments/internal/gen/server.go"},
		{"api.reads", "GetStock:     {http: \"GET /v1/stock/{sku}\", reads: StockItem, public: true, cache: 5s}", "GetStock:     {http: \"GET /v1/stock/{sku}\", request: {sku: string}, public: true}", "services/inventory/internal/gen/server.go"},
		{"api.lists", "ListOrders:   {http: GET /v1/orders, lists: Order,", "ListOrders:   {http: GET /v1/orders,", "services/orders/internal/gen/server.go"},
		{"api.updates", "ReleaseStock: {internal: true, updates: Reservation, from: [held], to: released}", "ReleaseStock: {internal: true, deletes: Reservation}", "services/inventory/internal/gen/"},
		{"api.from", "from: [authorized], to: voided", "from: [authorized, captured], to: voided", "services/payments/internal/gen/server.go"},
		{"api.to", "from: [authorized], to: captured", "from: [authorized], to: voided", "services/payments/internal/gen/server.go"},
		{"api.sends", "creates: Reservation, sends: [StockReserved]", "creates: Reservation", "services/inventory/internal/gen/"},
		{"api.cache", "reads: Order, cache: 30s", "reads: Order, cache: 40s", "services/orders/internal/gen/store.go"},
		{"api.cache", "reads: Order, cache: 30s", "reads: Order", "services/orders/internal/gen/main.go"},
		{"api.rateLimit.requests", "scopes: [orders.write]}", "scopes: [orders.write], rateLimit: {requests: 5}}", "gateway/routes.go"},
		{"api.rateLimit.per", "scopes: [orders.write]}", "scopes: [orders.write], rateLimit: {requests: 5, per: 1m}}", "api/openapi.yaml"},
		{"api.rateLimit.burst", "scopes: [orders.write]}", "scopes: [orders.write], rateLimit: {requests: 5, burst: 6}}", "gateway/routes.go"},
		{"api.rateLimit.by", "scopes: [orders.write]}", "scopes: [orders.write], rateLimit: {requests: 5, by: token}}", "docs/architecture.md"},
		{"shard.key", "{key: customer_id, count: 4}\n", "{key: shopper, count: 4}\n", "services/orders/internal/gen/server.go"},
		{"shard.count", "count: 4", "count: 8", "services/orders/internal/gen/shards.go"},
		{"stack.cache", "cache: redis ", "cache: none  ", "gateway/main.go"},
		{"api.starts", "starts: place-order, scopes", "scopes", "services/orders/internal/gen/server.go"},
		{"api.request", "lines: \"[]QuoteLine\"}", "lines: \"[]QuoteLine\", coupon: string}", "api/shop/pricing/"},
		{"api.response", "response: {total: money}", "response: {total: money, valid_until: timestamp}", "api/shop/pricing/"},

		{"calls", "pricing.QuoteOrder: {resilience: standard, fallback: cached}", "pricing.QuoteOrder: {}", "services/orders/internal/gen/clients.go"},
		{"calls.fallback", "fallback: cached", "fallback: none", "services/orders/internal/gen/clients.go"},
		{"calls.resilience", "resilience: standard, fallback", "resilience: other, fallback", "services/orders/internal/gen/clients.go"},
		{"slo.availability", "availability: 99.9%", "availability: 99.5%", "deploy/prometheus/rules.yml"},
		{"slo.latency.p99", "p99: 300ms", "p99: 400ms", "deploy/prometheus/rules.yml"},
		{"slo.window", "window: 30d", "window: 7d", "deploy/prometheus/rules.yml"},
		{"scaling.min", "min: 2, max: 10", "min: 3, max: 10", "deploy/k8s/base/orders/scaling.yaml"},
		{"scaling.max", "min: 2, max: 10", "min: 2, max: 11", "deploy/k8s/base/orders/scaling.yaml"},
		{"scaling.cpu", "cpu: 70%", "cpu: 60%", "deploy/k8s/base/orders/scaling.yaml"},

		{"receives.creates", "OrderRejected:  {creates: Delivery, retries: 5}", "OrderRejected:  {retries: 5}", "services/notifications/internal/gen/"},
		{"receives.retries", "OrderRejected:  {creates: Delivery, retries: 5}", "OrderRejected:  {creates: Delivery, retries: 6}", "services/notifications/internal/gen/consumer.go"},
		{"views.key", "key: order_id\n        fields: {customer_id: uuid, total: money, status: string, captured: money}\n        from: [OrderPlaced, OrderConfirmed, OrderRejected, PaymentCaptured]", "key: customer_id\n        fields: {total: money}\n        from: [OrderPlaced]", "services/history/internal/gen/"},
		{"views.fields", "status: string, captured", "status: string, note: string, captured", "services/history/internal/gen/migrations/"},
		{"views.from", "OrderRejected, PaymentCaptured]", "OrderRejected]", "services/history/internal/gen/views.go"},

		{"events.fields", "reason: string}", "reason: string, code: int32}", "api/shop/events/"},
		{"events.key", "OrderPlaced:     {key: order_id", "OrderPlaced:     {key: customer_id", "services/orders/internal/gen/events.go"},
		{"events.external", "external: true}", "external: false}", "docs/"},

		{"sagas.timeout", "timeout: 2m", "timeout: 3m", "services/orders/internal/gen/place_order_saga.go"},
		{"sagas.orchestrator", "orchestrator: orders", "orchestrator: payments", "services/payments/internal/gen/"},
		{"sagas.steps", "      - {invoke: payments.CapturePayment, retriable: true}\n", "", "services/orders/internal/gen/place_order_saga.go"},
		{"sagas.steps.compensate", "compensate: payments.VoidPayment,   timeout: 5s", "compensate: payments.CapturePayment,   timeout: 5s", "services/orders/internal/gen/place_order_saga.go"},
		{"sagas.steps.timeout", "compensate: inventory.ReleaseStock, timeout: 5s", "compensate: inventory.ReleaseStock, timeout: 6s", "services/orders/internal/gen/place_order_saga.go"},
		{"sagas.steps.pivot", "orders.ConfirmOrder, pivot: true", "orders.ConfirmOrder, retriable: true", "services/orders/internal/gen/place_order_saga.go"},
		{"sagas.onFailure", "    onFailure: orders.RejectOrder\n", "", "services/orders/internal/gen/place_order_saga.go"},

		{"resilience.timeout", "timeout: 3s", "timeout: 2s", "services/orders/internal/gen/clients.go"},
		{"resilience.retry.policy", "policy: exponential", "policy: constant", "services/orders/internal/gen/clients.go"},
		{"resilience.retry.duration", "duration: 50ms", "duration: 60ms", "services/orders/internal/gen/clients.go"},
		{"resilience.retry.maxInterval", "maxInterval: 1s", "maxInterval: 2s", "services/orders/internal/gen/clients.go"},
		{"resilience.retry.maxRetries", "maxRetries: 2", "maxRetries: 3", "services/orders/internal/gen/clients.go"},
		{"resilience.retry.jitter", "jitter: full", "jitter: none", "services/orders/internal/gen/clients.go"},
		{"resilience.circuitBreaker.errorThreshold", "errorThreshold: 50%", "errorThreshold: 40%", "services/orders/internal/gen/clients.go"},
		{"resilience.circuitBreaker.minimumCalls", "minimumCalls: 20", "minimumCalls: 30", "services/orders/internal/gen/clients.go"},
		{"resilience.circuitBreaker.window", "window: 10s", "window: 20s", "services/orders/internal/gen/clients.go"},
		{"resilience.circuitBreaker.reset", "reset: 60s", "reset: 50s", "services/orders/internal/gen/clients.go"},
		{"resilience.bulkhead.maxConcurrent", "maxConcurrent: 64", "maxConcurrent: 32", "services/orders/internal/gen/clients.go"},

		{"gateway.timeout", "timeout: 5s\n  auth", "timeout: 6s\n  auth", "gateway/main.go"},
		{"gateway.auth.jwt.issuer", "issuer: \"https://id.example.com\"", "issuer: \"https://login.example.com\"", "gateway/main.go"},
		{"gateway.auth.jwt.audience", "audience: shop", "audience: store", "api/openapi.yaml"},
		{"gateway.auth.jwt.jwks", "id.example.com/.well-known", "id.example.com:8443/.well-known", "deploy/k8s/base/gateway/networkpolicy.yaml"},
		{"gateway.rateLimit.requests", "requests: 100", "requests: 99", "gateway/main.go"},
		{"gateway.rateLimit.per", "per: 1s", "per: 2s", "gateway/main.go"},
		{"gateway.rateLimit.burst", "burst: 200", "burst: 201", "api/openapi.yaml"},
		{"gateway.rateLimit.by", "by: client", "by: global", "gateway/main.go"},
		{"gateway.maxBody", "maxBody: 1MiB", "maxBody: 2MiB", "gateway/main.go"},
		{"gateway.cors.origins", "https://shop.example.com", "https://store.example.com", "gateway/main.go"},
		{"gateway.cors.credentials", "origins: [\"https://shop.example.com\"]", "origins: [\"https://shop.example.com\"], credentials: true", "gateway/main.go"},

		{"security.mtls", "  mtls: {mode: strict, rotation: 24h}\n", "", "cmd/localca/"},
		{"security.mtls.mode", "mode: strict", "mode: permissive", "services/orders/internal/gen/"},
		{"security.mtls.rotation", "rotation: 24h", "rotation: 12h", "deploy/k8s/base/orders/certificate.yaml"},
		{"security.serviceAuth", "serviceAuth: jwt ", "serviceAuth: oauth2", "services/orders/internal/gen/main.go"},
		{"security.requestSigning", "requestSigning: hmac-sha256 ", "requestSigning: none", "services/orders/internal/gen/main.go"},

		{"observability.sampling", "sampling: 0.1", "sampling: 0.2", "deploy/k8s/base/settings.env"},
		{"observability.logs", "logs: json", "logs: text", "deploy/compose/compose.yaml"},
		{"deployment.targets", "targets: [compose, kubernetes]", "targets: [compose]", "deploy/k8s/"},
		{"deployment.targets", "targets: [compose, kubernetes]", "targets: [kubernetes]", "deploy/compose/"},
		{"deployment.namespace", "namespace: shop", "namespace: store", "deploy/k8s/base/namespace.yaml"},
		{"deployment.resources.cpu", "cpu: 100m", "cpu: 200m", "deploy/compose/compose.yaml"},
		{"deployment.resources.memory", "memory: 64Mi", "memory: 65Mi", "deploy/k8s/base/pricing/deployment.yaml"},
		{"deployment.resources.memoryLimit", "memoryLimit: 256Mi", "memoryLimit: 257Mi", "deploy/compose/compose.yaml"},
		{"deployment.gracePeriod", "gracePeriod: 30s", "gracePeriod: 40s", "deploy/k8s/base/orders/deployment.yaml"},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(text), c.from) {
				t.Fatalf("the shop does not say %q", c.from)
			}
			changed := strings.Replace(string(text), c.from, c.to, 1)
			base := base
			switch c.key {
			case "calls.resilience":
				changed = strings.Replace(changed, "\ngateway:", "  other: {timeout: 1s}\n\ngateway:", 1)
			case "stack.cache": // which only rows that are not cached can be without
				uncached := regexp.MustCompile(`, cache: \d+s`).ReplaceAllString(string(text), "")
				base, changed = system(t, load(t, uncached)), strings.Replace(uncached, c.from, c.to, 1)
			case "shard.key":
				field := strings.NewReplacer("customer_id: uuid\n          lines", "customer_id: uuid\n          shopper: uuid\n          lines")
				base, changed = system(t, load(t, field.Replace(string(text)))), field.Replace(changed)
			}
			if paths := difference(base, system(t, load(t, changed))); !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, c.in) }) {
				t.Errorf("%q instead of %q changes nothing in %s, but %v", c.to, c.from, c.in, paths)
			}
		})
	}
}

// TestEveryKeyOfAChoreographyChangesTheOutput does the same for a saga that nobody leads.
func TestEveryKeyOfAChoreographyChangesTheOutput(t *testing.T) {
	text, err := os.ReadFile("../testdata/specs/choreography.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base := system(t, load(t, string(text)))
	const flow = "internal/gen/place_order_reactions.go"
	for _, c := range []struct {
		key, from, to string
		in            []string
	}{
		{"coordination", "coordination: choreography", "orchestrator: ordering", []string{
			"services/ordering/internal/gen/place_order_saga.go", "services/ordering/place_order_reserve_stock.go", "services/inventory/" + flow, "api/asyncapi.yaml"}},
		{"timeout", "timeout: 20s", "timeout: 30s", []string{"services/ordering/" + flow, "services/inventory/" + flow}},
		{"steps.timeout", "retriable: true, timeout: 5s", "retriable: true, timeout: 6s", []string{"services/ordering/" + flow}},
		{"steps.compensate", "compensate: inventory.ReleaseStock, ", "", []string{"services/inventory/" + flow}},
		{"steps.pivot", "payment.TakePayment, pivot: true", "payment.TakePayment", []string{"services/payment/" + flow, "api/asyncapi.yaml"}},
		{"steps.retriable", "payment.TakePayment, pivot: true", "payment.TakePayment, retriable: true", []string{"services/payment/" + flow, "api/asyncapi.yaml"}},
		{"steps", "      - {invoke: ordering.ConfirmOrder, retriable: true, timeout: 5s}\n", "", []string{"services/payment/" + flow, "docs/"}},
		{"onFailure", "    onFailure: ordering.CancelOrder\n", "", []string{"services/ordering/" + flow, "api/asyncapi.yaml"}},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(text), c.from) {
				t.Fatalf("the spec does not say %q", c.from)
			}
			paths := difference(base, system(t, load(t, strings.Replace(string(text), c.from, c.to, 1))))
			for _, in := range c.in {
				if !slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, in) }) {
					t.Errorf("%q instead of %q changes nothing in %s, but %v", c.to, c.from, in, paths)
				}
			}
		})
	}
}

// difference are the paths of the files that two systems do not have in common, sorted.
func difference(a, b map[string][]byte) []string {
	var paths []string
	for path, content := range a {
		if other, ok := b[path]; !ok || !bytes.Equal(content, other) {
			paths = append(paths, path)
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}
