package outbox

import (
	"context"
	"maps"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// startSpan begins the span of one publish, as a child of the span that made the message and the parent of the
// consumer's. A message made outside of any sampled trace begins none; the function is nil then.
func startSpan(ctx context.Context, msg event.Message) (context.Context, event.Message, func(error)) {
	if !sampled(msg.Extensions["traceparent"]) {
		return ctx, msg, nil
	}
	ctx = msg.Context(ctx)
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, msg, nil
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

// sampled looks at the flags alone (W3C Trace Context §3.2.2.5): it spares the many messages of traces that no one
// records the cost of taking theirs apart.
func sampled(traceparent string) bool {
	const flags = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0")
	return len(traceparent) > flags && strings.IndexByte("13579bdf", traceparent[flags]) >= 0
}
