package main

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	paymentv1 "example.com/bazaar/api/bazaar/payment/v1"
	"example.com/bazaar/services/payment/internal/gen"
)

// TakePayment refuses what is too much.
func (s *Service) TakePayment(ctx context.Context, tx *gen.Tx, req *paymentv1.TakePaymentRequest, payment *paymentv1.Payment) error {
	if req.GetTotal() > 1000 {
		return status.Errorf(codes.FailedPrecondition, "%d is too much", req.GetTotal())
	}
	return nil
}
