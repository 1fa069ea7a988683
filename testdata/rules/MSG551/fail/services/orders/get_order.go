package orders

import (
	"context"
	"net/http"

	"google.golang.org/grpc"
)

type service struct{}

func (s *service) get(ctx context.Context, load func(context.Context)) {
	load(context.Background())
	go func() {
		load(context.TODO())
	}()
	//msgen:ignore MSG551 -- the audit entry belongs to no request
	load(context.Background())
}

func handle(_ http.ResponseWriter, r *http.Request, load func(context.Context)) {
	load(context.Background())
}

func watch(stream grpc.ServerStream, load func(context.Context)) {
	load(context.Background())
}

func ask(context.Context) (*http.Request, error) {
	return http.NewRequest(http.MethodGet, "https://example.com", nil)
}
