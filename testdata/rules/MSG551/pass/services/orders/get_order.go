package orders

import (
	"context"
	"net/http"
)

// Get hands the context on, and keeps the trace of what outlives it.
func Get(ctx context.Context, done func(context.Context)) {
	if ctx == nil {
		ctx = context.Background()
	}
	go done(context.WithoutCancel(ctx))
}

// Start has no caller with a context.
func Start(done func(context.Context)) { done(context.Background()) }

// Ask hands it to the request.
func Ask(ctx context.Context) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodGet, "https://example.com", nil)
}
