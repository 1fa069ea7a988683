package kv_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/templates/platform/kv"
	"github.com/msgen-dev/msgen/templates/platform/redistest"
)

func TestClaims(t *testing.T) {
	store := open(t, redistest.Config(t), nil)
	a, b, other := kv.NewClaims(store, "a:"), kv.NewClaims(store, "a:"), kv.NewClaims(store, "b:")
	claim := func(step string, c *kv.Claims, key string, ttl time.Duration, want bool) {
		t.Helper()
		if got, err := c.Claim(t.Context(), key, ttl); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", step, got, err, want)
		}
	}
	claim("nobody's", a, "x", time.Hour, true)
	claim("another process", b, "x", time.Hour, false)
	claim("the same process, whose answer may have been lost", a, "x", time.Hour, true)
	claim("another prefix", other, "x", time.Hour, true)
	claim("another key", b, "y", 10*time.Millisecond, true)
	deadline := time.Now().Add(20 * time.Second)
	for ended := false; !ended; time.Sleep(5 * time.Millisecond) {
		var err error
		if ended, err = a.Claim(t.Context(), "y", time.Hour); err != nil || time.Now().After(deadline) {
			t.Fatalf("a claim does not end: %v", err)
		}
	}
	claim("it has a new owner", b, "y", time.Hour, false)
}

// TestClaimsRace has many processes claim many keys at once: each has one owner.
func TestClaimsRace(t *testing.T) {
	store := open(t, redistest.Config(t), nil)
	const processes, keys = 8, 50
	var owners [keys]atomic.Int32
	var wg sync.WaitGroup
	for range processes {
		c := kv.NewClaims(store, "race:")
		wg.Go(func() {
			for k := range keys {
				mine, err := c.Claim(t.Context(), fmt.Sprint(k), time.Hour)
				if err != nil {
					t.Error(err)
				}
				if mine {
					owners[k].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for k := range owners {
		if n := owners[k].Load(); n != 1 {
			t.Errorf("key %d has %d owners", k, n)
		}
	}
}

func TestClaimsWithoutRedis(t *testing.T) {
	link, cfg := redistest.Linked(t)
	c := kv.NewClaims(open(t, cfg, nil), "a:")
	link.Cut()
	deadline := time.Now().Add(20 * time.Second)
	for known := false; !known; { // to be away: then nobody asks for a while
		mine, err := c.Claim(t.Context(), "x", time.Hour)
		if err == nil || mine {
			t.Fatalf("%v, %v without Redis", mine, err)
		}
		if known = errors.Is(err, kv.ErrDown); !known && time.Now().After(deadline) {
			t.Fatalf("it is asked again and again: %v", err)
		}
	}
}
