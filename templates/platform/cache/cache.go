// Package cache keeps rows that are read often in Redis, where all replicas of a service find them.
//
// A read looks there first and else loads the row, once for all that ask this process for it at the same time, and keeps it. A write has the row
// forgotten as soon as it is committed. What is forgotten stays so for a while (guard): a reader that loaded the row before the write cannot put
// it back, and nobody who asks after the write gets what he loads. A row is out of date only if its writer could not reach Redis or died between
// the commit and that, if Redis lost that it was forgotten, or if a reader stood still for as long; and at most until its time is over. Without
// Redis all rows are loaded; those of one moment together.
package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
	"google.golang.org/protobuf/proto"

	"github.com/msgen-dev/msgen/templates/platform/kv"
)

const (
	// loadTimeout bounds a load that many may wait for.
	loadTimeout = 10 * time.Second
	// fresh is how old what is being loaded may be to be shared or kept. That it is kept is bounded too, by the timeout of the store.
	fresh = time.Second
	// guard is how long a forgotten row is not kept: longer than what was loaded before may be on its way.
	guard = 3 * time.Second
	// jitter is the part of a row's time that is left to chance, so that rows that were kept together do not end together.
	jitter = 0.1
)

// forgotten begins what stands for a row that is not to be kept now: no message in protobuf begins so. What follows is different each time.
const forgotten = "\x00"

// Cache is where the rows of a service are kept.
type Cache struct {
	store   *kv.Store
	prefix  string
	reads   *prometheus.CounterVec
	forgets *prometheus.CounterVec
}

// New returns a cache that keeps rows under a prefix, "shop:orders:". registry may be nil.
func New(store *kv.Store, prefix string, registry prometheus.Registerer) (*Cache, error) {
	c := &Cache{
		store: store, prefix: store.Key(prefix),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cache_reads_total",
			Help: "Cached reads: a hit, a miss, or an error of Redis. All but hits read the database.",
		}, []string{"method", "result"}),
		forgets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cache_forgets_total",
			Help: "Rows that were to be forgotten because they have changed: ok, or failed. A row that could not be forgotten may be out of date until its time is over.",
		}, []string{"method", "result"}),
	}
	if registry != nil {
		if err := errors.Join(registry.Register(c.reads), registry.Register(c.forgets)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Rows are the rows that one method reads.
type Rows[T proto.Message] struct {
	cache  *Cache
	method string
	ttl    time.Duration
	loads  singleflight.Group

	hit, miss, failed, told, untold prometheus.Counter
}

// NewRows returns the rows of a method, each of which is kept for at most ttl. c may be nil: then they are always loaded.
func NewRows[T proto.Message](c *Cache, method string, ttl time.Duration) *Rows[T] {
	r := &Rows[T]{cache: c, method: method, ttl: ttl}
	if c != nil {
		r.hit, r.miss, r.failed = c.reads.WithLabelValues(method, "hit"), c.reads.WithLabelValues(method, "miss"), c.reads.WithLabelValues(method, "error")
		r.told, r.untold = c.forgets.WithLabelValues(method, "ok"), c.forgets.WithLabelValues(method, "failed")
	}
	return r
}

// Get returns the row of a key, from the cache or else from load, whose error is passed on and not kept. The row is the caller's to change.
func (r *Rows[T]) Get(ctx context.Context, key string, load func(ctx context.Context) (T, error)) (T, error) {
	if r.cache == nil {
		return load(ctx)
	}
	row, found, mark, err := r.look(ctx, key)
	if found {
		return row, nil
	}
	// Who knows of a change shares the load with those who know of it too: one that began before may not have seen it. The load goes on when
	// the caller that began it gives up, as others may wait for it.
	shared := key + mark
	loaded := r.loads.DoChan(shared, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		begin := time.Now()
		defer time.AfterFunc(fresh, func() { r.loads.Forget(shared) }).Stop()
		row, failed := load(ctx)
		if failed == nil && err == nil && mark == "" && time.Since(begin) < fresh {
			r.keep(ctx, key, row)
		}
		return row, failed
	})
	select {
	case <-ctx.Done():
		return row, ctx.Err()
	case result := <-loaded:
		if result.Err != nil {
			return row, result.Err
		}
		row, _ = result.Val.(T)
		if result.Shared {
			row = proto.CloneOf(row)
		}
		return row, nil
	}
}

// look returns the row that is kept, if there is one, or the mark that it was forgotten. An error says that one that is loaded cannot be kept.
func (r *Rows[T]) look(ctx context.Context, key string) (row T, found bool, mark string, err error) {
	var data []byte
	err = r.cache.store.Do(ctx, func(ctx context.Context, client *redis.Client) (err error) {
		data, err = client.Get(ctx, r.key(key)).Bytes()
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		r.miss.Inc()
		return row, false, "", nil
	case err != nil:
		r.failed.Inc()
		return row, false, "", err
	case strings.HasPrefix(string(data), forgotten):
		r.miss.Inc()
		return row, false, string(data), nil
	}
	kept, _ := row.ProtoReflect().New().Interface().(T)
	if err := proto.Unmarshal(data, kept); err != nil { // another's, who has the same prefix
		r.failed.Inc()
		return row, false, "", err
	}
	r.hit.Inc()
	return kept, true, "", nil
}

// keep keeps a row, unless the key has been forgotten since or somebody else has kept it.
func (r *Rows[T]) keep(ctx context.Context, key string, row T) {
	data, err := proto.Marshal(row)
	if err != nil || len(data) == 0 {
		return
	}
	ttl := r.ttl - time.Duration(rand.Float64()*jitter*float64(r.ttl))
	_ = r.cache.store.Do(ctx, func(ctx context.Context, client *redis.Client) error {
		return client.SetNX(ctx, r.key(key), data, ttl).Err()
	})
}

// Forget drops the row of a key, which has changed. Call it when the change is committed. It waits for Redis, so that whoever is told of
// the change afterwards reads it.
func (r *Rows[T]) Forget(ctx context.Context, key string) {
	if r.cache == nil {
		return
	}
	r.loads.Forget(key)
	err := r.cache.store.Do(ctx, func(ctx context.Context, client *redis.Client) error {
		return client.Set(ctx, r.key(key), forgotten+strconv.FormatUint(rand.Uint64(), 36), guard).Err()
	})
	if err != nil {
		r.untold.Inc()
		return
	}
	r.told.Inc()
}

func (r *Rows[T]) key(key string) string { return r.cache.prefix + r.method + ":" + key }
