package orders

import "context"

// Tx has the outbox.
type Tx interface {
	SendOrderPlaced(ctx context.Context, id string) error
}

// PlaceOrder sends the event with the row.
func PlaceOrder(ctx context.Context, tx Tx, id string) error { return tx.SendOrderPlaced(ctx, id) }
