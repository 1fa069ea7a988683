package outbox

import (
	"context"
	"maps"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// startSpan begins the span of one publish, as a child of the span that made the message and the parent of the
// consumer's. A message made outside of any trace begins none.
func startSpan(ctx context.Context, msg event.Message) (context.Context, event.Message, func(error)) {
	ctx = msg.Context(ctx)
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, msg, func(error) {}
	}
	ctx, span := otel.Tracer("platform/outbox").Start(ctx, "publish "+msg.Topic, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			attribute.String("messaging.operation.type", "send"),
			attribute.String("messaging.destination.name", msg.Topic),
			attribute.String("messaging.message.id", msg.ID),
			attribute.String("cloudevents.event_type", msg.Type),
		))
	msg.Extensions = maps.Clone(msg.Extensions) // a repeat is a child of the same span again
	msg.Inject(ctx)
	return ctx, msg, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
