package e2e_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// load is a customer who orders one thing after the other. The test fails at the first order that is not taken.
type load struct {
	t       *testing.T
	placed  atomic.Int64
	stop    context.CancelFunc
	ordered sync.WaitGroup
}

// placeOrders begins to order, until finish.
func placeOrders(t *testing.T, shop *e2e.System, write string) *load {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	l := &load{t: t, stop: stop}
	l.ordered.Go(func() {
		for ctx.Err() == nil {
			got, err := trySend(context.WithoutCancel(ctx), shop, http.MethodPost, "/v1/orders", write, "", order("tea", 1))
			if err != nil || got.Status != http.StatusCreated {
				t.Errorf("after %d orders, one failed: %v %v", l.placed.Load(), got, err)
				return
			}
			l.placed.Add(1)
			time.Sleep(20 * time.Millisecond) // below the gateway's limit
		}
	})
	t.Cleanup(l.end)
	return l
}

func (l *load) end() {
	l.stop()
	l.ordered.Wait()
}

// finish ends the load, of which there must have been some.
func (l *load) finish() {
	l.t.Helper()
	l.end()
	if n := l.placed.Load(); n < 20 {
		l.t.Errorf("only %d orders were placed", n)
	}
}
