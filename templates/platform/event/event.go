// Package event holds the envelope that messages travel in between services: CloudEvents 1.0, neutral to the
// transport. The outbox stores it, a broker package maps it to headers, the inbox receives it.
package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/protobuf/proto"
)

// SpecVersion is the CloudEvents version of every message.
const SpecVersion = "1.0"

// DataContentType is the media type of every message's Data.
const DataContentType = "application/protobuf"

// TypeMalformed is the type of a received message whose envelope could not be read. Such a message carries the raw
// bytes as Data, and the inbox parks it: it is neither lost nor in the way of those behind it.
const TypeMalformed = "msgen.malformed"

// Message is one CloudEvent and where it goes to, or came from.
type Message struct {
	// ID is unique for ever, Source names the service that sent it ("/shop/orders"), Type what happened
	// ("com.example.shop.orders.v1.OrderPlaced") and Subject to what (the Key).
	ID, Source, Type, Subject string
	// Time is when the message was made, in UTC.
	Time time.Time
	// Topic is where the message goes. Messages of one Topic with the same Key are delivered in order.
	Topic, Key string
	// Data is the protobuf wire form of the payload.
	Data []byte
	// Extensions are CloudEvents extension attributes: traceparent, tracestate, authid, sagaid, ...
	Extensions map[string]string

	// Attempt (1-based, 0 if unknown), Partition and Offset are known to a consumer only.
	Attempt   int
	Partition int32
	Offset    int64
	// Appended is when the broker took the message by its own clock, known to a consumer; zero if the broker does not say.
	Appended time.Time
}

// New returns the message that carries data. Its id is a UUIDv7, its subject is key, and the trace that ctx is part
// of and who caused it (see CauseOf) go along in Extensions.
func New(ctx context.Context, source, typ, topic, key string, data proto.Message) (Message, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return Message{}, fmt.Errorf("make event id: %w", err)
	}
	raw, err := proto.Marshal(data)
	if err != nil {
		return Message{}, fmt.Errorf("encode %s: %w", typ, err)
	}
	m := Message{
		ID: id.String(), Source: source, Type: typ, Subject: key,
		Time: time.Now().UTC(), Topic: topic, Key: key, Data: raw,
		Extensions: map[string]string{},
	}
	m.Inject(ctx)
	return m, m.Validate()
}

// Inject makes ctx's span the one that the message's receiver continues, and ctx's cause the message's.
func (m *Message) Inject(ctx context.Context) {
	if m.Extensions == nil {
		m.Extensions = map[string]string{}
	}
	propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(m.Extensions))
	CauseOf(ctx).inject(m.Extensions)
}

// Context returns ctx with the message's trace as the remote parent of new spans, and its cause as that of new messages.
func (m Message) Context(ctx context.Context) context.Context {
	return WithCause(propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(m.Extensions)), m.Cause())
}

// Validate reports what keeps the message from being sent: a required attribute of CloudEvents 1.0 §3.1 that is
// missing, no topic, or an extension whose name is not made of a-z and 0-9 (§3.1.1, naming conventions).
func (m Message) Validate() error {
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"id", m.ID}, {"source", m.Source}, {"type", m.Type}, {"topic", m.Topic},
	} {
		if f.value == "" {
			errs = append(errs, fmt.Errorf("%s is empty", f.name))
		}
	}
	for name := range m.Extensions {
		if !isAttributeName(name) {
			errs = append(errs, fmt.Errorf("extension %q: only a-z and 0-9 are allowed", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("event %s: %w", m.Type, err)
	}
	return nil
}

func isAttributeName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
