package main

import (
	"context"

	ordersv1 "example.com/shop/api/shop/orders/v1"
	pricingv1 "example.com/shop/api/shop/pricing/v1"
)

// PreparePlaceOrder asks what the order costs: a client does not name its own price.
func (s *Service) PreparePlaceOrder(ctx context.Context, req *ordersv1.PlaceOrderRequest) error {
	quote := &pricingv1.QuoteOrderRequest{CustomerId: req.GetCustomerId()}
	for _, line := range req.GetLines() {
		quote.Lines = append(quote.Lines, &pricingv1.QuoteLine{Sku: line.GetSku(), Quantity: line.GetQuantity()})
	}
	res, err := s.Pricing.QuoteOrder(ctx, quote)
	if err != nil {
		return err
	}
	req.Total = res.GetTotal()
	return nil
}
