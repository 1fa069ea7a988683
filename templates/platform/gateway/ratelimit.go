package gateway

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// What RateLimit.By may be.
const (
	byClient = "client"
	byToken  = "token"
	byGlobal = "global"
)

const (
	limiterShards   = 16
	bucketsPerShard = 4096
)

// limiter keeps a token bucket for each key. Buckets are bounded in number: beyond that the one unused for longest is
// forgotten, so a flood of addresses costs no memory, and at worst lets an idle key begin anew. The count is this
// process's own: n replicas behind a balancer let through up to n times as much, unless they also share a limit.
type limiter struct {
	name   string // default, or route
	by     string
	policy string         // of the header RateLimit-Policy
	shared *sharedLimiter // nil unless replicas share the limit
	rate   rate.Limit
	burst  int
	seed   maphash.Seed
	shards [limiterShards]shard
}

type shard struct {
	mu      sync.Mutex
	buckets *simplelru.LRU[string, *rate.Limiter]
}

// newLimiter returns nil without an error when no limit is set.
func newLimiter(name string, opts RateLimit) (*limiter, error) {
	if opts.Requests == 0 {
		return nil, nil
	}
	if opts.Requests < 0 || opts.Per <= 0 || opts.Burst < 0 {
		return nil, fmt.Errorf("rate limit of %d per %v, burst %d: must be positive", opts.Requests, opts.Per, opts.Burst)
	}
	switch opts.By {
	case byClient, byToken, byGlobal:
	default:
		return nil, fmt.Errorf("rate limit by %q: must be client, token or global", opts.By)
	}
	l := &limiter{
		name:  name,
		by:    opts.By,
		rate:  rate.Limit(float64(opts.Requests) / opts.Per.Seconds()),
		burst: opts.burst(),
		seed:  maphash.MakeSeed(),
	}
	// A bucket is a quota of its size for the time in which it fills: so the remaining can never exceed the quota.
	window := math.Ceil(float64(l.burst) / float64(l.rate))
	l.policy = fmt.Sprintf("%q;q=%d;w=%.0f", name, l.burst, max(1, window))
	for i := range l.shards {
		buckets, err := simplelru.NewLRU[string, *rate.Limiter](bucketsPerShard, nil)
		if err != nil {
			return nil, err
		}
		l.shards[i].buckets = buckets
	}
	return l, nil
}

// burst is the size of a bucket.
func (r RateLimit) burst() int { return cmp.Or(r.Burst, r.Requests) }

// quota is the state of a bucket after a request.
type quota struct {
	ok        bool
	remaining int
	reset     time.Duration // until the bucket is full
	retry     time.Duration // until the next request passes
}

// header is what the header RateLimit says of the quota of a name (draft-ietf-httpapi-ratelimit-headers).
func (q quota) header(name string) string {
	return `"` + name + `";r=` + strconv.Itoa(q.remaining) + `;t=` + strconv.Itoa(ceilSeconds(q.reset))
}

func (l *limiter) take(key string, now time.Time) quota {
	s := &l.shards[maphash.String(l.seed, key)%limiterShards]
	s.mu.Lock()
	bucket, found := s.buckets.Get(key)
	if !found {
		bucket = rate.NewLimiter(l.rate, l.burst)
		s.buckets.Add(key, bucket)
	}
	s.mu.Unlock()
	ok := bucket.AllowN(now, 1)
	left := max(0, bucket.TokensAt(now))
	return quota{
		ok:        ok,
		remaining: int(left),
		reset:     l.wait(float64(l.burst) - left),
		retry:     l.wait(1 - left),
	}
}

// wait is the time in which so many tokens come.
func (l *limiter) wait(tokens float64) time.Duration {
	return time.Duration(max(0, tokens) / float64(l.rate) * float64(time.Second))
}
