package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/msgen-dev/msgen/templates/platform/gateway/internal/testpb"
	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

// TestSharedLimit has two replicas count together, each for itself while they cannot reach Redis, and together again afterwards.
func TestSharedLimit(t *testing.T) {
	link, cfg := redistest.Linked(t)
	replica := func(cfg kv.Config) *fixture {
		return serve(t, setup{redis: &cfg, proxies: []string{"127.0.0.1"}, opts: Options{
			RateLimit: RateLimit{Requests: 4, Per: time.Hour, By: byClient, Shared: "library:gateway"},
		}})
	}
	replicas := []*fixture{replica(cfg), replica(cfg)}
	passed := func(client string, n int) (ok int, last answer) {
		for i := range n {
			if last = replicas[i%2].do(t, "GET", "/v1/books/b1", "", "X-Forwarded-For: "+client); last.code == 200 {
				ok++
			} else if last.code != 429 {
				t.Fatalf("got %d", last.code)
			}
		}
		return ok, last
	}
	ok, last := passed("198.51.100.1", 10)
	if ok != 4 {
		t.Errorf("both let %d through, want 4", ok)
	}
	if last.header.Get("Retry-After") == "" || !strings.HasPrefix(last.header.Get("RateLimit"), `"default";r=0;t=`) {
		t.Errorf("%v", last.header)
	}
	if ok, _ = passed("198.51.100.2", 3); ok != 3 {
		t.Errorf("another client: %d of 3", ok)
	}
	link.Cut()
	if ok, _ = passed("198.51.100.3", 20); ok != 8 {
		t.Errorf("without Redis %d were let through, want 4 by each", ok)
	}
	if err := link.Mend(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for client := 4; ; client++ { // once the breakers are closed
		if ok, _ = passed(fmt.Sprintf("198.51.%d.1", client), 10); ok == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("they do not count together again")
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestSharedLimitOfRoute has two replicas count a route together by its own limit, and each route by itself.
func TestSharedLimitOfRoute(t *testing.T) {
	cfg := redistest.Config(t)
	limit := RateLimit{Requests: 2, Per: time.Hour, By: byClient}
	replica := func() *fixture {
		return serve(t, setup{
			redis: &cfg,
			opts:  Options{RateLimit: RateLimit{Requests: 100, Per: time.Hour, By: byClient, Shared: "library:gateway"}},
			routes: func(gw *Gateway, books testpb.LibraryServiceClient) {
				Handle(gw, Route{Method: "GET", Path: "/v1/books/:id", Name: "library.GetBook", Public: true, Limit: limit}, books.GetBook)
				Handle(gw, Route{Method: "GET", Path: "/v1/books", Name: "library.ListBooks", Public: true, Limit: limit}, books.ListBooks)
			},
		})
	}
	replicas := []*fixture{replica(), replica()}
	for _, path := range []string{"/v1/books/b1", "/v1/books"} {
		for i, want := range []int{200, 200, 429, 429} {
			if got := replicas[i%2].do(t, "GET", path, ""); got.code != want {
				t.Errorf("%s, request %d: %d, want %d", path, i, got.code, want)
			}
		}
	}
}

// TestSharedLimitKeys shows that neither addresses nor subjects are written to Redis.
func TestSharedLimitKeys(t *testing.T) {
	cfg := redistest.Config(t)
	f := serve(t, setup{redis: &cfg, opts: Options{RateLimit: RateLimit{Requests: 4, Per: time.Hour, By: byClient, Shared: "library:gateway"}}})
	f.do(t, "GET", "/v1/books/b1", "")
	store := f.gateway.store
	var keys []string
	err := store.Do(t.Context(), func(ctx context.Context, client *redis.Client) (err error) {
		keys, err = client.Keys(ctx, "rate:"+store.Key("*")).Result()
		return err
	})
	if err != nil || len(keys) != 1 || strings.Contains(keys[0], "127.0.0.1") {
		t.Errorf("%v, %v", keys, err)
	}
}
