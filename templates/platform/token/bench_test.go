package token

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// What a call costs more: a token from the cache and its hash looked up; and what one costs that is seen for the first time.
func BenchmarkToken(b *testing.B) {
	orders := newParty(b, "orders")
	c := newCallee(b, "callee", orders)
	b.Run("a call", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text, err := orders.issuer.Token(b.Context(), "callee")
			if err == nil {
				_, err = c.auth.Callers.Verify(b.Context(), text, "")
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("the first", func(b *testing.B) {
		v := c.auth.Callers.(*Verifier)
		text := orders.forge(b, func(map[string]any, jwt.MapClaims) {})
		b.ReportAllocs()
		for b.Loop() {
			v.verified.Purge()
			if _, err := v.Verify(b.Context(), text, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
}
