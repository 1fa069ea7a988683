package main

import (
	"context"
	"fmt"

	eventsv1 "example.com/shop/api/shop/events/v1"
	notificationsv1 "example.com/shop/api/shop/notifications/v1"
	"example.com/shop/platform/event"
	"example.com/shop/platform/rpc"
	"example.com/shop/services/notifications/internal/gen"
)

// OnOrderConfirmed addresses whoever placed the order, which the event itself does not hold, and notes what they might do then and now.
func (s *Service) OnOrderConfirmed(ctx context.Context, _ *gen.Tx, e *eventsv1.OrderConfirmed, delivery *notificationsv1.Delivery) error {
	delivery.OrderId = e.GetOrderId()
	cause := event.CauseOf(ctx)
	delivery.Kind = fmt.Sprintf("%s to %s, %s then %v now %v", cause.Type, rpc.Subject(ctx), cause.ID, cause.Scopes, rpc.Scopes(ctx))
	return nil
}
