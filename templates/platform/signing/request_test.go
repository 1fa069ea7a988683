package signing

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
)

const method = "/shop.pricing.v1.PricingService/QuoteOrder"

func requests(t testing.TB, content, self string) *Requests {
	t.Helper()
	r, err := NewRequests(keyring(t, content), self, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.now = func() time.Time { return noon }
	return r
}

func TestRequests(t *testing.T) {
	caller := requests(t, first, "orders")
	digest := digestOf([]byte("body"))
	sign := func(r *Requests, service, digest string) metadata.MD {
		ctx := metadata.AppendToOutgoingContext(context.Background(), "x-subject", "ann", "x-request-id", "r-1", "tracestate", "t")
		md, _ := metadata.FromOutgoingContext(r.sign(ctx, service, method, digest))
		return md
	}
	changed := func(key string, values ...string) metadata.MD {
		md := sign(caller, "pricing", digest)
		md.Delete(key)
		md.Append(key, values...)
		return md
	}
	good := sign(caller, "pricing", digest)
	for name, c := range map[string]struct {
		md             metadata.MD
		method, digest string
		at             time.Duration
		want           string
	}{
		"as it was sent":        {good, method, digest, 0, ""},
		"a stream":              {sign(caller, "pricing", ""), method, "", 0, ""},
		"a stream as a request": {sign(caller, "pricing", ""), method, digest, 0, BadSign},
		"a request as a stream": {sign(caller, "pricing", digest), method, "", 0, BadSign},
		"unsigned":              {metadata.MD{}, method, digest, 0, Unsigned},
		"another method":        {sign(caller, "pricing", digest), method + "s", digest, 0, BadSign},
		"another body":          {sign(caller, "pricing", digest), method, digestOf(nil), 0, BadSign},
		"another service":       {sign(caller, "payments", digest), method, digest, 0, BadSign},
		"another subject":       {changed("x-subject", "eve"), method, digest, 0, BadSign},
		"no subject":            {changed("x-subject"), method, digest, 0, BadSign},
		"one subject more":      {changed("x-subject", "ann", "eve"), method, digest, 0, BadSign},
		"scopes added":          {changed("x-scopes", "admin"), method, digest, 0, BadSign},
		"two signatures":        {changed("signature", "sig1=:AAAA:", "sig1=:AAAA:"), method, digest, 0, BadSign},
		"no such syntax":        {changed("signature", "AAAA"), method, digest, 0, BadSign},
		"forged":                {sign(requests(t, line("k1", 'x', 32), "orders"), "pricing", digest), method, digest, 0, BadSign},
		"unknown key":           {sign(requests(t, second, "orders"), "pricing", digest), method, digest, 0, UnknownKey},
		"a clock behind":        {sign(caller, "pricing", digest), method, digest, -Window, ""},
		"a clock ahead":         {sign(caller, "pricing", digest), method, digest, Window, ""},
		"late":                  {sign(caller, "pricing", digest), method, digest, Window + time.Second, Late},
		"early":                 {sign(caller, "pricing", digest), method, digest, -Window - time.Second, Late},
		"parameters of another": {changed(inputKey, strings.Replace(good.Get(inputKey)[0], "created=", "created=1", 1)), method, digest, 0, BadSign},
	} {
		callee := requests(t, first, "pricing")
		callee.now = func() time.Time { return noon.Add(c.at) }
		err := callee.verify(t.Context(), c.md, c.method, c.digest)
		if got := Reason(err); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil {
			if err := callee.verify(t.Context(), c.md, c.method, c.digest); Reason(err) != Replayed {
				t.Errorf("%s, again: %v", name, err)
			}
		}
	}
}

func TestNoncesAreBounded(t *testing.T) {
	n := newNonces(2)
	end := noon.Add(Window)
	for _, c := range []struct {
		nonce string
		at    time.Duration
		want  bool
	}{
		{"a", 0, true}, {"a", Window, false}, {"b", 0, true}, {"c", time.Second, false}, // full: refused, and nothing forgotten
		{"a", Window - time.Second, false}, {"c", Window + sweepEvery, true},
	} {
		if got := n.take(c.nonce, end, noon.Add(c.at)); got != c.want {
			t.Errorf("%s after %s: %v", c.nonce, c.at, got)
		}
	}
	if len(n.seen) > 2 {
		t.Errorf("%d nonces are kept", len(n.seen))
	}
}
