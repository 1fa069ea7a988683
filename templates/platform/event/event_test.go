package event_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

func TestNewCarriesDataAndTrace(t *testing.T) {
	sc := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: trace.FlagsSampled,
	})
	ctx := trace.ContextWithSpanContext(t.Context(), sc)

	m, err := event.New(ctx, "/shop/orders", "com.example.OrderPlaced", "shop.orders.events", "o-1", wrapperspb.String("hi"))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := uuid.Parse(m.ID); err != nil || id.Version() != 7 {
		t.Errorf("id %q is not a UUIDv7: %v", m.ID, err)
	}
	if m.Subject != "o-1" || m.Key != "o-1" || m.Time.IsZero() {
		t.Errorf("unexpected envelope: %+v", m)
	}
	var got wrapperspb.StringValue
	if err := proto.Unmarshal(m.Data, &got); err != nil || got.GetValue() != "hi" {
		t.Errorf("data = %q, %v", got.GetValue(), err)
	}
	remote := trace.SpanContextFromContext(m.Context(context.Background()))
	if remote.TraceID() != sc.TraceID() || remote.SpanID() != sc.SpanID() || !remote.IsRemote() || !remote.IsSampled() {
		t.Errorf("trace context = %+v", remote)
	}
}

func TestNewWithoutTrace(t *testing.T) {
	m, err := event.New(t.Context(), "/s", "t", "topic", "k", &wrapperspb.StringValue{})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Extensions) != 0 {
		t.Errorf("extensions = %v", m.Extensions)
	}
	if trace.SpanContextFromContext(m.Context(t.Context())).IsValid() {
		t.Error("a trace came from nowhere")
	}
}

func TestValidate(t *testing.T) {
	good := event.Message{ID: "1", Source: "/s", Type: "t", Topic: "x", Extensions: map[string]string{"sagaid": "1"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*event.Message)
		want   string
	}{
		"id":        {func(m *event.Message) { m.ID = "" }, "id is empty"},
		"source":    {func(m *event.Message) { m.Source = "" }, "source is empty"},
		"type":      {func(m *event.Message) { m.Type = "" }, "type is empty"},
		"topic":     {func(m *event.Message) { m.Topic = "" }, "topic is empty"},
		"extension": {func(m *event.Message) { m.Extensions = map[string]string{"saga-id": ""} }, `extension "saga-id"`},
	} {
		t.Run(name, func(t *testing.T) {
			m := good
			tc.change(&m)
			if err := m.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
