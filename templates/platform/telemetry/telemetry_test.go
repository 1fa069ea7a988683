package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// collector takes what processes export.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []string // service version span
}

func (c *collector) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		attrs := map[string]string{}
		for _, a := range rs.GetResource().GetAttributes() {
			attrs[a.GetKey()] = a.GetValue().GetStringValue()
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				c.spans = append(c.spans, attrs["service.name"]+" "+attrs["service.version"]+" "+span.GetName())
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// listen serves a collector and returns its URL.
func (c *collector) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(s, c)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	return "http://" + l.Addr().String()
}

func TestSpansReachTheCollector(t *testing.T) {
	var c collector
	var logs bytes.Buffer
	tel, err := start(t.Context(), "orders", "v1.2.3", Config{Endpoint: c.listen(t), Sampling: 1}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	_, span := otel.Tracer("test").Start(t.Context(), "place order")
	span.End()
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.spans, []string{"orders v1.2.3 place order"}) {
		t.Errorf("exported %q", c.spans)
	}
}

func TestSamplingFollowsTheCaller(t *testing.T) {
	var c collector
	var logs bytes.Buffer
	tel, err := start(t.Context(), "orders", "v1", Config{Endpoint: c.listen(t), Sampling: 0}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	incoming := func(flags string) context.Context {
		return otel.GetTextMapPropagator().Extract(t.Context(), propagation.MapCarrier{
			"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-" + flags})
	}
	for name, ctx := range map[string]context.Context{"new": t.Context(), "sampled": incoming("01"), "not sampled": incoming("00")} {
		ctx, span := otel.Tracer("test").Start(ctx, name)
		carrier := propagation.MapCarrier{}
		otel.GetTextMapPropagator().Inject(ctx, carrier)
		if carrier["traceparent"] == "" {
			t.Errorf("%s: the trace goes no further", name)
		}
		span.End()
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.spans, []string{"orders v1 sampled"}) {
		t.Errorf("exported %q", c.spans)
	}
}

func TestShutdownIsBoundedByItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // a collector that takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var logs syncBuffer
	tel, err := start(t.Context(), "orders", "v1", Config{Endpoint: "http://" + l.Addr().String(), Sampling: 1}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	_, span := otel.Tracer("test").Start(t.Context(), "place order")
	span.End()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tel.Shutdown(ctx); err == nil {
		t.Error("spans that were not exported went unnoticed")
	}
}

func TestErrorsOfOpenTelemetryAreLogged(t *testing.T) {
	var logs bytes.Buffer
	tel, err := start(t.Context(), "orders", "v1", Config{}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	otel.Handle(context.DeadlineExceeded)
	if got := lines(t, logs.String()); len(got) != 1 || got[0]["level"] != "WARN" || got[0]["error"] != "context deadline exceeded" {
		t.Errorf("logged %v", got)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogLines(t *testing.T) {
	var logs bytes.Buffer
	tel, err := start(t.Context(), "orders", "v1", Config{}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, span := otel.Tracer("test").Start(t.Context(), "place order")
	defer span.End()
	tel.Logger.With("worker", "relay").InfoContext(ctx, "in a trace", "Authorization", "Bearer x", "token", 1, "n", 1)
	tel.Logger.Info("outside", slog.Group("db", "password", "hunter2", "host", "db"))
	tel.Logger.Debug("too much")

	got := lines(t, logs.String())
	if len(got) != 2 {
		t.Fatalf("logged %v", got)
	}
	id := trace.SpanContextFromContext(ctx)
	for key, want := range map[string]any{"service": "orders", "worker": "relay", "msg": "in a trace", "level": "INFO", "n": 1.0,
		"Authorization": "[redacted]", "token": "[redacted]", "trace_id": id.TraceID().String(), "span_id": id.SpanID().String()} {
		if got[0][key] != want {
			t.Errorf("%s: %v, want %v", key, got[0][key], want)
		}
	}
	if _, traced := got[1]["trace_id"]; traced || strings.Contains(logs.String(), "hunter2") || !strings.Contains(logs.String(), `"host":"db"`) {
		t.Errorf("logged %s", logs.String())
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLogFormatAndLevel(t *testing.T) {
	var logs bytes.Buffer
	tel, err := start(t.Context(), "orders", "v1", Config{LogFormat: "text", LogLevel: slog.LevelWarn}, &logs)
	if err != nil {
		t.Fatal(err)
	}
	tel.Logger.Info("less")
	tel.Logger.Warn("more", "secret", "x")
	if s := logs.String(); !strings.Contains(s, `level=WARN msg=more service=orders secret=[redacted]`) || strings.Contains(s, "less") {
		t.Errorf("logged %s", s)
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, cfg := range map[string]Config{
		"TRACE_SAMPLING 1.5":          {Sampling: 1.5},
		"TRACE_SAMPLING -1":           {Sampling: -1},
		`LOG_FORMAT "xml"`:            {LogFormat: "xml"},
		"OTEL_EXPORTER_OTLP_ENDPOINT": {Endpoint: "collector:4317"},
	} {
		if _, err := start(t.Context(), "orders", "v1", cfg, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestRegistryHasTheProcess(t *testing.T) {
	tel, err := start(t.Context(), "orders", "v1", Config{}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	for _, want := range []string{"go_goroutines", "go_build_info"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	if err := tel.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func lines(t *testing.T, logs string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(logs) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

// syncBuffer may be written to by the exporter.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
