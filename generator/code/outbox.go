package code

import "go/ast"

// publishers put messages on a broker, or connect to one in order to.
func publishers() map[string]bool {
	return table(
		"github.com/twmb/franz-go/pkg/kgo: NewClient NewGroupTransactSession Client.Produce Client.ProduceSync Client.TryProduce "+
			"GroupTransactSession.Produce GroupTransactSession.ProduceSync GroupTransactSession.TryProduce",
		"platform/kafka: NewPublisher Publisher.Publish",
		"github.com/IBM/sarama: NewSyncProducer NewSyncProducerFromClient NewAsyncProducer NewAsyncProducerFromClient SyncProducer.SendMessage "+
			"SyncProducer.SendMessages",
		"github.com/Shopify/sarama: NewSyncProducer NewSyncProducerFromClient NewAsyncProducer NewAsyncProducerFromClient SyncProducer.SendMessage "+
			"SyncProducer.SendMessages",
		"github.com/segmentio/kafka-go: NewWriter Writer.WriteMessages Conn.WriteMessages Client.Produce",
		"github.com/confluentinc/confluent-kafka-go/kafka: NewProducer Producer.Produce",
		"github.com/rabbitmq/amqp091-go: Channel.Publish Channel.PublishWithContext Channel.PublishWithDeferredConfirm "+
			"Channel.PublishWithDeferredConfirmWithContext",
		"github.com/streadway/amqp: Channel.Publish",
		"github.com/nats-io/nats.go: Conn.Publish Conn.PublishMsg Conn.PublishRequest JetStream.Publish JetStream.PublishMsg JetStream.PublishAsync "+
			"JetStream.PublishMsgAsync",
		"github.com/nats-io/nats.go/jetstream: Publisher.Publish Publisher.PublishMsg Publisher.PublishAsync Publisher.PublishMsgAsync",
		"github.com/ThreeDotsLabs/watermill/message: Publisher.Publish",
		"cloud.google.com/go/pubsub: Topic.Publish Publisher.Publish",
		"github.com/aws/aws-sdk-go-v2/service/sns: Client.Publish Client.PublishBatch",
		"github.com/aws/aws-sdk-go-v2/service/sqs: Client.SendMessage Client.SendMessageBatch",
	)
}

// pastOutbox finds messages that are published, or are about to be, other than by the outbox (MSG252).
func pastOutbox(u *unit) {
	if u.shared() {
		return
	}
	u.uses(publishers(), func(file *ast.File, at ast.Node, symbol string, _ []ast.Node) {
		u.add(file, at, finding{
			message: short(symbol) + " goes to the broker past the outbox",
			label:   "not part of the transaction",
			help:    "name the event in sends of the method (msgen.yaml) or call tx.Send…: the outbox publishes it if and only if the transaction commits",
		})
	})
}
