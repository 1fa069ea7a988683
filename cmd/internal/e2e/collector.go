package e2e

import (
	"context"
	"encoding/hex"
	"net"
	"strings"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
)

// Span is one received span.
type Span struct {
	TraceID, Service, Name string
	// Text is all that the span says in words: its name, its status, its attributes and those of its events.
	Text string
}

// Collector receives traces over OTLP/gRPC.
type Collector struct {
	collectorpb.UnimplementedTraceServiceServer

	listener net.Listener
	server   *grpc.Server

	mu    sync.Mutex
	spans []Span
}

// NewCollector starts a collector on loopback.
func NewCollector() (*Collector, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Collector{listener: listener, server: grpc.NewServer()}
	collectorpb.RegisterTraceServiceServer(c.server, c)
	go func() { _ = c.server.Serve(listener) }()
	return c, nil
}

// Endpoint is the OTLP endpoint.
func (c *Collector) Endpoint() string { return "http://" + c.listener.Addr().String() }

// Close stops the collector.
func (c *Collector) Close() { c.server.Stop() }

// Export implements the OTLP service.
func (c *Collector) Export(_ context.Context, req *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		service := ""
		for _, a := range rs.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, span := range ss.GetSpans() {
				c.spans = append(c.spans, Span{TraceID: hex.EncodeToString(span.GetTraceId()), Service: service, Name: span.GetName(), Text: words(span)})
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

// Services returns which services sent spans of a trace.
func (c *Collector) Services(traceID string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	services := map[string]int{}
	for _, s := range c.spans {
		if s.TraceID == traceID {
			services[s.Service]++
		}
	}
	return services
}

func words(span *tracepb.Span) string {
	text := []string{span.GetName(), span.GetStatus().GetMessage(), span.GetTraceState()}
	attributes := span.GetAttributes()
	for _, e := range span.GetEvents() {
		text = append(text, e.GetName())
		attributes = append(attributes, e.GetAttributes()...)
	}
	for _, a := range attributes {
		text = append(text, a.GetKey()+"="+a.GetValue().GetStringValue())
	}
	return strings.Join(text, "\n")
}

// Holding returns the spans whose text holds a word.
func (c *Collector) Holding(word string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var spans []Span
	for _, s := range c.spans {
		if strings.Contains(s.Text, word) {
			spans = append(spans, s)
		}
	}
	return spans
}
