package resilience

import (
	"sync"
	"time"
)

const (
	budgetPerCall   = 0.1 // retries that a call earns: under load, retries add 10 % at most
	budgetPerSecond = 10  // retries earned by time, for edges with few calls
	budgetBurst     = 10
)

// budget keeps retries from multiplying the load on a service that fails because of its load.
type budget struct {
	mu     sync.Mutex
	tokens float64
	last   time.Time // when tokens were last earned by time
}

func newBudget() *budget { return &budget{tokens: budgetBurst, last: time.Now()} }

// earn counts a call.
func (b *budget) earn() {
	b.mu.Lock()
	b.tokens = min(b.tokens+budgetPerCall, budgetBurst)
	b.mu.Unlock()
}

// spend returns whether there is a retry left, and takes it.
func (b *budget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.tokens+now.Sub(b.last).Seconds()*budgetPerSecond, budgetBurst)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
