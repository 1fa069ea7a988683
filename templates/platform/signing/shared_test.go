package signing

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// TestReplicasShareNonces replays requests to another replica: it is refused but while Redis is away, and then, too, by the one that took it.
func TestReplicasShareNonces(t *testing.T) {
	link, cfg := redistest.Linked(t)
	cfg.Timeout = 10 * time.Second // this is not about a slow machine
	replica := func() *Requests {
		store, err := kv.Open(cfg, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		r := requests(t, first, "pricing")
		r.Share(kv.NewClaims(store, "pricing:nonce:"))
		return r
	}
	caller, one, two := requests(t, first, "orders"), replica(), replica()
	digest := digestOf([]byte("body"))
	// sent is a new request's way to the first replica and then to both.
	sent := func() (fresh, again, other string) {
		t.Helper()
		md, _ := metadata.FromOutgoingContext(caller.sign(context.Background(), "pricing", method, digest))
		verify := func(r *Requests) string { return Reason(r.verify(t.Context(), md, method, digest)) }
		return verify(one), verify(one), verify(two)
	}
	if fresh, again, other := sent(); fresh != "" || again != Replayed || other != Replayed {
		t.Errorf("got %q, %q from the same replica, %q from the other", fresh, again, other)
	}
	link.Cut()
	for range 3 {
		if fresh, again, other := sent(); fresh != "" || again != Replayed || other != "" {
			t.Errorf("without Redis: got %q, %q from the same replica, %q from the other", fresh, again, other)
		}
	}
	if err := link.Mend(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		fresh, _, other := sent()
		if fresh != "" {
			t.Fatalf("a new request is refused: %s", fresh)
		}
		if other == Replayed {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("they do not share again")
		}
	}
}
