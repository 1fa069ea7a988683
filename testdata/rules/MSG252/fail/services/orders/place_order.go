package orders

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"example.com/shop/platform/kafka"
)

// PlaceOrder tells of an order that may yet be rolled back.
func PlaceOrder(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers("kafka:9092"))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ProduceSync(ctx, &kgo.Record{Topic: "orders"}).FirstErr()
}

// PlaceOrders does so through the relay's publisher.
func PlaceOrders(ctx context.Context, p *kafka.Publisher) {
	p.Publish(ctx, "orders")
}
