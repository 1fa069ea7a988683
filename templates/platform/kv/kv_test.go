package kv_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/mtls"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

func open(t *testing.T, cfg kv.Config, registry prometheus.Registerer) *kv.Store {
	t.Helper()
	s, err := kv.Open(cfg, registry, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func set(ctx context.Context, client *redis.Client) error {
	return client.Set(ctx, "x", "1", time.Second).Err()
}

func TestDoWithoutServer(t *testing.T) {
	for _, how := range []string{"cut", "hangs"} {
		t.Run(how, func(t *testing.T) {
			link, cfg := redistest.Linked(t)
			registry := prometheus.NewPedanticRegistry()
			s := open(t, cfg, registry)
			if err := s.Do(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			if how == "hangs" {
				link.Hang()
			} else {
				link.Cut()
			}
			asked := 0
			for i := range 20 {
				err := s.Do(t.Context(), func(ctx context.Context, client *redis.Client) error { asked++; return set(ctx, client) })
				if err == nil || errors.Is(err, kv.ErrDown) != (i >= 5) {
					t.Fatalf("request %d: %v", i, err)
				}
			}
			if asked != 5 {
				t.Errorf("the server was asked %d times before it was given a rest", asked)
			}
			const want = `# HELP redis_requests_total Requests to Redis: ok, failed, or skipped because it has not answered lately.
# TYPE redis_requests_total counter
redis_requests_total{result="failed"} 5
redis_requests_total{result="ok"} 1
redis_requests_total{result="skipped"} 15
`
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
				t.Error(err)
			}
			// Once it is there again, it is asked again, with nobody's help.
			if err := link.Mend(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(20 * time.Second)
			for s.Do(t.Context(), set) != nil {
				if time.Now().After(deadline) {
					t.Fatal("it is not asked again")
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// TestDoGivenUp shows that callers who give up tell nothing of the server.
func TestDoGivenUp(t *testing.T) {
	s := open(t, redistest.Config(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if err := s.Do(ctx, set); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAbsent shows that a key that is not there is an answer.
func TestAbsent(t *testing.T) {
	s := open(t, redistest.Config(t), nil)
	for range 20 {
		err := s.Do(t.Context(), func(ctx context.Context, client *redis.Client) error { return client.Get(ctx, s.Key("absent")).Err() })
		if !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, cfg := range map[string]kv.Config{
		"REDIS_URL": {URL: "http://user:geheim@localhost"},
		"REDIS_TLS": {URL: "redis://localhost", TLS: mtls.Component{CA: "/nowhere"}},
	} {
		_, err := kv.Open(cfg, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
