package payments

import (
	"context"
	"net/http"
	"time"
)

var provider = &http.Client{Timeout: time.Second}

var plain http.Client

type service struct {
	bank http.Client
}

func (s *service) capture(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://pay.example.com/v1/captures", nil)
	if err != nil {
		return err
	}
	for _, c := range []*http.Client{provider, &plain, &s.bank, http.DefaultClient, {Transport: http.DefaultTransport}} {
		if res, err := c.Do(req); err == nil {
			return res.Body.Close()
		}
	}
	res, err := http.Get("http://inventory:8080/v1/stock")
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	res, err = s.bank.Get("https://bank.example.com")
	if err != nil {
		return err
	}
	return res.Body.Close()
}
