package payments

import (
	"context"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// Service calls the payment provider.
type Service struct {
	provider *http.Client
	fallback http.Client
}

// NewService guards the provider with a timeout and a breaker.
func NewService() *Service {
	s := &Service{provider: &http.Client{Transport: failsafehttp.NewRoundTripper(nil,
		timeout.New[*http.Response](time.Second), circuitbreaker.NewWithDefaults[*http.Response]())}}
	s.fallback.Transport = s.provider.Transport
	return s
}

// Capture calls it.
func (s *Service) Capture(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://pay.example.com/v1/captures", nil)
	if err != nil {
		return err
	}
	res, err := failsafehttp.NewRequest(req, http.DefaultClient, timeout.New[*http.Response](time.Second)).Do()
	if err != nil {
		res, err = s.provider.Do(req)
	}
	if err != nil {
		return err
	}
	return res.Body.Close()
}
