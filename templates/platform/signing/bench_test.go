package signing

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc/metadata"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// BenchmarkRequest signs a request and verifies it: alone, and with nonces that replicas share, beside one bare request to the same Redis.
func BenchmarkRequest(b *testing.B) {
	cfg := redistest.Config(b)
	store, err := kv.Open(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	digest := digestOf([]byte("body"))
	verified := func(shared Nonces) func(b *testing.B) {
		return func(b *testing.B) {
			caller, callee := requests(b, first, "orders"), requests(b, first, "pricing")
			callee.Share(shared)
			b.ReportAllocs()
			for b.Loop() {
				md, _ := metadata.FromOutgoingContext(caller.sign(context.Background(), "pricing", method, digest))
				if err := callee.verify(b.Context(), md, method, digest); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("alone", verified(nil))
	b.Run("shared", verified(kv.NewClaims(store, "bench:")))
	b.Run("redis", func(b *testing.B) {
		for b.Loop() {
			err := store.Do(b.Context(), func(ctx context.Context, client *redis.Client) error {
				return client.Set(ctx, store.Key("bench"), "x", time.Minute).Err()
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
