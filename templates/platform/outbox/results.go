package outbox

import (
	"sync"
	"time"
)

// result is what became of a publish.
type result struct {
	row *row
	err error
	at  time.Time
}

// results passes them from the publisher's goroutines to the loop without ever blocking one.
type results struct {
	mu   sync.Mutex
	list []result
	wake chan struct{}
}

func (rs *results) add(r result) {
	rs.mu.Lock()
	rs.list = append(rs.list, r)
	rs.mu.Unlock()
	select {
	case rs.wake <- struct{}{}:
	default:
	}
}

func (rs *results) take() []result {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	list := rs.list
	rs.list = nil
	return list
}
