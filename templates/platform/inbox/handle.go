package inbox

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// handle runs the handlers of a message in a consumer span that continues the sender's trace.
func (in *Inbox) handle(ctx context.Context, tx pgx.Tx, msg event.Message, attempt int) (err error) {
	msg.Attempt = attempt
	// Attribute names: OpenTelemetry semantic conventions for messaging.
	ctx, span := otel.Tracer("platform/inbox").Start(msg.Context(ctx), "process "+msg.Type,
		trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.destination.name", msg.Topic),
			attribute.String("messaging.consumer.group.name", in.group),
			attribute.String("messaging.message.id", msg.ID),
			attribute.Int("messaging.delivery.attempt", attempt),
		))
	started := time.Now()
	defer func() {
		in.metrics.seconds.WithLabelValues(msg.Type).Observe(time.Since(started).Seconds())
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}()
	for _, h := range in.routes[msg.Type].handlers {
		if err := guarded(ctx, tx, msg, h.handle); err != nil {
			return failure{err, h.where}
		}
	}
	return nil
}

// failure is the error of a handler.
type failure struct {
	error
	where string
}

func (f failure) Unwrap() error { return f.error }

// guarded turns a panic of h into an error: it must not take down the consumers of other messages.
func guarded(ctx context.Context, tx pgx.Tx, msg event.Message, h Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return h(ctx, tx, msg)
}
