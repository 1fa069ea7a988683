package token

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const getTimeout = 10 * time.Second // of one token from its issuer

// cache keeps a token for each audience, and gets a new one while the old one is still good: no call waits for it.
type cache struct {
	get    func(ctx context.Context, audience string) (text string, expires time.Time, err error)
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	tokens map[string]cached
}

type cached struct {
	text           string
	renew, expires time.Time
}

func newCache(get func(ctx context.Context, audience string) (string, time.Time, error), now func() time.Time) *cache {
	return &cache{get: get, now: now, tokens: map[string]cached{}}
}

// token returns a token that is good for a while. It waits only when there is none.
func (c *cache) token(ctx context.Context, audience string) (string, error) {
	now := c.now()
	c.mu.Lock()
	t := c.tokens[audience]
	c.mu.Unlock()
	if now.Before(t.renew) {
		return t.text, nil
	}
	done := c.flight.DoChan(audience, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), getTimeout)
		defer cancel()
		return c.fetch(ctx, audience)
	})
	if now.Before(t.expires.Add(-leeway)) {
		return t.text, nil
	}
	select {
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// forget makes every token be fetched anew.
func (c *cache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

// fetch gets a token. It is renewed when a third of its life is left. After a failure the one that there is serves on, and the issuer is
// asked again in a while.
func (c *cache) fetch(ctx context.Context, audience string) (string, error) {
	text, expires, err := c.get(ctx, audience)
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		if t, ok := c.tokens[audience]; ok {
			if t.renew = now.Add(time.Second); t.renew.After(t.expires.Add(-leeway)) {
				t.renew = t.expires.Add(-leeway)
			}
			c.tokens[audience] = t
		}
		return "", fmt.Errorf("token for %s: %w", audience, err)
	}
	c.tokens[audience] = cached{text: text, renew: now.Add(expires.Sub(now) * 2 / 3), expires: expires}
	return text, nil
}
