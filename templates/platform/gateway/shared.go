package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/msgen-dev/msgen/templates/platform/kv"
)

// sharedLimiter counts in Redis, for all replicas together.
type sharedLimiter struct {
	store *kv.Store
	name  string
	limit redis_rate.Limit
}

func newSharedLimiter(store *kv.Store, opts RateLimit) *sharedLimiter {
	return &sharedLimiter{store, opts.Shared, redis_rate.Limit{Rate: opts.Requests, Burst: opts.burst(), Period: opts.Per}}
}

// take takes one request from the bucket that all replicas have for a key. An error says that Redis could not be asked in time.
func (l *sharedLimiter) take(ctx context.Context, key string) (quota, error) {
	// redis_rate puts "rate:" before the key.
	sum := sha256.Sum256([]byte(key)) // addresses and subjects stay out of Redis, and keys are short
	var res *redis_rate.Result
	err := l.store.Do(ctx, func(ctx context.Context, client *redis.Client) (err error) {
		res, err = redis_rate.NewLimiter(client).Allow(ctx, l.store.Key(l.name+":limit:"+base64.RawURLEncoding.EncodeToString(sum[:16])), l.limit)
		return err
	})
	if err != nil {
		return quota{}, fmt.Errorf("shared limit: %w", err)
	}
	q := quota{ok: res.Allowed > 0, remaining: res.Remaining, reset: res.ResetAfter}
	if !q.ok {
		q.retry = max(res.RetryAfter, time.Millisecond)
	}
	return q, nil
}
