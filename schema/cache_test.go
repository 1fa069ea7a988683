package schema

import (
	"strings"
	"testing"
)

// TestCacheIsUsed tells a cache that something uses from one that nothing does, in a system without a gateway.
func TestCacheIsUsed(t *testing.T) {
	const signed = "security: {requestSigning: hmac-sha256}\n"
	const call = "    calls: {pricing.Quote: {fallback: none}}\n"
	for name, c := range map[string]struct {
		call, security string
		used           bool
	}{
		"nothing":                {"", "", false},
		"calls, unsigned":        {call, "", false},
		"signed, and no calls":   {"", signed, false},
		"replicas share a nonce": {call, signed, true},
	} {
		spec := `apiVersion: msgen/v1
system: shop
stack: {cache: redis}
services:
  orders:
    responsibility: Takes orders.
    owner: team
    aggregates: {Order: {fields: {total: money}}}
    api: {Touch: {internal: true, updates: Order}}
` + c.call + `  pricing:
    responsibility: Quotes prices.
    owner: team
    api: {Quote: {internal: true, response: {total: money}}}
` + c.security
		_, list := Load("x.yaml", []byte(spec))
		got := renderList(t, list)
		if unused := strings.Contains(got, "nothing uses the cache"); unused == c.used || list.HasErrors() != !c.used {
			t.Errorf("%s: used %v, want %v:\n%s", name, !unused, c.used, got)
		}
	}
}
