package signing

import (
	"context"
	"sync"
	"time"
)

// maxNonces bounds the nonces that a process remembers, at about 100 bytes each: 3000 requests a second for the window and its double.
const maxNonces = 1 << 21

// Nonces remembers nonces for all replicas of a service. Claim is false for one that another replica has taken within ttl; an error says that
// this could not be told. It has to be safe for concurrent use.
type Nonces interface {
	Claim(ctx context.Context, nonce string, ttl time.Duration) (bool, error)
}

// nonceLife is how long replicas remember a nonce: a request is in time for twice the window if it was signed by a clock that is ahead.
const nonceLife = 2 * Window

// nonces remembers those of requests whose signature would still be in time. It is of one process: unless its replicas share Nonces as well, a
// request can be replayed once to each of them within the window. Mutual TLS keeps requests from being read, and idempotency keys from being
// done twice.
type nonces struct {
	mu      sync.Mutex
	max     int
	seen    map[string]time.Time // until when each counts
	cleared time.Time
}

func newNonces(limit int) *nonces { return &nonces{max: limit, seen: map[string]time.Time{}} }

// sweepEvery is how often nonces that no longer count are forgotten.
const sweepEvery = 10 * time.Second

// take is false for a nonce that was taken already, and when there is no room to remember one: what cannot be told from a replay is refused.
func (n *nonces) take(nonce string, until, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.cleared) >= sweepEvery {
		n.cleared = now
		for old, end := range n.seen {
			if end.Before(now) {
				delete(n.seen, old)
			}
		}
	}
	if _, twice := n.seen[nonce]; twice || len(n.seen) >= n.max {
		return false
	}
	n.seen[nonce] = until
	return true
}
