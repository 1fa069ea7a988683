package kv

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Claims are keys of which each belongs, for a while, to the process that claimed it first.
type Claims struct {
	store         *Store
	prefix, owner string
}

// NewClaims returns this process's claims on keys that begin with prefix. It is safe for concurrent use.
func NewClaims(store *Store, prefix string) *Claims {
	return &Claims{store: store, prefix: prefix, owner: rand.Text()}
}

// Claim reports whether key belongs to this process, from now on for ttl if it was nobody's. It is true again for what the process has
// claimed before: so a claim whose answer was lost can be made again. An error says that Redis could not be asked in time.
func (c *Claims) Claim(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	key = c.store.Key(c.prefix + key)
	mine := false
	err := c.store.Do(ctx, func(ctx context.Context, client *redis.Client) error {
		var err error
		if mine, err = client.SetNX(ctx, key, c.owner, ttl).Result(); err != nil || mine {
			return err
		}
		owner, err := client.Get(ctx, key).Result()
		mine = owner == c.owner
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = nil // it ended between the two questions: another's all the same
	}
	return mine, err
}
